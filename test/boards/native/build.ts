/** Builds test programs of the board's C files for the host, under sanitizers, and runs their cases. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { buildFlowCache } from "../../../host-sim/buildFlowCache.js";
import { describeIf } from "../../support/skip.js";
import { COMMON } from "../headers.js";

const RUN_TIMEOUT_MS = 60_000;

const NATIVE = fileURLToPath(new URL(".", import.meta.url));
const FAKES = fileURLToPath(new URL("../fakes", import.meta.url));

/** A translation unit in the place of the flow cache, for programs that have one of their own. */
export const NO_FLOW_CACHE = "typedef int nothing;\n";

/**
 * Builds `name`.c of this directory with C files of boards/common and, where they are asked for, of the fakes. The flow
 * cache is in it unless `flowCache` is other text.
 */
export function buildProgram(
  name: string,
  common: readonly string[],
  { flags, fakes = [], flowCache }: { flags: readonly string[]; fakes?: readonly string[]; flowCache?: string },
): string {
  const sources = [
    join(NATIVE, `${name}.c`),
    ...common.map((file) => join(COMMON, file)),
    ...fakes.map((file) => join(FAKES, file)),
  ];
  const includes = [COMMON, NATIVE, FAKES].flatMap((folder) => ["-I", folder]);
  // A program is built anew when a header has changed, too.
  const headers = `-DPORTER_TEST_HEADERS=0x${hashOfHeaders([COMMON, NATIVE, FAKES])}`;
  return buildFlowCache(sources, [...flags, ...includes, headers], flowCache);
}

/** A suite with one test for each case of the program that `build` makes; skipped for `reason` unless `condition` holds. */
export function describeCases(condition: boolean, reason: string, name: string, build: () => string): void {
  describeIf(condition, reason, name, () => {
    if (!condition) {
      it("runs its cases", () => undefined);
      return;
    }
    const program = build();
    const names = spawnSync(program, { encoding: "utf8", timeout: RUN_TIMEOUT_MS }).stdout.trimEnd().split("\n");
    it.each(names.map((name, index) => [name, index] as const))("%s", { timeout: RUN_TIMEOUT_MS }, (_, index) => {
      const { stderr, status, signal } = spawnSync(program, [String(index)], {
        encoding: "utf8",
        timeout: RUN_TIMEOUT_MS,
      });
      expect({ stderr, status, signal }).toEqual({ stderr: "", status: 0, signal: null });
    });
  });
}

/**
 * What a program's cases complain of when C file `common` of boards/common has a slip in it: `text`, which it has once, is
 * replaced. `others` are the files of boards/common that it needs beside.
 */
export function complaintsAfter(
  program: string,
  common: string,
  [text, replacement]: readonly [string, string],
  others: readonly string[],
  { flags, fakes = [] }: { flags: readonly string[]; fakes?: readonly string[] },
): string {
  const original = readFileSync(join(COMMON, common), "utf8");
  expect(original.split(text)).toHaveLength(2);
  const path = buildProgram(program, others, {
    flags: [...flags, "-Wno-error"],
    fakes,
    flowCache: original.replace(text, replacement),
  });
  const names = spawnSync(path, { encoding: "utf8", timeout: RUN_TIMEOUT_MS }).stdout.trimEnd().split("\n");
  return names
    .map((_, index) => spawnSync(path, [String(index)], { encoding: "utf8", timeout: RUN_TIMEOUT_MS }))
    .map(({ stderr, signal }) => stderr + (signal ?? ""))
    .join("");
}

function hashOfHeaders(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
      if (file.endsWith(".h")) hash.update(readFileSync(join(folder, file)));
    }
  }
  return hash.digest("hex").slice(0, 8);
}
