/** The Wi-Fi side of a device: carries out the settings on the radio, and keeps the station associated. */
import { type Clock, NEVER } from "../core/clock.js";
import type { Random } from "../core/random.js";
import type { Radio, RadioOptions, ScannedNetwork } from "../platform/radio.js";
import { DEFAULT_WIFI_SETTINGS, type WifiSettings } from "./settings.js";
import { StationLink } from "./stationLink.js";

/** Of our access point: what the driver has room for without more memory. */
const MAX_STATIONS = 8;
/** A scan that the driver says nothing of. */
const SCAN_MS = 10_000;
/** More are not worth their memory. */
const MAX_SCANNED = 20;

export class Wifi {
  settings: WifiSettings = DEFAULT_WIFI_SETTINGS;
  readonly link: StationLink;
  /** What the last scan found; undefined while one is under way. */
  scanned: readonly ScannedNetwork[] | undefined = [];
  /** The driver's last refusal, in a sentence; "" for none. */
  problem = "";
  readonly #clock: Clock;
  readonly #radio: Radio;
  #scanUntilMs = NEVER;

  constructor(clock: Clock, random: Random, open: (options: RadioOptions) => Radio) {
    this.#clock = clock;
    this.link = new StationLink(clock, random, () => this.#connect());
    this.#radio = open({
      onStation: (isUp, reason) => this.link.onStation(isUp, reason),
      onScanned: () => this.#takeScanned(),
    });
  }

  /** Carries out what differs. Throws the driver's sentence, and changes nothing, when it refuses. */
  configure(settings: WifiSettings): void {
    const before = this.settings;
    const differs = (...names: (keyof WifiSettings)[]) => names.some((name) => settings[name] !== before[name]);
    if (differs("country")) this.#radio.setCountry(settings.country);
    if (differs("powerDbm")) this.#radio.setTransmitPower(settings.powerDbm);
    if (differs("accessPointSsid", "accessPointPassword", "isHidden", "channel")) this.#openAccessPoint(settings);
    this.settings = settings;
    if (differs("stationSsid", "stationPassword")) this.#joinNetwork();
  }

  /** Throws a sentence when the driver refuses. */
  scan(): void {
    this.#radio.scan();
    this.scanned = undefined;
    this.#scanUntilMs = this.#clock.now + SCAN_MS;
  }

  /** Of the network the station is associated with, in dBm; 0 for none. */
  get signalDbm(): number {
    return this.link.state === "up" ? this.#radio.signal() : 0;
  }

  /** Stations of our access point. */
  get stations(): number {
    return this.settings.accessPointSsid === "" ? 0 : this.#radio.stations();
  }

  poll(): void {
    this.#radio.poll();
    this.link.poll();
    if (this.#clock.now >= this.#scanUntilMs) this.#takeScanned();
  }

  nextDeadline(): number {
    return Math.min(this.link.nextDeadline(), this.#scanUntilMs);
  }

  #openAccessPoint({ accessPointSsid, accessPointPassword, channel, isHidden }: WifiSettings): void {
    if (accessPointSsid === "") this.#radio.closeAccessPoint();
    else this.#radio.openAccessPoint(accessPointSsid, accessPointPassword, channel, isHidden, MAX_STATIONS);
  }

  #joinNetwork(): void {
    if (this.settings.stationSsid === "") {
      this.link.stop();
      this.#radio.disconnect();
    } else {
      this.link.start();
    }
  }

  /** A driver that refuses is asked again later. */
  #connect(): void {
    try {
      this.problem = "";
      this.#radio.connect(this.settings.stationSsid, this.settings.stationPassword);
    } catch (error) {
      this.problem = (error as Error).message;
      this.link.onStation(false, 0);
    }
  }

  #takeScanned(): void {
    this.#scanUntilMs = NEVER;
    const found: ScannedNetwork[] = [];
    for (let one = this.#radio.nextScanned(); one !== undefined; one = this.#radio.nextScanned()) {
      if (found.length < MAX_SCANNED) found.push(one);
    }
    this.scanned = found;
  }
}
