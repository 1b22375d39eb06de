/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) of three words: a keyed pseudo-random function that nobody without the
 * 128-bit key can predict, made for short inputs.
 *
 * Its 64-bit additions are done on int32 halves, because XS would turn larger integers into doubles.
 */
import type { Random } from "./random.js";

/** The message's length in bytes, which SipHash puts into the last byte of its padding. */
const MESSAGE_BYTES = 12;

export class KeyedHash {
  readonly #k0Low: number;
  readonly #k0High: number;
  readonly #k1Low: number;
  readonly #k1High: number;
  // The state v0..v3, kept between the rounds of one call only.
  #v0Low = 0;
  #v0High = 0;
  #v1Low = 0;
  #v1High = 0;
  #v2Low = 0;
  #v2High = 0;
  #v3Low = 0;
  #v3High = 0;

  /** Takes the key, four int32 values, from `random`. */
  constructor(random: Random) {
    this.#k0Low = random.next32();
    this.#k0High = random.next32();
    this.#k1Low = random.next32();
    this.#k1High = random.next32();
  }

  /** The low half of the hash of the words `a`, `b`, `c`, each taken as four bytes in little-endian order: an int32. */
  hash(a: number, b: number, c: number): number {
    this.#v0Low = this.#k0Low ^ 0x70736575;
    this.#v0High = this.#k0High ^ 0x736f6d65;
    this.#v1Low = this.#k1Low ^ 0x6e646f6d;
    this.#v1High = this.#k1High ^ 0x646f7261;
    this.#v2Low = this.#k0Low ^ 0x6e657261;
    this.#v2High = this.#k0High ^ 0x6c796765;
    this.#v3Low = this.#k1Low ^ 0x79746573;
    this.#v3High = this.#k1High ^ 0x74656462;
    this.compress(a, b);
    this.compress(c, MESSAGE_BYTES << 24);
    this.#v2Low ^= 0xff;
    for (let round = 0; round < 4; round++) this.round();
    return this.#v0Low ^ this.#v1Low ^ this.#v2Low ^ this.#v3Low;
  }

  private compress(low: number, high: number): void {
    this.#v3Low ^= low;
    this.#v3High ^= high;
    this.round();
    this.round();
    this.#v0Low ^= low;
    this.#v0High ^= high;
  }

  private round(): void {
    let v0Low = this.#v0Low;
    let v0High = this.#v0High;
    let v1Low = this.#v1Low;
    let v1High = this.#v1High;
    let v2Low = this.#v2Low;
    let v2High = this.#v2High;
    let v3Low = this.#v3Low;
    let v3High = this.#v3High;
    let old = v0Low;
    let high = v1High;

    v0Low = (v0Low + v1Low) | 0;
    v0High = (v0High + v1High + carry(v0Low, old)) | 0;
    v1High = rotatedHigh(v1Low, v1High, 13) ^ v0High;
    v1Low = rotatedLow(v1Low, high, 13) ^ v0Low;
    // A rotation by 32 swaps the halves.
    high = v0High;
    v0High = v0Low;
    v0Low = high;

    old = v2Low;
    high = v3High;
    v2Low = (v2Low + v3Low) | 0;
    v2High = (v2High + v3High + carry(v2Low, old)) | 0;
    v3High = rotatedHigh(v3Low, v3High, 16) ^ v2High;
    v3Low = rotatedLow(v3Low, high, 16) ^ v2Low;

    old = v0Low;
    high = v3High;
    v0Low = (v0Low + v3Low) | 0;
    v0High = (v0High + v3High + carry(v0Low, old)) | 0;
    v3High = rotatedHigh(v3Low, v3High, 21) ^ v0High;
    v3Low = rotatedLow(v3Low, high, 21) ^ v0Low;

    old = v2Low;
    high = v1High;
    v2Low = (v2Low + v1Low) | 0;
    v2High = (v2High + v1High + carry(v2Low, old)) | 0;
    v1High = rotatedHigh(v1Low, v1High, 17) ^ v2High;
    v1Low = rotatedLow(v1Low, high, 17) ^ v2Low;
    high = v2High;
    v2High = v2Low;
    v2Low = high;

    this.#v0Low = v0Low;
    this.#v0High = v0High;
    this.#v1Low = v1Low;
    this.#v1High = v1High;
    this.#v2Low = v2Low;
    this.#v2High = v2High;
    this.#v3Low = v3Low;
    this.#v3High = v3High;
  }
}

/** 1 when the unsigned addition that gave `sum` from `addend` overflowed; the flipped sign bits compare as unsigned. */
function carry(sum: number, addend: number): number {
  return (sum ^ 0x80000000) < (addend ^ 0x80000000) ? 1 : 0;
}

/** The low half of `high:low` rotated left by 1..31 bits. */
function rotatedLow(low: number, high: number, bits: number): number {
  return (low << bits) | ((high >> (32 - bits)) & ((1 << bits) - 1));
}

/** The high half of `high:low` rotated left by 1..31 bits. */
function rotatedHigh(low: number, high: number, bits: number): number {
  return (high << bits) | ((low >> (32 - bits)) & ((1 << bits) - 1));
}
