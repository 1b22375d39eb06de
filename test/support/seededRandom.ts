/** Deterministic randomness: the same seed gives the same numbers. Mulberry32, good enough for tests and simulations. */
import type { Random } from "../../src/core/random.js";

export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return mixed ^ (mixed >>> 14);
  }

  /** 0 <= fraction < 1 */
  fraction(): number {
    return (this.next32() >>> 0) / 0x100000000;
  }
}
