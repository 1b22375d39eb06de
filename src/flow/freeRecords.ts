/**
 * The flow table's free records, first in, first out. A record that was in use may be taken again only when no reader can
 * hold it any more: the list is made of those that may be taken, those that wait for the end of one period, and those
 * that came since.
 */
import { OUTBOUND_WAY, RECORD_WORDS } from "./layout.js";
import type { WordAccess } from "./memory.js";
import type { Readers } from "./readers.js";

export class FreeRecords {
  readonly #words: Int32Array;
  readonly #access: WordAccess;
  /** Word index of the first record's outbound way, whose upper half is the link: no reader takes that for a way. */
  readonly #linksAt: number;
  readonly #readers: Readers;
  #first = 0;
  #last: number;
  #ready: number;
  #waiting = 0;
  #withdrawn = 0;
  /** The period whose end the waiting ones wait for. */
  #period = 0;

  /** All records of a table are free. */
  constructor(words: Int32Array, access: WordAccess, recordsAt: number, capacity: number, readers: Readers) {
    this.#words = words;
    this.#access = access;
    this.#linksAt = recordsAt + OUTBOUND_WAY;
    this.#readers = readers;
    this.#last = capacity - 1;
    this.#ready = capacity;
    for (let index = 0; index < capacity; index++) this.#link(index, index + 1);
  }

  /** Whether there is one that may be taken. */
  hasReady(): boolean {
    if (this.#ready === 0) this.#advance();
    return this.#ready > 0;
  }

  /** -1 when there is none, or none yet. */
  take(): number {
    if (!this.hasReady()) return -1;
    this.#ready--;
    const index = this.#first;
    this.#first = (this.#words[this.#linksAt + index * RECORD_WORDS] as number) >> 16;
    return index;
  }

  /** Nothing leads to the record any more. */
  put(index: number): void {
    if (this.#ready + this.#waiting + this.#withdrawn === 0) this.#first = index;
    else this.#link(this.#last, index);
    this.#last = index;
    this.#withdrawn++;
    // Each removal ends a period unless an earlier one waits: a reader that goes in later does not hold the record.
    if (this.#waiting > 0) this.#collect();
    if (this.#waiting === 0) this.#wait();
  }

  #advance(): void {
    if (this.#waiting === 0 && this.#withdrawn === 0) return;
    this.#collect();
    if (this.#waiting > 0) return;
    this.#wait();
    if (this.#ready === 0) this.#collect();
  }

  #wait(): void {
    this.#waiting = this.#withdrawn;
    this.#withdrawn = 0;
    if (this.#waiting > 0) this.#period = this.#readers.endPeriod();
  }

  #collect(): void {
    if (!this.#readers.isOver(this.#period)) return;
    this.#ready += this.#waiting;
    this.#waiting = 0;
  }

  #link(index: number, next: number): void {
    this.#access.store(this.#linksAt + index * RECORD_WORDS, next << 16);
  }
}
