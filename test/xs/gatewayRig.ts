/**
 * A gateway between two ports, for every engine: what stands here runs on XS too, where no test framework is.
 *
 *     laptop 192.168.1.10 ┐                                   ┌ router 203.0.113.1 ── server 198.51.100.80
 *     gamePc 192.168.1.50 ┴ 192.168.1.1 [gateway] 203.0.113.2 ┘                    └─ friend 198.51.100.90
 */

import { SeededRandom } from "../../host-sim/random.js";
import { parseAddress } from "../../src/core/address.js";
import { type Capacity, DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import type { Frame } from "../../src/core/frame.js";
import { Gateway, LAN, WAN } from "../../src/gateway.js";
import type { MappingInfo } from "../../src/nat/nat.js";
import { DEFAULT_NAT_SETTINGS, type NatSettings } from "../../src/nat/settings.js";
import type { FramePort } from "../../src/platform/framePort.js";
import { arpFrame, loadFrame } from "../support/frames.js";

/** One end of a conversation, and where its frames come in. */
export interface End {
  readonly address: string;
  /** Of the station that its frames come from: its own, or the router's. */
  readonly mac: string;
  readonly side: typeof LAN | typeof WAN;
}

const ROUTER_MAC = "02:00:00:00:01:01";
export const LAPTOP: End = { address: "192.168.1.10", mac: "02:00:00:00:00:10", side: LAN };
export const GAME_PC: End = { address: "192.168.1.50", mac: "02:00:00:00:00:50", side: LAN };
export const ROUTER: End = { address: "203.0.113.1", mac: ROUTER_MAC, side: WAN };
export const SERVER: End = { address: "198.51.100.80", mac: ROUTER_MAC, side: WAN };
export const FRIEND: End = { address: "198.51.100.90", mac: ROUTER_MAC, side: WAN };
/** The gateway's own ends. */
export const OUR_LAN: End = { address: "192.168.1.1", mac: "02:00:00:00:00:01", side: LAN };
export const OUR_WAN: End = { address: "203.0.113.2", mac: "02:00:00:00:00:02", side: WAN };

/** The addresses of a frame between two ends as it reaches the gateway; spread them into a frame builder's fields. */
export function between(from: End, to: End) {
  const station = from.side === LAN ? OUR_LAN : OUR_WAN;
  return { source: from.address, destination: to.address, sourceMac: from.mac, destinationMac: station.mac };
}

/** One host may have everything, at once. */
export const UNLIMITED: Partial<NatSettings> = Object.freeze({
  hostSessions: DEFAULT_CAPACITY.sessions,
  hostMappings: DEFAULT_CAPACITY.mappings,
  hostRate: 0,
  totalRate: 0,
});

/** Hands each frame to `onSend` and counts it. */
class Port implements FramePort {
  sent = 0;
  onSend: ((frame: Frame, length: number) => void) | undefined;

  send(frame: Frame, length: number): boolean {
    this.sent++;
    if (this.onSend !== undefined) this.onSend(frame, length);
    return true;
  }
}

export class GatewayRig {
  readonly gateway: Gateway;
  /** The LAN's and the WAN's. */
  readonly ports: readonly Port[] = [new Port(), new Port()];

  /** Up and running, with no neighbours yet; `seed` is that of its random numbers. */
  constructor(nat: Partial<NatSettings> = {}, capacity: Capacity = DEFAULT_CAPACITY, seed = 1) {
    this.gateway = new Gateway({
      random: new SeededRandom(seed),
      capacity,
      interfaces: [OUR_LAN, OUR_WAN].map(({ mac, side }) => ({
        name: side === LAN ? "lan" : "wan",
        mac: Number.parseInt(mac.replaceAll(":", ""), 16),
        port: this.ports[side] as Port,
      })),
      nat: { ...DEFAULT_NAT_SETTINGS, ...nat },
    });
  }

  /** Gives the gateway its addresses. */
  configure(): void {
    this.gateway.setAddress(LAN, addressOf(OUR_LAN), 24);
    this.gateway.setAddress(WAN, addressOf(OUR_WAN), 24);
    this.gateway.setGateway(WAN, addressOf(ROUTER));
  }

  /** These stations ask for the gateway, and so are known to it. */
  introduce(...stations: End[]): void {
    for (const { address, mac, side } of stations) {
      const targetAddress = (side === LAN ? OUR_LAN : OUR_WAN).address;
      this.receive(side, arpFrame({ senderAddress: address, senderMac: mac, sourceMac: mac, targetAddress }));
    }
  }

  receive(side: number, ...frames: Uint8Array[]): void {
    for (const bytes of frames) this.gateway.receive(side, loadFrame(bytes), bytes.length);
  }

  /** Forwards an external port to the same port of `inside`. */
  forward(protocol: "tcp" | "udp" | "both", port: number, inside: End): void {
    const problem = this.gateway.nat.forwards.add({
      protocol,
      ports: { first: port, last: port },
      insideAddress: addressOf(inside),
      insidePort: port,
    });
    if (problem !== undefined) throw new Error(problem);
  }

  /** The external port that stands for a port of the laptop, or the identifier that stands for one of its. */
  externalPort(protocol: number, insidePort: number): number {
    const isIt = (one: MappingInfo) => one.protocol === protocol && one.insidePort === insidePort;
    const mapping = this.gateway.nat.mappings().find(isIt);
    if (mapping === undefined) throw new Error(`No mapping has the inside port ${insidePort}.`);
    return mapping.externalPort;
  }
}

export function addressOf(end: End): number {
  return parseAddress(end.address) as number;
}
