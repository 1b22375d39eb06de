/**
 * How many sessions of each class there are and were, and how they ended. A class is a list less EXCESS: besides ANSWERED and
 * UNANSWERED these are ICMP, TCP_ESTABLISHED, CALLS, and TCP_TRANSITORY for the other connections that open or close.
 */
import type { FlowTable } from "../flow/table.js";
import { List } from "./list.js";

/** Datagrams, but for pings. */
export const ANSWERED = List.UDP;
export const UNANSWERED = List.UDP | List.UNPROVEN;

// Behind the most that there have been.
const EXPIRED = List.END;
const EVICTED = 2 * List.END;

/** Sessions of a class: now, the most at a time, how many their timeout has ended, and how many have made way for others. */
export interface ClassUse {
  readonly now: number;
  readonly most: number;
  readonly expired: number;
  readonly evicted: number;
}

export class Classes {
  /** TCP connections that open or close, and those of them that were called by who may be a forger. `Sessions` counts some. */
  halfOpen = 0;
  calls = 0;
  readonly #flows: FlowTable;
  // Those of the other classes. Unanswered datagrams are the rest: to open such a session takes no instruction for it.
  #established = 0;
  #answered = 0;
  #icmp = 0;
  #mostHalfOpen = 0;
  /** By class: the most that there had been when one last left it; and behind, how many have expired, and been evicted. */
  readonly #tallies = new Int32Array(EVICTED + List.END);

  constructor(flows: FlowTable) {
    this.#flows = flows;
  }

  /** The most half-open connections that there have been at a time. */
  get mostHalfOpen(): number {
    return Math.max(this.#mostHalfOpen, this.halfOpen);
  }

  use(name: number): ClassUse {
    const tallies = this.#tallies;
    const now = this.countOf(name);
    return {
      now,
      most: Math.max(now, tallies[name] as number),
      expired: tallies[EXPIRED + name] as number,
      evicted: tallies[EVICTED + name] as number,
    };
  }

  /** A session is of that list from now on. */
  join(list: number): void {
    const name = list & ~List.EXCESS;
    if (name === ANSWERED) {
      this.#answered++;
    } else if (name === List.ICMP) {
      this.#icmp++;
    } else if (name === List.TCP_ESTABLISHED) {
      this.#established++;
    } else if (name !== UNANSWERED) {
      this.halfOpen++;
      if (name === List.CALLS) this.calls++;
    }
  }

  /**
   * A session of that list ends now, which the flow table still counts, or joins another list. There have never been more in
   * its class than just before one leaves.
   */
  leave(list: number): void {
    const name = list & ~List.EXCESS;
    const tallies = this.#tallies;
    let count = 0;
    if (name === UNANSWERED) {
      count = this.#flows.count - this.halfOpen - this.#established - this.#answered - this.#icmp;
    } else if (name === ANSWERED) {
      count = this.#answered--;
    } else if (name === List.ICMP) {
      count = this.#icmp--;
    } else if (name === List.TCP_ESTABLISHED) {
      count = this.#established--;
    } else {
      const halfOpen = this.halfOpen--;
      if (halfOpen > this.#mostHalfOpen) this.#mostHalfOpen = halfOpen;
      count = name === List.CALLS ? this.calls-- : halfOpen - this.calls;
    }
    if (count > (tallies[name] as number)) tallies[name] = count;
  }

  /** A session of that list ends by its timeout. */
  countExpired(list: number): void {
    const at = EXPIRED + (list & ~List.EXCESS);
    this.#tallies[at] = (this.#tallies[at] as number) + 1;
  }

  /** A session of that list makes way for another. */
  countEvicted(list: number): void {
    const at = EVICTED + (list & ~List.EXCESS);
    this.#tallies[at] = (this.#tallies[at] as number) + 1;
  }

  private countOf(name: number): number {
    if (name === ANSWERED) return this.#answered;
    if (name === List.ICMP) return this.#icmp;
    if (name === List.TCP_ESTABLISHED) return this.#established;
    if (name === List.CALLS) return this.calls;
    if (name === List.TCP_TRANSITORY) return this.halfOpen - this.calls;
    return this.#flows.count - this.halfOpen - this.#established - this.#answered - this.#icmp;
  }
}
