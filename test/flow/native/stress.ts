/** The flow table's writer in this thread, and the flow cache in C in two others (readers.c), over the same memory. */
import { appendFileSync, writeFileSync } from "node:fs";
import koffi from "koffi";
import { SeededRandom } from "../../../host-sim/random.js";
import { flowTableBytes, type WordAccess } from "../../../src/flow/memory.js";
import { FlowTable, LAN, WAN } from "../../../src/flow/table.js";

// As in readers.c.
const KEYS = 24;
const UDP = 17;
const NEXT_HOPS = 8;
/** Steps of a recorded writer. */
const WRITE = 0;
const STORE = 1;
const LOAD = 2;
/** Fewer than keys, so that records are soon used again. */
const SESSIONS = 16;
const CHANGES_BETWEEN_LOOKS = 200;

export interface StressResult {
  readonly changes: number;
  /** Records that could not be had because a reader was at work. */
  readonly refusals: number;
  /** For each reader: packets, packets carried, and which check the first wrong one failed (0: none). */
  readonly readers: readonly { readonly packets: number; readonly hits: number; readonly fault: number }[];
}

/** Changes a table for `durationMs`. The same seed makes the same changes, unless readers refuse a record. */
export function stress(library: string, seed: number, durationMs: number, access: WordAccess = Atomics): StressResult {
  const native = koffi.load(library);
  const startReaders = native.func("void startReaders(void *table)");
  const stopReaders = native.func("void stopReaders(_Out_ double *answer)");
  const buffer = new SharedArrayBuffer(flowTableBytes(SESSIONS, NEXT_HOPS));
  const writer = new Writer(seed, buffer, access);
  startReaders(writer.table.words);
  const end = performance.now() + durationMs;
  while (performance.now() < end) for (let n = 0; n < CHANGES_BETWEEN_LOOKS; n++) writer.change();
  const answer = new Float64Array(6);
  stopReaders(answer);
  const readers = [0, 3].map((at) => ({
    packets: answer[at] as number,
    hits: answer[at + 1] as number,
    fault: answer[at + 2] as number,
  }));
  return { changes: writer.changes, refusals: writer.refusals, readers };
}

/**
 * Records at `path` what a writer does in `changes` changes, for replayWriter.c: the table before, and then each word
 * written. Plain writes have no order among themselves, so those between two ordered accesses are found by comparison.
 */
export function recordWriter(path: string, seed: number, changes: number): void {
  const buffer = new SharedArrayBuffer(flowTableBytes(SESSIONS, NEXT_HOPS));
  const table = new Int32Array(buffer);
  const before = table.slice();
  const steps: number[] = [];
  const note = (kind: number, words: Int32Array, at: number, value: number) => {
    table.forEach((word, index) => {
      if (word !== before[index]) steps.push(WRITE, index, word);
      before[index] = word;
    });
    const index = words.byteOffset / 4 + at;
    steps.push(kind, index, value);
    if (kind === STORE) {
      words[at] = value;
      before[index] = value;
    }
    return value;
  };
  const writer = new Writer(seed, buffer, {
    load: (words, at) => note(LOAD, words, at, 0),
    store: (words, at, value) => note(STORE, words, at, value),
  });
  const start = table.slice();
  before.set(start);
  steps.length = 0;
  for (let n = 0; n < changes; n++) writer.change();
  writeFileSync(path, Buffer.from(Int32Array.of(table.length, steps.length / 3, ...start).buffer));
  appendFileSync(path, Buffer.from(Int32Array.from(steps).buffer));
}

class Writer {
  readonly table: FlowTable;
  changes = 0;
  refusals = 0;
  readonly #random: SeededRandom;
  readonly #records = new Array<number>(KEYS).fill(-1);
  #external = 0;

  constructor(seed: number, buffer: SharedArrayBuffer, access: WordAccess) {
    this.#random = new SeededRandom(seed, "stress");
    this.table = new FlowTable(SESSIONS, NEXT_HOPS, this.#random, { buffer, access });
    this.table.setLifetimes(30, 30);
    for (let hop = 0; hop < NEXT_HOPS; hop++) this.#meet(hop);
    for (const side of [LAN, WAN]) this.#configure(side);
    this.table.externalAddress = externalAddress(0);
  }

  change(): void {
    this.changes++;
    const { table } = this;
    const key = this.#below(KEYS);
    const record = this.#records[key] as number;
    const dice = this.#below(2000);
    if (dice < 1800) {
      if (record >= 0 && dice < 600) this.#remove(key);
      else if (record < 0) this.#open(key);
      else this.#carry(key, record);
    } else if (dice < 1940) this.#meet(this.#below(NEXT_HOPS));
    else if (dice < 1960) table.clearNeighbour(this.#below(NEXT_HOPS));
    else if (dice < 1966) this.#configure(this.#below(2));
    else if (dice < 1996) table.tick++;
    else this.#renumber();
  }

  #open(key: number): void {
    const { table } = this;
    if (table.count === table.capacity) return;
    const record = table.insert(
      UDP,
      0xc0a80100 + key,
      5000 + 7 * key,
      0xc6336400 + key,
      9000 + 11 * key,
      0x4000 + key * 64 + this.#external,
    );
    this.#records[key] = record;
    if (record < 0) this.refusals++;
    else this.#carry(key, record);
  }

  #carry(key: number, record: number): void {
    this.table.touch(record);
    this.table.setSettled(record, this.#below(8) > 0);
    this.table.setNextHop(record, LAN, key & 3);
    this.table.setNextHop(record, WAN, 4 + (key & 3));
  }

  #remove(key: number): void {
    this.table.remove(this.#records[key] as number);
    this.#records[key] = -1;
  }

  #meet(hop: number): void {
    const version = this.#below(4);
    this.table.setNeighbour(hop, mac(version, hop), mac(version, 200));
  }

  #configure(side: number): void {
    this.table.setInterface(side, mac(this.#below(4), 100 + side), 1500);
  }

  #renumber(): void {
    for (let key = 0; key < KEYS; key++) if ((this.#records[key] as number) >= 0) this.#remove(key);
    this.#external = this.#below(4);
    this.table.externalAddress = externalAddress(this.#external);
  }

  #below(bound: number): number {
    return this.#random.below(bound);
  }
}

function externalAddress(which: number): number {
  return (0xcb007100 + which * 0x01010101) | 0;
}

function mac(version: number, number: number): number {
  return (0x0200 | version) * 0x100000000 + version * 0x1000000 + number;
}
