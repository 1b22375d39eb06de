/**
 * A radio beside the chip's random numbers: a running radio is their source of noise, and any other source must be off
 * before it starts.
 */
import type { Radio, ScannedNetwork } from "../../src/platform/radio.js";

export interface EntropySource {
  enableEntropy(): void;
  disableEntropy(): void;
}

export class NoisyRadio implements Radio {
  readonly #radio: Radio;
  readonly #source: EntropySource;
  /** The driver does not turn it off again. */
  #isStationOn = false;
  #isAccessPointOpen = false;
  #isRunning = false;

  /** `source` is on. */
  constructor(radio: Radio, source: EntropySource) {
    this.#radio = radio;
    this.#source = source;
  }

  connect(ssid: string, password: string, channel: number): void {
    this.#isStationOn = true;
    this.#start();
    this.#radio.connect(ssid, password, channel);
  }

  disconnect(): void {
    this.#radio.disconnect();
  }

  openAccessPoint(ssid: string, password: string, channel: number, isHidden: boolean, maximumStations: number): void {
    this.#start();
    this.#radio.openAccessPoint(ssid, password, channel, isHidden, maximumStations);
    this.#isAccessPointOpen = true;
  }

  closeAccessPoint(): void {
    this.#radio.closeAccessPoint();
    this.#isAccessPointOpen = false;
    this.#stop();
  }

  setCountry(code: string): void {
    this.#radio.setCountry(code);
  }

  setTransmitPower(dBm: number): void {
    this.#radio.setTransmitPower(dBm);
  }

  scan(): void {
    this.#isStationOn = true;
    this.#start();
    this.#radio.scan();
  }

  nextScanned(): ScannedNetwork | undefined {
    return this.#radio.nextScanned();
  }

  signal(): number {
    return this.#radio.signal();
  }

  stations(): number {
    return this.#radio.stations();
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#source.disableEntropy();
  }

  #stop(): void {
    if (!this.#isRunning || this.#isStationOn || this.#isAccessPointOpen) return;
    this.#isRunning = false;
    this.#source.enableEntropy();
  }
}
