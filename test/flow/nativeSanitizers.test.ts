import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildFlowCache, CACHE_C } from "../../host-sim/buildFlowCache.js";
import { describeIf } from "../support/skip.js";
import { besideThisFile, canBuild, SANITIZER_FLAGS } from "./native/build.js";
import { rounds } from "./native/rounds.js";
import { Trace } from "./native/trace.js";

const FRAMES = 200_000;
const SEED = 2;
const TIMEOUT_MS = 120_000;

const OVERREAD = "AddressSanitizer: heap-buffer-overflow";
const OVERFLOW = "runtime error: signed integer overflow";

const REASON = "needs a C compiler `cc` with AddressSanitizer and UndefinedBehaviorSanitizer";

describeIf(canBuild(...SANITIZER_FLAGS), REASON, "the flow cache in C, under sanitizers,", () => {
  let directory = "";
  let path = "";

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "porter-flow-"));
    path = join(directory, "trace");
    const trace = new Trace(path);
    for (const { table, batch, forward } of rounds(SEED, FRAMES)) trace.forwardAll(table, batch, forward);
    trace.close();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const replay = (cacheC?: string) => {
    const flags = cacheC === undefined ? SANITIZER_FLAGS : [...SANITIZER_FLAGS, "-Wno-error"];
    const program = buildFlowCache([besideThisFile("replay.c")], flags, cacheC);
    return spawnSync(program, [path], { encoding: "utf8", timeout: TIMEOUT_MS });
  };

  it(`stays within frame and table on ${FRAMES} frames, seed ${SEED}`, { timeout: TIMEOUT_MS }, () => {
    const { stdout, stderr, status } = replay();
    expect({ stdout, stderr, status }).toEqual({ stdout: `${FRAMES}\n`, stderr: "", status: 0 });
  });

  it.each([
    ["a read behind a short frame", "if (length < SHORTEST_BYTES) return MISS;", "", OVERREAD],
    [
      "a read behind a short segment",
      "if (optionBytes < 0) return MISS;",
      "if (optionBytes < 0) return words[12] == 0x12345678 ? LAN : MISS;",
      OVERREAD,
    ],
    [
      "a read behind the first 54 bytes",
      "(words[12] & TCP_HEADER_FLAGS)",
      "((words[12] + 0 * ((volatile uint32_t *)words)[14]) & TCP_HEADER_FLAGS)",
      OVERREAD,
    ],
    [
      "a product with a sign",
      "* table[FLOW_SECRETS + 4];",
      "* (uint32_t)((int)addresses * (int)table[FLOW_SECRETS + 4]);",
      OVERFLOW,
    ],
  ])("would not get away with %s", { timeout: TIMEOUT_MS }, (_, text, replacement, complaint) => {
    const cacheC = readFileSync(CACHE_C, "utf8");
    expect(cacheC.split(text)).toHaveLength(2);
    expect(replay(cacheC.replace(text, replacement)).stderr).toContain(complaint);
  });
});
