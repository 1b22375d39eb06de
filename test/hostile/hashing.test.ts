import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { BUCKETS, CHAINS, RECORD_WORDS, RECORDS } from "../../src/flow/layout.js";
import { FlowTable } from "../../src/flow/table.js";
import { insertFlow } from "../flow/insertFlow.js";

const SESSIONS = 1024;
const SEEDS = 20;
/**
 * Of 1,024 sessions in 2,048 buckets, whatever they are. Random ones have chains of 6, of 9 once in thousands of tables;
 * somebody who chooses them without the secrets has one table in hundreds with a longer chain, and none that he knows of.
 */
const LONGEST = 16;
/**
 * Strangers whom a packet meets before its own record, on average over records and secrets: 1/4 for random sessions. The hash
 * is universal, so that nobody can choose sessions with more than twice that.
 */
const STRANGERS = 0.5;

/** Longest chain, and mean number of records before a record, in the outbound or the inbound chains. */
function chainsOf(table: FlowTable, isOutbound: boolean): { longest: number; strangers: number } {
  const word = (at: number) => table.words[at] as number;
  const shift = isOutbound ? 16 : 0;
  let longest = 0;
  let before = 0;
  for (let bucket = word(BUCKETS); bucket < word(RECORDS); bucket++) {
    let length = 0;
    let at = bucket;
    for (;;) {
      const index = (word(at) << shift) >> 16;
      if (index < 0) break;
      at = word(RECORDS) + index * RECORD_WORDS + CHAINS;
      before += length++;
    }
    longest = Math.max(longest, length);
  }
  return { longest, strangers: before / table.count };
}

/** The words of session `n` as a record has them; an inside address of 0 stands for one that is always the same. */
type Words = (n: number) => readonly [remote: number, ports: number, inside: number];

const INSIDE = 0x0a01a8c0;
const REMOTE = 0x5064_33c6;
const PORTS = 0x5000_1388;
const top = (n: number, bits: number) => n << (32 - bits);

const SETS: readonly (readonly [name: string, words: Words])[] = [
  ["remotes that differ in the upper bits", (n) => [top(n, 10), PORTS, INSIDE]],
  ["ports that differ in the upper bits", (n) => [REMOTE, top(n, 10), INSIDE]],
  ["inside addresses that differ in the upper bits", (n) => [REMOTE, PORTS, top(n, 10)]],
  ["remotes that differ in the lower bits", (n) => [n, PORTS, INSIDE]],
  ["ports that differ in the lower bits", (n) => [REMOTE, n, INSIDE]],
  ["inside addresses that differ in the lower bits", (n) => [REMOTE, PORTS, n]],
  ["remotes in a progression", (n) => [Math.imul(n, 0x01010101), PORTS, INSIDE]],
  ["ports in a progression", (n) => [REMOTE, Math.imul(n, 0x00010001), INSIDE]],
  ["inside addresses in a progression", (n) => [REMOTE, PORTS, Math.imul(n, 0x9e3779b1)]],
  ["upper bits of remotes and ports", (n) => [top(n & 31, 5), top(n >> 5, 5), INSIDE]],
  ["upper bits of remotes, inside addresses and ports", (n) => [top(n & 7, 3), top((n >> 3) & 7, 3), top(n >> 6, 4)]],
  // What undoes a shift by 16 between a product for the one and a product for the other, whatever the factors.
  ["upper bits of remotes, and the same in both halves of ports", (n) => [top(n & 31, 5), twice(n >> 5), INSIDE]],
  [
    "upper bits of ports, and the same in both halves of inside addresses",
    (n) => [REMOTE, top(n & 31, 5), twice(n >> 5)],
  ],
  ["remotes and inside addresses that make up for each other", (n) => [n, PORTS, -n]],
  ["all hosts of a LAN, which do the same", (n) => [REMOTE + (n >> 8), PORTS, INSIDE + top(n & 255, 8)]],
];

function twice(n: number): number {
  return top(n, 5) ^ (n << 11);
}

/** A table with the sessions of a set, under external ports in a row. */
function filled(seed: number, words: Words): FlowTable {
  const table = new FlowTable(SESSIONS, 4, new SeededRandom(seed));
  for (let n = 0; n < SESSIONS; n++) {
    const [remote, ports, inside] = words(n).map((word) => table.toWire(word)) as [number, number, number];
    insertFlow(table, 17, inside, ports >>> 16, remote, ports & 0xffff, 1024 + n);
  }
  expect(table.count).toBe(SESSIONS);
  return table;
}

describe("hash of the flow table", () => {
  it.each(SETS)("lets nobody choose %s that share a bucket", (_, words) => {
    const tables = Array.from({ length: SEEDS }, (_, seed) => filled(seed + 1, words));
    for (const isOutbound of [true, false]) {
      const chains = tables.map((table) => chainsOf(table, isOutbound));
      expect(Math.max(...chains.map(({ longest }) => longest))).toBeLessThanOrEqual(LONGEST);
      expect(chains.reduce((sum, { strangers }) => sum + strangers, 0) / SEEDS).toBeLessThanOrEqual(STRANGERS);
    }
  });
});
