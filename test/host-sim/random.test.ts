import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { SystemRandom } from "../../host-sim/systemRandom.js";

const DRAWS = 100_000;

function draws(random: { next32(): number }, count: number): number[] {
  return Array.from({ length: count }, () => random.next32());
}

describe("SeededRandom", () => {
  test("repeats itself for the same seed and stream, and for no other", () => {
    const first = draws(new SeededRandom(1, "a"), 100);
    expect(draws(new SeededRandom(1, "a"), 100)).toEqual(first);
    expect(draws(new SeededRandom(2, "a"), 100)).not.toEqual(first);
    expect(draws(new SeededRandom(1, "b"), 100)).not.toEqual(first);
    expect(draws(new SeededRandom(2 ** 32 + 1, "a"), 100)).not.toEqual(first);
  });

  test("gives int32 values with every bit set half of the time", () => {
    const values = draws(new SeededRandom(1), DRAWS);
    expect(values.every((value) => value === (value | 0))).toBe(true);
    for (let bit = 0; bit < 32; bit++) {
      const ones = values.filter((value) => (value >>> bit) & 1).length;
      expect(ones / DRAWS).toBeCloseTo(0.5, 1);
    }
  });

  test("keeps below its bound and reaches every value", () => {
    const random = new SeededRandom(1);
    const seen = new Set(Array.from({ length: 1000 }, () => random.below(7)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("draws nothing for a chance of 0", () => {
    const random = new SeededRandom(1);
    const other = new SeededRandom(1);
    expect(random.chance(0)).toBe(false);
    expect(random.next32()).toBe(other.next32());
  });
});

test("SystemRandom gives int32 values that do not come again", () => {
  const values = draws(new SystemRandom(), 1000);
  expect(values.every((value) => value === (value | 0))).toBe(true);
  expect(new Set(values).size).toBeGreaterThan(990);
});
