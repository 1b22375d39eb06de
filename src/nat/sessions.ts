/**
 * Sessions: who talks to whom through which mapping, and until when.
 *
 * The tuples and the time of the last packet are in the flow table, under the same number; here stands what only the NAT
 * needs. Sessions of the same timer class and the same worth form a list in the order in which they were queued. The fast
 * path stamps a session without moving it, so an entry that was used since it was queued gets a second chance: it goes to
 * the end. A session may therefore keep its place for up to a timeout longer than it lives, but nobody finds it any more.
 *
 * A long file, for all of it reads and writes the same words.
 */
import { NEVER } from "../core/clock.js";
import type { Random } from "../core/random.js";
import type { FlowTable } from "../flow/table.js";
import { Classes } from "./classes.js";
import { Account, Held, type Hosts } from "./hosts.js";
import { List, type TimerClass } from "./list.js";
import type { Mappings } from "./mappings.js";
import type { NatSettings } from "./settings.js";
import { listOf } from "./tcpState.js";

const TIMER_CLASSES = 4;
const ALL_CLASSES = (1 << TIMER_CLASSES) - 1;
/** Later than any tick. */
const FAR = 0x7fffffff;

/** Found anew in `Math` it would cost XS twice as much. */
const imul = Math.imul;

/** Seconds of silence in which a handshake goes on: its SYN is repeated after 1, 2 and 4 (RFC 6298). */
export const HANDSHAKE_S = 5;

/** Sessions looked at in one go: bounds the time that a tick takes. */
const LOOK_LIMIT = 32;

/**
 * A session's words. The first one, which is read most, has no name, for to add 0 costs too. As captured variables they would
 * cost XS 500 instructions a session.
 */
// biome-ignore lint/suspicious/noConstEnum: see above.
const enum Word {
  /**
   * Doubly linked lists, by timer class, and by mapping and remote address: next in the upper half, previous in the lower. -1
   * stands for none; but the first of a list of peers has the number of its head, inverted, so that it need not be hashed to
   * be taken out.
   */
  TIMER_LINKS = 1,
  PEER_LINKS = 2,
  /** The tick of its last packet when the session was put at the end of its timer list. */
  QUEUED = 3,
  COUNT = 4,
}

/** The first word. */
// biome-ignore lint/suspicious/noConstEnum: as Word.
const enum Facts {
  MAPPING = 0x1fff,
  LIST_SHIFT = 13,
  LIST = 15 << LIST_SHIFT,
  /** As tcpState.ts has it. */
  STATE_SHIFT = 17,
  STATE = 0x7f << STATE_SHIFT,
  CALLED = 64 << STATE_SHIFT,
  /** For TCP the window scale shifts offered in the SYNs, 4 bits each. */
  INSIDE_SCALE_SHIFT = 24,
  OUTSIDE_SCALE_SHIFT = 28,
}

/** Of a list's number. */
// biome-ignore lint/suspicious/noConstEnum: as Word.
const enum Bits {
  TIMER_CLASS = 3,
}

/** Where a session's state, as `open` takes it, has the window scales of its SYNs. */
export const INSIDE_SCALE_SHIFT = Facts.INSIDE_SCALE_SHIFT - Facts.STATE_SHIFT;
export const OUTSIDE_SCALE_SHIFT = Facts.OUTSIDE_SCALE_SHIFT - Facts.STATE_SHIFT;

export class Sessions {
  readonly #flows: FlowTable;
  readonly #mappings: Mappings;
  /** Whole words: on XS an element costs the same whatever its width. */
  readonly #words: Int32Array;
  readonly #peerHeads: Int16Array;
  /** 32 less the number of bits that number the heads. */
  readonly #peerShift: number;
  readonly #remoteSecret: number;
  readonly #mappingSecret: number;
  readonly #timerTails: number[] = [];
  /** By list: seconds without a packet that its sessions live. */
  readonly #timeouts: number[] = [];
  /** By list, the session that has waited longest in it; -1 when it is empty. Only read from outside. */
  readonly heads: number[] = [];
  /** A bit for each list that has a session; only read from outside. */
  waiting = 0;
  /** In this second a list of what may make way began with one that had been silent for HANDSHAKE_S; only read from outside. */
  hasSilent = false;
  /** No head of a list is due before this tick. */
  #due = FAR;
  /** How many there are and were of each class. */
  readonly classes: Classes;
  /** The most sessions that there had been when one last closed. */
  #mostOpen = 0;
  readonly #hosts: Hosts;

