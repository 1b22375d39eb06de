import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildFlowCache, CACHE_C, LIBRARY_FLAGS } from "../../host-sim/buildFlowCache.js";
import { describeIf } from "../support/skip.js";
import { besideThisFile, canBuild } from "./native/build.js";
import { ORDERED, recordWriter, type StressResult, stress } from "./native/stress.js";

const SEED = 1;
/** What a run is to see, whatever else the machine does meanwhile; more for a longer run. */
const HITS = Number(process.env.PORTER_STRESS_HITS ?? 20_000);
const INSERTS = HITS;
const STAMPS = HITS / 100;
const LIMIT_MS = 60_000 + HITS;
const TIMEOUT_MS = LIMIT_MS + 30_000;
const RECORDED_CHANGES = 40_000;
const FLAGS = [...LIBRARY_FLAGS, "-pthread"];

/** Slips of the reader: each replaces the first text, which cache.c has once, by the second. */
const NO_ENTRY = ["relaxed(table + FLOW_PERIOD), __ATOMIC_SEQ_CST", "0, __ATOMIC_SEQ_CST"] as const;
const RELAXED_EXIT = ["(reader, 0, __ATOMIC_RELEASE)", "(reader, 0, __ATOMIC_RELAXED)"] as const;
const RELAXED_PUBLICATION = ["(word, __ATOMIC_ACQUIRE)", "(word, __ATOMIC_RELAXED)"] as const;
const UNORDERED_ENTRY = ["relaxed(table + FLOW_PERIOD), __ATOMIC_SEQ_CST", "1, __ATOMIC_RELEASE"] as const;
/** Where the reader has a record in hand, and its next hop. */
const FOUND = "const uint32_t tick = relaxed(table + FLOW_TICK);";
const NO_SECOND_LOOK = ["(void)__atomic_load_n(table + FLOW_PERIOD, __ATOMIC_SEQ_CST);", ""] as const;

function cacheWith([text, replacement]: readonly [string, string]): string {
  const cacheC = readFileSync(CACHE_C, "utf8");
  expect(cacheC.split(text)).toHaveLength(2);
  return cacheC.replace(text, replacement);
}

describeIf(
  canBuild("-pthread"),
  "needs a C compiler `cc` with threads",
  "the flow cache in C, beside the writer,",
  () => {
    const library = () => buildFlowCache([besideThisFile("readers.c")], FLAGS);
    /** Readers that are at work nearly always, and longest with what they have found, so that slips show soon. */
    const busyLibrary = (cacheC = readFileSync(CACHE_C, "utf8")) => {
      expect(cacheC.split(FOUND)).toHaveLength(2);
      const slowCacheC = cacheC.replace(FOUND, `for (volatile int turns = 0; turns < 1000; turns++);\n${FOUND}`);
      return buildFlowCache([besideThisFile("readers.c")], [...FLAGS, "-DMOST_PAUSE=1"], slowCacheC);
    };

    it("carries only what was published, whole, and stamps nothing else", { timeout: TIMEOUT_MS }, () => {
      const isEnough = ({ inserts, refusals, stamps, readers }: StressResult) =>
        inserts >= INSERTS && refusals > 0 && stamps >= STAMPS && readers.every(({ hits }) => hits >= HITS);
      const result = stress(library(), SEED, LIMIT_MS, isEnough);
      console.log(`seed ${SEED}: ${JSON.stringify(result)}`);
      expect(result).toMatchObject({ stampFault: "", readers: [{ fault: 0 }, { fault: 0 }] });
      expect(isEnough(result)).toBe(true);
      // Readers were met at work, but did not bring the table to a stop.
      expect(result.refusals).toBeLessThan(result.inserts);
    });

    it("would not get away with a reader that does not say it is inside", { timeout: TIMEOUT_MS }, () => {
      expect(isFaulty(stress(busyLibrary(cacheWith(NO_ENTRY)), SEED, LIMIT_MS, isFaulty))).toBe(true);
    });

    it("would not get away with a writer that does not wait for its readers", { timeout: TIMEOUT_MS }, () => {
      const impatient = (words: Int32Array) => ({ ...ORDERED(words), load: () => 0 });
      expect(isFaulty(stress(busyLibrary(), SEED, LIMIT_MS, isFaulty, impatient))).toBe(true);
    });
  },
);

function isFaulty({ stampFault, readers }: StressResult): boolean {
  return stampFault !== "" || readers.some(({ fault }) => fault !== 0);
}

const THREAD_SANITIZER = ["-O1", "-g", "-pthread", "-fsanitize=thread"];
const NO_SANITIZER = "needs a C compiler `cc` with ThreadSanitizer";
const RACE = "WARNING: ThreadSanitizer: data race";

describeIf(canBuild(...THREAD_SANITIZER), NO_SANITIZER, "the flow cache in C, under ThreadSanitizer,", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "porter-flow-"));
    const { refusals, held } = recordWriter(join(directory, "trace"), SEED, RECORDED_CHANGES);
    // Readers were imagined that keep records and the header waiting.
    expect(refusals).toBeGreaterThan(100);
    expect(held).toBeGreaterThan(100);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const replay = (slip = "", cacheC?: string) => {
    const program = buildFlowCache(["readers.c", "replayWriter.c"].map(besideThisFile), THREAD_SANITIZER, cacheC);
    return spawnSync(program, ["trace", slip], { cwd: directory, encoding: "utf8", timeout: LIMIT_MS });
  };

  /** Several tries, for it depends on when the threads are interrupted. */
  const expectRace = (slip: string, cacheC?: string) => {
    const end = performance.now() + LIMIT_MS;
    while (performance.now() < end) if (replay(slip, cacheC).stderr.includes(RACE)) return;
    expect.unreachable("ThreadSanitizer saw nothing wrong");
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
    expectRace(slip);
  });

  it.each([
    ["a reader that does not say it is inside", NO_ENTRY],
    ["a reader that goes out before it is done", RELAXED_EXIT],
    ["a reader that follows what is not published yet", RELAXED_PUBLICATION],
  ])("would not get away with %s", { timeout: TIMEOUT_MS }, (_, slip) => {
    expectRace("", cacheWith(slip));
  });
});

/** How often the compiled flow cache loads the period, and how often it exchanges a word, which is a fence. */
function orderedAccesses(cacheC: string): { periods: number; fences: number } {
  const parameters = ["-O2", "-S", "-x", "c", "-", "-o", "-", "-I", join(CACHE_C, "..")];
  const { stdout } = spawnSync("cc", parameters, { input: cacheC, encoding: "utf8", timeout: TIMEOUT_MS });
  const count = (pattern: RegExp) => stdout.match(pattern)?.length ?? 0;
  return { periods: count(/\tmovl\t84\(%r\w+\), %e/g), fences: count(/\t(xchgl|mfence)\b/g) };
}

// Neither threads nor ThreadSanitizer notice these: storeBuffers.test.ts says what they would do.
describeIf(process.arch === "x64" && canBuild(), "needs a C compiler `cc` for x64", "the compiled flow cache", () => {
  it("has a fence between its entry and its first look, for each interface, and looks at the period again", () => {
    expect(orderedAccesses(readFileSync(CACHE_C, "utf8"))).toEqual({ periods: 4, fences: 2 });
  });

  it("would not get away without", () => {
    expect(orderedAccesses(cacheWith(UNORDERED_ENTRY)).fences).toBe(0);
    expect(orderedAccesses(cacheWith(NO_SECOND_LOOK)).periods).toBe(2);
  });
});
