/** The flow table's memory: where what lies in it, and how its words are written for readers in other tasks. */
import {
  ACK_WORDS,
  HEADER_WORDS,
  MAX_BUCKET_BITS,
  MAX_NEXT_HOPS,
  MAX_SESSIONS,
  NEXT_HOP_WORDS,
  RECORD_WORDS,
} from "./layout.js";

/** Word indices, and numbers, for a table of a certain size. */
export interface FlowPlan {
  readonly sessions: number;
  readonly nextHops: number;
  /** Bits that number the buckets. */
  readonly bucketBits: number;
  readonly bucketsAt: number;
  readonly recordsAt: number;
  readonly acksAt: number;
  readonly words: number;
}

/**
 * Word `at` of the whole table, as other tasks have it: read and written whole, and in one order with all their sequentially
 * consistent accesses.
 */
export interface WordAccess {
  load(at: number): number;
  store(at: number, value: number): void;
}

/** Memory for a flow table that others read, too. It does not move, and begins at a multiple of 32 for their sake. */
export interface FlowMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** That of `Atomics` unless given. A board whose engine cannot, for its own memory or at all, brings this. */
  readonly access?: WordAccess;
}

/** Bytes of memory that a table for 1..32,767 `sessions` and 1..256 `nextHops` needs. */
export function flowTableBytes(sessions: number, nextHops: number): number {
  return planFlowTable(sessions, nextHops).words * 4;
}

export function planFlowTable(sessions: number, nextHops: number): FlowPlan {
  const records = Math.min(sessions, MAX_SESSIONS);
  const hops = Math.min(nextHops, MAX_NEXT_HOPS);
  let bucketBits = 3;
  while (bucketBits < MAX_BUCKET_BITS && 1 << bucketBits < 2 * records) bucketBits++;
  // Rounded up, so that the records begin at a multiple of their size.
  const bucketsAt = (HEADER_WORDS + hops * NEXT_HOP_WORDS + RECORD_WORDS - 1) & -RECORD_WORDS;
  const recordsAt = bucketsAt + (1 << bucketBits);
  const acksAt = recordsAt + records * RECORD_WORDS;
  const words = acksAt + records * ACK_WORDS;
  return { sessions: records, nextHops: hops, bucketBits, bucketsAt, recordsAt, acksAt, words };
}

/** For memory of the table's own, which nobody else reads. */
class OwnAccess implements WordAccess {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  load(at: number): number {
    return this.#words[at] as number;
  }

  store(at: number, value: number): void {
    this.#words[at] = value;
  }
}

class AtomicAccess implements WordAccess {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  load(at: number): number {
    return Atomics.load(this.#words, at);
  }

  store(at: number, value: number): void {
    Atomics.store(this.#words, at, value);
  }
}

/** How the table in `memory`, or in its own, writes words for its readers. */
export function wordAccess(words: Int32Array, memory: FlowMemory | undefined): WordAccess {
  if (memory === undefined) return new OwnAccess(words);
  return memory.access ?? new AtomicAccess(words);
}

/** All words of the table, 0. Throws a RangeError when the memory is too small. */
export function clearedWords(plan: FlowPlan, memory: FlowMemory | undefined): Int32Array {
  if (memory === undefined) return new Int32Array(plan.words);
  const { buffer } = memory;
  if (buffer.byteLength < plan.words * 4) {
    throw new RangeError(
      `The flow table's memory has ${buffer.byteLength} bytes; ${plan.sessions} sessions and ${plan.nextHops} next hops need ${plan.words * 4}`,
    );
  }
  return new Int32Array(buffer, 0, plan.words).fill(0);
}
