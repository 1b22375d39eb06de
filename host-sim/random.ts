/** Repeatable randomness for simulations and tests. It runs on XS, too. */
import type { Random } from "../src/core/random.js";

/**
 * sfc32 (Chris Doty-Humphrey, PractRand): small, fast, and of good quality. Not for secrets.
 *
 * The same seed and stream give the same numbers on every machine. Streams of one seed are unrelated, so that one more
 * draw here changes nothing there.
 */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed` is any integer up to 2^53; `stream` names who draws. */
  constructor(seed: number, stream = "") {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 0x100000000) | 0;
    this.#c = hashOf(stream);
    // As PractRand does: the first rounds only spread the seed over the state.
    for (let round = 0; round < 15; round++) this.next32();
  }

  next32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result;
  }

  /** Uniform in 0 (included) .. 1 (excluded). */
  fraction(): number {
    return (this.next32() >>> 0) / 0x100000000;
  }

  /** A uniform integer in `0 .. bound - 1`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** True with this probability, 0..1. Draws nothing for 0, so that a fault that is switched off changes no run. */
  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
