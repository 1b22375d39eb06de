/**
 * The neighbour table: station addresses of next hops, by ARP. Read RFC 826, RFC 1122 section 2.3.2 and RFC 5227 first.
 *
 * An entry is created only when we want to send to an address, or when a station asks for ours (RFC 826's rule); what
 * others say to each other takes no place. A full table gives up an entry for which no frame waits: an unanswered one
 * first, then the one confirmed longest ago, the gateway last. So a scan of empty addresses costs the others no more places
 * than frames may wait, and one. Each interface has its share of the places: what happens on one link, say a flood of
 * requests under ever new addresses, never costs another link more than what that had beyond its share.
 */
import { BROADCAST_MAC, isMulticast, macHead, macOf, macTail } from "../core/address.js";
import { type Clock, NEVER } from "../core/clock.js";
import type { Drops, Verdict } from "../core/drops.js";
import { ETHERNET_HEADER_BYTES, Frame, MAX_FRAME_BYTES } from "../core/frame.js";
import type { Random } from "../core/random.js";
import { ARP_BYTES, ARP_REPLY, ARP_REQUEST, writeArp } from "../wire/arp.js";
import { ETHERTYPE_ARP, writeEthernet, writeEthernetIpv4 } from "../wire/ethernet.js";
import { beginClaim, continueClaim } from "./claim.js";
import type { Interface } from "./interface.js";

/** RFC 1122 section 2.3.2.1: at most one request a second to one destination. */
const REQUEST_INTERVAL_MS = 1000;
/** Requests without an answer until the packet in waiting is given up (as Linux's mcast_solicit). */
const REQUEST_ATTEMPTS = 3;
/** How long an answer is believed before it is checked again; RFC 1122 suggests about a minute. */
export const NEIGHBOUR_FRESH_MS = 60_000;
/** A stale entry that nobody uses is forgotten after as long again (RFC 1122 section 2.3.2.1). */
const FORGET_MS = 2 * NEIGHBOUR_FRESH_MS;

export type NeighbourState = "free" | "incomplete" | "fresh" | "stale";

/** Told of each change, by table index; the flow cache keeps the stations' addresses by it. */
export interface NeighbourListener {
  /** The entry's station address is known and fresh. */
  neighbourKnown(index: number, mac: number, out: Interface): void;
  /** The entry may no longer be used without asking. */
  neighbourLost(index: number): void;
}

/** Told when a packet could not be delivered on the link, so that its sender can be told (RFC 1812 section 4.3.3.1). */
export type UnresolvedHandler = (out: Interface, frame: Frame, length: number) => void;

class Neighbour {
  address = 0;
  state: NeighbourState = "free";
  interfaceIndex = 0;
  confirmedAtMs = 0;
  macHead = 0;
  macTail = 0;
  requestedAtMs = 0;
  attempts = 0;
  /** Index of the frame that waits; -1 for none. */
  pending = -1;
}

/** What `show arp` prints of an entry. */
export interface NeighbourInfo {
  readonly address: number;
  readonly interfaceName: string;
  readonly mac: number;
  readonly state: NeighbourState;
  readonly ageMs: number;
}

export class Neighbours {
  readonly #clock: Clock;
  readonly #drops: Drops;
  readonly #random: Random;
  readonly #interfaces: readonly Interface[];
  readonly #entries: Neighbour[] = [];
  readonly #pendingFrames: Frame[] = [];
  /** Length of each pending frame; 0 while the place is free. */
  readonly #pendingLengths: number[] = [];
  readonly #arpFrame = new Frame(ETHERNET_HEADER_BYTES + ARP_BYTES);
  #nextDeadline = NEVER;
  /** The entry that the last packet to each interface used. */
  readonly #recent: number[];
  listener: NeighbourListener | undefined;
  onUnresolved: UnresolvedHandler | undefined;
  /** The table index that the last `send` used; -1 when the packet went to a group address. */
  lastIndex = -1;

  constructor(
    clock: Clock,
    drops: Drops,
    random: Random,
    interfaces: readonly Interface[],
    capacity: number,
    pendingFrames: number,
  ) {
    this.#clock = clock;
    this.#drops = drops;
    this.#random = random;
    this.#interfaces = interfaces;
    this.#recent = interfaces.map(() => 0);
    for (let i = 0; i < capacity; i++) this.#entries.push(new Neighbour());
    for (let i = 0; i < pendingFrames; i++) {
      this.#pendingFrames.push(new Frame(MAX_FRAME_BYTES));
      this.#pendingLengths.push(0);
    }
  }

