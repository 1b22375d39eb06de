/*
 * What the prober plays, and the same for each device:
 *
 *     L1 192.168.1.10 ┐                                       ┌ W1, W2: two addresses of 198.51.100.0/24 for each probe
 *     L2 192.168.1.50 ┼ 192.168.1.1 [device] 203.0.113.2 ── ISP 203.0.113.1
 *     L3 192.168.1.77 ┘
 */

export const LAN_PREFIX = "192.168.1.0/24";
export const DEVICE_LAN = "192.168.1.1";
export const DEVICE_WAN = "203.0.113.2";
export const ISP = "203.0.113.1";
export const ISP_MAC = "02:00:00:00:01:01";
/** So that packets of 1500 bytes are too big. */
export const WAN_MTU = 1400;
/** TCP and UDP to this port of the device's WAN address go to the same port of L2. */
export const FORWARDED_PORT = 25565;

/** A host of the LAN. */
export interface Station {
  readonly address: string;
  readonly mac: string;
}

export const L1: Station = { address: "192.168.1.10", mac: "02:00:00:00:00:10" };
export const L2: Station = { address: "192.168.1.50", mac: "02:00:00:00:00:50" };
/** Carries the prober's own marks besides, see Wire. */
export const L3: Station = { address: "192.168.1.77", mac: "02:00:00:00:00:77" };
export const STATIONS: readonly Station[] = [L1, L2, L3];

/** Routers on the way, from which errors come that are no peer of any flow. */
export const TRANSIT_ROUTER = "198.51.100.253";
/** The prober's own marks go there. */
export const MARK_PEER = "198.51.100.250";
