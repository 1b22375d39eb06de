/**
 * Keeps the station associated: tries again after a loss, at first soon, then ever more rarely, and each time a little
 * differently late, so that a hundred stations do not come back to an access point in step.
 */
import { type Clock, NEVER } from "../core/clock.js";
import { type Random, randomBelow } from "../core/random.js";

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** When the driver says nothing of an attempt: it takes up to 10 s for a scan of all channels and the handshake. */
const ATTEMPT_MS = 20_000;
/** A link that held so long was a good one: the next loss is a new matter. */
const GOOD_MS = 60_000;
/** "Disassociated because sending station is leaving" (IEEE 802.11-2020 table 9-49). */
const REASON_LEAVING = 8;

export type StationState = "off" | "connecting" | "up" | "waiting";

export class StationLink {
  state: StationState = "off";
  /** Attempts since the link was last up, or wanted. */
  attempts = 0;
  /** Why the last attempt failed or the link was lost, by the driver's number; 0 when there is nothing to tell. */
  lastReason = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #connect: () => void;
  #retryMs = FIRST_RETRY_MS;
  #deadlineMs = NEVER;
  #upSinceMs = 0;

  /** `connect` begins an attempt; it may throw. */
  constructor(clock: Clock, random: Random, connect: () => void) {
    this.#clock = clock;
    this.#random = random;
    this.#connect = connect;
  }

  /** A network is wanted, or another one than before: tries at once. */
  start(): void {
    this.attempts = 0;
    this.lastReason = 0;
    this.#retryMs = FIRST_RETRY_MS;
    this.#attempt();
  }

  /** None is wanted any more. */
  stop(): void {
    this.state = "off";
    this.#deadlineMs = NEVER;
  }

  /** The driver's word. */
  onStation(isUp: boolean, reason: number): void {
    if (this.state === "off") return;
    if (isUp) {
      this.state = "up";
      this.attempts = 0;
      this.#upSinceMs = this.#clock.now;
      this.#deadlineMs = NEVER;
      return;
    }
    // A driver that hears of a loss twice must not make us wait twice as long.
    if (this.state === "waiting") return;
    // An attempt begins with leaving the network before, which the driver tells later.
    if (this.state === "connecting" && reason === REASON_LEAVING) return;
    if (this.state === "up" && this.#clock.now - this.#upSinceMs >= GOOD_MS) this.#retryMs = FIRST_RETRY_MS;
    this.lastReason = reason;
    this.#wait();
  }

  poll(): void {
    if (this.#clock.now < this.#deadlineMs) return;
    if (this.state === "waiting") this.#attempt();
    else if (this.state === "connecting") this.#wait();
  }

  nextDeadline(): number {
    return this.#deadlineMs;
  }

  #attempt(): void {
    this.state = "connecting";
    this.attempts++;
    this.#deadlineMs = this.#clock.now + ATTEMPT_MS;
    this.#connect();
  }

  #wait(): void {
    this.state = "waiting";
    this.#deadlineMs = this.#clock.now + this.#retryMs + randomBelow(this.#random, this.#retryMs >> 1);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
