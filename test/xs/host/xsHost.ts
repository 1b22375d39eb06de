/** Measures calls of TypeScript on XS exactly: instructions, slots, and bytes of chunks. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../bundle.js";
import { buildHost, marksRegions, type Variant } from "./build.js";

/** An export of the entry file, and what it is called with: values that JSON can express. */
export type Call = readonly [name: string, ...parameters: unknown[]];

export interface Region {
  /** Brings about what the region begins with; not measured. */
  readonly before?: Call;
  readonly run: Call;
}

/**
 * What a region cost. It is the same every time, but for instructions of 32-bit engines: there a few of 100,000 depend on
 * the process. A few hundred instructions, and nothing else, are the price of calling the entry: the difference of two
 * regions is free of them.
 */
export interface RegionCost {
  /** Instructions of the processor; undefined without valgrind, see `whyNoInstructions`. */
  readonly instructions: number | undefined;
  /** Slots allocated: 16 bytes each in 32-bit engines, 32 in others. */
  readonly slots: number;
  /** Bytes allocated for strings, buffers and arrays, with the engine's headers of these. */
  readonly chunkBytes: number;
  /** What is still in use after the region when all garbage is gone, less what was before it. */
  readonly heldSlots: number;
  readonly heldChunkBytes: number;
  /** Of these, byte code of functions that the region made: the board has it in flash. */
  readonly heldCodeBytes: number;
  /** What the call returned, if it is an integer of 32 bits. */
  readonly value: number | null;
}

/** What an engine holds, without garbage. */
export interface Heap {
  readonly slots: number;
  readonly chunkBytes: number;
  readonly slotBytes: number;
}

export interface Measurement {
  /** In the order of the regions. */
  readonly costs: readonly RegionCost[];
  /** The engine before anything is loaded: the board has most of this in flash. */
  readonly engine: Heap;
  /** With the bundle loaded; its byte code is in flash on the board. */
  readonly loaded: Heap;
}

const TIMEOUT_MS = 300_000;

/** Why regions have no instructions on this machine, in a sentence; undefined if they have. */
export function whyNoInstructions(): string | undefined {
  const { status } = spawnSync("valgrind", ["--version"]);
  if (status !== 0) return "valgrind is not installed: apt-get install valgrind";
  if (!marksRegions())
    return "valgrind's header callgrind.h is not installed; it is in the package valgrind or valgrind-devel";
  return undefined;
}

/** Runs the regions of the module in `entryFile` one after the other, in an engine of their own. */
export async function measure(
  entryFile: string,
  regions: readonly Region[],
  variant: Variant = "64-bit -O2",
): Promise<Measurement> {
  const program = await buildHost(variant);
  const counts = whyNoInstructions() === undefined;
  const directory = mkdtempSync(join(tmpdir(), "porter-xs-host-"));
  try {
    // Relative names, so that nothing in the process's memory depends on where the directory is.
    writeFileSync(join(directory, "entry.js"), bundle(entryFile));
    writeFileSync(join(directory, "regions.js"), regions.map(scriptOf).join(""));
    const scripts = ["entry.js", "regions.js"];
    const [command, ...parameters] = counts ? [...CALLGRIND, program, ...scripts] : [program, ...scripts];
    const lines = await run(command as string, parameters, directory);
    return readMeasurement(lines, counts ? readInstructions(directory, regions.length) : undefined, regions.length);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const PROFILE = "profile";
/** Says nothing of its own, so that standard error is the host's. */
const CALLGRIND = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", `--callgrind-out-file=${PROFILE}`];

function scriptOf({ before, run }: Region): string {
  const prepare = before === undefined ? "" : `${expressionOf(before)};\n`;
  return `${prepare}measure(() => ${expressionOf(run)});\n`;
}

function expressionOf([name, ...parameters]: Call): string {
  return `entry.${name}(${parameters.map((parameter) => JSON.stringify(parameter)).join(", ")})`;
}

/** The lines of standard output. The environment is fixed, for it moves the stack. */
async function run(command: string, parameters: readonly string[], directory: string): Promise<string[]> {
  const host = spawn(command, parameters, {
    cwd: directory,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TIMEOUT_MS,
  });
  let output = "";
  let complaints = "";
  host.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  host.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const status = await new Promise<number | string | null>((resolve, reject) => {
    host.on("error", reject);
    host.on("close", (code, signal) => resolve(signal ?? code));
  });
  if (status !== 0) throw new Error(`On XS: ${complaints.trim() || `the host ended with ${status}`}`);
  return output.split("\n").filter((line) => line !== "");
}

/** Callgrind numbers its dumps from 1. */
function readInstructions(directory: string, count: number): number[] {
  const dumps = readdirSync(directory).filter((name) => name.startsWith(`${PROFILE}.`));
  if (dumps.length !== count) throw new Error(`callgrind dumped ${dumps.length} regions of ${count}.`);
  return dumps.map((_, index) => {
    const dump = readFileSync(join(directory, `${PROFILE}.${index + 1}`), "utf8");
    const totals = /^totals: (\d+)$/m.exec(dump)?.[1];
    if (totals === undefined) throw new Error("callgrind's dump has no totals.");
    return Number(totals);
  });
}

function readMeasurement(
  lines: readonly string[],
  instructions: readonly number[] | undefined,
  count: number,
): Measurement {
  const [engineLine = "", loadedLine = "", ...rest] = lines;
  const costs = rest.slice(0, count).map((line, index): RegionCost => {
    const { collected, ...cost } = JSON.parse(line);
    if (collected) throw new Error("Garbage was collected while it was counted: the region allocates too much.");
    return { ...cost, instructions: instructions?.[index] };
  });
  if (costs.length !== count) throw new Error(`The host measured ${costs.length} regions of ${count}.`);
  return { costs, engine: readHeap(engineLine), loaded: readHeap(loadedLine) };
}

function readHeap(line: string): Heap {
  const { engineSlots: slots, engineChunkBytes: chunkBytes, slotBytes } = JSON.parse(line);
  return { slots, chunkBytes, slotBytes };
}
