/**
 * Who holds how much of the NAT's tables, and how fast each may open new sessions.
 *
 * Every LAN host has an account in a table that is indexed by the last byte of its address: no hash, no chains, nothing
 * that a flood of forged senders could push out. In a /24 each host has its own; in a larger LAN hosts whose addresses end
 * alike share one. What strangers open from outside, through a forward or to a mapping that admits them, is on one account
 * of theirs: so nobody outside can use up what a server behind a forward may have.
 */
import type { Clock } from "../core/clock.js";
import type { Verdict } from "../core/drops.js";
import type { NatSettings } from "./settings.js";

/** Whose account it is; numbers for the packet path, as in wire/inlined.ts. */
// biome-ignore lint/suspicious/noConstEnum: as captured variables these cost XS 300 instructions for a session.
export const enum Account {
  /** Of an inside address: the account that pays for what that host opens, 0..255. */
  BITS = 0xff,
  /** The account of all who call from outside. */
  CALLERS = 256,
  COUNT = 257,
}

/** What an account holds: sessions in the lower half, mappings in the upper. */
// biome-ignore lint/suspicious/noConstEnum: as Account.
export const enum Held {
  ONE_MAPPING = 0x10000,
  /** The signs of both halves. */
  NEGATIVE = -0x7fff8000,
}

/** Where what begins, of words for each account: what it holds at 0, when its bucket is full again, refusals in half a word. */
// biome-ignore lint/suspicious/noConstEnum: as Account.
const enum WordAt {
  FULL = 257,
  REFUSALS = 514,
  END = 643,
}
/** Refusals are counted up to here. */
const MOST_REFUSALS = 0xffff;

/**
 * Time is counted in 1/64 ms, so fine that 1,000 a second are 1,000. It wraps after 18 hours: a bucket that was not used for
 * just that long may seem used for the seconds that it takes to fill.
 */
// biome-ignore lint/suspicious/noConstEnum: as Account.
const enum Units {
  A_MS = 64,
  A_SECOND = 64_000,
  /** The longest that a bucket takes to fill: a quarter of what the units can tell apart. */
  MOST = 0x40000000,
}

/** Sessions that a host may open at once, whatever its rate: what the default table grants it. A larger quota is a larger burst. */
const LEAST_BURST = 512;

/** Who wants a session; `Hosts.judge` fills in all but the account. */
export interface Newcomer {
  account: number;
  held: number;
  isLarge: boolean;
  /** Means something only where it is large. */
  isAtLimit: boolean;
}

/**
 * A share of a table, in entries: what one account may hold; what is kept for those that hold little; and how little that
 * is. Of a table of a handful each is 1 at least, but for the reserve.
 */
