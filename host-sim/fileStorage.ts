import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Storage } from "../src/platform/storage.js";

/** What a board keeps in flash, in a file. A new text is complete on the disk before it takes the old one's place. */
export class FileStorage implements Storage {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(): string | undefined {
    try {
      return readFileSync(this.#path, "latin1");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error(`${this.#path} cannot be read: ${(error as Error).message}`);
    }
  }

  write(text: string): void {
    const draft = `${this.#path}.new`;
    try {
      const file = openSync(draft, "w");
      try {
        writeFileSync(file, text, "latin1");
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, this.#path);
      // The new name must survive a power cut, too.
      const directory = openSync(dirname(this.#path), "r");
      fsyncSync(directory);
      closeSync(directory);
    } catch (error) {
      throw new Error(`${this.#path} cannot be written: ${(error as Error).message}`);
    }
  }
}

/** Without a file: what is saved is gone with the process. */
export class MemoryStorage implements Storage {
  readonly caveat: string;
  #text: string | undefined;

  /** `remedy` is what somebody can do who wants to keep it, in a few words. */
  constructor(remedy = "") {
    this.caveat = `in memory only, lost at the end${remedy === "" ? "" : `; ${remedy}`}`;
  }

  read(): string | undefined {
    return this.#text;
  }

  write(text: string): void {
    this.#text = text;
  }
}
