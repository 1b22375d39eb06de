/**
 * A gateway between two fake ports, seen from outside: frames in, frames out, counters, and a clock that only the test moves.
 *
 *     L1 192.168.1.10 ┐                            ┌ ISP 203.0.113.1 ── W1 198.51.100.80, W2 198.51.100.90
 *     L2 192.168.1.50 ┴ 192.168.1.1 [gateway] 203.0.113.2 ┴ NEAR 203.0.113.77, on the WAN link itself
 *
 * Stations answer ARP by themselves unless they are in `absent`; their ARP traffic is not in what `lan()` and `wan()`
 * return. All of them are known to the gateway beforehand, unless `resolved` is false.
 */
import { expect } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { type Capacity, DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import type { DropReason } from "../../src/core/drops.js";
import { Gateway, type GatewayOptions, LAN, WAN } from "../../src/gateway.js";
import { DEFAULT_NAT_SETTINGS, type NatSettings } from "../../src/nat/settings.js";
import { decodeArp, expectFrame } from "./expectFrame.js";
import { FakePort } from "./fakePort.js";
import { arpFrame, loadFrame, type MacLike } from "./frames.js";
import { ip, LAN_MAC, WAN_MAC } from "./stackFixture.js";

export const LAN_ADDRESS = "192.168.1.1";
export const WAN_ADDRESS = "203.0.113.2";
export const L1_ADDRESS = "192.168.1.10";
export const L2_ADDRESS = "192.168.1.50";
export const ISP_ADDRESS = "203.0.113.1";
export const NEAR_ADDRESS = "203.0.113.77";
export const W1_ADDRESS = "198.51.100.80";
export const W2_ADDRESS = "198.51.100.90";

export const L1_MAC = "02:00:00:00:00:10";
export const L2_MAC = "02:00:00:00:00:50";
export const ISP_MAC = "02:00:00:00:01:01";
export const NEAR_MAC = "02:00:00:00:01:77";

/** Addresses of a frame from one end to another; spread them into a frame builder's fields. */
export const L1_TO_W1 = between(L1_ADDRESS, W1_ADDRESS);
export const L1_TO_W2 = between(L1_ADDRESS, W2_ADDRESS);
export const L2_TO_W1 = between(L2_ADDRESS, W1_ADDRESS);
export const L1_TO_WAN_ADDRESS = between(L1_ADDRESS, WAN_ADDRESS);
export const L2_TO_WAN_ADDRESS = between(L2_ADDRESS, WAN_ADDRESS);
export const L1_TO_LAN_ADDRESS = between(L1_ADDRESS, LAN_ADDRESS);
export const W1_TO_US = between(W1_ADDRESS, WAN_ADDRESS);
export const W2_TO_US = between(W2_ADDRESS, WAN_ADDRESS);

export interface Ends {
  readonly source: string;
  readonly destination: string;
  readonly sourceMac: string;
  readonly destinationMac: number;
}

export interface BenchOptions {
  capacity?: Partial<Capacity>;
  nat?: Partial<NatSettings>;
  seed?: number;
  /** As GatewayOptions has it. */
  flowCache?: NonNullable<GatewayOptions["flowCache"]>;
  /** The stations are in the neighbour table from the start; true unless told. */
  resolved?: boolean;
  /** The WAN has address and gateway from the start; true unless told. */
  wan?: boolean;
  /** The claims of the first addresses are over, without further probes and announcements; true unless told. */
  claimed?: boolean;
}

export type DropDelta = Partial<Record<DropReason, number>>;

export class GatewayBench {
  readonly lanPort = new FakePort();
  readonly wanPort = new FakePort();
  readonly gateway: Gateway;
  /** Stations that answer ARP, by address. */
  readonly stations = new Map<string, string>([
    [L1_ADDRESS, L1_MAC],
    [L2_ADDRESS, L2_MAC],
    [ISP_ADDRESS, ISP_MAC],
    [NEAR_ADDRESS, NEAR_MAC],
  ]);
  /** Addresses whose stations do not answer. */
  readonly absent = new Set<string>();
  readonly #lan: Uint8Array[] = [];
  readonly #wan: Uint8Array[] = [];
  readonly #arp: Uint8Array[] = [];
  #counted: Record<string, number> = {};

  constructor(options: BenchOptions = {}) {
    this.gateway = new Gateway({
      random: new SeededRandom(options.seed ?? 1),
      capacity: { ...DEFAULT_CAPACITY, ...options.capacity },
      interfaces: [
        { name: "lan", mac: LAN_MAC, port: this.lanPort },
        { name: "wan", mac: WAN_MAC, port: this.wanPort },
      ],
      nat: { ...DEFAULT_NAT_SETTINGS, ...options.nat },
      ...(options.flowCache === undefined ? {} : { flowCache: options.flowCache }),
    });
    this.gateway.setAddress(LAN, ip(LAN_ADDRESS), 24);
    if (options.wan !== false) {
      this.gateway.setAddress(WAN, ip(WAN_ADDRESS), 24);
      this.gateway.setGateway(WAN, ip(ISP_ADDRESS));
    }
    if (options.claimed !== false) for (const one of this.gateway.interfaces) one.endClaim();
    if (options.resolved !== false) {
      for (const [address, mac] of this.stations) this.introduce(address, mac);
    }
    this.clear();
  }

  get now(): number {
    return this.gateway.clock.now;
  }

  /** A station asks the gateway for its address, and so makes itself known. */
  introduce(address: string, mac: MacLike): void {
    const isLan = this.#isLan(address);
    const one = isLan ? this.gateway.lan : this.gateway.wan;
    if (one.address === 0) return;
    this.#receive(
      one.index,
      arpFrame({ senderAddress: address, senderMac: mac, sourceMac: mac, targetAddress: one.address }),
    );
  }

  /** Hands in frames on the LAN, one after the other. */
  fromLan(...frames: Uint8Array[]): void {
    for (const frame of frames) this.#receive(LAN, frame);
  }

  fromWan(...frames: Uint8Array[]): void {
    for (const frame of frames) this.#receive(WAN, frame);
  }

  /** Frames that left by the LAN since the last call, without ARP. */
  lan(): Uint8Array[] {
    this.#collect();
    return this.#lan.splice(0);
  }

  wan(): Uint8Array[] {
    this.#collect();
    return this.#wan.splice(0);
  }

  /** ARP packets that left by either side since the last call. */
  arp(): Uint8Array[] {
    return this.#arp.splice(0);
  }

  /** Moves time on by `ms`, calling `poll` whenever the gateway asked for it. */
  advance(ms: number): void {
    const end = this.now + ms;
    let looksWithoutProgress = 0;
    for (;;) {
      const next = Math.min(Math.max(this.gateway.nextDeadline(), this.now), end);
      looksWithoutProgress = next === this.now ? looksWithoutProgress + 1 : 0;
      if (looksWithoutProgress > 10_000) throw new Error(`poll makes no progress at ${this.now} ms`);
      this.gateway.poll(next);
      this.#collect();
      if (next >= end && this.gateway.nextDeadline() > end) return;
    }
  }

  /** Counters that have moved since the last call, by how much. */
  drops(): DropDelta {
    const counts = this.gateway.drops.counts as Record<string, number>;
    const moved: Record<string, number> = {};
    for (const [reason, count] of Object.entries(counts)) {
      const by = count - (this.#counted[reason] ?? 0);
      if (by !== 0) moved[reason] = by;
    }
    this.#counted = { ...counts };
    return moved as DropDelta;
  }

  /** Forgets all frames and counts so far. */
  clear(): void {
    this.lan();
    this.wan();
    this.arp();
    this.drops();
  }

  /** Sends a frame from the LAN; returns the one frame that left by the WAN for it. Nothing else may happen. */
  out(frame: Uint8Array): Uint8Array {
    this.fromLan(frame);
    return this.#only(this.wan(), this.lan());
  }

  /** Sends a frame from the WAN; returns the one frame that left by the LAN for it. Nothing else may happen. */
  in(frame: Uint8Array): Uint8Array {
    this.fromWan(frame);
    return this.#only(this.lan(), this.wan());
  }

  /** Sends a frame from the LAN; returns the one frame that came back by the LAN, an answer or a hairpinned one. */
  back(frame: Uint8Array): Uint8Array {
    this.fromLan(frame);
    return this.#only(this.lan(), this.wan());
  }

  /** Sends a frame that must vanish: nothing leaves, and these counters move by as much. */
  expectSilence(side: "lan" | "wan", frame: Uint8Array, drops: DropDelta): void {
    if (side === "lan") this.fromLan(frame);
    else this.fromWan(frame);
    expect({ lan: this.lan().length, wan: this.wan().length, drops: this.drops() }).toEqual({ lan: 0, wan: 0, drops });
  }

  /** Sends a frame that is dropped, for one reason, and answered by one frame on the side where it came from. */
  complaint(side: "lan" | "wan", frame: Uint8Array, reason: DropReason): Uint8Array {
    if (side === "lan") this.fromLan(frame);
    else this.fromWan(frame);
    const [own, other] = side === "lan" ? [this.lan(), this.wan()] : [this.wan(), this.lan()];
    expect({ own: own.length, other: other.length, drops: this.drops() }).toEqual({
      own: 1,
      other: 0,
      drops: { [reason]: 1 },
    });
    expectFrame(own[0]);
    return own[0] as Uint8Array;
  }

  #only(frames: Uint8Array[], others: Uint8Array[]): Uint8Array {
    expect({ frames: frames.length, others: others.length, drops: this.drops() }).toEqual({
      frames: 1,
      others: 0,
      drops: {},
    });
    expectFrame(frames[0]);
    return frames[0] as Uint8Array;
  }

  #receive(side: number, frame: Uint8Array): void {
    this.gateway.receive(side, loadFrame(frame), frame.length);
    this.#collect();
  }

  /** Takes what was sent off the ports; stations answer ARP requests, which may bring more. */
  #collect(): void {
    for (;;) {
      const fromLan = this.lanPort.take();
      const fromWan = this.wanPort.take();
      if (fromLan.length + fromWan.length === 0) return;
      for (const frame of fromLan) this.#sort(LAN, frame);
      for (const frame of fromWan) this.#sort(WAN, frame);
    }
  }

  #sort(side: number, frame: Uint8Array): void {
    if (frame[12] !== 0x08 || frame[13] !== 0x06) {
      (side === LAN ? this.#lan : this.#wan).push(frame);
      return;
    }
    this.#arp.push(frame);
    const request = decodeArp(frame);
    const mac = this.stations.get(request.targetAddress);
    const isReachable = mac !== undefined && !this.absent.has(request.targetAddress);
    if (request.operation !== "request" || !isReachable || this.#isLan(request.targetAddress) !== (side === LAN))
      return;
    const answer = arpFrame({
      operation: "reply",
      senderMac: mac,
      senderAddress: request.targetAddress,
      targetMac: request.senderMac,
      targetAddress: request.senderAddress,
    });
    this.gateway.receive(side, loadFrame(answer), answer.length);
  }

  #isLan(address: string): boolean {
    return address.startsWith("192.168.1.");
  }
}

/** The frame's addresses for a packet between two of the bench's ends, as it reaches the gateway. */
export function between(source: string, destination: string): Ends {
  const isLan = source.startsWith("192.168.1.");
  const lanMac = source === L2_ADDRESS ? L2_MAC : L1_MAC;
  const wanMac = source === NEAR_ADDRESS ? NEAR_MAC : ISP_MAC;
  return {
    source,
    destination,
    sourceMac: isLan ? lanMac : wanMac,
    destinationMac: isLan ? LAN_MAC : WAN_MAC,
  };
}
