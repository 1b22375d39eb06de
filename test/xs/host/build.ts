/**
 * Builds the host (host.c) from the sources of XS that the package @agoric/xsnap carries, and keeps it for the next time.
 *
 * The engine is configured as in a release build for ESP32 (xs/platforms/esp/xsPlatform.h in the Moddable SDK): no
 * debugger, no instrumentation, no metering, no line numbers, strings in UTF-8, and 16-byte slots where pointers have 32
 * bits. Only the parser is more than the board has.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const VARIANTS = ["64-bit -O2", "32-bit -Os"] as const;
/** The compiler's options that matter to what is counted; the second one is nearest to the board's. */
export type Variant = (typeof VARIANTS)[number];

const VARIANT_FLAGS: Readonly<Record<Variant, readonly string[]>> = {
  "64-bit -O2": ["-O2"],
  // Doubles are rounded to 64 bits, as everywhere, only in SSE registers.
  "32-bit -Os": ["-m32", "-Os", "-msse2", "-mfpmath=sse"],
};

const ENGINE_FLAGS = [
  "-DmxParse=1",
  "-DmxRun=1",
  "-DmxNoConsole=1",
  // Is on by default in the version that the board runs.
  "-DmxHostFunctionPrimitive=1",
  "-fno-common",
  // Modules of the SDK count on this header, and one source of the engine on what comes with _GNU_SOURCE.
  "-D_GNU_SOURCE",
  "-include",
  "xsPlatform.h",
];

/** Native functions for scripts; see natives.h. */
const NATIVE_SOURCES = ["natives.c"].map(besideThisFile);
const HOST_SOURCES = [besideThisFile("host.c"), ...NATIVE_SOURCES];
const HOST_HEADERS = [besideThisFile("natives.h")];

const CACHE = fileURLToPath(new URL("../../../node_modules/.cache", import.meta.url));
const COMPILE_TIMEOUT_MS = 120_000;
const PARALLEL_COMPILES = 2;

const CALLGRIND_HEADER = "valgrind/callgrind.h";

function besideThisFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Why the variant cannot be built on this machine, in a sentence; undefined if it can. */
export function whyNotBuildable(variant: Variant): string | undefined {
  const { error, status } = compileOnly(variant, "#include <stdio.h>\n#include <math.h>");
  if (error !== undefined) return "There is no C compiler `cc`: install gcc or clang to measure on XS.";
  if (status === 0) return undefined;
  const remedy = variant === "32-bit -Os" ? ": on Debian, apt-get install gcc-multilib" : "";
  return `The C compiler cannot build ${variant} programs with the headers of libc${remedy}.`;
}

/** Whether the host can mark regions for callgrind: valgrind's header is there. */
export function marksRegions(): boolean {
  return compileOnly("64-bit -O2", `#include <${CALLGRIND_HEADER}>`).status === 0;
}

/** Whether `buildHost` has nothing left to do. */
export function isHostBuilt(variant: Variant): boolean {
  return whyNotBuildable(variant) === undefined && existsSync(programOf(variant, engineDirectory(variant)));
}

/**
 * The path of the host program, which is built if this has not been done before: takes half a minute the first time, and
 * less than a second when only our own C files have changed. Throws with a sentence when it cannot be built.
 */
export async function buildHost(variant: Variant): Promise<string> {
  const problem = whyNotBuildable(variant);
  if (problem !== undefined) throw new Error(problem);
  const engine = engineDirectory(variant);
  if (!existsSync(engine)) await buildEngine(variant, engine);
  const program = programOf(variant, engine);
  if (!existsSync(program)) await buildProgram(variant, engine, program);
  return program;
}

/** Our files that are not what the program was built of would show as another name: it carries a hash of them. */
function programOf(variant: Variant, engine: string): string {
  const contents = [...HOST_SOURCES, ...HOST_HEADERS].map((file) => readFileSync(file));
  return join(engine, `host-${hashOf(...contents, ...hostFlags(variant))}`);
}

