import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checksumOf,
  delta16,
  delta32,
  fold,
  patchChecksum,
  pseudoHeaderSum,
  sumBytes,
  updateChecksum,
} from "../../src/core/checksum.js";
import { loadFrame, naiveChecksum, pseudoHeader } from "../support/frames.js";

const word = fc.integer({ min: 0, max: 0xffff });
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe("Internet checksum", () => {
  it("has the sum of RFC 1071 section 3's example", () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(fold(sumBytes(viewOf(bytes), 0, 8, 0))).toBe(0xddf2);
  });

  it("equals the word-by-word computation for every offset and length, odd ones included", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (bytes, skip) => {
        const at = Math.min(skip & ~1, bytes.length);
        const found = checksumOf(sumBytes(viewOf(bytes), at, bytes.length - at, 0));
        expect(found).toBe(naiveChecksum(bytes.subarray(at)));
      }),
      { numRuns: 500 },
    );
  });

  it("does not overflow on the largest datagram of all ones", () => {
    const bytes = new Uint8Array(65515).fill(255);
    const sum = sumBytes(viewOf(bytes), 0, bytes.length, pseudoHeaderSum(-1, -1, 255, bytes.length));
    expect(sum).toBeLessThan(2 ** 31);
    const covered = Uint8Array.from([...pseudoHeader(-1, -1, 255, bytes.length), ...bytes]);
    expect(checksumOf(sum)).toBe(naiveChecksum(covered));
  });

  it("sums the pseudo header of RFC 768 as if it stood in front", () => {
    fc.assert(
      fc.property(int32, int32, fc.nat(255), word, (source, destination, protocol, length) => {
        const sum = pseudoHeaderSum(source, destination, protocol, length);
        expect(checksumOf(sum)).toBe(naiveChecksum(pseudoHeader(source, destination, protocol, length)));
      }),
    );
  });
});

describe("incremental update", () => {
  it("RFC1624: turns DD2F into 0000 where 5555 becomes 3285", () => {
    expect(updateChecksum(0xdd2f, delta16(0x5555, 0x3285))).toBe(0x0000);
  });

  it("RFC1624: equals the full computation after any words changed", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 10, maxLength: 10 }), word, int32, (words, newWord, newLong) => {
        const bytes = new Uint8Array(20);
        const view = viewOf(bytes);
        words.forEach((value, i) => {
          view.setUint16(2 * i, value);
        });
        // A header is never all zeros, the one case where both forms of zero are right.
        view.setUint8(0, 0x45);
        const before = naiveChecksum(bytes);
        const delta = delta16(view.getUint16(2), newWord) + delta32(view.getInt32(12), newLong);
        view.setUint16(2, newWord);
        view.setInt32(12, newLong);
        expect(updateChecksum(before, delta)).toBe(naiveChecksum(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("patches the field in place, and a message of nothing but zeros stays right", () => {
    const frame = loadFrame(Uint8Array.of(0, 0, 0xf7, 0xff));
    patchChecksum(frame, 4, delta16(0x0800, 0x0000));
    expect(frame.view.getUint16(4)).toBe(0xffff);
    patchChecksum(frame, 4, delta16(0x0000, 0x0800));
    expect(frame.view.getUint16(4)).toBe(0xf7ff);
  });
});
