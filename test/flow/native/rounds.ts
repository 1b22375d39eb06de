/** The comparison of the flow cache's twins, in rounds: some changes of the table, then a batch of frames. */
import koffi from "koffi";
import type { Frame } from "../../../src/core/frame.js";
import { MISS } from "../../../src/flow/cache.js";
import { type FlowTable, LAN, WAN } from "../../../src/flow/table.js";
import { asTwin, type TwinForward } from "./asTwin.js";
import { Batch } from "./batch.js";
import { Traffic } from "./traffic.js";

const BATCH_FRAMES = 64;
const MAX_CHANGES = 12;
/** A table's life in rounds, and its sizes in turn: chains of all lengths, one session, the whole table in use. */
const TABLE_ROUNDS = 50;
const TABLE_SESSIONS = [48, 8, 300, 1, 48, 1000];

export interface Round {
  readonly table: FlowTable;
  /** The flow cache in TypeScript for the table. */
  readonly forward: TwinForward;
  /** Frames that have arrived and are to be forwarded. The next round writes over them. */
  readonly batch: Batch;
  /** Changes of the table before them. */
  readonly changes: number;
}

/** What happened to the frames. */
export interface Tally {
  frames: number;
  changes: number;
  outbound: number;
  inbound: number;
  missed: number;
}

/** Rounds until there were `frames` frames at least. The same seed makes the same rounds. */
export function* rounds(seed: number, frames: number): Generator<Round> {
  const batch = new Batch(BATCH_FRAMES);
  for (let number = 0, life = 0; number < frames; life++) {
    const traffic = new Traffic(seed * 100_003 + life, TABLE_SESSIONS[life % TABLE_SESSIONS.length] as number);
    const { table } = traffic;
    const forward = asTwin(table);
    for (let age = 0; age < TABLE_ROUNDS && number < frames; age++, number += BATCH_FRAMES) {
      const changesBefore = traffic.changes;
      for (let left = age % (MAX_CHANGES + 1); left > 0; left--) traffic.change();
      for (let n = 0; n < BATCH_FRAMES; n++) {
        batch.arrive(n, traffic.write(batch.frames[n] as Frame), traffic.interfaceIndex);
      }
      yield { table, forward, batch, changes: traffic.changes - changesBefore };
    }
  }
}

export function newTally(): Tally {
  return { frames: 0, changes: 0, outbound: 0, inbound: 0, missed: 0 };
}

/** Adds a round whose frames were forwarded. */
export function count(tally: Tally, { batch, changes }: Round): void {
  tally.changes += changes;
  for (let n = 0; n < batch.count; n++) {
    const verdict = batch.verdict(n);
    tally.frames++;
    if (verdict === WAN) tally.outbound++;
    else if (verdict === LAN) tally.inbound++;
    else if (verdict === MISS) tally.missed++;
  }
}

/**
 * Sends the rounds through the flow cache in TypeScript and through the one in C in `library` (with driver.c), each with
 * a table and frames of its own. Throws at the first difference, and says where it is.
 */
export function compareTwins(library: string, seed: number, frames: number): Tally {
  const forwardAll = koffi.load(library).func("void forwardAll(void *, void *, uint32_t, void *, uint32_t)");
  const twinBatch = new Batch(BATCH_FRAMES);
  const tally = newTally();
  for (const round of rounds(seed, frames)) {
    const { table, forward, batch } = round;
    const twinTable = table.words.slice();
    twinBatch.copyFrom(batch);
    forwardAll(twinTable, twinBatch.bytes, twinBatch.stride, twinBatch.arrivals, twinBatch.count);
    batch.forwardAll(forward);
    for (let n = 0; n < batch.count; n++) {
      const where = () =>
        `seed ${seed}, frame ${tally.frames + n} (interface ${batch.interfaceIndex(n)}), TypeScript and C`;
      if (batch.verdict(n) !== twinBatch.verdict(n)) {
        throw new Error(`${where()} differ in the verdict: ${batch.verdict(n)} and ${twinBatch.verdict(n)}`);
      }
    }
    if (Buffer.compare(batch.bytes, twinBatch.bytes) !== 0) {
      const at = batch.bytes.findIndex((byte, index) => byte !== twinBatch.bytes[index]);
      const frame = tally.frames + Math.floor(at / batch.stride);
      throw new Error(
        `seed ${seed}, frame ${frame}: TypeScript and C differ in byte ${at % batch.stride} of the frame`,
      );
    }
    if (Buffer.compare(bytesOf(table.words), bytesOf(twinTable)) !== 0) {
      const at = table.words.findIndex((word, index) => word !== twinTable[index]);
      throw new Error(
        `seed ${seed}, frames ${tally.frames} to ${tally.frames + batch.count - 1}: TypeScript and C differ in word ${at} of the table`,
      );
    }
    count(tally, round);
  }
  return tally;
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
