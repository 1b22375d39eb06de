import { parseAddress } from "../../src/core/address.js";
import { Clock } from "../../src/core/clock.js";
import { type DropReason, Drops } from "../../src/core/drops.js";
import { IpOutput } from "../../src/ip/output.js";
import { Interface } from "../../src/link/interface.js";
import { Neighbours } from "../../src/link/neighbours.js";
import { FakePort } from "./fakePort.js";

export const LAN_MAC = 0x020000000001;
export const WAN_MAC = 0x020000000002;

/** The int32 of a dotted quad. */
export function ip(text: string): number {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/**
 * The layers below the transports, as a gateway has them: LAN 192.168.1.1/24, WAN 203.0.113.2/24 with the next hop
 * 203.0.113.1. Identifications count from 1.
 */
export class StackFixture {
  readonly clock = new Clock();
  readonly drops = new Drops();
  readonly lanPort = new FakePort();
  readonly wanPort = new FakePort();
  readonly lan = new Interface(0, "lan", LAN_MAC, this.lanPort);
  readonly wan = new Interface(1, "wan", WAN_MAC, this.wanPort);
  readonly neighbours: Neighbours;
  readonly output: IpOutput;

  constructor(neighbours = 8, pendingFrames = 4) {
    this.lan.setAddress(ip("192.168.1.1"), 24);
    this.wan.setAddress(ip("203.0.113.2"), 24);
    this.wan.gateway = ip("203.0.113.1");
    const interfaces = [this.lan, this.wan];
    const random = { next32: () => 0 };
    this.neighbours = new Neighbours(this.clock, this.drops, random, interfaces, neighbours, pendingFrames);
    this.output = new IpOutput(interfaces, this.neighbours, random, 4352);
  }

  /** Lets a neighbour be known, at its LAN or WAN address, without a frame. */
  know(address: string, mac: number): void {
    const out = this.lan.isOnLink(ip(address)) ? this.lan : this.wan;
    this.neighbours.learn(out, ip(address), mac, true);
  }

  /** Moves time on by `ms` and carries out what is due. */
  advance(ms: number): void {
    this.clock.now += ms;
    this.neighbours.poll();
  }

  /** The counters that are not zero. */
  dropped(): Partial<Record<DropReason, number>> {
    return Object.fromEntries(Object.entries(this.drops.counts).filter(([, count]) => count !== 0));
  }
}
