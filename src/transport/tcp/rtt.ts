/** The retransmission timeout (RFC 6298) and Karn's rule. */
import { seqLess } from "../../core/sequence.js";
import type { TcpSettings } from "./settings.js";

/** The clock's resolution, RFC 6298's G. */
const GRANULARITY_MS = 1;
/** RFC 6298 section 5.7: the timeout for data after a SYN was lost. */
const RTO_AFTER_LOST_SYN_MS = 3_000;

export class RoundTrip {
  /** The timeout in force, backed off where it applies. */
  rtoMs = 0;
  /** Smoothed round-trip time and its variation; -1 before the first measurement. */
  smoothedMs = -1;
  variationMs = 0;
  readonly #settings: TcpSettings;
  #timing = false;
  #timedSequence = 0;
  #timedAtMs = 0;

  constructor(settings: TcpSettings) {
    this.#settings = settings;
    this.reset();
  }

  reset(): void {
    this.rtoMs = this.#settings.initialRtoMs;
    this.smoothedMs = -1;
    this.variationMs = 0;
    this.#timing = false;
  }

  /** Starts a measurement with a new segment that begins at `sequence`, unless one is under way: one each round trip. */
  start(sequence: number, nowMs: number): void {
    if (this.#timing) return;
    this.#timing = true;
    this.#timedSequence = sequence;
    this.#timedAtMs = nowMs;
  }

  /** Karn: after a retransmission nobody can tell which copy is acknowledged. */
  cancel(): void {
    this.#timing = false;
  }

  acknowledged(ack: number, nowMs: number): void {
    if (!this.#timing || !seqLess(this.#timedSequence, ack)) return;
    this.#timing = false;
    this.sample(nowMs - this.#timedAtMs);
  }

  /** RFC 6298 section 5.5. */
  backOff(): void {
    this.rtoMs = Math.min(this.rtoMs * 2, this.#settings.maxRtoMs);
  }

  synWasLost(): void {
    this.rtoMs = Math.max(this.#settings.initialRtoMs, RTO_AFTER_LOST_SYN_MS);
  }

  private sample(rttMs: number): void {
    if (this.smoothedMs < 0) {
      this.smoothedMs = rttMs;
      this.variationMs = rttMs / 2;
    } else {
      // The variation first, from the old average (RFC 6298 section 2.3).
      this.variationMs += (Math.abs(this.smoothedMs - rttMs) - this.variationMs) / 4;
      this.smoothedMs += (rttMs - this.smoothedMs) / 8;
    }
    const rtoMs = this.smoothedMs + Math.max(GRANULARITY_MS, 4 * this.variationMs);
    this.rtoMs = Math.min(Math.max(rtoMs, this.#settings.minRtoMs), this.#settings.maxRtoMs);
  }
}
