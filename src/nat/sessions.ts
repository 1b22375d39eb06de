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

export class Sessions {
  readonly #flows: FlowTable;
  readonly #mappings: Mappings;
  readonly #mappingOf: Int16Array;
  readonly #timerClasses: Uint8Array;
  /** TCP: the facts of tcpState.ts. */
  readonly #tcpStates: Uint8Array;
  /** TCP: the window scale shifts offered in the SYNs, inside in the low half, outside in the high half. */
  readonly #windowScales: Uint8Array;
  /** Doubly linked lists: by timer class, and by mapping and remote address; -1 ends them. */
  readonly #timerNext: Int16Array;
  readonly #timerPrevious: Int16Array;
  /** The tick of its last packet when the session was put at the end of its timer list. */
  readonly #seenWhenQueued: Int32Array;
  readonly #peerNext: Int16Array;
  readonly #peerPrevious: Int16Array;
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
    while (heads < capacity) heads *= 2;
    this.#flows = flows;
    this.#mappings = mappings;
    this.#mappingOf = new Int16Array(capacity);
    this.#timerClasses = new Uint8Array(capacity);
    this.#tcpStates = new Uint8Array(capacity);
    this.#windowScales = new Uint8Array(capacity);
    this.#timerNext = new Int16Array(capacity);
    this.#timerPrevious = new Int16Array(capacity);
    this.#seenWhenQueued = new Int32Array(capacity);
    this.#peerNext = new Int16Array(capacity);
    this.#peerPrevious = new Int16Array(capacity);
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
    return this.#living(this.#flows.findOutbound(protocol, inside, insidePort, remote, remotePort));
  }

  /** As `FlowTable.findInbound`, without sessions that have expired. */
  findInbound(protocol: number, remote: number, remotePort: number, externalPort: number): number {
    return this.#living(this.#flows.findInbound(protocol, remote, remotePort, externalPort));
  }

  /** A new session of a mapping, used now; -1 when the table is full: `makeRoom` comes first. */
  open(mapping: number, remote: number, remotePort: number, timerClass: TimerClass): number {
    const mappings = this.#mappings;
    const index = this.#flows.insert(
      mappings.protocol(mapping),
      mappings.insideAddress(mapping),
      mappings.insidePort(mapping),
      remote,
      remotePort,
      mappings.externalPort(mapping),
    );
    if (index < 0) return -1;
    mappings.addSession(mapping);
    this.#mappingOf[index] = mapping;
    this.#tcpStates[index] = 0;
    this.#windowScales[index] = 0;
    this.#enqueue(index, timerClass);
    this.#linkPeer(index, this.#peerHead(mapping, remote));
    return index;
  }

  /** Ends a session, and its mapping if it was the last. */
  close(index: number): void {
    const mapping = this.mapping(index);
    this.#dequeue(index);
    this.#unlinkPeer(index, this.#peerHead(mapping, this.#flows.remoteAddress(index)));
    this.#flows.remove(index);
    this.#mappings.removeSession(mapping);
  }

  /** A packet was seen on the slow path. */
  touch(index: number): void {
    const timerClass = this.#timerClasses[index] as TimerClass;
    // Often it is the last that was queued, and in this very second: then nothing changes.
    if (this.#timerTails[timerClass] === index && this.#seenWhenQueued[index] === this.#flows.tick) return;
    this.#flows.touch(index);
    this.#requeue(index);
  }

  mapping(index: number): number {
    return this.#mappingOf[index] as number;
  }

  timerClass(index: number): TimerClass {
    return this.#timerClasses[index] as TimerClass;
  }

  /** Puts a session under another timeout, used now. */
  setTimerClass(index: number, timerClass: TimerClass): void {
    if (this.#timerClasses[index] === timerClass) {
      this.touch(index);
      return;
    }
    this.#flows.touch(index);
    this.#dequeue(index);
    this.#enqueue(index, timerClass);
  }

  tcpState(index: number): number {
    return this.#tcpStates[index] as number;
  }

  setTcpState(index: number, state: number): void {
    this.#tcpStates[index] = state;
  }

  windowScale(index: number, isInside: boolean): number {
    const scales = this.#windowScales[index] as number;
    return isInside ? scales & 15 : scales >> 4;
  }

  /** Neither side has offered a window scale. */
  clearWindowScales(index: number): void {
    this.#windowScales[index] = 0;
  }

  setWindowScale(index: number, isInside: boolean, scale: number): void {
    const scales = this.#windowScales[index] as number;
    this.#windowScales[index] = isInside ? (scales & 0xf0) | scale : (scales & 15) | (scale << 4);
  }

  /** True when the mapping has a session with any port of `remote`. */
  hasPeer(mapping: number, remote: number): boolean {
    let index = this.#peerHeads[this.#peerHead(mapping, remote)] as number;
    while (index >= 0) {
      const isMatch = this.#mappingOf[index] === mapping && this.#flows.remoteAddress(index) === remote;
      if (isMatch && !this.isExpired(index)) return true;
      index = this.#peerNext[index] as number;
    }
    return false;
  }

  isExpired(index: number): boolean {
    return this.secondsLeft(index) < 0;
  }

  /** Whole seconds until the session expires; negative when it has. */
  secondsLeft(index: number): number {
    const idle = this.#flows.tick - this.#flows.lastSeen(index);
    return (this.#timeouts[this.timerClass(index)] as number) - idle;
  }

  /**
   * True when there is room for another session, which will be of class `newcomer`. In a full table an expired session
   * goes first, then the TCP connection that opens or closes and has been silent for longer than a handshake takes. After
   * that each kind makes way for itself: for a TCP connection one that opens or closes, first one called from outside; for
   * a UDP or ICMP session the one of them idle longest. So a flood of the one keeps nobody from the other. An established
   * TCP connection never goes.
   */
  makeRoom(newcomer: TimerClass): boolean {
    if (this.#flows.count >= this.#flows.capacity) this.expire();
    if (this.#flows.count >= this.#flows.capacity && !this.#giveUp(newcomer, false)) return false;
    // What has just become free may still be in a reader's hands.
    return this.#flows.hasRoom();
  }

  /**
   * True when there is room for another mapping. In a full table one goes that has a single session, chosen likewise; if
   * none is at hand, the mapping of the session that has been idle longest goes with all it has.
   */
  makeMappingRoom(newcomer: TimerClass): boolean {
    if (!this.#mappings.isFull) return true;
    this.expire();
    if (!this.#mappings.isFull || this.#giveUp(newcomer, true)) return true;
    return this.#giveUpMapping(TCP_TRANSITORY) || this.#giveUpMapping(this.#idlerDatagrams());
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
    return (this.#seenWhenQueued[index] as number) + (this.#timeouts[timerClass] as number) + 1;
  }

  /** Ends the session that is worth least; with `withMapping` one that takes its mapping along. False if there is none. */
  #giveUp(newcomer: TimerClass, withMapping: boolean): boolean {
    const opening = this.#idlest(TCP_TRANSITORY, withMapping);
    const isForgotten = opening >= 0 && this.#flows.tick - this.#flows.lastSeen(opening) >= HANDSHAKE_S;
    const datagrams = this.#idlest(this.#idlerDatagrams(), withMapping);
    const isTcpTurn = newcomer === TCP_TRANSITORY ? opening >= 0 : datagrams < 0;
    let victim = isForgotten || isTcpTurn ? opening : datagrams;
    if (isTcpTurn && !isForgotten && !withMapping) victim = this.#firstCall(opening);
    if (victim < 0) return false;
    this.close(victim);
    return true;
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
      index = this.#timerNext[index] as number;
    }
    return otherwise;
  }

  /** Ends the mapping of the class's idlest session; false if there is none, or if it carries an established connection. */
  #giveUpMapping(timerClass: TimerClass): boolean {
    const idlest = this.#idlest(timerClass, false);
    if (idlest < 0) return false;
    const mapping = this.mapping(idlest);
    for (let index = 0; index < this.#flows.capacity; index++) {
      if (this.#isOf(mapping, index) && this.timerClass(index) === TCP_ESTABLISHED) return false;
    }
    for (let index = 0; index < this.#flows.capacity; index++) if (this.#isOf(mapping, index)) this.close(index);
    return true;
  }

  #isOf(mapping: number, index: number): boolean {
    return this.mapping(index) === mapping && this.#flows.isUsed(index);
  }

  /** The first session of the list that was not used since it was queued, as far as 32 looks go; -1 for none. */
  #idlest(timerClass: TimerClass, withMapping: boolean): number {
    let index = this.#timerHeads[timerClass] as number;
    for (let look = 0; look < LOOK_LIMIT && index >= 0; look++) {
      const next = this.#timerNext[index] as number;
      if (this.#flows.lastSeen(index) > (this.#seenWhenQueued[index] as number)) this.#requeue(index);
      else if (!withMapping || this.#mappings.sessionCount(this.mapping(index)) === 1) return index;
      index = next;
    }
    // All of them are in use: one must go all the same, but no mapping with others' sessions.
    return withMapping ? -1 : (this.#timerHeads[timerClass] as number);
  }

  #living(index: number): number {
    if (index < 0) return -1;
    // As `isExpired` has it, without its calls.
    const idle = this.#flows.tick - this.#flows.lastSeen(index);
    if (idle <= (this.#timeouts[this.#timerClasses[index] as number] as number)) return index;
    this.close(index);
    return -1;
  }

  #requeue(index: number): void {
    const timerClass = this.#timerClasses[index] as TimerClass;
    if (this.#timerTails[timerClass] === index) {
      this.#seenWhenQueued[index] = this.#flows.lastSeen(index);
      return;
    }
    this.#dequeue(index);
    this.#enqueue(index, timerClass);
  }

  #enqueue(index: number, timerClass: TimerClass): void {
    const tail = this.#timerTails[timerClass] as number;
    this.#seenWhenQueued[index] = this.#flows.lastSeen(index);
    this.#timerClasses[index] = timerClass;
    this.#timerNext[index] = -1;
    this.#timerPrevious[index] = tail;
    this.#timerTails[timerClass] = index;
    if (tail < 0) this.#timerHeads[timerClass] = index;
    else this.#timerNext[tail] = index;
  }

  #dequeue(index: number): void {
    const timerClass = this.timerClass(index);
    const next = this.#timerNext[index] as number;
    const previous = this.#timerPrevious[index] as number;
    if (previous < 0) this.#timerHeads[timerClass] = next;
    else this.#timerNext[previous] = next;
    if (next < 0) this.#timerTails[timerClass] = previous;
    else this.#timerPrevious[next] = previous;
  }

  #linkPeer(index: number, head: number): void {
    const next = this.#peerHeads[head] as number;
    this.#peerNext[index] = next;
    this.#peerPrevious[index] = -1;
    if (next >= 0) this.#peerPrevious[next] = index;
    this.#peerHeads[head] = index;
  }

  #unlinkPeer(index: number, head: number): void {
    const next = this.#peerNext[index] as number;
    const previous = this.#peerPrevious[index] as number;
    if (previous < 0) this.#peerHeads[head] = next;
    else this.#peerNext[previous] = next;
    if (next >= 0) this.#peerPrevious[next] = previous;
  }

  #peerHead(mapping: number, remote: number): number {
    return (imul(remote ^ (mapping << 16), this.#secret) >> 16) & this.#peerMask;
  }
}
