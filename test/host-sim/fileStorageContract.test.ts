import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, vi } from "vitest";
import { FileStorage } from "../../host-sim/fileStorage.js";
import { describeStorage, type StorageBench } from "../platform/storageContract.js";

/** Calls that change the disk and may still be made. */
const supply = vi.hoisted(() => ({ writesLeft: Number.POSITIVE_INFINITY }));

vi.mock("node:fs", async (importOriginal) => {
  const original = await importOriginal<typeof fs>();
  const powered = <Parameters extends unknown[], Result>(call: (...parameters: Parameters) => Result) => {
    return (...parameters: Parameters): Result => {
      if (supply.writesLeft-- <= 0) throw new Error("the power is gone");
      return call(...parameters);
    };
  };
  return {
    ...original,
    openSync: powered(original.openSync),
    // Half of it is written before.
    writeFileSync: (file: number, text: string, encoding: BufferEncoding) => {
      original.writeFileSync(file, text.slice(0, text.length >> 1), encoding);
      if (supply.writesLeft-- <= 0) throw new Error("the power is gone");
      original.writeFileSync(file, text.slice(text.length >> 1), encoding);
    },
    fsyncSync: powered(original.fsyncSync),
    renameSync: powered(original.renameSync),
  };
});

const directories: string[] = [];

afterEach(() => {
  supply.writesLeft = Number.POSITIVE_INFINITY;
  for (const directory of directories.splice(0)) fs.rmSync(directory, { recursive: true, force: true });
});

describeStorage("FileStorage", (): StorageBench => {
  const directory = fs.mkdtempSync(join(tmpdir(), "porter-flash-"));
  directories.push(directory);
  return {
    open: () => new FileStorage(join(directory, "flash")),
    cutPowerAt: (steps) => {
      supply.writesLeft = steps;
    },
    restorePower: () => {
      supply.writesLeft = Number.POSITIVE_INFINITY;
    },
  };
});
