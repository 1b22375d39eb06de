/**
 * Mutated frames on both sides of a gateway: nothing throws, everything is accounted for, nothing leaks, and in the end
 * everything is given back. FUZZ_FRAMES and FUZZ_SEED make a run longer or other; a failure names both.
 */
import { describe, expect, it } from "vitest";
import { checkNothingLost, checkTables } from "./checkTables.js";
import { FrameSource } from "./frameSource.js";
import { FuzzedGateway } from "./fuzzedGateway.js";
import { collectGarbage, heapBytes } from "./heap.js";

const FRAMES = Number(process.env.FUZZ_FRAMES ?? 100_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20260722);
const SMALL = {
  mappings: 48,
  sessions: 96,
  neighbours: 6,
  pendingFrames: 2,
  reassemblies: 2,
  sockets: 6,
  listeners: 2,
};

describe("mutated frames on both sides", () => {
  for (const { name, capacity, seed } of [
    { name: "default capacity", capacity: {}, seed: SEED },
    { name: "small tables, always full", capacity: SMALL, seed: SEED + 1 },
  ]) {
    it(`${name}: seed ${seed}, ${FRAMES / 2} frames`, { timeout: 60_000 + FRAMES }, () => {
      const fuzzed = new FuzzedGateway(seed, capacity);
      const source = new FrameSource(fuzzed);
      const total = Math.ceil(FRAMES / 2);
      let heapAtHalf = 0;
      for (let n = 0; fuzzed.received < total; n++) {
        try {
          source.next();
          if (n % 500 === 0) checkTables(fuzzed.gateway);
        } catch (error) {
          throw new Error(`frame ${fuzzed.received} of seed ${seed}`, { cause: error });
        }
        if (heapAtHalf === 0 && fuzzed.received >= total / 2) {
          fuzzed.forget();
          heapAtHalf = collectGarbage() ? heapBytes() : Number.POSITIVE_INFINITY;
        }
      }
      fuzzed.forget();
      collectGarbage();
      // What the engine compiles meanwhile is in it, too; a leak of one frame in ten would be seen.
      expect(heapBytes() - heapAtHalf, "growth of the heap in the second half").toBeLessThan(4_000_000 + total * 10);
      // The run was about something: both directions, both paths, all sorts of drops.
      expect(fuzzed.translatedOutward).toBeGreaterThan(total / 50);
      expect(fuzzed.translatedInward).toBeGreaterThan(total / 50);
      expect(Object.values(fuzzed.gateway.drops.counts).filter((count) => count > 0).length).toBeGreaterThan(30);

      fuzzed.end();
      checkTables(fuzzed.gateway);
      expect(fuzzed.remains()).toEqual(fuzzed.untouched);
      checkNothingLost(fuzzed.gateway);
    });
  }
});
