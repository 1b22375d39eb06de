/**
 * Sessions: who talks to whom through which mapping, and until when.
 *
 * The tuples and the time of the last packet are in the flow table, under the same number; here stands what only the NAT
 * needs. The sessions of each timer class form a list in the order in which they were queued. The fast path stamps a
 * session without moving it, so an entry that was used since it was queued gets a second chance: it goes to the end. A
 * session may therefore keep its place for up to a timeout longer than it lives, but nobody finds it any more.
 */
import { NEVER } from "../core/clock.js";
import type { FlowTable } from "../flow/table.js";
import type { Mappings } from "./mappings.js";
import type { NatSettings } from "./settings.js";
import { isUnprovenCall } from "./tcpState.js";

/** Timer classes. */
export const UDP = 0;
export const ICMP = 1;
export const TCP_TRANSITORY = 2;
export const TCP_ESTABLISHED = 3;
export type TimerClass = typeof UDP | typeof ICMP | typeof TCP_TRANSITORY | typeof TCP_ESTABLISHED;
const TIMER_CLASSES = 4;

/** Found anew in `Math` it would cost XS twice as much. */
const imul = Math.imul;

/** Sessions looked at in one go: bounds the time that a tick takes. */
const LOOK_LIMIT = 32;
/** Seconds of silence in which a handshake goes on: its SYN is repeated after 1, 2 and 4 (RFC 6298). */
const HANDSHAKE_S = 5;

// A session's words. The first one, which is read most, has no name, for to add 0 costs too: the mapping in bits 0-15, the
// timer class in 16-17, and for TCP the facts of tcpState.ts in 18-24.
const SESSION_SHIFT = 2;
/** Doubly linked lists, by timer class, and by mapping and remote address: next in the upper half, previous in the lower. */
const TIMER_LINKS = 1;
const PEER_LINKS = 2;
/** The tick of its last packet when the session was put at the end of its timer list. */
const QUEUED = 3;

const CLASS_SHIFT = 16;
const CLASS_BITS = 3 << CLASS_SHIFT;
const STATE_SHIFT = 18;
const STATE_BITS = 0x7f << STATE_SHIFT;

export class Sessions {
  readonly #flows: FlowTable;
  readonly #mappings: Mappings;
  /** Whole words: on XS an element costs the same whatever its width. */
  readonly #words: Int32Array;
  /** TCP: the window scale shifts offered in the SYNs, inside in the low half, outside in the high half. */
  readonly #windowScales: Uint8Array;
  readonly #peerHeads: Int16Array;
  readonly #peerMask: number;
  readonly #secret: number;
  readonly #timerHeads: number[] = [];
  readonly #timerTails: number[] = [];
  readonly #timeouts: number[] = [];

  /** `secret` is any random int32. */
  constructor(flows: FlowTable, mappings: Mappings, settings: NatSettings, secret: number) {
    const capacity = flows.capacity;
    let heads = 8;
    while (heads * 2 < capacity) heads *= 2;
    this.#flows = flows;
    this.#mappings = mappings;
    this.#words = new Int32Array(capacity << SESSION_SHIFT);
    this.#windowScales = new Uint8Array(capacity);
    this.#peerHeads = new Int16Array(heads).fill(-1);
    this.#peerMask = heads - 1;
    this.#secret = secret | 1;
    for (let timerClass = 0; timerClass < TIMER_CLASSES; timerClass++) {
      this.#timerHeads.push(-1);
      this.#timerTails.push(-1);
      this.#timeouts.push(0);
    }
    this.configure(settings);
  }

  /** Takes the timeouts; they hold for the sessions that there are, too. */
  configure(settings: NatSettings): void {
    this.#timeouts[UDP] = settings.udpTimeoutS;
    this.#timeouts[ICMP] = settings.icmpTimeoutS;
    this.#timeouts[TCP_TRANSITORY] = settings.tcpTransitoryTimeoutS;
    this.#timeouts[TCP_ESTABLISHED] = settings.tcpEstablishedTimeoutS;
    this.#flows.setLifetimes(settings.udpTimeoutS, settings.tcpEstablishedTimeoutS);
  }

  /** As `FlowTable.findOutbound`, without sessions that have expired. */
  findOutbound(protocol: number, inside: number, insidePort: number, remote: number, remotePort: number): number {
    const index = this.#flows.findOutbound(protocol, inside, insidePort, remote, remotePort);
    return index >= 0 && this.isLiving(index) ? index : -1;
  }

