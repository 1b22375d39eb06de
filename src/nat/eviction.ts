/**
 * Who makes way for a new session when a table, or what one account may have of it, is full.
 *
 * In this order: TCP connections forgotten in closing, then in opening; then what hosts hold beyond their fair share, datagrams
 * that nobody answered first, then pings, then idle datagrams; and what everybody else has only for a host that holds
 * little itself. Handshakes under way and datagrams each make way for their own kind first. An established TCP connection
 * never goes. Nobody loses anything to a host that holds more than himself.
 *
 * All of this only reads; a few looks at the heads of lists are all it takes.
 */
import type { FlowTable } from "../flow/table.js";
import type { Decision } from "./decision.js";
import { Account, type Hosts } from "./hosts.js";
import { List } from "./list.js";
import type { Mappings } from "./mappings.js";
import { HANDSHAKE_S, type Sessions } from "./sessions.js";

/** Sessions looked at in one go; as many again that close. */
const LOOK_LIMIT = 32;

/** Of a table so small that a quarter would be a handful. */
const LEAST_HALF_OPEN = 16;

/** Half-open connections, as `Sessions.waiting` has them. */
const HALF_OPEN_LISTS = (1 << List.TCP_TRANSITORY) | (1 << List.TCP_CLOSING) | (1 << List.CALLS);
/** Lists of datagrams, as many as the two orders below. */
const DATAGRAM_LISTS = 6;
/** Lists of datagrams in the order of their worth. */
const BY_WORTH: readonly number[] = Object.freeze([
  List.UDP | List.UNPROVEN | List.EXCESS,
  List.ICMP | List.EXCESS,
  List.UDP | List.EXCESS,
  List.UDP | List.UNPROVEN,
  List.ICMP,
  List.UDP,
]);
/** The same where what is silent has gone already: what waits for its answer comes last. */
const ANSWERED_FIRST: readonly number[] = Object.freeze([
  List.UDP | List.EXCESS,
  List.ICMP | List.EXCESS,
  List.UDP | List.UNPROVEN | List.EXCESS,
  List.UDP,
  List.ICMP,
  List.UDP | List.UNPROVEN,
]);

export class Eviction {
  /** TCP connections that may open or close at a time: a quarter of the sessions, so that a flood of SYNs fills no more. */
  readonly mostHalfOpen: number;
  readonly #flows: FlowTable;
  readonly #mappings: Mappings;
  readonly #sessions: Sessions;
  readonly #hosts: Hosts;
  // What the search under way is for.
  #account = 0;
  /** Who holds this much or less, in sessions or in mappings, loses nothing to the newcomer. */
  #floor = 0;
  #isOwnOnly = false;
  #needsMapping = false;
  #isOwnSpared = false;
  #silentS = 0;
  #looks = 0;
  /** The second in which somebody who holds much was refused for want of a whole mapping. */
  #fruitlessAt = -1;

  constructor(flows: FlowTable, mappings: Mappings, sessions: Sessions, hosts: Hosts) {
    this.#flows = flows;
    this.#mappings = mappings;
    this.#sessions = sessions;
    this.#hosts = hosts;
    this.mostHalfOpen = Math.max(LEAST_HALF_OPEN, flows.capacity >> 2);
  }

  /**
   * The half-open connection that makes way for one more, when there are as many as may be; -1 if none does. A call for a
   * call, or when calls have half of the room; else that of a host which holds much, or else the oldest, one that closes
   * first: as fast as hosts may open connections, it has had a quarter of a second.
   */
  halfOpenVictim({ account, held }: Decision): number {
    this.begin(account, held, false, false);
    this.#looks = LOOK_LIMIT;
    const isCall = account === Account.CALLERS;
    const isFlooded = this.#sessions.classes.calls > this.mostHalfOpen >> 1;
    const call = isCall || isFlooded ? this.firstOf(List.CALLS, true) : -1;
    if (call >= 0) return call;
    const forgotten = this.forgotten();
    if (forgotten >= 0) return forgotten;
    const excess = this.firstTransitory(false);
    if (excess >= 0 || isCall) return excess;
    this.#looks = LOOK_LIMIT;
    const oldest = this.firstTransitory(true);
    return oldest >= 0 ? oldest : this.firstOf(List.CALLS, true);
  }

  /**
   * The session that makes way in a full table of sessions; with `needsMapping` one that takes its mapping along. With
   * `isOwnOnly` the newcomer's account has all it may have, and only its own count. -1 if none does.
   */
  victim({ account, isLarge, held, timerClass }: Decision, isOwnOnly: boolean, needsMapping: boolean): number {
    const isTcp = timerClass === List.TCP_TRANSITORY;
    this.begin(account, held, isOwnOnly, needsMapping);
    const forgotten = this.#sessions.waiting & HALF_OPEN_LISTS ? this.forgotten() : -1;
    if (forgotten >= 0) return forgotten;
    const floor = this.#floor;
    const most = needsMapping ? this.#hosts.mostMappings : this.#hosts.mostSessions;
    const half = most >> 1;
    if (half > floor && !isOwnOnly) {
      this.#floor = half;
      this.#isOwnSpared = true;
      const greediest = this.firstOfAll(BY_WORTH, isTcp, false);
      this.#isOwnSpared = false;
      if (greediest >= 0) return greediest;
      this.#floor = floor;
    }
    // A forger's datagrams wait for their answers for ever.
    if (account === Account.CALLERS) {
      this.#isOwnOnly = true;
      this.#looks = LOOK_LIMIT;
      const unanswered = this.firstOf(List.UDP | List.UNPROVEN | List.EXCESS, false);
      if (unanswered >= 0) return unanswered;
      this.#isOwnOnly = isOwnOnly;
    }
    if (this.#sessions.hasSilent) {
      this.#silentS = HANDSHAKE_S;
      const silent = this.firstOfAll(BY_WORTH, isTcp, !isLarge);
      this.#silentS = 0;
      if (silent >= 0) return silent;
    }
    return this.firstOfAll(ANSWERED_FIRST, isTcp, !isLarge);
  }