function engineDirectory(variant: Variant): string {
  const { version } = JSON.parse(readFileSync(join(packageDirectory(), "package.json"), "utf8"));
  const compiler = spawnSync("cc", ["--version"], { encoding: "utf8" }).stdout;
  const names = engineSources().map((source) => basename(source));
  return join(CACHE, `porter-xs-host-${hashOf(version, compiler, ...engineFlags(variant), ...names)}`);
}

function hashOf(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, 16);
}

function packageDirectory(): string {
  return dirname(createRequire(import.meta.url).resolve("@agoric/xsnap/package.json"));
}

/** The parts of the Moddable SDK that the package carries. */
function moddableDirectory(): string {
  return join(packageDirectory(), "moddable");
}

function engineSources(): string[] {
  const xs = join(moddableDirectory(), "xs/sources");
  const names = readdirSync(xs).filter((name) => name.endsWith(".c"));
  // The longest first, so that none is left over at the end.
  names.sort((one, other) => Number(other === "xsRun.c") - Number(one === "xsRun.c"));
  // Test frames are built with the standard TextEncoder.
  return [...names.map((name) => join(xs, name)), join(moddableDirectory(), "modules/data/text/encoder/textencoder.c")];
}

function engineFlags(variant: Variant): string[] {
  return [...VARIANT_FLAGS[variant], ...ENGINE_FLAGS];
}

function hostFlags(variant: Variant): string[] {
  const callgrind = marksRegions() ? ["-DHOST_CALLGRIND=1"] : [];
  return [...engineFlags(variant), "-std=gnu99", "-Wall", "-Wextra", "-Werror", ...callgrind];
}

/** `-isystem`: warnings about the engine's sources are not ours to heed. */
function includeFlags(): string[] {
  return ["includes", "platforms", "sources"].flatMap((name) => ["-isystem", join(moddableDirectory(), "xs", name)]);
}

async function buildEngine(variant: Variant, engine: string): Promise<void> {
  const sources = engineSources();
  await buildAside(engine, async (directory) => {
    const flags = [...engineFlags(variant), "-w", ...includeFlags()];
    const compileNext = async (): Promise<void> => {
      for (let source = sources.shift(); source !== undefined; source = sources.shift()) {
        await compile([...flags, "-c", source, "-o", join(directory, `${basename(source, ".c")}.o`)]);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_COMPILES }, compileNext));
  });
}

async function buildProgram(variant: Variant, engine: string, program: string): Promise<void> {
  const objects = readdirSync(engine).filter((name) => name.endsWith(".o"));
  await buildAside(program, (directory) =>
    compile([
      ...hostFlags(variant),
      ...includeFlags(),
      ...HOST_SOURCES,
      ...objects.map((name) => join(engine, name)),
      "-lm",
      "-lpthread",
      "-o",
      join(directory, basename(program)),
    ]).then(() => renameSync(join(directory, basename(program)), program)),
  );
}

/** Lets `build` fill a directory that becomes `target` when it is complete: another process may be building the same. */
async function buildAside(target: string, build: (directory: string) => Promise<void>): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, "porter-xs-host-unfinished-"));
  try {
    await build(directory);
    if (!existsSync(target)) renameSync(directory, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether the compiler accepts a program with these lines. */
function compileOnly(variant: Variant, lines: string): SpawnSyncReturns<string> {
  const parameters = [...VARIANT_FLAGS[variant], "-fsyntax-only", "-x", "c", "-"];
  return spawnSync("cc", parameters, { input: `${lines}\n`, encoding: "utf8", timeout: COMPILE_TIMEOUT_MS });
}

async function compile(parameters: readonly string[]): Promise<void> {
  const compiler = spawn("cc", parameters, { stdio: ["ignore", "ignore", "pipe"], timeout: COMPILE_TIMEOUT_MS });
  let complaints = "";
  compiler.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const status = await new Promise<string>((resolve) => {
    compiler.on("error", ({ message }) => resolve(message));
    compiler.on("close", (code, signal) => resolve(code === 0 ? "" : `ended with ${signal ?? code}`));
  });
  if (status !== "") throw new Error(`The XS host does not build, cc ${status}.\n${complaints.trim()}`);
}
