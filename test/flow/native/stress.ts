/** The flow table's writer in this thread, and the flow cache in C in two others (readers.c), over the same memory. */
import { appendFileSync, writeFileSync } from "node:fs";
import koffi from "koffi";
import { SeededRandom } from "../../../host-sim/random.js";
import { PERIOD, READER_WORDS, READERS } from "../../../src/flow/layout.js";
import { flowTableBytes, type WordAccess } from "../../../src/flow/memory.js";
import { FlowTable, LAN, WAN } from "../../../src/flow/table.js";
import { insertFlow } from "../insertFlow.js";

// As in readers.c.
const KEYS = 24;
const TCP = 6;
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
  readonly inserts: number;
  /** Records that could not be had because a reader was at work. */
  readonly refusals: number;
  /** How often a reader's acknowledgement was found in a record; and what was wrong with a stamp ("": nothing). */
  readonly stamps: number;
  readonly stampFault: string;
  /** For each reader: packets, packets carried, and which check the first wrong one failed (0: none). */
  readonly readers: readonly { readonly packets: number; readonly hits: number; readonly fault: number }[];
}

/** Makes the writer's access to the table of other threads. */
export type AccessOf = (words: Int32Array) => WordAccess;

export const ORDERED: AccessOf = (words) => ({
  load: (at) => Atomics.load(words, at),
  store: (at, value) => void Atomics.store(words, at, value),
});

/**
 * Changes a table until `isEnough`, and for `limitMs` at most. The same seed makes the same changes, unless readers refuse a
 * record.
 */
export function stress(
  library: string,
  seed: number,
  limitMs: number,
  isEnough: (result: StressResult) => boolean,
  accessOf = ORDERED,
): StressResult {
  const native = koffi.load(library);
  const startReaders = native.func("void startReaders(void *table)");
  const lookAtReaders = native.func("void lookAtReaders(_Out_ double *answer)");
  const stopReaders = native.func("void stopReaders()");
  const buffer = new SharedArrayBuffer(flowTableBytes(SESSIONS, NEXT_HOPS));
  const writer = new Writer(seed, buffer, accessOf(new Int32Array(buffer)));
  const answer = new Float64Array(6);
  const look = (): StressResult => {
    lookAtReaders(answer);
    const readers = [0, 3].map((at) => ({
      packets: answer[at] as number,
      hits: answer[at + 1] as number,
      fault: answer[at + 2] as number,
    }));
    const { changes, inserts, refusals, stamps, stampFault } = writer;
    return { changes, inserts, refusals, stamps, stampFault, readers };
  };
  startReaders(writer.table.words);
  const end = performance.now() + limitMs;
  while (performance.now() < end && !isEnough(look())) {
    for (let n = 0; n < CHANGES_BETWEEN_LOOKS; n++) writer.change();
  }
  stopReaders();
  return look();
}

/**
 * Records at `path` what a writer does in `changes` changes beside readers that it imagines, for replayWriter.c: the table
 * before, and then each word written. Plain writes have no order among themselves, so those between two accesses are found by
 * comparison. Returns how many records were refused, and how many changes had to wait.
 */
export function recordWriter(path: string, seed: number, changes: number): { refusals: number; held: number } {
  const buffer = new SharedArrayBuffer(flowTableBytes(SESSIONS, NEXT_HOPS));
  const table = new Int32Array(buffer);
  const before = table.slice();
  const steps: number[] = [];
  const random = new SeededRandom(seed, "imagined readers");
  const noteWrites = () => {
    table.forEach((word, index) => {
      if (word !== before[index]) steps.push(WRITE, index, word);
      before[index] = word;
    });
  };
  const writer = new Writer(seed, buffer, {
    load(at) {
      noteWrites();
      // In or out, each for a few looks.
      if (random.below(4) === 0) table[at] = random.below(2) === 0 ? 0 : (table[PERIOD] as number);
      before[at] = table[at] as number;
      steps.push(LOAD, at, table[at] as number);
      return table[at] as number;
    },
    store(at, value) {
      noteWrites();
      table[at] = value;
      before[at] = value;
      steps.push(STORE, at, value);
    },
  });
  for (let side = 0; side < READER_WORDS; side++) before[READERS + side] = table[READERS + side] = 0;
  const start = table.slice();
  before.set(start);
  steps.length = 0;
  let held = 0;
  for (let n = 0; n < changes; n++) {
    writer.change();
    if (writer.table.header.isChanging) held++;
  }
  writeFileSync(path, Buffer.from(Int32Array.of(table.length, steps.length / 3, ...start).buffer));
  appendFileSync(path, Buffer.from(Int32Array.from(steps).buffer));
  return { refusals: writer.refusals, held };
}

class Writer {
  readonly table: FlowTable;
  changes = 0;
  inserts = 0;
  refusals = 0;
  stamps = 0;
  stampFault = "";
  readonly #random: SeededRandom;
  readonly #records = new Array<number>(KEYS).fill(-1);
  /** The tick at which each was opened. */
  readonly #opened = new Array<number>(KEYS).fill(0);
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
    const record = insertFlow(
      table,
      protocolOf(key),
      0xc0a80100 + key,
      5000 + 7 * key,
      0xc6336400 + key,
      9000 + 11 * key,
      0x4000 + key * 64 + this.#external,
    );
    this.#records[key] = record;
    if (record < 0) {
      this.refusals++;
      return;
    }
    this.inserts++;
    this.#opened[key] = table.tick;
    for (const side of [LAN, WAN]) table.setAck(record, side, unseen(key));
    this.#carry(key, record);
  }

  /** Nobody has stamped the record but readers of its own packets, since it was opened. */
  #checkStamps(key: number, record: number): void {
    const { table } = this;
    const seen = table.lastSeen(record);
    if (seen < (this.#opened[key] as number) || seen > table.tick) this.stampFault = `tick ${seen}`;
    for (const side of [LAN, WAN]) {
      const ack = table.ack(record, side);
      if (ack === unseen(key)) continue;
      this.stamps++;
      if (protocolOf(key) !== TCP || ack !== 0x40000000 + key * 2 + side) this.stampFault = `acknowledgement ${ack}`;
    }
  }

  #carry(key: number, record: number): void {
    this.table.touch(record);
    this.table.setSettled(record, this.#below(8) > 0);
    this.table.setNextHop(record, LAN, key & 3);
    this.table.setNextHop(record, WAN, 4 + (key & 3));
  }

  #remove(key: number): void {
    const record = this.#records[key] as number;
    this.#checkStamps(key, record);
    this.table.remove(record);
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

function protocolOf(key: number): number {
  return (key & 1) !== 0 ? TCP : UDP;
}

/** Where no acknowledgement has been seen. */
function unseen(key: number): number {
  return 0x20000000 + key;
}

function externalAddress(which: number): number {
  return (0xcb007100 + which * 0x01010101) | 0;
}

function mac(version: number, number: number): number {
  return (0x0200 | version) * 0x100000000 + version * 0x1000000 + number;
}
