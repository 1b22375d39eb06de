import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyedHash } from "../../src/core/keyedHash.js";

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });

/** A source of the key's four words. */
function keyOf(words: readonly number[]) {
  let at = 0;
  return { next32: () => words[at++] as number };
}

describe("KeyedHash", () => {
  it("has the reference implementation's value for the key 00..0f and the message 00..0b", () => {
    const hash = new KeyedHash(keyOf([0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c]));
    expect(hash.hash(0x03020100, 0x07060504, 0x0b0a0908)).toBe(0x860ee5fb | 0);
  });

  it("equals SipHash-2-4 computed in 64-bit integers", () => {
    fc.assert(
      fc.property(fc.tuple(int32, int32, int32, int32), fc.tuple(int32, int32, int32), (key, message) => {
        expect(new KeyedHash(keyOf(key)).hash(...message)).toBe(sipHashLow(key, message));
      }),
    );
  });

  it("keeps nothing from one message to the next", () => {
    const hash = new KeyedHash(keyOf([1, 2, 3, 4]));
    const first = hash.hash(5, 6, 7);
    hash.hash(8, 9, 10);
    expect(hash.hash(5, 6, 7)).toBe(first);
  });
});

/** The low half of SipHash-2-4 of three little-endian words, as the paper's section 2.2 puts it. */
function sipHashLow(key: readonly number[], message: readonly number[]): number {
  const long = (low: number, high: number) =>
    BigInt.asUintN(32, BigInt(low)) | (BigInt.asUintN(32, BigInt(high)) << 32n);
  const rotated = (value: bigint, bits: bigint) => BigInt.asUintN(64, (value << bits) | (value >> (64n - bits)));
  const sum = (a: bigint, b: bigint) => BigInt.asUintN(64, a + b);
  const [k0, k1] = [long(key[0] as number, key[1] as number), long(key[2] as number, key[3] as number)];
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = () => {
    v0 = sum(v0, v1);
    v1 = rotated(v1, 13n) ^ v0;
    v0 = rotated(v0, 32n);
    v2 = sum(v2, v3);
    v3 = rotated(v3, 16n) ^ v2;
    v0 = sum(v0, v3);
    v3 = rotated(v3, 21n) ^ v0;
    v2 = sum(v2, v1);
    v1 = rotated(v1, 17n) ^ v2;
    v2 = rotated(v2, 32n);
  };
  for (const block of [long(message[0] as number, message[1] as number), long(message[2] as number, 12 << 24)]) {
    v3 ^= block;
    round();
    round();
    v0 ^= block;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return Number(BigInt.asIntN(32, v0 ^ v1 ^ v2 ^ v3));
}
