/**
 * The flow table's free records, first in, first out. A record that was in use may be taken again only when no reader can
 * hold it any more: the list is made of those that may be taken, and of two groups that wait for the end of a period each,
 * which begins anew with each record that joins the second group.
 */
import type { Readers } from "./readers.js";
import { Word } from "./word.js";

export class FreeRecords {
  readonly #words: Int32Array;
  /** Word index of the first record's outbound way, whose upper half is the link: no reader takes that for a way. */
  readonly #linksAt: number;
  readonly #readers: Readers;
  #first = 0;
  #last: number;
  #ready: number;
  /** The first group, and the second; and the period in which the last one of each came. */
  #waiting = 0;
  #period = 0;
  #withdrawn = 0;
  #withdrawnPeriod = 0;

  /** All records of a table are free. */
  constructor(words: Int32Array, recordsAt: number, capacity: number, readers: Readers) {
    this.#words = words;
    this.#linksAt = recordsAt + Word.OUTBOUND_WAY;
    this.#readers = readers;
    this.#last = capacity - 1;
    this.#ready = capacity;
    for (let index = 0; index < capacity; index++) words[this.#linksAt + index * Word.RECORD_WORDS] = (index + 1) << 16;
  }

  /** Whether there is one that may be taken. */
  hasReady(): boolean {
    if (this.#ready > 0) return true;
    this.advance();
    if (this.#ready === 0 && this.#waiting > 0) this.advance();
    return this.#ready > 0;
  }

  /** How many may still be in a reader's hands. */
  countHeld(): number {
    for (let group = 0; group < 2; group++) this.advance();
    return this.#waiting + this.#withdrawn;
  }

  /** -1 when there is none, or none yet. */
  take(): number {
    if (this.#ready === 0 && !this.hasReady()) return -1;
    this.#ready--;
    const index = this.#first;
    this.#first = (this.#words[this.#linksAt + index * Word.RECORD_WORDS] as number) >> 16;
    return index;
  }

  /** Nothing leads to the record any more. */
  put(index: number): void {
    const waiting = this.#waiting;
    const isScarce = this.#ready === 0;
    if (isScarce && waiting + this.#withdrawn === 0) this.#first = index;
    // Not as one store: the half that a reader looks at is 0 before and after.
    else this.#words[this.#linksAt + this.#last * Word.RECORD_WORDS] = index << 16;
    this.#last = index;
    // Looking at readers costs more, and can wait as long as there are others.
    if (isScarce || waiting === 0) this.advance();
    this.#withdrawn++;
    this.#withdrawnPeriod = this.#readers.endPeriod();
  }

  /** When no reader can hold the first group any more, both move on. */
  private advance(): void {
    if (this.#waiting > 0 && !this.#readers.isOver(this.#period)) return;
    this.#ready += this.#waiting;
    this.#waiting = this.#withdrawn;
    this.#period = this.#withdrawnPeriod;
    this.#withdrawn = 0;
  }
}
