import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildFlowCache, CACHE_C, LIBRARY_FLAGS } from "../../host-sim/buildFlowCache.js";
import { describeIf } from "../support/skip.js";
import { besideThisFile, canBuild } from "./native/build.js";
import { recordWriter, stress } from "./native/stress.js";

const SEED = 1;
const DURATION_MS = Number(process.env.PORTER_STRESS_MS ?? 1500);
const TIMEOUT_MS = 30_000 + 10 * DURATION_MS;
const MINIMUM_HITS = 2_000;
const RECORDED_CHANGES = 40_000;
const FLAGS = [...LIBRARY_FLAGS, "-pthread"];

/** Slips of the reader that must be seen: each replaces the first text, which cache.c has once, by the second. */
const READER_SLIPS = [
  ["a reader that does not say it is inside", "relaxed(table + FLOW_PERIOD), __ATOMIC_SEQ_CST", "0, __ATOMIC_SEQ_CST"],
] as const;

describeIf(
  canBuild("-pthread"),
  "needs a C compiler `cc` with threads",
  "the flow cache in C, beside the writer,",
  () => {
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
  },
);

const THREAD_SANITIZER = ["-O1", "-g", "-pthread", "-fsanitize=thread"];
const NO_SANITIZER = "needs a C compiler `cc` with ThreadSanitizer";

describeIf(canBuild(...THREAD_SANITIZER), NO_SANITIZER, "the flow cache in C, under ThreadSanitizer,", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "porter-flow-"));
    recordWriter(join(directory, "trace"), SEED, RECORDED_CHANGES);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const replay = (...slip: string[]) => {
    const program = buildFlowCache(["readers.c", "replayWriter.c"].map(besideThisFile), THREAD_SANITIZER);
    return spawnSync(program, ["trace", ...slip], { cwd: directory, encoding: "utf8", timeout: TIMEOUT_MS });
  };

  it("has no data race with the writer", { timeout: TIMEOUT_MS }, () => {
    const { stdout, stderr, status } = replay();
    console.log(stdout);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout).toMatch(/^\d{4,} hits, faults 0 0$/m);
  });

  it.each([
    ["a writer that does not wait for its readers", "impatient"],
    ["a writer that publishes a record before its contents", "early"],
  ])("would not get away with %s", { timeout: TIMEOUT_MS }, (_, slip) => {
    expect(replay(slip).stderr).toContain("WARNING: ThreadSanitizer: data race");
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
