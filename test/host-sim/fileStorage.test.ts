import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileStorage } from "../../host-sim/fileStorage.js";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "porter-flash-"));
  path = join(directory, "flash");
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test("has nothing to read before something is written", () => {
  expect(new FileStorage(path).read()).toBeUndefined();
});

test("reads what was written last, and leaves nothing else behind", () => {
  new FileStorage(path).write("first\n");
  new FileStorage(path).write("second\n");
  expect(new FileStorage(path).read()).toBe("second\n");
  expect(readdirSync(directory)).toEqual(["flash"]);
});

test("says in a sentence that a file cannot be written, and keeps the old text", () => {
  const storage = new FileStorage(path);
  storage.write("old");
  mkdirSync(`${path}.new`);
  expect(() => storage.write("new")).toThrow(`${path} cannot be written: `);
  expect(storage.read()).toBe("old");
});

test("says in a sentence that a file cannot be read", () => {
  mkdirSync(path);
  expect(() => new FileStorage(path).read()).toThrow(`${path} cannot be read: `);
});
