/**
 * Which parts of the stream arrived ahead of a gap. The bytes themselves are in the receive ring already; this remembers
 * a few intervals of sequence numbers, sorted, disjoint and not touching.
 */
import { seqLess, seqLessOrEqual, seqMax } from "../../core/sequence.js";

/** More intervals than segments fit in the default receive buffer; data that would need another is sent again. */
const MAX_INTERVALS = 4;

export class Reassembly {
  readonly #starts: number[] = [0, 0, 0, 0];
  readonly #ends: number[] = [0, 0, 0, 0];
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Adds `start .. end - 1`; false, and nothing changed, when that needs one interval too many. */
  insert(start: number, end: number): boolean {
    const starts = this.#starts;
    const ends = this.#ends;
    let index = 0;
    while (index < this.#count && seqLess(ends[index] as number, start)) index++;
    if (index === this.#count || seqLess(end, starts[index] as number)) {
      if (this.#count === MAX_INTERVALS) return false;
      for (let i = this.#count; i > index; i--) {
        starts[i] = starts[i - 1] as number;
        ends[i] = ends[i - 1] as number;
      }
      starts[index] = start;
      ends[index] = end;
      this.#count++;
      return true;
    }
    if (seqLess(start, starts[index] as number)) starts[index] = start;
    ends[index] = seqMax(ends[index] as number, end);
    while (index + 1 < this.#count && seqLessOrEqual(starts[index + 1] as number, ends[index] as number)) {
      ends[index] = seqMax(ends[index] as number, ends[index + 1] as number);
      this.remove(index + 1);
    }
    return true;
  }

  /** The stream is complete up to `next`: forgets what that covers, and returns how far it is complete in fact. */
  advance(next: number): number {
    let complete = next;
    while (this.#count > 0 && seqLessOrEqual(this.#starts[0] as number, complete)) {
      complete = seqMax(complete, this.#ends[0] as number);
      this.remove(0);
    }
    return complete;
  }

  private remove(index: number): void {
    this.#count--;
    for (let i = index; i < this.#count; i++) {
      this.#starts[i] = this.#starts[i + 1] as number;
      this.#ends[i] = this.#ends[i + 1] as number;
    }
  }
}