  /** As `FlowTable.findInbound`, without sessions that have expired. */
  findInbound(protocol: number, remote: number, remotePort: number, externalPort: number): number {
    const index = this.#flows.findInbound(protocol, remote, remotePort, externalPort);
    return index >= 0 && this.isLiving(index) ? index : -1;
  }

  /** Whether a session has not expired. */
  isLiving(index: number): boolean {
    const timeout = this.#timeouts[
      ((this.#words[index << SESSION_SHIFT] as number) & CLASS_BITS) >> CLASS_SHIFT
    ] as number;
    return this.#flows.header.tick - this.#flows.lastSeen(index) <= timeout;
  }

  /**
   * A new session of a mapping, which has counted it, with `remote`: used now, for the tuple that `findOutbound` looked for last and did not find;
   * -1 when the table has no room: what made way may still be in a reader's hands. `tcpState` is 0 or CALLED for what is not TCP.
   */
  open(mapping: number, externalPort: number, remote: number, timerClass: TimerClass, tcpState: number): number {
    const flows = this.#flows;
    const index = flows.insertSought(externalPort, timerClass === UDP);
    if (index < 0) return -1;
    const words = this.#words;
    const at = index << SESSION_SHIFT;
    words[at] = mapping | (timerClass << CLASS_SHIFT) | (tcpState << STATE_SHIFT);
    this.#enqueue(index, timerClass, flows.header.tick);
    const peerHeads = this.#peerHeads;
    const head = this.#peerHead(mapping, remote);
    const next = peerHeads[head] as number;
    words[at + PEER_LINKS] = (next << 16) | 0xffff;
    if (next >= 0) this.#setPeerPrevious(next, index);
    peerHeads[head] = index;
    return index;
  }

  /** Ends a session, and its mapping if it was the last. */
  close(index: number): void {
    const facts = this.#words[index << SESSION_SHIFT] as number;
    const mapping = facts & 0xffff;
    this.#dequeue(index, (facts & CLASS_BITS) >> CLASS_SHIFT);
    this.#unlinkPeer(index, mapping, this.#flows.remoteAddress(index));
    this.#flows.remove(index);
    this.#mappings.removeSession(mapping);
  }

  /** A packet was seen on the slow path. */
  touch(index: number): void {
    const words = this.#words;
    const at = index << SESSION_SHIFT;
    const timerClass = ((words[at] as number) & CLASS_BITS) >> CLASS_SHIFT;
    const tick = this.#flows.header.tick;
    // Often it is the last that was queued, and in this very second: then nothing changes.
    if (this.#timerTails[timerClass] !== index) {
      this.#flows.touch(index);
      this.#dequeue(index, timerClass);
      this.#enqueue(index, timerClass, tick);
    } else if (words[at + QUEUED] !== tick) {
      this.#flows.touch(index);
      words[at + QUEUED] = tick;
    }
  }

  mapping(index: number): number {
    return (this.#words[index << SESSION_SHIFT] as number) & 0xffff;
  }

  timerClass(index: number): TimerClass {
    return (((this.#words[index << SESSION_SHIFT] as number) & CLASS_BITS) >> CLASS_SHIFT) as TimerClass;
  }

  tcpState(index: number): number {
    return ((this.#words[index << SESSION_SHIFT] as number) & STATE_BITS) >> STATE_SHIFT;
  }

  /** A TCP connection has had a packet now; from here on it is in `state`, and under the timeout of `timerClass`. */
  setTcpState(index: number, state: number, timerClass: TimerClass): void {
    const at = index << SESSION_SHIFT;
    const facts = this.#words[at] as number;
    const next = (facts & ~(STATE_BITS | CLASS_BITS)) | (state << STATE_SHIFT) | (timerClass << CLASS_SHIFT);
    if (next !== facts) this.#words[at] = next;
    const before = (facts & CLASS_BITS) >> CLASS_SHIFT;
    if (before === timerClass) {
      this.touch(index);
      return;
    }
    this.#flows.touch(index);
    this.#dequeue(index, before);
    this.#enqueue(index, timerClass, this.#flows.header.tick);
  }

  windowScale(index: number, isInside: boolean): number {
    const scales = this.#windowScales[index] as number;
    return isInside ? scales & 15 : scales >> 4;
  }

  setWindowScale(index: number, isInside: boolean, scale: number): void {
    const scales = this.#windowScales[index] as number;
    this.#windowScales[index] = isInside ? (scales & 0xf0) | scale : (scales & 15) | (scale << 4);
  }

  /** The window scale that the first SYN offers; the other side has offered none yet. */
  beginWindowScales(index: number, isInside: boolean, scale: number): void {
    this.#windowScales[index] = isInside ? scale : scale << 4;
  }

  /** True when the mapping has a session with any port of `remote`. */
  hasPeer(mapping: number, remote: number): boolean {
    let index = this.#peerHeads[this.#peerHead(mapping, remote)] as number;
    while (index >= 0) {
      const isMatch = this.mapping(index) === mapping && this.#flows.remoteAddress(index) === remote;
      if (isMatch && this.isLiving(index)) return true;
      index = (this.#words[(index << SESSION_SHIFT) + PEER_LINKS] as number) >> 16;
    }
    return false;
  }

  /** Whole seconds until the session expires; negative when it has. */
  secondsLeft(index: number): number {
    const idle = this.#flows.tick - this.#flows.lastSeen(index);
    return (this.#timeouts[this.timerClass(index)] as number) - idle;
  }

  /**
   * The session that makes way in a full table for one of class `newcomer`; -1 if none does. First the TCP connection that
   * opens or closes and has been silent for longer than a handshake takes. After that each kind makes way for itself: for
   * a TCP connection one that opens or closes, first one called from outside; for a UDP or ICMP session the one of them
   * idle longest. So a flood of the one keeps nobody from the other. An established TCP connection never goes.
   */
  victim(newcomer: TimerClass): number {
    return this.#leastWorth(newcomer, false);
  }

  /**
   * The session whose mapping makes way, in a full table of mappings, for one with a session of class `newcomer`; -1 if
   * none does. It is the mapping's only one, chosen likewise; if none is at hand, the one that has been idle longest.
   */
  mappingVictim(newcomer: TimerClass): number {
    const alone = this.#leastWorth(newcomer, true);
    if (alone >= 0) return alone;
    const opening = this.#expendable(TCP_TRANSITORY);
    return opening >= 0 ? opening : this.#expendable(this.#idlerDatagrams());
  }

  /** Ends a session's mapping with all its sessions. */
  closeMapping(mapping: number): void {
    for (let index = 0; index < this.#flows.capacity; index++) if (this.#isOf(mapping, index)) this.close(index);
  }

  /** Ends expired sessions; looks at 32 at most. */
  expire(): void {
    let looks = LOOK_LIMIT;
    for (let timerClass = 0; timerClass < TIMER_CLASSES; timerClass++) {
      let index = this.#timerHeads[timerClass] as number;
      while (index >= 0 && looks > 0 && this.#flows.tick >= this.#dueAt(index, timerClass)) {
        looks--;
        const idle = this.#flows.tick - this.#flows.lastSeen(index);
        if (idle > (this.#timeouts[timerClass] as number)) this.close(index);
        else this.#requeue(index);
        index = this.#timerHeads[timerClass] as number;
      }
    }
  }

  /** When `expire` has something to do, in ms since the stack's start; NEVER if no session is open. */
  nextDeadline(): number {
    let earliest = NEVER;
    for (let timerClass = 0; timerClass < TIMER_CLASSES; timerClass++) {
      const head = this.#timerHeads[timerClass] as number;
      if (head < 0) continue;
      const deadline = this.#dueAt(head, timerClass) * 1000;
      if (deadline < earliest) earliest = deadline;
    }
    return earliest;
  }

  /** The tick at which a session has expired if it was not used since it was queued. */
  #dueAt(index: number, timerClass: number): number {
    return (this.#words[(index << SESSION_SHIFT) + QUEUED] as number) + (this.#timeouts[timerClass] as number) + 1;
  }

  /** The session that is worth least; with `withMapping` one that takes its mapping along. -1 if there is none. */
  #leastWorth(newcomer: TimerClass, withMapping: boolean): number {
    const opening = this.#idlest(TCP_TRANSITORY, withMapping);
    const isForgotten = opening >= 0 && this.#flows.tick - this.#flows.lastSeen(opening) >= HANDSHAKE_S;
    const datagrams = this.#idlest(this.#idlerDatagrams(), withMapping);
    const isTcpTurn = newcomer === TCP_TRANSITORY ? opening >= 0 : datagrams < 0;
    if (isTcpTurn && !isForgotten && !withMapping) return this.#firstCall(opening);
    return isForgotten || isTcpTurn ? opening : datagrams;
  }

  /** UDP or ICMP, whichever has the session that is idle longest. */
  #idlerDatagrams(): TimerClass {
    const udp = this.#timerHeads[UDP] as number;
    const icmp = this.#timerHeads[ICMP] as number;
    if (udp < 0 || icmp < 0) return udp < 0 ? ICMP : UDP;
    return this.#flows.lastSeen(udp) <= this.#flows.lastSeen(icmp) ? UDP : ICMP;
  }

  /** The oldest call from outside that the caller has not shown to be genuine, as far as 32 looks go; else `otherwise`. */
  #firstCall(otherwise: number): number {
    let index = this.#timerHeads[TCP_TRANSITORY] as number;
    for (let look = 0; look < LOOK_LIMIT && index >= 0; look++) {
      if (isUnprovenCall(this.tcpState(index))) return index;
      index = this.#timerNext(index);
    }
    return otherwise;
  }

  /** The class's idlest session; -1 if there is none, or if its mapping carries an established connection, too. */
  #expendable(timerClass: TimerClass): number {
    const idlest = this.#idlest(timerClass, false);
    if (idlest < 0) return -1;
    const mapping = this.mapping(idlest);
    for (let index = 0; index < this.#flows.capacity; index++) {
      if (this.#isOf(mapping, index) && this.timerClass(index) === TCP_ESTABLISHED) return -1;
    }
    return idlest;
  }

  #isOf(mapping: number, index: number): boolean {
    return this.mapping(index) === mapping && this.#flows.isUsed(index);
  }

  /** The first session of the list that was not used since it was queued, as far as 32 looks go; -1 for none. */
  #idlest(timerClass: TimerClass, withMapping: boolean): number {
    let index = this.#timerHeads[timerClass] as number;
    for (let look = 0; look < LOOK_LIMIT && index >= 0; look++) {
      const next = this.#timerNext(index);
      const queued = this.#words[(index << SESSION_SHIFT) + QUEUED] as number;
      if (this.#flows.lastSeen(index) > queued) this.#requeue(index);
      else if (!withMapping || this.#mappings.sessionCount(this.mapping(index)) === 1) return index;
      index = next;
    }
    // All of them are in use: one must go all the same, but no mapping with others' sessions.
    return withMapping ? -1 : (this.#timerHeads[timerClass] as number);
  }

  #timerNext(index: number): number {
    return (this.#words[(index << SESSION_SHIFT) + TIMER_LINKS] as number) >> 16;
  }

  #requeue(index: number): void {
    const timerClass = this.timerClass(index);
    this.#dequeue(index, timerClass);
    this.#enqueue(index, timerClass, this.#flows.lastSeen(index));
  }

  #enqueue(index: number, timerClass: number, seen: number): void {
    const words = this.#words;
    const at = index << SESSION_SHIFT;
    const tail = this.#timerTails[timerClass] as number;
    words[at + TIMER_LINKS] = -0x10000 | (tail & 0xffff);
    words[at + QUEUED] = seen;
    this.#timerTails[timerClass] = index;
    if (tail < 0) {
      this.#timerHeads[timerClass] = index;
    } else {
      const tailAt = (tail << SESSION_SHIFT) + TIMER_LINKS;
      words[tailAt] = (index << 16) | ((words[tailAt] as number) & 0xffff);
    }
  }

  #dequeue(index: number, timerClass: number): void {
    const words = this.#words;
    const links = words[(index << SESSION_SHIFT) + TIMER_LINKS] as number;
    const next = links >> 16;
    const previous = (links << 16) >> 16;
    if (previous < 0) {
      this.#timerHeads[timerClass] = next;
    } else {
      const at = (previous << SESSION_SHIFT) + TIMER_LINKS;
      words[at] = (next << 16) | ((words[at] as number) & 0xffff);
    }
    if (next < 0) {
      this.#timerTails[timerClass] = previous;
    } else {
      const at = (next << SESSION_SHIFT) + TIMER_LINKS;
      words[at] = ((words[at] as number) & ~0xffff) | (previous & 0xffff);
    }
  }

  #unlinkPeer(index: number, mapping: number, remote: number): void {
    const words = this.#words;
    const links = words[(index << SESSION_SHIFT) + PEER_LINKS] as number;
    const next = links >> 16;
    const previous = (links << 16) >> 16;
    if (previous < 0) {
      this.#peerHeads[this.#peerHead(mapping, remote)] = next;
    } else {
      const at = (previous << SESSION_SHIFT) + PEER_LINKS;
      words[at] = (next << 16) | ((words[at] as number) & 0xffff);
    }
    if (next >= 0) this.#setPeerPrevious(next, previous);
  }

  #setPeerPrevious(index: number, previous: number): void {
    const at = (index << SESSION_SHIFT) + PEER_LINKS;
    this.#words[at] = ((this.#words[at] as number) & ~0xffff) | (previous & 0xffff);
  }

  #peerHead(mapping: number, remote: number): number {
    return (imul(remote ^ (mapping << 16), this.#secret) >> 16) & this.#peerMask;
  }
}
