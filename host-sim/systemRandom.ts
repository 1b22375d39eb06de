import { randomFillSync } from "node:crypto";
import type { Random } from "../src/core/random.js";

/** The operating system's randomness, fetched many words at a time. */
export class SystemRandom implements Random {
  readonly #words = new Int32Array(256);
  #used = this.#words.length;

  next32(): number {
    if (this.#used === this.#words.length) {
      randomFillSync(this.#words);
      this.#used = 0;
    }
    return this.#words[this.#used++] as number;
  }
}
