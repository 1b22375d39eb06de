/**
 * The board's radio: its settings and events. Frames come and go by a FramePort of medium `station` or `accessPoint`. Names
 * and passwords of networks are bytes, one character each.
 */
import { bytesOf, textOf } from "./latin1.js";

export interface WifiOptions {
  /** The station was associated, or lost its access point for `reason` (802.11 reason code; from 200, Espressif's own). */
  onStation: (isUp: boolean, reason: number) => void;
  /** A scan is finished: `nextScanned` tells what was found. */
  onScanned: () => void;
}

export type WifiSecurity = "open" | "wep" | "wpa" | "wpa2" | "wpa3" | "wpa2-wpa3" | "other";

export interface ScannedNetwork {
  /** As broadcast; empty when hidden. */
  ssid: string;
  channel: number;
  /** Signal strength in dBm. */
  signalDbm: number;
  security: WifiSecurity;
}

/**
 * There is one radio: a second object throws until the first is closed. Every method throws an Error of one sentence when
 * its parameters are out of range or the driver refuses them. Trying again after a lost connection is the caller's.
 */
export class Wifi extends Native("xs_porterWifi_destructor") {
  constructor(options: WifiOptions) {
    super();
    native("xs_porterWifi").call(this, options);
  }

  /**
   * Associates with a network: WPA2 or WPA3 with a password (8-63 characters, or 64 hexadecimal digits), open with an empty
   * one. `onStation` tells how it went.
   */
  connect(ssid: string, password: string): void {
    connect.call(this, bytesOf(ssid), bytesOf(password));
  }

  /** Leaves the network; the station stays able to scan. */
  disconnect(): void {
    native("xs_porterWifi_disconnect").call(this);
  }

  /**
   * Opens an access point, or changes the open one: WPA2 and WPA3 with a password (8-63 characters), open with an empty
   * one; `maximumStations` 1-10. With a station associated, the radio stays on that one's channel. To be called before
   * `connect`, so that the driver has no moment with settings of its own.
   */
  openAccessPoint(ssid: string, password: string, channel: number, isHidden: boolean, maximumStations: number): void {
    openAccessPoint.call(this, bytesOf(ssid), bytesOf(password), channel, isHidden, maximumStations);
  }

  closeAccessPoint(): void {
    native("xs_porterWifi_closeAccessPoint").call(this);
  }

  /** Two letters (ISO 3166), or "01" for what is allowed everywhere. */
  setCountry(code: string): void {
    native("xs_porterWifi_setCountry").call(this, code);
  }

  /** 2-20 dBm; kept until the radio is on. */
  setTransmitPower(dBm: number): void {
    native("xs_porterWifi_setTransmitPower").call(this, dBm);
  }

  /** Looks for networks on all channels, about 2 s; `onScanned` tells when it is done. */
  scan(): void {
    native("xs_porterWifi_scan").call(this);
  }

  /** One network of the last scan, and no more of it: undefined after the last. */
  nextScanned(): ScannedNetwork | undefined {
    const found = nextScanned.call(this);
    return found === undefined ? undefined : { ...found, ssid: textOf(new Uint8Array(found.ssid)) };
  }

  /** The access point's signal in dBm, while the station is associated; else 0. */
  signal(): number {
    return native("xs_porterWifi_signal").call(this);
  }

  /** How many stations our access point has. */
  stations(): number {
    return native("xs_porterWifi_stations").call(this);
  }

  /** To be called now and then: has told what the engine's queue had no room for. */
  poll(): void {
    native("xs_porterWifi_poll").call(this);
  }

  close(): void {
    native("xs_porterWifi_close").call(this);
  }
}

// The engine's side has names and passwords as bytes: its strings are UTF-8, which what comes from the air need not be.

interface ScannedBytes extends Omit<ScannedNetwork, "ssid"> {
  ssid: ArrayBuffer;
}

function connect(this: Wifi, ssid: Uint8Array, password: Uint8Array): void {
  native("xs_porterWifi_connect").call(this, ssid, password);
}

function openAccessPoint(
  this: Wifi,
  ssid: Uint8Array,
  password: Uint8Array,
  channel: number,
  isHidden: boolean,
  maximumStations: number,
): void {
  native("xs_porterWifi_openAccessPoint").call(this, ssid, password, channel, isHidden, maximumStations);
}

function nextScanned(this: Wifi): ScannedBytes | undefined {
  return native("xs_porterWifi_nextScanned").call(this);
}
