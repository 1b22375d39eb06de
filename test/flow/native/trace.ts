/** Records what the flow cache in TypeScript does with frames, for replay.c to compare. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { FlowTable } from "../../../src/flow/table.js";
import type { TwinForward } from "./asTwin.js";
import type { Batch } from "./batch.js";

export class Trace {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  /** Forwards the batch, and records table and frames before and after. */
  forwardAll({ words }: FlowTable, batch: Batch, forward: TwinForward): void {
    const parts: Uint8Array[] = [bytesOf(Int32Array.of(words.length, batch.count)), bytesOf(words.slice())];
    const before = Array.from({ length: batch.count }, (_, n) => batch.contents(n).slice());
    batch.forwardAll(forward);
    for (let n = 0; n < batch.count; n++) {
      parts.push(bytesOf(batch.arrival(n)), before[n] as Uint8Array, batch.contents(n));
    }
    parts.push(bytesOf(words));
    writeSync(this.#file, Buffer.concat(parts));
  }

  close(): void {
    closeSync(this.#file);
  }
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
