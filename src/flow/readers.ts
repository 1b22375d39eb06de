/**
 * The flow cache's readers in other tasks, one for each interface, and when none of them can hold any more what the table
 * no longer has. The periods of RCU (quiescence): the writer numbers them, and each reader notes in its word the period in
 * which it went in, or 0 when it is outside. docs/architecture.md says why this is enough.
 */
import { PERIOD, READER_WORDS, READERS } from "./layout.js";
import type { WordAccess } from "./memory.js";

export class Readers {
  readonly #access: WordAccess;
  #period = 1;

  constructor(access: WordAccess) {
    this.#access = access;
    access.store(PERIOD, 1);
  }

  /** Begins a new period and returns the number of the one that ends: what was withdrawn until now is out of use after it. */
  endPeriod(): number {
    const ended = this.#period;
    // 0 is no period.
    const period = (ended + 1) | 0 || 1;
    this.#period = period;
    this.#access.store(PERIOD, period);
    return ended;
  }

  /** Whether every reader is outside, or went in after that period. */
  isOver(period: number): boolean {
    for (let reader = READERS; reader < READERS + READER_WORDS; reader++) {
      const entered = this.#access.load(reader);
      if (entered !== 0 && ((entered - period) | 0) <= 0) return false;
    }
    return true;
  }
}