  /**
   * A session whose mapping makes way with all its sessions, none of which is an established TCP connection: where no
   * mapping has a single session. -1 if there is none.
   */
  mappingVictim(decision: Decision, isOwnOnly: boolean): number {
    const victim = this.victim(decision, isOwnOnly, true);
    if (victim >= 0) return victim;
    if (decision.isLarge && this.#flows.tick === this.#fruitlessAt) return -1;
    const shared = this.victim(decision, isOwnOnly, false);
    return shared < 0 || this.#sessions.hasEstablished(this.#sessions.mapping(shared)) ? -1 : shared;
  }

  /**
   * Somebody who holds much found no mapping to make way: who holds much looks for no whole one for the rest of this second.
   * Each such look is at all sessions, and he may ask as often as he likes, for a refusal takes no token.
   */
  noteFruitless(): void {
    this.#fruitlessAt = this.#flows.tick;
  }

  private begin(account: number, held: number, isOwnOnly: boolean, needsMapping: boolean): void {
    const { small } = needsMapping ? this.#hosts.mappings : this.#hosts.sessions;
    const own = needsMapping ? (held >> 16) & 0xffff : held & 0xffff;
    this.#account = account;
    this.#floor = small;
    if (own > small) this.#floor = own;
    this.#isOwnOnly = isOwnOnly;
    this.#needsMapping = needsMapping;
  }

  /** A connection that has been silent in opening or closing for longer than a handshake takes, whosever it is. */
  private forgotten(): number {
    this.#looks = LOOK_LIMIT;
    this.#silentS = HANDSHAKE_S;
    const oldest = this.firstTransitory(true);
    const forgotten = oldest >= 0 ? oldest : this.firstOf(List.CALLS, true);
    this.#silentS = 0;
    return forgotten;
  }

  /** A connection that is over before one that opens. Neither list hides the other: each has all the looks that are left. */
  private firstTransitory(isAnybodys: boolean): number {
    const sessions = this.#sessions;
    if ((sessions.waiting >> List.TCP_CLOSING) & 1) {
      const looks = this.#looks;
      const closing = this.firstOf(List.TCP_CLOSING, isAnybodys);
      if (closing >= 0) return closing;
      this.#looks = looks;
    }
    return this.firstOf(List.TCP_TRANSITORY, isAnybodys);
  }

  /** Handshakes under way make way for each other first; datagrams likewise. */
  private firstOfAll(lists: readonly number[], isTcp: boolean, isAnybodys: boolean): number {
    const { waiting } = this.#sessions;
    const hasHalfOpen = (waiting & HALF_OPEN_LISTS) !== 0;
    this.#looks = LOOK_LIMIT;
    const transitory = isTcp && hasHalfOpen ? this.firstTransitory(isAnybodys) : -1;
    if (transitory >= 0) return transitory;
    for (let i = 0; i < DATAGRAM_LISTS; i++) {
      const list = lists[i] as number;
      if (((waiting >> list) & 1) === 0) continue;
      const index = this.firstOf(list, isAnybodys && (list & List.EXCESS) === 0);
      if (index >= 0) return index;
    }
    if (!hasHalfOpen) return -1;
    const other = isTcp ? -1 : this.firstTransitory(isAnybodys);
    return other >= 0 ? other : this.firstOf(List.CALLS, true);
  }

  /** The session idle longest in a list that may make way; `isAnybodys`: even of a host that holds little. */
  private firstOf(list: number, isAnybodys: boolean): number {
    const sessions = this.#sessions;
    let looks = this.#looks;
    let index = sessions.heads[list] as number;
    while (index >= 0 && looks > 0) {
      const seen = this.#flows.lastSeen(index);
      if (seen <= sessions.queued(index)) {
        // Those behind it have been silent for a shorter time.
        if (this.#silentS > 0 && this.#flows.header.tick - seen < this.#silentS) break;
        if (this.isExpendable(index, isAnybodys || list === List.CALLS)) return index;
      }
      looks--;
      index = sessions.next(index);
    }
    this.#looks = looks;
    return -1;
  }

  private isExpendable(index: number, isAnybodys: boolean): boolean {
    if (this.#needsMapping) {
      const mappings = this.#mappings;
      const mapping = this.#sessions.mapping(index);
      if (mappings.sessionCount(mapping) !== 1) return false;
      if (this.#isOwnOnly && mappings.isOnCallers(mapping) !== (this.#account === Account.CALLERS)) return false;
    }
    if (isAnybodys && !this.#isOwnOnly) return true;
    const account = this.#sessions.account(index);
    if (account === this.#account && (this.#isOwnOnly || !this.#isOwnSpared)) return true;
    if (this.#isOwnOnly) return false;
    const held = this.#hosts.held(account);
    return (this.#needsMapping ? (held >> 16) & 0xffff : held & 0xffff) > this.#floor;
  }
}