  /**
   * The table index of `nextHop` if it is the station that the last packet on `out` went to, as it mostly is, and can be
   * sent to with no more ado; -1 if this is for `send` to see to.
   */
  ready(out: Interface, nextHop: number): number {
    const recent = this.#recent[out.index] as number;
    const known = this.#entries[recent] as Neighbour;
    if (known.address !== nextHop || known.state !== "fresh" || known.interfaceIndex !== out.index) return -1;
    return this.#clock.now < known.confirmedAtMs + NEIGHBOUR_FRESH_MS ? recent : -1;
  }

  /**
   * Sends the IPv4 packet in `frame` to `nextHop` on `out`: writes the Ethernet header, asks by ARP where needed, and
   * keeps a copy of the frame until the answer comes.
   */
  send(out: Interface, nextHop: number, frame: Frame, length: number): Verdict {
    const ready = this.ready(out, nextHop);
    if (ready >= 0) {
      const known = this.#entries[ready] as Neighbour;
      this.lastIndex = ready;
      return this.transmit(out, known.macHead, known.macTail, frame, length);
    }
    this.lastIndex = -1;
    if (out.isBroadcast(nextHop)) return this.transmit(out, 0xffff, -1, frame, length);
    // RFC 1112 section 6.4: the group's lower 23 bits.
    if (isMulticast(nextHop)) return this.transmit(out, 0x0100, 0x5e000000 | (nextHop & 0x7fffff), frame, length);

    let index = this.find(out, nextHop);
    if (index < 0) {
      index = this.create(out, nextHop);
      if (index < 0) return "neighbourTableFull";
    }
    this.lastIndex = index;
    this.#recent[out.index] = index;
    const entry = this.#entries[index] as Neighbour;
    if (entry.state === "fresh" && this.#clock.now >= entry.confirmedAtMs + NEIGHBOUR_FRESH_MS) this.age(index, entry);
    if (entry.state === "fresh" || entry.state === "stale") {
      if (entry.state === "stale") this.ask(entry);
      return this.transmit(out, entry.macHead, entry.macTail, frame, length);
    }
    this.ask(entry);
    return this.keep(entry, frame, length) ? "ok" : "neighbourQueueFull";
  }

  /** What `send` would say to a frame that is to go to `nextHop`, if the port takes it; changes nothing. */
  judge(out: Interface, nextHop: number): Verdict {
    if (out.isBroadcast(nextHop) || isMulticast(nextHop)) return "ok";
    const index = this.find(out, nextHop);
    if (index < 0 && this.leastWorth(out) < 0) return "neighbourTableFull";
    const entry = index < 0 ? undefined : (this.#entries[index] as Neighbour);
    if (entry !== undefined && (entry.state !== "incomplete" || entry.pending >= 0)) return "ok";
    return this.#pendingLengths.includes(0) ? "ok" : "neighbourQueueFull";
  }

  /** Whether a packet to a station on `out` would leave at once. */
  knows(out: Interface, address: number): boolean {
    const entry = this.#entries[this.find(out, address)];
    return entry !== undefined && entry.state !== "incomplete";
  }

  /** A station has shown its address to us; `create` when it asked for ours, and is bound to be talked to next. */
  learn(source: Interface, address: number, mac: number, create: boolean): void {
    let index = this.find(source, address);
    if (index < 0) {
      if (!create) return;
      index = this.create(source, address);
      if (index < 0) return;
    }
    const entry = this.#entries[index] as Neighbour;
    entry.macHead = macHead(mac);
    entry.macTail = macTail(mac);
    entry.confirmedAtMs = this.#clock.now;
    entry.attempts = 0;
    entry.state = "fresh";
    this.schedule(entry.confirmedAtMs + NEIGHBOUR_FRESH_MS);
    if (this.listener !== undefined) this.listener.neighbourKnown(index, mac, source);
    if (entry.pending >= 0) {
      const place = entry.pending;
      const length = this.#pendingLengths[place] as number;
      entry.pending = -1;
      this.#pendingLengths[place] = 0;
      const verdict = this.transmit(source, entry.macHead, entry.macTail, this.#pendingFrames[place] as Frame, length);
      if (verdict !== "ok") this.#drops.count(verdict, source.index);
    }
  }

  /** Announces the interface's address, which is new, and finds out whether another station has it. */
  claim(out: Interface): void {
    beginClaim(out, this.#clock.now, this.#random, this);
    this.schedule(out.probeAtMs);
  }

  /** Tells everybody who has the interface's address (RFC 5227 section 2.3). */
  announce(out: Interface): void {
    this.sendArp(out, BROADCAST_MAC, ARP_REQUEST, out.address, 0, out.address);
  }

  /** Asks who has the interface's address, without saying that we do (RFC 5227 section 2.1.1). */
  probe(out: Interface): void {
    this.sendArp(out, BROADCAST_MAC, ARP_REQUEST, 0, 0, out.address);
  }

  /** Answers a request to the station that asked. */
  reply(out: Interface, mac: number, address: number): void {
    this.sendArp(out, mac, ARP_REPLY, out.address, mac, address);
  }

  /** Forgets everything learnt on an interface; its address has changed. */
  flush(out: Interface): void {
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Neighbour;
      if (entry.state !== "free" && entry.interfaceIndex === out.index) this.free(i, entry);
    }
  }

  /** Forgets one station. */
  forget(out: Interface, address: number): void {
    const index = this.find(out, address);
    if (index >= 0) this.free(index, this.#entries[index] as Neighbour);
  }

  poll(): void {
    if (this.#clock.now < this.#nextDeadline) return;
    this.#nextDeadline = NEVER;
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Neighbour;
      if (entry.state === "fresh" && this.#clock.now >= entry.confirmedAtMs + NEIGHBOUR_FRESH_MS) this.age(i, entry);
      if (entry.state === "fresh") this.schedule(entry.confirmedAtMs + NEIGHBOUR_FRESH_MS);
      else if (entry.state === "incomplete" || entry.attempts > 0) this.askOrGiveUp(i, entry);
      else if (entry.state === "stale") this.#forget(i, entry);
    }
    for (const one of this.#interfaces) this.schedule(continueClaim(one, this.#clock.now, this.#random, this));
  }

  nextDeadline(): number {
    return this.#nextDeadline;
  }

  entries(): NeighbourInfo[] {
    const now = this.#clock.now;
    return this.#entries
      .filter((entry) => entry.state !== "free")
      .map((entry) => ({
        address: entry.address,
        interfaceName: (this.#interfaces[entry.interfaceIndex] as Interface).name,
        mac: macOf(entry.macHead, entry.macTail),
        state: entry.state,
        ageMs: now - entry.confirmedAtMs,
      }));
  }

  private find(out: Interface, address: number): number {
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Neighbour;
      if (entry.address === address && entry.state !== "free" && entry.interfaceIndex === out.index) return i;
    }
    return -1;
  }

  private create(out: Interface, address: number): number {
    const victim = this.leastWorth(out);
    if (victim < 0) return -1;
    const entry = this.#entries[victim] as Neighbour;
    this.free(victim, entry);
    entry.state = "incomplete";
    entry.address = address;
    entry.interfaceIndex = out.index;
    entry.confirmedAtMs = this.#clock.now;
    entry.requestedAtMs = Number.NEGATIVE_INFINITY;
    entry.attempts = 0;
    return victim;
  }

  /** The entry that is free, or goes first, for a new one on `out`; -1 for none. */
  private leastWorth(out: Interface): number {
    const hasItsShare = this.count(out.index) >= Math.floor(this.#entries.length / this.#interfaces.length);
    let victim = -1;
    let victimRank = NEVER;
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Neighbour;
      if (entry.pending >= 0) continue;
      if (entry.state !== "free" && (entry.interfaceIndex === out.index) !== hasItsShare) continue;
      const rank = this.rank(entry);
      if (rank < victimRank) {
        victim = i;
        victimRank = rank;
      }
    }
    return victim;
  }

  /** Entries in use on an interface. */
  private count(interfaceIndex: number): number {
    let count = 0;
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Neighbour;
      if (entry.state !== "free" && entry.interfaceIndex === interfaceIndex) count++;
    }
    return count;
  }

  /** What an entry is worth when one must go: the lowest goes first. */
  private rank(entry: Neighbour): number {
    if (entry.state === "free") return -2;
    if (entry.state === "incomplete") return -1;
    const isGateway = (this.#interfaces[entry.interfaceIndex] as Interface).gateway === entry.address;
    return isGateway ? Number.MAX_VALUE : entry.confirmedAtMs;
  }

  private free(index: number, entry: Neighbour): void {
    if (entry.state === "free") return;
    entry.state = "free";
    if (this.listener !== undefined) this.listener.neighbourLost(index);
    this.dropPending(entry);
  }

  /** The answer is old: it is still used while we ask again, but no longer behind our back by the flow cache. */
  private age(index: number, entry: Neighbour): void {
    entry.state = "stale";
    entry.attempts = 0;
    if (this.listener !== undefined) this.listener.neighbourLost(index);
  }

  #forget(index: number, entry: Neighbour): void {
    if (this.#clock.now >= entry.confirmedAtMs + FORGET_MS) this.free(index, entry);
    else this.schedule(entry.confirmedAtMs + FORGET_MS);
  }

  /** Copies the frame into the entry's one waiting place; a later frame takes the place of an earlier one. */
  private keep(entry: Neighbour, frame: Frame, length: number): boolean {
    const place = entry.pending >= 0 ? entry.pending : this.#pendingLengths.indexOf(0);
    if (place < 0 || length > MAX_FRAME_BYTES) return false;
    if (entry.pending >= 0) this.#drops.count("neighbourQueueFull", entry.interfaceIndex);
    entry.pending = place;
    const copy = (this.#pendingFrames[place] as Frame).bytes;
    // Only a datagram of our own comes in a larger frame: forwarding makes no view.
    copy.set(frame.bytes.length <= copy.length ? frame.bytes : frame.bytes.subarray(0, copy.length));
    this.#pendingLengths[place] = length;
    return true;
  }

  /** Only `poll` gives up: there no packet is in hand whose buffers the report to the waiting packet's sender could spoil. */
  private askOrGiveUp(index: number, entry: Neighbour): void {
    const isDue = this.#clock.now >= entry.requestedAtMs + REQUEST_INTERVAL_MS;
    if (isDue && entry.attempts >= REQUEST_ATTEMPTS) this.free(index, entry);
    else this.ask(entry);
  }

  /** Sends the next request, if it is due and there is one left. */
  private ask(entry: Neighbour): void {
    const dueAtMs = entry.requestedAtMs + REQUEST_INTERVAL_MS;
    if (this.#clock.now < dueAtMs) {
      this.schedule(dueAtMs);
      return;
    }
    if (entry.attempts >= REQUEST_ATTEMPTS) return;
    entry.attempts++;
    entry.requestedAtMs = this.#clock.now;
    this.schedule(this.#clock.now + REQUEST_INTERVAL_MS);
    const out = this.#interfaces[entry.interfaceIndex] as Interface;
    if (entry.state === "stale") {
      this.sendArp(out, macOf(entry.macHead, entry.macTail), ARP_REQUEST, out.address, 0, entry.address);
    } else this.sendArp(out, BROADCAST_MAC, ARP_REQUEST, out.address, 0, entry.address);
  }

  private dropPending(entry: Neighbour): void {
    if (entry.pending < 0) return;
    const place = entry.pending;
    const length = this.#pendingLengths[place] as number;
    entry.pending = -1;
    this.#pendingLengths[place] = 0;
    this.#drops.count("neighbourUnresolved", entry.interfaceIndex);
    if (this.onUnresolved !== undefined) {
      const out = this.#interfaces[entry.interfaceIndex] as Interface;
      this.onUnresolved(out, this.#pendingFrames[place] as Frame, length);
    }
  }

  private transmit(out: Interface, macHead: number, macTail: number, frame: Frame, length: number): Verdict {
    writeEthernetIpv4(frame, macHead, macTail, out.macHead, out.macTail);
    return out.transmit(frame, length) ? "ok" : "portFull";
  }

  private sendArp(
    out: Interface,
    mac: number,
    operation: number,
    senderAddress: number,
    targetMac: number,
    targetAddress: number,
  ): void {
    writeEthernet(this.#arpFrame, mac, out.mac, ETHERTYPE_ARP);
    writeArp(this.#arpFrame, operation, out.mac, senderAddress, targetMac, targetAddress);
    if (!out.transmit(this.#arpFrame, ETHERNET_HEADER_BYTES + ARP_BYTES)) this.#drops.count("portFull", out.index);
  }

  private schedule(atMs: number): void {
    if (atMs < this.#nextDeadline) this.#nextDeadline = atMs;
  }
}
