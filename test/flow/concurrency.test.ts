import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { buildFlowCache, CACHE_C, LIBRARY_FLAGS } from "../../host-sim/buildFlowCache.js";
import { describeIf } from "../support/skip.js";
import { besideThisFile, canBuild } from "./native/build.js";
import { stress } from "./native/stress.js";

const SEED = 1;
const DURATION_MS = Number(process.env.PORTER_STRESS_MS ?? 1500);
const TIMEOUT_MS = 30_000 + 10 * DURATION_MS;
const MINIMUM_HITS = 20_000;
const FLAGS = [...LIBRARY_FLAGS, "-pthread"];

/** Slips of the reader that must be seen: each replaces the first text, which cache.c has once, by the second. */
const READER_SLIPS = [
  ["a reader that does not say it is inside", "relaxed(table + FLOW_PERIOD), __ATOMIC_SEQ_CST", "0, __ATOMIC_SEQ_CST"],
] as const;

describeIf(canBuild("-pthread"), "needs a C compiler `cc` with threads", "the flow cache in C, beside the writer,", () => {
  const library = (cacheC?: string) => buildFlowCache([besideThisFile("readers.c")], FLAGS, cacheC);

  it("carries only what was published, whole", { timeout: TIMEOUT_MS }, () => {
    const result = stress(library(), SEED, DURATION_MS);
    console.log(`seed ${SEED}: ${JSON.stringify(result)}`);
    for (const { hits, fault } of result.readers) {
      expect(fault).toBe(0);
      expect(hits).toBeGreaterThan(MINIMUM_HITS);
    }
  });

  it.each(READER_SLIPS)("would not get away with %s", { timeout: TIMEOUT_MS }, (_, text, replacement) => {
    const cacheC = readFileSync(CACHE_C, "utf8");
    expect(cacheC.split(text)).toHaveLength(2);
    expectFault(library(cacheC.replace(text, replacement)));
  });

  it("would not get away with a writer that does not wait for its readers", { timeout: TIMEOUT_MS }, () => {
    expectFault(library(), { ...atomics, load: () => 0 });
  });
});

const atomics = {
  load: (words: Int32Array, at: number) => Atomics.load(words, at),
  store: (words: Int32Array, at: number, value: number) => Atomics.store(words, at, value),
};

/** Several tries, for it depends on when the threads are interrupted. */
function expectFault(library: string, access?: typeof atomics): void {
  for (let round = 0; round < 10; round++) {
    const { readers } = stress(library, SEED + round, DURATION_MS, access);
    if (readers.some(({ fault }) => fault !== 0)) return;
  }
  expect.unreachable("no reader saw anything wrong");
}
