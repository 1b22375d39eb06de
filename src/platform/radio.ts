/** A board's Wi-Fi radio: one station, which associates with a network, and one access point of our own. */

export interface RadioOptions {
  /** The station was associated, or lost its access point for `reason` (802.11 reason code; from 200, the driver's own). */
  onStation(isUp: boolean, reason: number): void;
  /** A scan is finished: `nextScanned` tells what was found. */
  onScanned(): void;
}

export interface ScannedNetwork {
  /** As broadcast, one character for each byte; empty when hidden. */
  readonly ssid: string;
  readonly channel: number;
  readonly signalDbm: number;
  /** Such as `wpa2`; `open` for none. */
  readonly security: string;
}

/**
 * Its methods throw an Error of one sentence when their parameters are out of range, or the driver refuses them. Names and
 * passwords of networks are bytes, one character each.
 */
export interface Radio {
  /** Associates with a network, by WPA2 or WPA3 unless the password is empty. `onStation` tells how it went. */
  connect(ssid: string, password: string): void;
  disconnect(): void;
  /** Opens the access point, or changes the open one; an empty password leaves it open for everybody. */
  openAccessPoint(ssid: string, password: string, channel: number, isHidden: boolean, maximumStations: number): void;
  closeAccessPoint(): void;
  /** Two letters of ISO 3166, or `01` for what is allowed everywhere. */
  setCountry(code: string): void;
  /** In dBm. */
  setTransmitPower(dBm: number): void;
  /** Takes about 2 s; `onScanned` tells when it is done. */
  scan(): void;
  /** One network of the last scan, and no more of it; undefined after the last. */
  nextScanned(): ScannedNetwork | undefined;
  /** Of the access point that the station is associated with, in dBm; 0 for none. */
  signal(): number;
  /** How many stations our access point has. */
  stations(): number;
  /** To be called about once a second: has `onStation` and `onScanned` called for what was not told when it happened. */
  poll(): void;
}
