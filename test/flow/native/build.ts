/** Builds programs and libraries from the flow cache in C, and keeps them for the next time. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/porter-flow/", import.meta.url));
const INCLUDES = fileURLToPath(new URL("../../../src/flow", import.meta.url));
const STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"];
const TIMEOUT_MS = 60_000;

export const CACHE_C = fileURLToPath(new URL("../../../src/flow/cache.c", import.meta.url));
const HEADERS = ["cache.h", "layout.h"].map((name) => `${INCLUDES}/${name}`);

export const LIBRARY_FLAGS = ["-O2", "-shared", "-fPIC"];
export const SANITIZER_FLAGS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** A C file of this directory. */
export function besideThisFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Whether the C compiler can build with these flags here. */
export function canBuild(...flags: readonly string[]): boolean {
  const program = "#include <stdio.h>\nint main(void) { return 0; }\n";
  mkdirSync(CACHE, { recursive: true });
  const output = `${CACHE}probe-${process.pid}`;
  const { status } = spawnSync("cc", [...flags, "-x", "c", "-", "-o", output], { input: program, timeout: TIMEOUT_MS });
  rmSync(output, { force: true });
  return status === 0;
}

/** The path of what the C `sources` make with these `flags`; `cacheC` stands in for the flow cache's own text. */
export function buildFlowCache(
  sources: readonly string[],
  flags: readonly string[],
  cacheC: string = readFileSync(CACHE_C, "utf8"),
): string {
  const parameters = [...STRICT, ...flags, "-I", INCLUDES];
  const hash = createHash("sha256");
  for (const part of [...parameters, cacheC, ...[...sources, ...HEADERS].map((file) => readFileSync(file))]) {
    hash.update(part).update("\0");
  }
  const output = `${CACHE}${hash.digest("hex").slice(0, 16)}`;
  if (existsSync(output)) return output;
  mkdirSync(CACHE, { recursive: true });
  // Another process may be building the same; a rename lets neither see half of it.
  const unfinished = `${output}-${process.pid}`;
  writeFileSync(`${unfinished}.c`, cacheC);
  const { status, stderr, error } = spawnSync("cc", [...parameters, `${unfinished}.c`, ...sources, "-o", unfinished], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  rmSync(`${unfinished}.c`);
  if (status !== 0) throw new Error(`The flow cache in C does not build: ${error?.message ?? stderr}`);
  renameSync(unfinished, output);
  return output;
}
