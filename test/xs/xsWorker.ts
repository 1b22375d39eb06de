/**
 * An XS engine in a child process: the worker program that @agoric/xsnap builds when it is installed.
 *
 * The driver of that package needs a hardened realm (lockdown), which would freeze the primordials of the test process.
 * The worker's own protocol is simple, so this file speaks it: netstrings on descriptors 3 (in) and 4 (out). `e` plus
 * source evaluates, `?` plus bytes calls the global `handleCommand`; `.` begins an answer, `!` an uncaught exception.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { bundle } from "./bundle.js";

/** The engine's meters at the end of a command. */
export interface Meters {
  /** Byte codes this command executed, plus a fixed price of some built-ins. The same every time. */
  readonly computrons: number;
  /** Slots in use, garbage included until the next collection. */
  readonly slots: number;
  /** Bytes of the heaps as obtained from the system: moves only when a heap grows. */
  readonly heapBytes: number;
}

export interface Reply<T> {
  readonly value: T;
  readonly meters: Meters;
}

/** Slots that `litter` leaves to the garbage collector: a fifth of the engine's initial heap of 262,144. */
export const LITTER_SLOTS = 50_000;

const WORKER_DESCRIPTOR_IN = 3;
const WORKER_DESCRIPTOR_OUT = 4;
const METERS_END = 1;

/** Exit codes that tell why an engine gave up; no script can catch these. */
const EXIT_CAUSES: Readonly<Record<number, string>> = {
  11: "out of memory",
  12: "stack overflow, its stack has 4096 slots",
  15: "unhandled exception",
};

/** Runs in the engine: calls the bundle's exports, or these commands about the heap, by name. */
const PRELUDE = `
  (() => {
    const decoder = new TextDecoder(), encoder = new TextEncoder();
    let kept;
    const heap = {
      litter(count) { gc(); for (let index = 0; index < count; index++) ({}); },
      keepBytes(count) { kept = { bytes: new ArrayBuffer(count), next: kept }; },
    };
    globalThis.handleCommand = (request) => {
      const [name, ...parameters] = JSON.parse(decoder.decode(request));
      const value = (heap[name] ?? entry[name])(...parameters);
      return encoder.encode(JSON.stringify({ value })).buffer;
    };
  })();
`;

/** The worker program's path; throws when the package was installed without its build step. */
function workerProgram(): string {
  const packageFile = createRequire(import.meta.url).resolve("@agoric/xsnap/package.json");
  const platform = process.platform === "darwin" ? "mac" : "lin";
  const program = join(dirname(packageFile), "xsnap-native/xsnap/build/bin", platform, "release/xsnap-worker");
  if (!existsSync(program)) {
    throw new Error("The XS engine is not built: run `npm rebuild @agoric/xsnap` (it needs make and a C compiler).");
  }
  return program;
}

export class XsWorker {
  readonly #process: ChildProcess;
  readonly #input: Writable;
  #received = Buffer.alloc(0);
  #pending: { resolve(message: Buffer): void; reject(error: Error): void } | undefined;

  private constructor() {
    this.#process = spawn(workerProgram(), ["porter"], { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"] });
    this.#input = this.#process.stdio[WORKER_DESCRIPTOR_IN] as Writable;
    (this.#process.stdio[WORKER_DESCRIPTOR_OUT] as Readable).on("data", (bytes: Buffer) => this.#receive(bytes));
    // A worker that died shows as its exit; the broken pipe on the way there says nothing more.
    this.#input.on("error", () => {});
    this.#process.on("error", (error) => this.#fail(error));
    this.#process.on("exit", (code, signal) => {
      const cause = signal ?? EXIT_CAUSES[code ?? 0] ?? `exit code ${code}`;
      this.#fail(new Error(`The XS engine ended: ${cause}`));
    });
  }

  /** Starts an engine and loads the module in `file` into it. */
  static async start(file: string): Promise<XsWorker> {
    const worker = new XsWorker();
    await worker.#command("e", bundle(file) + PRELUDE);
    return worker;
  }

  /** Calls the module's export `name`; parameters and result travel as JSON. Rejects with what it throws. */
  async call<T>(name: string, ...parameters: readonly unknown[]): Promise<Reply<T>> {
    const { body, meters } = await this.#command("?", JSON.stringify([name, ...parameters]));
    return { value: (JSON.parse(body) as { value: T }).value, meters };
  }

  /**
   * Collects all garbage, then makes some, so that a collection during a later command shows: it takes `LITTER_SLOTS`
   * off the slots in use. (A dead WeakRef would not tell: XS lets one die in an explicit collection only.)
   */
  async litter(): Promise<Meters> {
    return (await this.call("litter", LITTER_SLOTS)).meters;
  }

  /**
   * Fills the engine's heap for strings and buffers ("chunks", which no meter shows) until less than `freeBytes` are
   * left, so that allocating more than that in the next commands makes the engine collect garbage.
   */
  async exhaustChunks(freeBytes: number): Promise<void> {
    const pieceBytes = 4096;
    await this.call("keepBytes", 28 * 1024 * 1024);
    const { meters: full } = await this.call("keepBytes", 0);
    let grownBytes = 0;
    for (let pieces = 0; grownBytes === 0; pieces++) {
      if (pieces > 4096) throw new Error("The chunk heap of the XS engine did not fill up.");
      grownBytes = (await this.call("keepBytes", pieceBytes)).meters.heapBytes - full.heapBytes;
    }
    const { meters: grown } = await this.call("keepBytes", 0);
    const { meters: last } = await this.call("keepBytes", grownBytes - freeBytes);
    if (last.heapBytes !== grown.heapBytes) throw new Error(`The XS engine cannot keep just ${freeBytes} bytes free.`);
  }

  /** Ends the engine; resolves when its process is gone. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill();
    await gone;
  }

  async #command(kind: string, text: string): Promise<{ body: string; meters: Meters }> {
    if (this.#pending !== undefined) throw new Error("The XS engine takes one command at a time.");
    const bytes = Buffer.from(kind + text);
    const message = await new Promise<Buffer>((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#input.write(Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(",")]));
    });
    if (message.toString("latin1", 0, 1) !== ".") throw new Error(`On XS: ${message.toString("utf8", 1)}`);
    const metersEnd = message.indexOf(METERS_END);
    const meters = JSON.parse(message.toString("utf8", 1, metersEnd));
    return {
      body: message.toString("utf8", metersEnd + 1),
      meters: { computrons: meters.compute, slots: meters.currentHeapCount, heapBytes: meters.allocate },
    };
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    const bodyAt = this.#received.indexOf(":") + 1;
    if (bodyAt === 0) return;
    const bodyEnd = bodyAt + Number.parseInt(this.#received.toString("latin1", 0, bodyAt), 10);
    if (this.#received.length <= bodyEnd) return;
    const body = this.#received.subarray(bodyAt, bodyEnd);
    this.#received = this.#received.subarray(bodyEnd + 1);
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(body);
  }

  #fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }
}