  constructor(flows: FlowTable, mappings: Mappings, hosts: Hosts, settings: NatSettings, random: Random) {
    const capacity = flows.capacity;
    // Chains are looked through only for callers whom no session of theirs lets in.
    let headBits = 3;
    while (4 << headBits < capacity) headBits++;
    this.#flows = flows;
    this.#mappings = mappings;
    this.#hosts = hosts;
    this.classes = new Classes(flows);
    this.#words = new Int32Array(capacity * Word.COUNT);
    this.#peerHeads = new Int16Array(1 << headBits).fill(-1);
    this.#peerShift = 32 - headBits;
    this.#remoteSecret = random.next32() | 1;
    this.#mappingSecret = random.next32() | 1;
    for (let list = 0; list < List.END; list++) {
      this.heads.push(-1);
      this.#timerTails.push(-1);
      this.#timeouts.push(0);
    }
    this.configure(settings);
  }

  /** Takes the timeouts; they hold for the sessions that there are, too. */
  configure(settings: NatSettings): void {
    for (let list = 0; list < List.END; list++) this.#timeouts[list] = timeoutOf(list, settings);
    this.#flows.setLifetimes(settings.udpTimeoutS, settings.tcpEstablishedTimeoutS);
    this.#due = this.waiting === 0 ? FAR : 0;
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
      ((this.#words[index * Word.COUNT] as number) & Facts.LIST) >> Facts.LIST_SHIFT
    ] as number;
    return this.#flows.header.tick - this.#flows.lastSeen(index) <= timeout;
  }

  /** The most sessions that there have been at a time. */
  get mostOpen(): number {
    return Math.max(this.#mostOpen, this.#flows.count);
  }

  /**
   * A new session of a mapping, which has counted it, with `remote`: used now, for the tuple that `findOutbound` looked for
   * last and did not find; -1 when the table has no room: what made way may still be in a reader's hands. `state` is 0 or
   * CALLED for what is not TCP; for TCP it may have window scales above it.
   */
  open(mapping: number, externalPort: number, remote: number, list: number, state: number): number {
    const flows = this.#flows;
    const timerClass = list & Bits.TIMER_CLASS;
    const index = flows.insertSought(externalPort, timerClass === List.UDP);
    if (index < 0) return -1;
    if ((list & ~List.EXCESS) !== (List.UDP | List.UNPROVEN)) {
      if (timerClass !== List.TCP_TRANSITORY) {
        this.classes.join(list);
      } else {
        // As `join`, without the call.
        const classes = this.classes;
        classes.halfOpen++;
        if (list === List.CALLS) classes.calls++;
      }
    }
    const words = this.#words;
    const at = index * Word.COUNT;
    words[at] = mapping | (list << Facts.LIST_SHIFT) | (state << Facts.STATE_SHIFT);
    // As `enqueue`, and `peerHead` below, without their calls.
    const tick = flows.header.tick;
    const tails = this.#timerTails;
    const tail = tails[list] as number;
    words[at + Word.TIMER_LINKS] = -0x10000 | (tail & 0xffff);
    words[at + Word.QUEUED] = tick;
    tails[list] = index;
    if (tail < 0) {
      this.begin(list, index, tick);
    } else {
      const tailAt = tail * Word.COUNT + Word.TIMER_LINKS;
      words[tailAt] = (index << 16) | ((words[tailAt] as number) & 0xffff);
    }
    const peerHeads = this.#peerHeads;
    const hash = imul(remote, this.#remoteSecret);
    const head = imul(hash ^ ((hash >> 15) & 0x1ffff) ^ mapping, this.#mappingSecret) >>> this.#peerShift;
    const next = peerHeads[head] as number;
    words[at + Word.PEER_LINKS] = (next << 16) | (~head & 0xffff);
    if (next >= 0) {
      const nextAt = next * Word.COUNT + Word.PEER_LINKS;
      words[nextAt] = ((words[nextAt] as number) & ~0xffff) | index;
    }
    peerHeads[head] = index;
    return index;
  }

  /** Ends a session, and its mapping if it was the last. */
  close(index: number): void {
    const words = this.#words;
    const at = index * Word.COUNT;
    const facts = words[at] as number;
    const list = (facts & Facts.LIST) >> Facts.LIST_SHIFT;
    this.classes.leave(list);
    this.dequeue(index, list);
    const links = words[at + Word.PEER_LINKS] as number;
    const next = links >> 16;
    const previous = (links << 16) >> 16;
    if (previous < 0) {
      this.#peerHeads[~previous] = next;
    } else {
      const previousAt = previous * Word.COUNT + Word.PEER_LINKS;
      words[previousAt] = (next << 16) | ((words[previousAt] as number) & 0xffff);
    }
    if (next >= 0) {
      const nextAt = next * Word.COUNT + Word.PEER_LINKS;
      words[nextAt] = ((words[nextAt] as number) & ~0xffff) | (previous & 0xffff);
    }
    const flows = this.#flows;
    const count = flows.count;
    if (count > this.#mostOpen) this.#mostOpen = count;
    flows.remove(index);
    const mappings = this.#mappings;
    const hosts = this.#hosts;
    const mapping = facts & Facts.MAPPING;
    const owner = mappings.removeSession(mapping);
    if ((facts & Facts.CALLED) === 0 && owner >= 0 && owner !== Account.CALLERS) {
      hosts.add(owner, -1 - Held.ONE_MAPPING);
      return;
    }
    hosts.add(facts & Facts.CALLED ? Account.CALLERS : mappings.insideAddress(mapping) & Account.BITS, -1);
    if (owner >= 0) hosts.add(owner, -Held.ONE_MAPPING);
  }

  /** A packet was seen on the slow path, from inside or from outside. */
  touch(index: number, isInside: boolean): void {
    const words = this.#words;
    const at = index * Word.COUNT;
    const facts = words[at] as number;
    const list = (facts & Facts.LIST) >> Facts.LIST_SHIFT;
    const tick = this.#flows.header.tick;
    if (list & List.UNPROVEN && ((facts & Facts.CALLED) !== 0) === isInside) {
      // The first answer to a datagram.
      const answered = list & ~List.UNPROVEN;
      this.classes.leave(list);
      this.classes.join(answered);
      this.#flows.touch(index);
      this.dequeue(index, list);
      words[at] = (facts & ~Facts.LIST) | (answered << Facts.LIST_SHIFT);
      this.enqueue(index, answered, tick);
    } else {
      this.queueAgain(index, list);
    }
  }

  mapping(index: number): number {
    return (this.#words[index * Word.COUNT] as number) & Facts.MAPPING;
  }

  list(index: number): number {
    return ((this.#words[index * Word.COUNT] as number) & Facts.LIST) >> Facts.LIST_SHIFT;
  }

  timerClass(index: number): TimerClass {
    return (((this.#words[index * Word.COUNT] as number) >> Facts.LIST_SHIFT) & Bits.TIMER_CLASS) as TimerClass;
  }

  /** Whose account the session is on. */
  account(index: number): number {
    const facts = this.#words[index * Word.COUNT] as number;
    return facts & Facts.CALLED ? Account.CALLERS : this.#mappings.insideAddress(facts & Facts.MAPPING) & Account.BITS;
  }

  tcpState(index: number): number {
    return ((this.#words[index * Word.COUNT] as number) & Facts.STATE) >> Facts.STATE_SHIFT;
  }

  /** A TCP connection has had a packet now; from here on it is in `state`, and under the timeout of its list. */
  setTcpState(index: number, state: number): void {
    const at = index * Word.COUNT;
    const facts = this.#words[at] as number;
    const before = (facts & Facts.LIST) >> Facts.LIST_SHIFT;
    const list = listOf(state);
    const next = (facts & ~(Facts.STATE | Facts.LIST)) | (state << Facts.STATE_SHIFT) | (list << Facts.LIST_SHIFT);
    if (next !== facts) this.#words[at] = next;
    // The other side has begun anew.
    if ((next ^ facts) & Facts.CALLED) this.changeAccount(next);
    if (before === list) {
      this.queueAgain(index, list);
      return;
    }
    this.classes.leave(before);
    this.classes.join(list);
    this.#flows.touch(index);
    this.dequeue(index, before);
    this.enqueue(index, list, this.#flows.header.tick);
  }

  windowScale(index: number, isInside: boolean): number {
    const facts = this.#words[index * Word.COUNT] as number;
    return (facts >> shiftOf(isInside)) & 15;
  }

  setWindowScale(index: number, isInside: boolean, scale: number): void {
    const shift = shiftOf(isInside);
    const at = index * Word.COUNT;
    this.#words[at] = ((this.#words[at] as number) & ~(15 << shift)) | (scale << shift);
  }

  /** The window scale that the first SYN offers; the other side has offered none yet. */
  beginWindowScales(index: number, isInside: boolean, scale: number): void {
    const at = index * Word.COUNT;
    const offered = scale << shiftOf(isInside);
    this.#words[at] = ((this.#words[at] as number) & ((1 << Facts.INSIDE_SCALE_SHIFT) - 1)) | offered;
  }

  /** Ends what is over: by its timeout, or as both sides have said. */
  finish(index: number): void {
    if (!this.isLiving(index)) this.classes.countExpired(this.list(index));
    this.close(index);
  }

  /** Ends a session that makes way for another. */
  evict(index: number): void {
    const list = ((this.#words[index * Word.COUNT] as number) & Facts.LIST) >> Facts.LIST_SHIFT;
    this.classes.countEvicted(list);
    const isFirst = this.heads[list] === index;
    this.close(index);
    // Those in front of it are in use: who looks for the next one shall not meet them again.
    if (!isFirst) this.renew(list);
  }

  /** True when the mapping has a session with any port of `remote`. */
  hasPeer(mapping: number, remote: number): boolean {
    let index = this.#peerHeads[this.peerHead(mapping, remote)] as number;
    while (index >= 0) {
      const isMatch = this.mapping(index) === mapping && this.#flows.remoteAddress(index) === remote;
      if (isMatch && this.isLiving(index)) return true;
      index = (this.#words[index * Word.COUNT + Word.PEER_LINKS] as number) >> 16;
    }
    return false;
  }

  /** Whole seconds until the session expires; negative when it has. */
  secondsLeft(index: number): number {
    const idle = this.#flows.tick - this.#flows.lastSeen(index);
    return (this.#timeouts[this.list(index)] as number) - idle;
  }

  /** The one behind it in its list; -1 for none. */
  next(index: number): number {
    return (this.#words[index * Word.COUNT + Word.TIMER_LINKS] as number) >> 16;
  }

  /** The tick of its last packet when it was queued; if it was used since, its place in its list is not its own. */
  queued(index: number): number {
    return this.#words[index * Word.COUNT + Word.QUEUED] as number;
  }

  /** Ends a mapping with all its sessions. */
  closeMapping(mapping: number): void {
    for (let index = 0; index < this.#flows.capacity; index++) if (this.isOf(mapping, index)) this.close(index);
  }

  /** As `closeMapping`: they make way for others. */
  evictMapping(mapping: number): void {
    for (let index = 0; index < this.#flows.capacity; index++) if (this.isOf(mapping, index)) this.evict(index);
  }

  /** Whether a mapping has a session that is an established TCP connection. */
  hasEstablished(mapping: number): boolean {
    for (let index = 0; index < this.#flows.capacity; index++) {
      if (this.isOf(mapping, index) && this.timerClass(index) === List.TCP_ESTABLISHED) return true;
    }
    return false;
  }

  /** Puts those at a list's head in their right places that were used since they were queued; 32 at most. */
  private renew(list: number): void {
    let looks = LOOK_LIMIT;
    let index = this.heads[list] as number;
    while (index >= 0) {
      const seen = this.#flows.lastSeen(index);
      if (seen <= (this.#words[index * Word.COUNT + Word.QUEUED] as number) || looks === 0) return;
      looks--;
      this.requeue(index, list, seen);
      index = this.heads[list] as number;
    }
  }

  /** Ends expired sessions; looks at 32 at most. */
  expire(): void {
    let looks = LOOK_LIMIT;
    let earliest = FAR;
    const flows = this.#flows;
    const tick = flows.header.tick;
    const heads = this.heads;
    const words = this.#words;
    let hasSilent = false;
    for (let list = 0, waiting = this.waiting; waiting !== 0; list++, waiting >>= 1) {
      if ((waiting & 1) === 0) {
        // Often nothing of the same worth waits in any class.
        if ((waiting & ALL_CLASSES) === 0) {
          list += TIMER_CLASSES - 1;
          waiting >>= TIMER_CLASSES - 1;
        }
        continue;
      }
      const timeout = this.#timeouts[list] as number;
      let index = heads[list] as number;
      while (index >= 0) {
        // When it has expired if it was not used since it was queued.
        const due = (words[index * Word.COUNT + Word.QUEUED] as number) + timeout + 1;
        if (tick < due || looks === 0) {
          if (due < earliest) earliest = due;
          if (list !== List.TCP_ESTABLISHED && due - timeout <= tick - HANDSHAKE_S + 1) hasSilent = true;
          break;
        }
        looks--;
        const seen = flows.lastSeen(index);
        if (tick - seen > timeout) {
          this.classes.countExpired(list);
          this.close(index);
        } else {
          this.requeue(index, list, seen);
        }
        index = heads[list] as number;
      }
    }
    this.#due = earliest;
    this.hasSilent = hasSilent;
    // Soon somebody will look there for a session to give up.
    if (flows.count << 2 >= flows.capacity * 3) {
      for (let list = 0; list < List.END; list++) if (list !== List.TCP_ESTABLISHED) this.renew(list);
    }
  }

  /** When `expire` has something to do, or earlier, in ms since the stack's start; NEVER if no session is open. */
  nextDeadline(): number {
    return this.waiting === 0 ? NEVER : this.#due * 1000;
  }

  private isOf(mapping: number, index: number): boolean {
    return this.mapping(index) === mapping && this.#flows.isUsed(index);
  }

  /** Often it is the last that was queued, and in this very second: then nothing changes. */
  private queueAgain(index: number, list: number): void {
    const at = index * Word.COUNT + Word.QUEUED;
    const tick = this.#flows.header.tick;
    if (this.#timerTails[list] !== index) {
      this.#flows.touch(index);
      this.dequeue(index, list);
      this.enqueue(index, list, tick);
    } else if (this.#words[at] !== tick) {
      this.#flows.touch(index);
      this.#words[at] = tick;
    }
  }

  /** A session is on the other account from now on: as its facts say. */
  private changeAccount(facts: number): void {
    const host = this.#mappings.insideAddress(facts & Facts.MAPPING) & Account.BITS;
    const isCall = (facts & Facts.CALLED) !== 0;
    this.#hosts.add(isCall ? Account.CALLERS : host, 1);
    this.#hosts.add(isCall ? host : Account.CALLERS, -1);
  }

  private requeue(index: number, list: number, seen: number): void {
    this.dequeue(index, list);
    this.enqueue(index, list, seen);
  }

  private enqueue(index: number, list: number, seen: number): void {
    const words = this.#words;
    const at = index * Word.COUNT;
    const tail = this.#timerTails[list] as number;
    words[at + Word.TIMER_LINKS] = -0x10000 | (tail & 0xffff);
    words[at + Word.QUEUED] = seen;
    this.#timerTails[list] = index;
    if (tail < 0) {
      this.begin(list, index, seen);
    } else {
      const tailAt = tail * Word.COUNT + Word.TIMER_LINKS;
      words[tailAt] = (index << 16) | ((words[tailAt] as number) & 0xffff);
    }
  }

  /** A list has its first session. */
  private begin(list: number, index: number, seen: number): void {
    this.heads[list] = index;
    this.waiting |= 1 << list;
    const due = seen + (this.#timeouts[list] as number) + 1;
    if (due < this.#due) this.#due = due;
  }

  private dequeue(index: number, list: number): void {
    const words = this.#words;
    const links = words[index * Word.COUNT + Word.TIMER_LINKS] as number;
    const next = links >> 16;
    const previous = (links << 16) >> 16;
    if (previous < 0) {
      this.heads[list] = next;
      if (next < 0) this.waiting ^= 1 << list;
    } else {
      const at = previous * Word.COUNT + Word.TIMER_LINKS;
      words[at] = (next << 16) | ((words[at] as number) & 0xffff);
    }
    if (next < 0) {
      this.#timerTails[list] = previous;
    } else {
      const at = next * Word.COUNT + Word.TIMER_LINKS;
      words[at] = ((words[at] as number) & ~0xffff) | (previous & 0xffff);
    }
  }

  /** A keyed hash: who chooses mappings and remote addresses cannot make them meet. Its upper bits depend on all of both. */
  private peerHead(mapping: number, remote: number): number {
    const hash = imul(remote, this.#remoteSecret);
    return imul(hash ^ ((hash >> 15) & 0x1ffff) ^ mapping, this.#mappingSecret) >>> this.#peerShift;
  }
}

/** Seconds; unproven calls are opening, and what a datagram is worth does not matter. */
function timeoutOf(list: number, settings: NatSettings): number {
  if (list === List.TCP_CLOSING) return settings.tcpClosingTimeoutS;
  switch (list & Bits.TIMER_CLASS) {
    case List.TCP_ESTABLISHED:
      return settings.tcpEstablishedTimeoutS;
    case List.TCP_TRANSITORY:
      return settings.tcpOpeningTimeoutS;
    case List.ICMP:
      return settings.icmpTimeoutS;
    default:
      return settings.udpTimeoutS;
  }
}

/** Of a side's window scale in a session's first word. */
function shiftOf(isInside: boolean): number {
  return isInside ? Facts.INSIDE_SCALE_SHIFT : Facts.OUTSIDE_SCALE_SHIFT;
}
