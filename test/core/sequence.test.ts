import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seqInWindow, seqLess, seqLessOrEqual, seqMax } from "../../src/core/sequence.js";

const sequence = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const step = fc.integer({ min: 1, max: 0x7fffffff });

describe("sequence numbers (RFC9293 §3.4)", () => {
  it("grow by any step below 2^31, across the wrap as well", () => {
    fc.assert(
      fc.property(sequence, step, (from, by) => {
        const to = (from + by) | 0;
        expect(seqLess(from, to)).toBe(true);
        expect(seqLess(to, from)).toBe(false);
        expect(seqLessOrEqual(from, to)).toBe(true);
        expect(seqMax(from, to)).toBe(to);
        expect(seqMax(to, from)).toBe(to);
      }),
    );
  });

  it("equal themselves", () => {
    expect(seqLess(-1, -1)).toBe(false);
    expect(seqLessOrEqual(-1, -1)).toBe(true);
  });

  it("are ordered across both wraps, that of int32 and that of uint32", () => {
    expect(seqLess(0x7fffffff, -0x80000000)).toBe(true);
    expect(seqLess(-1, 0)).toBe(true);
  });

  it("are in a window from its first to before its end", () => {
    expect(seqInWindow(-2, -2, 4)).toBe(true);
    expect(seqInWindow(1, -2, 4)).toBe(true);
    expect(seqInWindow(2, -2, 4)).toBe(false);
    expect(seqInWindow(-3, -2, 4)).toBe(false);
    expect(seqInWindow(5, 5, 0)).toBe(false);
  });
});
