/** Builds the flow cache in C (src/flow/cache.c) with the system's compiler, and keeps what came out for the next time. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const CACHE = fileURLToPath(new URL("../node_modules/.cache/porter-flow/", import.meta.url));
const INCLUDES = fileURLToPath(new URL("../src/flow", import.meta.url));
const HEADERS = ["cache.h", "layout.h"].map((name) => `${INCLUDES}/${name}`);
const STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"];
const TIMEOUT_MS = 60_000;

export const CACHE_C = `${INCLUDES}/cache.c`;
export const LIBRARY_FLAGS: readonly string[] = ["-O2", "-shared", "-fPIC"];

/**
 * The path of what the flow cache makes with these `flags`, together with C `sources` beside it; `cacheC` stands in for
 * the flow cache's own text. Throws an Error when it cannot be built.
 */
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
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
    throw new Error("The flow cache in C needs a C compiler, and there is no `cc` here; install gcc or clang");
  }
  if (status !== 0) throw new Error(`The flow cache in C does not build: ${error?.message ?? stderr}`);
  renameSync(unfinished, output);
  return output;
}
