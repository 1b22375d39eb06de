/** A number of frames in one block of memory, as the flow cache in C takes them from `forwardAll` (driver.c). */
import { ETHERNET_AT, Frame } from "../../../src/core/frame.js";
import type { TwinForward } from "./asTwin.js";

/** Words of an arrival: length, interface, verdict. */
const ARRIVAL_WORDS = 3;

export class Batch {
  readonly count: number;
  /** Bytes from one frame to the next. */
  readonly stride: number;
  readonly bytes: Uint8Array;
  readonly arrivals: Int32Array;
  readonly frames: readonly Frame[];

  constructor(count: number) {
    this.count = count;
    this.stride = new Frame().bytes.length;
    const buffer = new ArrayBuffer(count * this.stride);
    this.bytes = new Uint8Array(buffer);
    this.arrivals = new Int32Array(count * ARRIVAL_WORDS);
    this.frames = Array.from({ length: count }, (_, n) => frameIn(buffer, n * this.stride, this.stride));
  }

  copyFrom(other: Batch): void {
    this.bytes.set(other.bytes);
    this.arrivals.set(other.arrivals);
  }

  arrive(n: number, length: number, interfaceIndex: number): void {
    this.arrivals.set([length, interfaceIndex, 0], n * ARRIVAL_WORDS);
  }

  /** Length, interface and verdict. */
  arrival(n: number): Int32Array {
    return this.arrivals.subarray(n * ARRIVAL_WORDS, (n + 1) * ARRIVAL_WORDS);
  }

  length(n: number): number {
    return this.arrivals[n * ARRIVAL_WORDS] as number;
  }

  interfaceIndex(n: number): number {
    return this.arrivals[n * ARRIVAL_WORDS + 1] as number;
  }

  verdict(n: number): number {
    return this.arrivals[n * ARRIVAL_WORDS + 2] as number;
  }

  /** A frame with its padding, and without what lies behind its end. */
  contents(n: number): Uint8Array {
    return this.bytes.subarray(n * this.stride, n * this.stride + ETHERNET_AT + this.length(n));
  }

  /** All frames, in order, through the flow cache in TypeScript. */
  forwardAll(forward: TwinForward): void {
    for (let n = 0; n < this.count; n++) {
      this.arrivals[n * ARRIVAL_WORDS + 2] = forward(this.frames[n] as Frame, this.length(n), this.interfaceIndex(n));
    }
  }
}

/** A frame that shares a buffer with others. */
function frameIn(buffer: ArrayBuffer, at: number, size: number): Frame {
  return {
    bytes: new Uint8Array(buffer, at, size),
    view: new DataView(buffer, at, size),
    words: new Int32Array(buffer, at, size >> 2),
    capacity: size - ETHERNET_AT,
  };
}
