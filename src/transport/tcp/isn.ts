/** Initial sequence numbers (RFC 6528): a 4-microsecond clock plus a keyed hash of the conversation. */
import type { Clock } from "../../core/clock.js";
import { KeyedHash } from "../../core/keyedHash.js";
import type { Random } from "../../core/random.js";

/** RFC 9293 section 3.4.1: one step every 4 microseconds. */
const STEPS_PER_MS = 250;

export class InitialSequence {
  readonly #clock: Clock;
  readonly #hash: KeyedHash;

  /** The secret comes from `random`, so each start of the stack has another. */
  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#hash = new KeyedHash(random);
  }

  next(localAddress: number, localPort: number, remoteAddress: number, remotePort: number): number {
    const offset = this.#hash.hash(localAddress, remoteAddress, (localPort << 16) | remotePort);
    // The conversion to int32 takes the product modulo 2^32, exactly while it is below 2^53: for a thousand years.
    return (Math.floor(this.#clock.now * STEPS_PER_MS) + offset) | 0;
  }
}
