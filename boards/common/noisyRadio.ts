/**
 * A radio beside the chip's random numbers: a running radio is their source of noise, and any other source must be off
 * while the driver is made ready, and before it starts. A station makes noise without a network, too, as long as the driver
 * does not let it sleep (CONFIG_ESP_WIFI_STA_DISCONNECTED_PM_ENABLE=n).
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

  /** `source` is on; `open` leaves the radio silent. */
  constructor(open: () => Radio, source: EntropySource) {
    this.#source = source;
    source.disableEntropy();
    try {
      this.#radio = open();
    } finally {
      source.enableEntropy();
    }
  }

  connect(ssid: string, password: string): void {
    this.#isStationOn = true;
    this.#start();
    this.#radio.connect(ssid, password);
  }

  disconnect(): void {
    this.#radio.disconnect();
  }

  openAccessPoint(ssid: string, password: string, channel: number, isHidden: boolean, maximumStations: number): void {
    this.#start();
    try {
      this.#radio.openAccessPoint(ssid, password, channel, isHidden, maximumStations);
      this.#isAccessPointOpen = true;
    } finally {
      this.#stop();
    }
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

  poll(): void {
    this.#radio.poll();
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#source.disableEntropy();
  }

  /** When nothing keeps the radio running. */
  #stop(): void {
    if (!this.#isRunning || this.#isStationOn || this.#isAccessPointOpen) return;
    this.#isRunning = false;
    this.#source.enableEntropy();
  }
}
