import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteRing } from "../../src/transport/byteRing.js";

describe("a byte ring", () => {
  it("gives back what was put in, in order, whatever the sizes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 70 })), { maxLength: 60 }), (steps) => {
        const ring = new ByteRing(64);
        const model: number[] = [];
        let next = 0;
        for (const [isWrite, size] of steps) {
          if (isWrite) {
            const count = Math.min(size, ring.free);
            const bytes = Uint8Array.from({ length: count + 3 }, () => next++ & 255);
            ring.append(bytes, 3, count);
            model.push(...bytes.subarray(3));
          } else {
            const count = Math.min(size, ring.length);
            const target = new Uint8Array(count + 2);
            ring.peek(0, count, target, 2);
            ring.drop(count);
            expect([...target.subarray(2)]).toEqual(model.splice(0, count));
          }
          expect([ring.length, ring.free]).toEqual([model.length, 64 - model.length]);
        }
      }),
    );
  });

  it("is at least as large as asked for", () => {
    expect([1, 64, 65, 4000].map((bytes) => new ByteRing(bytes).capacity)).toEqual([1, 64, 128, 4096]);
  });

  it("keeps early data behind a gap until it is counted", () => {
    const ring = new ByteRing(8);
    ring.append(Uint8Array.of(1, 2, 3, 4, 5, 6), 0, 6);
    ring.drop(6);
    ring.place(Uint8Array.of(7, 8, 9), 0, 3, 2);
    ring.place(Uint8Array.of(5, 6), 0, 2, 0);
    expect(ring.length).toBe(0);
    ring.extend(5);
    const target = new Uint8Array(5);
    ring.peek(0, 5, target, 0);
    expect([...target]).toEqual([5, 6, 7, 8, 9]);
  });
});
