/** Milliseconds since the start, out of a counter of 32 bits that wraps after 49.7 days (24.9, if it is signed). */
const WRAP_MS = 0x100000000;

export class MonotonicClock {
  readonly #ticks: () => number;
  #lastTicks: number;
  #nowMs = 0;

  /** `ticks` reads the counter: whole milliseconds modulo 2^32, signed or not. */
  constructor(ticks: () => number) {
    this.#ticks = ticks;
    this.#lastTicks = ticks();
  }

  /** As a double, which does not wrap. To be called at least once in 49 days, which every timer of the gateway sees to. */
  now(): number {
    const ticks = this.#ticks();
    const elapsed = (ticks - this.#lastTicks) | 0;
    this.#lastTicks = ticks;
    this.#nowMs += elapsed < 0 ? elapsed + WRAP_MS : elapsed;
    return this.#nowMs;
  }
}
