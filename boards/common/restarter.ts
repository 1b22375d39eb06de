/** Restarts the device when what was to be said is out. */
import { type Clock, NEVER } from "../../src/core/clock.js";

/** A full console at 115,200 baud, and a TCP connection's last words. */
const DELAY_MS = 1000;

export class Restarter {
  readonly #clock: Clock;
  readonly #restart: (isFresh: boolean) => void;
  #atMs = NEVER;
  #isFresh = false;

  constructor(clock: Clock, restart: (isFresh: boolean) => void) {
    this.#clock = clock;
    this.#restart = restart;
  }

  soon(isFresh: boolean): void {
    this.#isFresh = isFresh;
    this.#atMs = Math.min(this.#atMs, this.#clock.now + DELAY_MS);
  }

  poll(): void {
    if (this.#clock.now < this.#atMs) return;
    this.#atMs = NEVER;
    this.#restart(this.#isFresh);
  }

  nextDeadline(): number {
    return this.#atMs;
  }
}
