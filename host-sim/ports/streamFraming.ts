import { ETHERNET_AT, Frame, MAX_TAGGED_FRAME_BYTES } from "../../src/core/frame.js";
import { isEthernetLength } from "../../src/wire/vlan.js";

/*
 * Frames in a byte stream, each behind its length as four bytes, big-endian: what QEMU's "-netdev stream" and passt
 * speak.
 */

const PREFIX_BYTES = 4;
/** The longest frame that QEMU sends (NET_BUFSIZE); a greater length means that this is another protocol. */
export const MAX_STREAM_FRAME_BYTES = 4096 + 65536;

/** Takes the stream apart, however it was cut into chunks. */
export class FrameDecoder {
  /** Whole frames that were skipped: shorter than an Ethernet header or longer than the largest frame. */
  discarded = 0;
  readonly #frame = new Frame();
  readonly #onFrame: (frame: Frame, length: number) => void;
  /** Bytes of the prefix and of the frame behind it that have come so far. */
  #prefixBytes = 0;
  #frameBytes = 0;
  #length = 0;

  constructor(onFrame: (frame: Frame, length: number) => void) {
    this.#onFrame = onFrame;
  }

  /** Hands over the frames that end in `chunk`. Returns false at an impossible length: nothing behind it has meaning. */
  push(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        this.#length = this.#length * 256 + chunk[at++]!;
        this.#prefixBytes++;
        if (this.#prefixBytes < PREFIX_BYTES) continue;
        if (this.#length > MAX_STREAM_FRAME_BYTES) return false;
      }
      const take = Math.min(this.#length - this.#frameBytes, chunk.length - at);
      if (this.#length <= MAX_TAGGED_FRAME_BYTES) {
        chunk.copy(this.#frame.bytes, ETHERNET_AT + this.#frameBytes, at, at + take);
      }
      at += take;
      this.#frameBytes += take;
      if (this.#frameBytes === this.#length) this.#finish();
    }
    return true;
  }

  /** Forgets a frame begun, for a new stream. */
  reset(): void {
    this.#prefixBytes = 0;
    this.#frameBytes = 0;
    this.#length = 0;
  }

  /** The length the last prefix announced, for the report when `push` refused it. */
  get announcedLength(): number {
    return this.#length;
  }

  #finish(): void {
    const length = this.#length;
    this.reset();
    if (!isEthernetLength(this.#frame, length)) this.discarded++;
    else this.#onFrame(this.#frame, length);
  }
}

/** Collects frames for one write. */
export class FrameBatch {
  readonly #bytes: Buffer;
  #used = 0;

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.alloc(capacityBytes);
  }

  get empty(): boolean {
    return this.#used === 0;
  }

  /** Returns false, and adds nothing, when the frame does not fit any more. */
  add(frame: Frame, length: number): boolean {
    if (this.#used + PREFIX_BYTES + length > this.#bytes.length) return false;
    this.#bytes.writeUInt32BE(length, this.#used);
    this.#bytes.set(frame.bytes.subarray(ETHERNET_AT, ETHERNET_AT + length), this.#used + PREFIX_BYTES);
    this.#used += PREFIX_BYTES + length;
    return true;
  }

  /** A view of what was collected; the bytes stay until the first `add` after `clear`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  clear(): void {
    this.#used = 0;
  }
}
