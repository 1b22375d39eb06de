/**
 * A gateway whose every frame is judged. It keeps its own small model of what has left, so that it can say of each frame
 * that enters the LAN who asked for it.
 */

import { SeededRandom } from "../../host-sim/random.js";
import { type Capacity, DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import type { DropReason } from "../../src/core/drops.js";
import { ETHERNET_AT, Frame } from "../../src/core/frame.js";
import { Gateway, LAN, WAN } from "../../src/gateway.js";
import { arpFrame } from "../support/frames.js";
import {
  ISP_ADDRESS,
  ISP_MAC,
  L1_ADDRESS,
  L1_MAC,
  L2_ADDRESS,
  L2_MAC,
  LAN_ADDRESS,
  NEAR_ADDRESS,
  NEAR_MAC,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip, LAN_MAC, WAN_MAC } from "../support/stackFixture.js";
import { be16, isFragment, problemOf } from "./soundness.js";

/** Counters of what happens beside the verdict on a frame: an answer that failed, another packet that made way. */
const BESIDE: ReadonlySet<DropReason> = new Set<DropReason>([
  "icmpRateLimited",
  "neighbourQueueFull",
  "neighbourUnresolved",
  "neighbourTableFull",
  "fragmentTableFull",
  "fragmentTimeout",
  "portFull",
]);
const FORWARDED_PORTS = Object.freeze({ first: 7000, last: 7009 });
/** Leads to a host that is not there. */
const ABSENT_PORT = 7777;
const NO_ANSWER = "192.168.1.200";
const HISTORY = 64;

export class FuzzedGateway {
  readonly gateway: Gateway;
  readonly random: SeededRandom;
  /** Of all frames that have left, in order. */
  digest = 0;
  /** Frames of the latest past that left by each side, for answers to them. */
  readonly leftByLan: Uint8Array[] = [];
  readonly leftByWan: Uint8Array[] = [];
  received = 0;
  translatedOutward = 0;
  translatedInward = 0;
  /** What `remains` was before any frame came. */
  readonly untouched: Record<string, number>;
  readonly #frame = new Frame(4096);
  readonly #stations = new Map<string, string>([
    [L1_ADDRESS, L1_MAC],
    [L2_ADDRESS, L2_MAC],
    [ISP_ADDRESS, ISP_MAC],
    [NEAR_ADDRESS, NEAR_MAC],
  ]);
  /** `protocol externalPort remote` of what has left by the WAN, and `protocol remote` for fragments. */
  readonly #asked = new Set<string>();
  /** `protocol remote` of what was translated, but never left. */
  readonly #lost = new Set<string>();
  readonly #emitted: { side: number; bytes: Uint8Array }[] = [];
  readonly #counted: DropReason[] = [];

  /** With `isOpen` the outside may be let in by what is configured later: who asked for a frame is not judged. */
  constructor(
    seed: number,
    capacity: Partial<Capacity>,
    readonly isOpen = false,
  ) {
    this.random = new SeededRandom(seed);
    const port = (side: number) => ({
      send: (frame: Frame, length: number) => {
        if (this.chance(0.002)) return false;
        this.#emitted.push({ side, bytes: frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length) });
        return true;
      },
    });
    this.gateway = new Gateway({
      random: new SeededRandom(seed + 1),
      capacity: { ...DEFAULT_CAPACITY, ...capacity },
      interfaces: [
        { name: "lan", mac: LAN_MAC, port: port(LAN) },
        { name: "wan", mac: WAN_MAC, port: port(WAN) },
      ],
    });
    const { gateway } = this;
    gateway.setAddress(LAN, ip(LAN_ADDRESS), 24);
    gateway.setAddress(WAN, ip(WAN_ADDRESS), 24);
    gateway.setGateway(WAN, ip(ISP_ADDRESS));
    gateway.setMtu(WAN, 1400);
    gateway.nat.forwards.add({
      protocol: "both",
      ports: FORWARDED_PORTS,
      insideAddress: ip(L2_ADDRESS),
      insidePort: 8000,
    });
    const absent = { first: ABSENT_PORT, last: ABSENT_PORT };
    gateway.nat.forwards.add({ protocol: "both", ports: absent, insideAddress: ip(NO_ANSWER), insidePort: 1 });
    const scratch = new Uint8Array(64);
    gateway.udp.bind({
      port: 7,
      handler: {
        onReceive: (socket) => {
          const bytes = Math.min(socket.receive(scratch), scratch.length);
          if (socket.senderPort !== 0) socket.send(scratch.subarray(0, bytes), socket.senderAddress, socket.senderPort);
        },
      },
    });
    gateway.tcp.listen({ port: 23, onConnection: (socket) => socket.close() });
    gateway.drops.listener = (reason) => this.#counted.push(reason);
    this.#emitted.length = 0;
    // Until both addresses are claimed.
    this.advance(20_000);
    this.untouched = this.remains();
  }

  chance(probability: number): boolean {
    return this.random.fraction() < probability;
  }

  /** 0 .. bound - 1 */
  below(bound: number): number {
    return Math.floor(this.random.fraction() * bound);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** The same gateway, with chances of its own. */
  observer(seed: number): FuzzedGateway {
    return Object.assign(Object.create(this), { random: new SeededRandom(seed) });
  }

  receive(side: number, bytes: Uint8Array): void {
    // The driver's buffer holds what was in it before.
    this.#frame.bytes.set(bytes, ETHERNET_AT);
    this.received++;
    this.#counted.length = 0;
    this.#emitted.length = 0;
    this.gateway.receive(side, this.#frame, bytes.length);
    const reasons = this.#counted.filter((reason) => !BESIDE.has(reason));
    // A first fragment takes those along that have waited for it.
    const hasCompany = isFragment(bytes);
    if (reasons.length > 1 && !hasCompany) throw new Error(`one frame, dropped for ${reasons.join(" and ")}`);
    const emitted = this.#emitted.splice(0);
    const isDropped = reasons.length === 1 && !hasCompany;
    if (reasons.length === 0 && emitted.length === 0 && this.#counted.length === 0) {
      this.#mayBeSilent(bytes);
    }
    if (side === LAN && bytes.length >= 34 && !emitted.some((one) => one.side === WAN)) {
      this.#lost.add(`${bytes[23]} ${bytes.subarray(30, 34).join(".")}`);
    }
    for (const one of emitted) this.#judge(one.side, one.bytes, side, bytes, isDropped);
    this.#answerArp(emitted);
  }

  advance(ms: number): void {
    const { gateway } = this;
    const end = gateway.clock.now + ms;
    for (let looks = 0; ; looks++) {
      if (looks > 100_000) throw new Error("poll makes no progress");
      const next = Math.min(Math.max(gateway.nextDeadline(), gateway.clock.now), end);
      this.#emitted.length = 0;
      gateway.poll(next);
      const emitted = this.#emitted.splice(0);
      for (const one of emitted) this.#judge(one.side, one.bytes, -1, undefined, false);
      this.#answerArp(emitted);
      if (next >= end && gateway.nextDeadline() > end) return;
    }
  }

  /** Lets three hours pass without a frame: more than any timeout. */
  end(): void {
    this.#stations.clear();
    this.advance(3 * 3600 * 1000);
  }

  /** Ends all sessions, and forgets who asked for what with them: what is left then has to stay the same. */
  forget(): void {
    this.gateway.nat.clear();
    this.#asked.clear();
    this.#lost.clear();
    this.leftByLan.length = 0;
    this.leftByWan.length = 0;
  }

  /** How much of each table is in use. */
  remains(): Record<string, number> {
    const { gateway } = this;
    return {
      mappings: gateway.nat.mappingCount,
      sessions: gateway.nat.sessionCount,
      ports: gateway.ports.count,
      claims: gateway.ports.claims().length,
      sockets: gateway.sockets.count,
      neighbours: gateway.neighbours.entries().length,
      nextDeadline: gateway.nextDeadline(),
    };
  }

  /** A frame that is neither dropped nor answered nor sent on nor waits for ARP: only these are consumed. */
  #mayBeSilent(bytes: Uint8Array): void {
    if (be16(bytes, 12) === 0x0806 || isFragment(bytes)) return;
    const destination = bytes.subarray(30, 34).join(".");
    const isOwn = destination === LAN_ADDRESS || destination === WAN_ADDRESS || (bytes[33] as number) % 255 === 0;
    const isWaiting = () => this.gateway.neighbours.entries().some((one) => one.state === "incomplete");
    if (!isOwn && !isWaiting()) throw new Error(`a frame to ${destination} vanished`);
  }

  #judge(side: number, bytes: Uint8Array, from: number, cause: Uint8Array | undefined, isDropped: boolean): void {
    for (const byte of bytes) this.digest = (Math.imul(this.digest, 31) + byte) | 0;
    const expectedMac = side === LAN ? LAN_MAC : WAN_MAC;
    const sourceMac = be16(bytes, 6) * 0x100000000 + be16(bytes, 8) * 0x10000 + be16(bytes, 10);
    if (sourceMac !== expectedMac) throw new Error("a frame from a station that is not ours");
    if (be16(bytes, 12) === 0x0806) {
      const sender = bytes.subarray(28, 32).join(".");
      // A probe asks for our own address (RFC 5227).
      if (sender === "0.0.0.0" && bytes.subarray(38, 42).join(".") === (side === LAN ? LAN_ADDRESS : WAN_ADDRESS))
        return;
      if (sender !== (side === LAN ? LAN_ADDRESS : WAN_ADDRESS)) throw new Error(`ARP from ${sender}`);
      return;
    }
    const problem = problemOf(bytes);
    // What came in with a wrong checksum in its payload may leave with one; so may what is put together, or has waited.
    const isFresh = cause !== undefined && be16(cause, 12) === 0x0800 && !isFragment(cause);
    const mayBeWrong = problem === "transport checksum" || problem === "transport header";
    if (problem !== "" && !(mayBeWrong && (!isFresh || problemOf(cause) !== ""))) {
      throw new Error(`a frame left with a wrong ${problem}`);
    }
    if (bytes[22] === 0) throw new Error("a packet left with TTL 0");
    if (isFresh && bytes[23] === 17 && cause[23] === 17 && !isFragment(bytes)) this.#checkUdp(bytes, cause);
    const source = bytes.subarray(26, 30).join(".");
    const destination = bytes.subarray(30, 34).join(".");
    if (side === WAN) this.#judgeWan(bytes, source, destination, from);
    else this.#judgeLan(bytes, source, destination, from, cause, isDropped);
  }

  #checkUdp(bytes: Uint8Array, cause: Uint8Array): void {
    const out = be16(bytes, 14 + (((bytes[14] as number) & 15) << 2) + 6);
    const into = be16(cause, 14 + (((cause[14] as number) & 15) << 2) + 6);
    if (problemOf(cause) === "" && (out === 0) !== (into === 0) && !isOwnAnswer(cause)) {
      throw new Error("a UDP checksum became 0, or stopped to be");
    }
  }

  #judgeWan(bytes: Uint8Array, source: string, destination: string, from: number): void {
    if (source !== WAN_ADDRESS) throw new Error(`${source} leaked to the WAN`);
    if (destination.startsWith("192.168.1.")) throw new Error("a packet to the LAN left by the WAN");
    if (from === LAN) this.translatedOutward++;
    remember(this.leftByWan, bytes);
    const protocol = bytes[23] as number;
    this.#asked.add(`${protocol} ${destination}`);
    const at = 14 + (((bytes[14] as number) & 15) << 2);
    if ((be16(bytes, 20) & 0x1fff) !== 0 || bytes.length < at + 8) return;
    if (protocol === 1) {
      const type = bytes[at] as number;
      if (type === 8 || type === 13) this.#asked.add(`1 ${be16(bytes, at + 4)} ${destination}`);
      else if (type === 3 || type === 11 || type === 12) this.#checkQuote(bytes, at + 8);
    } else {
      this.#asked.add(`${protocol} ${be16(bytes, at)} ${destination}`);
    }
  }

  /** An error that we send to the WAN must not speak of the inside. */
  #checkQuote(bytes: Uint8Array, at: number): void {
    for (const offset of [12, 16]) {
      const address = bytes.subarray(at + offset, at + offset + 4).join(".");
      if (address.startsWith("192.168.1.")) throw new Error(`an error that quotes ${address} left by the WAN`);
    }
  }

  #judgeLan(
    bytes: Uint8Array,
    source: string,
    destination: string,
    from: number,
    cause: Uint8Array | undefined,
    isDropped: boolean,
  ): void {
    if (!destination.startsWith("192.168.1.")) throw new Error(`a packet to ${destination} left by the LAN`);
    if (destination.endsWith(".255") || destination.endsWith(".0")) throw new Error("a broadcast entered the LAN");
    remember(this.leftByLan, bytes);
    if (from !== WAN || cause === undefined || be16(cause, 12) !== 0x0800) return;
    if (isDropped) throw new Error("a dropped frame from the WAN made a frame on the LAN");
    this.translatedInward++;
    if (this.isOpen) return;
    const protocol = cause[23] as number;
    if (cause.subarray(30, 34).join(".") !== WAN_ADDRESS) throw new Error("not to our address, yet it entered the LAN");
    if (isFragment(cause)) {
      // Only the first fragment shows the port.
      const isFirst = (be16(bytes, 20) & 0x1fff) === 0;
      if (isFirst && !this.#asked.has(`${protocol} ${source}`) && !this.#isForwarded(be16(bytes, 36))) {
        throw new Error("unsolicited fragments entered the LAN");
      }
      return;
    }
    // Somebody inside asked, but the question was lost on its way out: which port it had is not known.
    if (this.#lost.has(`${protocol} ${source}`)) return;
    const at = 14 + (((cause[14] as number) & 15) << 2);
    if (protocol === 1) this.#judgeLanIcmp(cause, at, source);
    else if (
      !this.#asked.has(`${protocol} ${be16(cause, at + 2)} ${source}`) &&
      !this.#isForwarded(be16(cause, at + 2))
    ) {
      throw new Error(`unsolicited protocol ${protocol} from ${source} entered the LAN`);
    }
  }

  #judgeLanIcmp(cause: Uint8Array, at: number, source: string): void {
    const type = cause[at] as number;
    if (type === 0 || type === 14) {
      if (!this.#asked.has(`1 ${be16(cause, at + 4)} ${source}`))
        throw new Error("an unsolicited ICMP reply entered the LAN");
      return;
    }
    if (type !== 3 && type !== 11 && type !== 12) throw new Error(`ICMP type ${type} entered the LAN`);
    const quoteAt = at + 8;
    const transportAt = quoteAt + (((cause[quoteAt] as number) & 15) << 2);
    const protocol = cause[quoteAt + 9] as number;
    const remote = cause.subarray(quoteAt + 16, quoteAt + 20).join(".");
    const port = be16(cause, protocol === 1 ? transportAt + 4 : transportAt);
    if (!this.#asked.has(`${protocol} ${port} ${remote}`) && !this.#isForwarded(port)) {
      throw new Error("an error about a packet that nobody sent entered the LAN");
    }
  }

  #isForwarded(port: number): boolean {
    return (
      (port >= FORWARDED_PORTS.first && port <= FORWARDED_PORTS.last) ||
      port === ABSENT_PORT ||
      (port >= 8000 && port < 8010)
    );
  }

  #answerArp(emitted: readonly { side: number; bytes: Uint8Array }[]): void {
    for (const { side, bytes } of emitted) {
      if (be16(bytes, 12) !== 0x0806 || be16(bytes, 20) !== 1 || this.chance(0.1)) continue;
      const address = bytes.subarray(38, 42).join(".");
      const mac = this.#stations.get(address);
      if (mac === undefined) continue;
      const answer = arpFrame({
        operation: "reply",
        senderMac: mac,
        senderAddress: address,
        targetMac: side === LAN ? LAN_MAC : WAN_MAC,
        targetAddress: side === LAN ? LAN_ADDRESS : WAN_ADDRESS,
      });
      this.receive(side, answer);
    }
  }
}

/** Answered by the gateway's own echo socket, with a checksum of its own. */
function isOwnAnswer(cause: Uint8Array): boolean {
  return be16(cause, 14 + (((cause[14] as number) & 15) << 2) + 2) === 7;
}

function remember(history: Uint8Array[], bytes: Uint8Array): void {
  if (history.length >= HISTORY) history.shift();
  history.push(bytes);
}