export class Shares {
  most = 0;
  /** Entries in use up to which everybody may take another. */
  readonly open: number;
  /** Who holds fewer than this may draw on the reserve, and loses nothing to others. */
  small = 1;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.open = capacity - (capacity >> 3);
    this.limit(0);
  }

  /** 0 for the default, half of the table. */
  limit(most: number): void {
    const limit = most === 0 ? Math.max(1, this.#capacity >> 1) : Math.min(most, this.#capacity);
    this.most = limit;
    this.small = Math.max(1, Math.min(limit, this.#capacity >> 4));
  }
}

export class Hosts {
  // Those first that every new session needs: XS looks through an object's fields in their order.
  readonly #words = new Int32Array(WordAt.END);
  readonly #clock: Clock;
  // What `judge` has worked out for `opened`; modulo 2^32.
  #nextFullAt = 0;
  #nextTotalFullAt = 0;
  // For each rate: units between two sessions; and how far ahead of now the time when the bucket is full again may lie if
  // it is to have another token: the virtual scheduling algorithm of ITU-T I.371. Both are 0 for no limit.
  #totalFullAt = 0;
  #hostInterval = 0;
  #hostSpan = 0;
  #totalInterval = 0;
  #totalSpan = 0;
  /** The most that an account holds which is small, sessions and mappings, as `held` has them. */
  #small = 0;
  /** The most that it may hold and open another all the same. */
  #nearlyMost = 0;
  #callInterval = 0;
  #callSpan = 0;
  /** The most that any account held at the last survey; only read from outside. */
  mostSessions = 0;
  mostMappings = 0;
  readonly sessions: Shares;
  readonly mappings: Shares;

  constructor(clock: Clock, sessions: number, mappings: number, settings: NatSettings) {
    this.#clock = clock;
    this.sessions = new Shares(sessions);
    this.mappings = new Shares(mappings);
    this.configure(settings);
  }

  configure(settings: NatSettings): void {
    this.sessions.limit(settings.hostSessions);
    this.mappings.limit(settings.hostMappings);
    this.#small = ((this.mappings.small - 1) << 16) | (this.sessions.small - 1);
    this.#nearlyMost = ((this.mappings.most - 1) << 16) | (this.sessions.most - 1);
    const burst = Math.max(LEAST_BURST, this.sessions.most);
    this.#hostInterval = intervalOf(settings.hostRate);
    this.#hostSpan = spanOf(this.#hostInterval, burst);
    this.#totalInterval = intervalOf(settings.totalRate);
    this.#totalSpan = spanOf(this.#totalInterval, 2 * burst);
    this.#callInterval = intervalOf(settings.inboundRate);
    this.#callSpan = spanOf(this.#callInterval, burst >> 1);
  }

  /** Sessions in the lower half, mappings in the upper. */
  held(account: number): number {
    return this.#words[account] as number;
  }

  /** Looks through all accounts for who holds most. Once a second will do; `judge` cannot do it, for that must change nothing. */
  survey(): void {
    let sessions = 0;
    let mappings = 0;
    for (let account = 0; account < Account.COUNT; account++) {
      const held = this.#words[account] as number;
      if ((held & 0xffff) > sessions) sessions = held & 0xffff;
      if (held >>> 16 > mappings) mappings = held >>> 16;
    }
    this.mostSessions = sessions;
    this.mostMappings = mappings;
  }

  /**
   * Whether the newcomer's account may open a session now, as to rates; and notes what it holds. Half of what all may open
   * in a burst is left to hosts that hold little: those who flood cannot use it up.
   */
  judge(newcomer: Newcomer): Verdict {
    const account = newcomer.account;
    const words = this.#words;
    const held = words[account] as number;
    // Neither half may become negative.
    const isLarge = ((this.#small - held) & Held.NEGATIVE) !== 0;
    newcomer.isLarge = isLarge;
    newcomer.held = held;
    if (isLarge) newcomer.isAtLimit = ((this.#nearlyMost - held) & Held.NEGATIVE) !== 0;
    const now = (this.#clock.now * Units.A_MS) | 0;
    const fullAt = words[WordAt.FULL + account] as number;
    if (account === Account.CALLERS) return this.judgeCall(now, (fullAt - now) | 0);
    const interval = this.#hostInterval;
    const ahead = (fullAt - now) | 0;
    let from = now;
    if (ahead > 0) {
      const span = this.#hostSpan;
      if (ahead <= span) from = fullAt;
      // A time further ahead than any is long past: the units have wrapped, or the rate has changed.
      else if (ahead <= span + interval) return "natRateLimited";
    }
    this.#nextFullAt = from + interval;
    const totalFullAt = this.#totalFullAt;
    const totalAhead = (totalFullAt - now) | 0;
    from = now;
    if (totalAhead > 0) {
      const span = this.#totalSpan;
      if (totalAhead <= (isLarge ? span >> 1 : span)) from = totalFullAt;
      else if (totalAhead <= span + this.#totalInterval) return "natRateLimited";
    }
    this.#nextTotalFullAt = from + this.#totalInterval;
    return "ok";
  }

  private judgeCall(now: number, ahead: number): Verdict {
    const interval = this.#callInterval;
    const span = this.#callSpan;
    if (ahead > span && ahead <= span + interval) return "natRateLimited";
    this.#nextFullAt = (ahead > 0 && ahead <= span ? now + ahead : now) + interval;
    return "ok";
  }

  /** Takes what `judge` has just granted, for a session that is open now; `mappings` is what `account` holds more. */
  opened(account: number, mappings: number): void {
    const words = this.#words;
    words[account] = (words[account] as number) + 1 + mappings;
    words[WordAt.FULL + account] = this.#nextFullAt;
    if (account !== Account.CALLERS) this.#totalFullAt = this.#nextTotalFullAt | 0;
  }

  /** `by` is 1 for a session, and Held.ONE_MAPPING for a mapping; negative for what has ended. */
  add(account: number, by: number): void {
    this.#words[account] = (this.#words[account] as number) + by;
  }

  /** A session was refused because of what the account holds, or how fast it opens. */
  refused(account: number): void {
    const words = this.#words;
    const at = WordAt.REFUSALS + (account >> 1);
    const shift = (account & 1) << 4;
    const refusals = ((words[at] as number) >>> shift) & 0xffff;
    if (refusals < MOST_REFUSALS) words[at] = (words[at] as number) + (1 << shift);
  }

  /** Sessions refused to the account so far, up to MOST_REFUSALS. */
  refusals(account: number): number {
    return ((this.#words[WordAt.REFUSALS + (account >> 1)] as number) >>> ((account & 1) << 4)) & 0xffff;
  }
}

function intervalOf(rate: number): number {
  return rate === 0 ? 0 : Math.max(1, Math.round(Units.A_SECOND / rate));
}

function spanOf(interval: number, burst: number): number {
  return Math.min(interval * (burst - 1), Units.MOST);
}
