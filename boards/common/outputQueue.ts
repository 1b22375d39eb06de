/**
 * Text on its way to a slow line, as bytes. It takes what fits and never makes the writer wait: what does not fit is left
 * out, and a mark in the output says so.
 */
const LOST_BEGIN = "\r\n[... ";
const LOST_END = " characters left out: the line is slower than the output]\r\n";
/** The mark with the largest number in it; that much is kept free for it. */
const MARK_BYTES = LOST_BEGIN.length + 10 + LOST_END.length;

const QUESTION_MARK = 0x3f;

export class OutputQueue {
  readonly #ring: Uint8Array;
  #head = 0;
  #length = 0;
  /** Characters left out since the last one that was taken. */
  #lost = 0;

  /** `capacity` in bytes; half of it must hold the mark. */
  constructor(capacity: number) {
    this.#ring = new Uint8Array(capacity);
  }

  get isEmpty(): boolean {
    return this.#length === 0 && this.#lost === 0;
  }

  /** Appends as much of `text` as fits. Characters beyond Latin-1 become "?". */
  push(text: string): void {
    // After a loss the line is first given time, so that the output is not a stutter of marks.
    if (this.#lost > 0 && this.#length <= this.#ring.length / 2) this.#mark();
    const room = this.#lost > 0 ? 0 : this.#ring.length - MARK_BYTES - this.#length;
    const taken = Math.min(Math.max(room, 0), text.length);
    this.#append(text, taken);
    this.#lost += text.length - taken;
  }

  /** Moves up to `most` bytes to the front of `target`; returns how many. */
  take(target: Uint8Array, most: number): number {
    if (this.#lost > 0 && this.#length === 0) this.#mark();
    const count = Math.min(most, this.#length, target.length);
    for (let i = 0; i < count; i++) target[i] = this.#ring[(this.#head + i) % this.#ring.length] as number;
    this.#head = (this.#head + count) % this.#ring.length;
    this.#length -= count;
    return count;
  }

  #mark(): void {
    const mark = `${LOST_BEGIN}${this.#lost}${LOST_END}`;
    this.#append(mark, mark.length);
    this.#lost = 0;
  }

  #append(text: string, count: number): void {
    const size = this.#ring.length;
    for (let i = 0; i < count; i++) {
      const code = text.charCodeAt(i);
      this.#ring[(this.#head + this.#length + i) % size] = code > 0xff ? QUESTION_MARK : code;
    }
    this.#length += count;
  }
}
