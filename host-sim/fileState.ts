import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { KeptState } from "../src/platform/keptState.js";

/** What outlives a planned restart, in a file. */
export class FileState implements KeptState {
  readonly capacityBytes = 1024 * 1024;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  put(bytes: Uint8Array): void {
    try {
      writeFileSync(this.#path, bytes);
    } catch (error) {
      throw new Error(`${this.#path} cannot be written: ${(error as Error).message}`);
    }
  }

  take(): Uint8Array | undefined {
    try {
      const bytes = new Uint8Array(readFileSync(this.#path));
      rmSync(this.#path);
      return bytes;
    } catch {
      return undefined;
    }
  }
}
