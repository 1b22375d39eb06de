/** What every storage has to keep, wherever it writes; each implementation's test runs these cases. */
import { describe, expect, it } from "vitest";
import type { Storage } from "../../src/platform/storage.js";

/** One device's storage, and its power supply. */
export interface StorageBench {
  /** What the device sees after a restart. */
  open(): Storage;
  /**
   * Lets the power go at the write number `steps` (0 for the very first) to what is below the storage, which then throws;
   * `restorePower` before `open`. What is left of the interrupted write is up to the bench: nothing, a part, all of it.
   */
  cutPowerAt(steps: number): void;
  restorePower(): void;
}

const OLD = "set hostname old\n";
const NEW = `set hostname new\n${"# and more\n".repeat(50)}`;
/** More than any implementation takes. */
const MAX_STEPS = 50;

export function describeStorage(name: string, create: () => StorageBench): void {
  describe(`${name}, as any storage,`, () => {
    it("has nothing to read before something is written", () => {
      expect(create().open().read()).toBeUndefined();
    });

    it("reads what was written last, also after a restart", () => {
      const bench = create();
      for (const text of ["first\n", "second\n", "", "third\n", NEW]) {
        bench.open().write(text);
        expect(bench.open().read()).toBe(text);
      }
    });

    it("gives the old or the new text after a power cut at any write, and can be written again", () => {
      let cuts = 0;
      for (let steps = 0; steps < MAX_STEPS; steps++) {
        const bench = create();
        bench.open().write(OLD);
        bench.cutPowerAt(steps);
        let isCut = false;
        try {
          bench.open().write(NEW);
        } catch {
          isCut = true;
        }
        bench.restorePower();
        expect([OLD, NEW]).toContain(bench.open().read());
        if (!isCut) expect(bench.open().read()).toBe(NEW);
        bench.open().write("third\n");
        expect(bench.open().read()).toBe("third\n");
        if (!isCut) break;
        cuts++;
      }
      expect(cuts).toBeGreaterThan(0);
      expect(cuts).toBeLessThan(MAX_STEPS);
    });

    it("has nothing or the whole text after a power cut at the very first one", () => {
      for (let steps = 0; steps < MAX_STEPS; steps++) {
        const bench = create();
        bench.cutPowerAt(steps);
        try {
          bench.open().write(NEW);
        } catch {}
        bench.restorePower();
        expect([undefined, NEW]).toContain(bench.open().read());
      }
    });
  });
}
