import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { BUCKETS, CHAINS, RECORD_WORDS, RECORDS } from "../../src/flow/layout.js";
import { FlowTable } from "../../src/flow/table.js";
import { ip } from "../support/stackFixture.js";

/** Of 1024 sessions; a few more than honest ones give, because the uppermost bits of all parts meet in few buckets. */
const LONGEST = 64;

/** Length of the longest outbound and inbound chain. */
function longestChain(table: FlowTable): number {
  const word = (at: number) => table.words[at] as number;
  let longest = 0;
  for (let bucket = word(BUCKETS); bucket < word(RECORDS); bucket++) {
    for (const shift of [16, 0]) {
      let length = 0;
      let at = bucket;
      for (;;) {
        const index = (word(at) << shift) >> 16;
        if (index < 0) break;
        at = word(RECORDS) + index * RECORD_WORDS + CHAINS;
        length++;
      }
      longest = Math.max(longest, length);
    }
  }
  return longest;
}

describe("hash of the flow table", () => {
  it("lets nobody choose ports that share a bucket, whichever bits of them differ", () => {
    for (let firstBit = 0; firstBit <= 22; firstBit++) {
      for (let seed = 1; seed <= 5; seed++) {
        const table = new FlowTable(1024, 4, new SeededRandom(seed));
        for (let i = 0; i < 1024; i++) {
          const ports = i << firstBit;
          table.insert(17, ip("192.168.1.10"), ports >>> 16, ip("198.51.100.80"), ports & 0xffff, 1024 + i);
        }
        expect(longestChain(table)).toBeLessThan(LONGEST);
      }
    }
  });

  it("lets nobody choose differences that cancel out under exclusive or", () => {
    // What differs in an upper bit differs in lower ones, too, so that a hash of shifts alone comes to the same.
    const folded = (word: number) => {
      const half = word ^ (word >> 16);
      return (half ^ (half >> 5)) & 1023;
    };
    for (let seed = 1; seed <= 5; seed++) {
      const table = new FlowTable(1024, 4, new SeededRandom(seed));
      for (let ports = 0; table.count < 1024; ports = (ports + 0x9e3779b1) | 0) {
        if (folded(table.toWire(ports)) !== 0) continue;
        table.insert(17, ip("192.168.1.10"), ports >>> 16, ip("198.51.100.80"), ports & 0xffff, 1024 + table.count);
      }
      expect(longestChain(table)).toBeLessThan(LONGEST);
    }
  });

  it("lets nobody set off inside addresses against remote ones or ports", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const table = new FlowTable(1024, 4, new SeededRandom(seed));
      for (let i = 0; i < 256; i++) {
        table.insert(17, ip("192.168.1.0") | i, 5000, ip("198.51.100.0"), 1024 | i, 2000 + i);
        table.insert(17, ip("192.168.1.0") | i, 5000, ip("198.51.100.0") | i, 80, 3000 + i);
        table.insert(17, ip("192.168.1.0"), 5000, ip("198.51.101.0") | i, 1024 | i, 4000 + i);
        table.insert(17, ip("192.168.1.0") | i, 5000, ip("198.51.102.0") - i, 80, 5000 + i);
      }
      expect(longestChain(table)).toBeLessThan(LONGEST);
    }
  });
});
