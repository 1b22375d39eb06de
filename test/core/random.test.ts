import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomBelow } from "../../src/core/random.js";

describe("randomBelow", () => {
  it("stays in 0 .. bound - 1 for every int32", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -0x80000000, max: 0x7fffffff }),
        fc.integer({ min: 1, max: 65536 }),
        (value, bound) => {
          const found = randomBelow({ next32: () => value }, bound);
          expect(Number.isInteger(found) && found >= 0 && found < bound).toBe(true);
        },
      ),
    );
  });

  it("reaches every value, each about as often", () => {
    const counts = new Array<number>(10).fill(0);
    let state = 1;
    const next32 = () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state;
    };
    for (let i = 0; i < 10_000; i++) {
      const value = randomBelow({ next32 }, 10);
      counts[value] = (counts[value] as number) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
