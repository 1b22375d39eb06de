/** A fixed ring of bytes: what a socket has received and not read, or written and not had acknowledged. */

/** Below this, a loop over the bytes costs less than the view that a native copy needs. */
const SHORT_COPY_BYTES = 16;

export class ByteRing {
  readonly #bytes: Uint8Array;
  readonly #mask: number;
  #start = 0;
  #length = 0;

  /** `bytes` is rounded up to a power of two. */
  constructor(bytes: number) {
    let capacity = 1;
    while (capacity < bytes) capacity *= 2;
    this.#bytes = new Uint8Array(capacity);
    this.#mask = capacity - 1;
  }

  get capacity(): number {
    return this.#mask + 1;
  }

  /** Bytes in the ring. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that can still be added. */
  get free(): number {
    return this.#mask + 1 - this.#length;
  }

  clear(): void {
    this.#start = 0;
    this.#length = 0;
  }

  /** Adds `count` bytes of `source` from index `from`; at most `free`. */
  append(source: Uint8Array, from: number, count: number): void {
    this.place(source, from, count, 0);
    this.extend(count);
  }

  /** Writes `count` bytes `gap` bytes behind the end without adding them: data that came too early. */
  place(source: Uint8Array, from: number, count: number, gap: number): void {
    const at = (this.#start + this.#length + gap) & this.#mask;
    const first = Math.min(count, this.capacity - at);
    copyBytes(source, from, this.#bytes, at, first);
    if (first < count) copyBytes(source, from + first, this.#bytes, 0, count - first);
  }

  /** Adds `count` bytes that `place` has written. */
  extend(count: number): void {
    this.#length += count;
  }

  /** Copies `count` bytes from `offset` behind the oldest to `target` at index `at`, and keeps them. */
  peek(offset: number, count: number, target: Uint8Array, at: number): void {
    const from = (this.#start + offset) & this.#mask;
    const first = Math.min(count, this.capacity - from);
    copyBytes(this.#bytes, from, target, at, first);
    if (first < count) copyBytes(this.#bytes, 0, target, at + first, count - first);
  }

  /** Forgets the oldest `count` bytes. */
  drop(count: number): void {
    this.#start = (this.#start + count) & this.#mask;
    this.#length -= count;
  }
}

/**
 * Copies between two buffers. The only native way takes a short-lived view of the source; byte by byte, a full segment
 * would cost XS 1.5 million instructions.
 */
function copyBytes(source: Uint8Array, from: number, target: Uint8Array, at: number, count: number): void {
  if (count >= SHORT_COPY_BYTES) {
    target.set(source.subarray(from, from + count), at);
    return;
  }
  for (let i = 0; i < count; i++) target[at + i] = source[from + i] as number;
}
