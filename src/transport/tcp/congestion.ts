/** How much may be in flight: slow start, congestion avoidance, fast retransmit (RFC 5681), NewReno (RFC 6582). */
import { seqLess } from "../../core/sequence.js";

/** RFC 5681 section 3.2. */
const DUPLICATE_ACK_THRESHOLD = 3;
/** Without window scaling no peer lets more be in flight, so a larger window could only grow stale. */
const MAX_WINDOW_BYTES = 65_535;

export class Congestion {
  /** cwnd, in bytes. */
  windowBytes = 0;
  /** ssthresh, in bytes. */
  thresholdBytes = MAX_WINDOW_BYTES;
  duplicateAcks = 0;
  inRecovery = false;
  /** RFC 6582: the highest sequence number sent when the last loss was noticed. */
  recover = 0;
  #acknowledgedInAvoidance = 0;

  reset(initialSequence: number): void {
    this.thresholdBytes = MAX_WINDOW_BYTES;
    this.duplicateAcks = 0;
    this.inRecovery = false;
    this.recover = initialSequence;
    this.#acknowledgedInAvoidance = 0;
  }

  /** At the start: RFC 5681 section 3.1's initial window, or one segment when the SYN was lost. */
  begin(mss: number, synWasLost: boolean): void {
    this.windowBytes = synWasLost ? mss : initialWindow(mss);
  }

  /** RFC 5681 section 4.1: after a silence of one timeout the path may have changed. */
  restartAfterIdle(mss: number): void {
    this.windowBytes = Math.min(this.windowBytes, initialWindow(mss));
  }

  /** Limited transmit (RFC 3042): the first two duplicate ACKs let one new segment out each. */
  allowance(mss: number): number {
    return this.inRecovery ? this.windowBytes : this.windowBytes + Math.min(this.duplicateAcks, 2) * mss;
  }

  /** New data acknowledged. True when the next unacknowledged segment is lost as well and must be resent now. */
  acknowledged(ack: number, bytes: number, flightBytes: number, mss: number): boolean {
    this.duplicateAcks = 0;
    if (this.inRecovery) {
      if (!seqLess(ack, this.recover)) {
        this.inRecovery = false;
        this.windowBytes = Math.min(this.thresholdBytes, Math.max(flightBytes, mss) + mss);
        return false;
      }
      this.windowBytes = Math.max(this.windowBytes - bytes + (bytes >= mss ? mss : 0), mss);
      return true;
    }
    if (this.windowBytes < this.thresholdBytes) {
      this.grow(Math.min(bytes, mss));
      return false;
    }
    this.#acknowledgedInAvoidance += bytes;
    if (this.#acknowledgedInAvoidance >= this.windowBytes) {
      this.#acknowledgedInAvoidance -= this.windowBytes;
      this.grow(mss);
    }
    return false;
  }

  /** One more duplicate ACK. True when the oldest segment must be resent now. */
  duplicate(ack: number, sndMax: number, flightBytes: number, mss: number): boolean {
    this.duplicateAcks++;
    if (this.inRecovery) {
      this.grow(mss);
      return false;
    }
    // RFC 6582 section 3.2 step 2: not again for the losses of the same window.
    if (this.duplicateAcks !== DUPLICATE_ACK_THRESHOLD || !seqLess(this.recover, ack)) return false;
    this.halve(flightBytes, mss);
    this.windowBytes = this.thresholdBytes + DUPLICATE_ACK_THRESHOLD * mss;
    this.inRecovery = true;
    this.recover = sndMax;
    return true;
  }

  /** The retransmission timer fired; `again` when it already had for the same segment (RFC 5681 section 3.1). */
  timedOut(sndMax: number, flightBytes: number, mss: number, again: boolean): void {
    if (!again) this.halve(flightBytes, mss);
    this.windowBytes = mss;
    this.duplicateAcks = 0;
    this.inRecovery = false;
    this.recover = sndMax;
    this.#acknowledgedInAvoidance = 0;
  }

  private halve(flightBytes: number, mss: number): void {
    this.thresholdBytes = Math.max(flightBytes >> 1, 2 * mss);
  }

  private grow(bytes: number): void {
    this.windowBytes = Math.min(this.windowBytes + bytes, MAX_WINDOW_BYTES);
  }
}

function initialWindow(mss: number): number {
  if (mss > 2190) return 2 * mss;
  return mss > 1095 ? 3 * mss : 4 * mss;
}
