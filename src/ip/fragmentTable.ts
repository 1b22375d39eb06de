/**
 * Datagrams whose fragments pass one by one: how each of them is translated, and what of each has passed.
 *
 * An entry begins with the first fragment, which alone shows ports, and ends when all has passed. So fragments that come
 * without a first one take no entry, however many they are. An entry also remembers a datagram that was refused; it makes
 * way before any other.
 *
 * Full is fair: a source has a quarter of the entries at most and then takes the place of its own oldest, and a link takes
 * the other's only while it has less than half. The oldest is the one whose last fragment passed longest ago, so a
 * datagram whose fragments follow each other closely gets through although others fill the table meanwhile.
 */
import { type Clock, NEVER } from "../core/clock.js";
import type { Verdict } from "../core/drops.js";
import { linkOf } from "./fragmentKey.js";

/**
 * Without another fragment a datagram is forgotten after this time. RFC 4787 names none; RFC 6146 section 3.4 wants two
 * seconds of a NAT64. The 60 seconds of RFC 1122 section 3.3.2 are for those who wait for the whole: here an old entry
 * would only mistake the next datagram with the same identification for a duplicate.
 */
export const FRAGMENT_TIMEOUT_MS = 5000;

// An entry's words. The first one is its key, 0 while it is free.
const ENTRY_WORDS = 10;
const SOURCE = 1;
const DESTINATION = 2;
/** Where the fragments go instead; 0, which is no address, when the datagram is refused. */
const NEW_DESTINATION = 3;
/** The identification they leave with in the upper half; in the lower the payload's end in bytes, 0 until the last one came. */
const LABEL = 4;
/** When the last new one passed: the lower 32 bits of the clock's whole ms. */
const TOUCHED = 5;
/** What has passed, in units of 8 bytes: begin in bits 0-13, end in bits 14-27; 0 for no range. */
const RANGES = 6;
const RANGE_SHIFT = 14;
const RANGE_MASK = 0x3fff;

export class FragmentTable {
  readonly #clock: Clock;
  readonly #words: Int32Array;
  /** No later than the first entry's end. */
  #dueAtMs = NEVER;

  /** Has `capacity` entries of 40 bytes. */
  constructor(clock: Clock, capacity: number) {
    this.#clock = clock;
    this.#words = new Int32Array(capacity * ENTRY_WORDS);
  }

  /** The entry of a datagram; -1 for none. */
  find(key: number, source: number, destination: number): number {
    const words = this.#words;
    for (let at = words.length - ENTRY_WORDS; at >= 0; at -= ENTRY_WORDS) {
      if (words[at] === key && words[at + SOURCE] === source && words[at + DESTINATION] === destination) return at;
    }
    return -1;
  }

  /**
   * An entry for a datagram that has none, whose first fragment passes: the others go to `newDestination`, with
   * `identification`. Valid until its datagram is complete or another entry is made.
   */
  open(
    key: number,
    source: number,
    destination: number,
    newDestination: number,
    identification: number,
    firstBytes: number,
  ): number {
    const at = this.placeFor(key, source);
    this.write(at, key, source, destination);
    const words = this.#words;
    words[at + NEW_DESTINATION] = newDestination;
    words[at + LABEL] = identification << 16;
    words[at + RANGES] = (firstBytes >> 3) << RANGE_SHIFT;
    return at;
  }

  /** Remembers that no fragment of a datagram may pass, if that takes nobody else's place. */
  refuse(key: number, source: number, destination: number): void {
    const known = this.find(key, source, destination);
    const at = known >= 0 ? known : this.placeFor(0, 0);
    if (at >= 0) this.write(at, key, source, destination);
  }

  isRefused(at: number): boolean {
    return this.#words[at + NEW_DESTINATION] === 0;
  }

  newDestination(at: number): number {
    return this.#words[at + NEW_DESTINATION] as number;
  }

  /** The identification that the datagram's fragments leave with. */
  identification(at: number): number {
    return ((this.#words[at + LABEL] as number) >> 16) & 0xffff;
  }

  /**
   * Whether a fragment of `length` bytes at `offset` may pass. One that has passed is a duplicate; one that overlaps in
   * part, or contradicts the end, is malformed, for no honest host sends one (RFC 1858, RFC 5722). Changes nothing.
   */
  judge(at: number, offset: number, length: number, moreFragments: boolean): Verdict {
    const words = this.#words;
    const end = offset + length;
    const from = offset >> 3;
    const to = (end + 7) >> 3;
    const known = (words[at + LABEL] as number) & 0xffff;
    let isContradiction = known !== 0 && (moreFragments ? end > known : end !== known);
    let isInside = false;
    let isOverlap = false;
    let hasPlace = false;
    for (let i = at + RANGES; i < at + ENTRY_WORDS; i++) {
      const range = words[i] as number;
      const begin = range & RANGE_MASK;
      const limit = range >> RANGE_SHIFT;
      if (range === 0 || limit === from || begin === to) hasPlace = true;
      else if (begin <= from && to <= limit) isInside = true;
      else if (begin < to && from < limit) isOverlap = true;
      if (known === 0 && !moreFragments && limit << 3 > end) isContradiction = true;
    }
    if (isContradiction || isOverlap) return "fragmentMalformed";
    if (isInside) return "fragmentDuplicate";
    return hasPlace ? "ok" : "fragmentTableFull";
  }

  /** Takes note of a fragment that passes: `judge` has admitted it. Frees the entry when that completes the datagram. */
  add(at: number, offset: number, length: number, moreFragments: boolean): void {
    const words = this.#words;
    const end = offset + length;
    let from = offset >> 3;
    let to = (end + 7) >> 3;
    if (!moreFragments) words[at + LABEL] = (words[at + LABEL] as number) | end;
    let place = 0;
    for (let i = at + RANGES; i < at + ENTRY_WORDS; i++) {
      const range = words[i] as number;
      if (range !== 0) {
        const begin = range & RANGE_MASK;
        const limit = range >> RANGE_SHIFT;
        if (limit === from) from = begin;
        else if (begin === to) to = limit;
        else continue;
        words[i] = 0;
      }
      place = i;
    }
    words[place] = from | (to << RANGE_SHIFT);
    words[at + TOUCHED] = this.#clock.now | 0;
    const known = (words[at + LABEL] as number) & 0xffff;
    if (from === 0 && known !== 0 && to === (known + 7) >> 3) words[at] = 0;
  }

  /** Forgets the datagrams that come in by a link. */
  forget(link: number): void {
    const words = this.#words;
    for (let at = 0; at < words.length; at += ENTRY_WORDS) if (linkOf(words[at] as number) === link) words[at] = 0;
  }

  poll(): void {
    if (this.#clock.now < this.#dueAtMs) return;
    const words = this.#words;
    let leftMs = NEVER;
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      if (words[at] === 0) continue;
      const left = FRAGMENT_TIMEOUT_MS - this.age(at);
      if (left <= 0) words[at] = 0;
      else if (left < leftMs) leftMs = left;
    }
    this.#dueAtMs = leftMs === NEVER ? NEVER : this.#clock.now + leftMs;
  }

  nextDeadline(): number {
    return this.#dueAtMs;
  }

  /** Begins an entry, as refused. */
  private write(at: number, key: number, source: number, destination: number): void {
    const words = this.#words;
    const now = this.#clock.now;
    words[at] = key;
    words[at + SOURCE] = source;
    words[at + DESTINATION] = destination;
    words[at + TOUCHED] = now | 0;
    for (let i = at + NEW_DESTINATION; i < at + ENTRY_WORDS; i++) if (i !== at + TOUCHED) words[i] = 0;
    if (this.#dueAtMs === NEVER) this.#dueAtMs = now + FRAGMENT_TIMEOUT_MS;
  }

  /** A place for a datagram of that source; with key 0 one for a refused datagram, -1 if there is none. */
  private placeFor(key: number, source: number): number {
    const words = this.#words;
    let free = -1;
    let refused = -1;
    let own = -1;
    let ownLink = -1;
    let otherLink = -1;
    let ownCount = 0;
    let linkCount = 0;
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      const one = words[at] as number;
      if (one === 0) free = at;
      else if (this.isRefused(at)) refused = this.older(refused, at);
      else if (linkOf(one) !== linkOf(key)) otherLink = this.older(otherLink, at);
      else {
        linkCount += ENTRY_WORDS;
        ownLink = this.older(ownLink, at);
        if (words[at + SOURCE] !== source) continue;
        ownCount += ENTRY_WORDS;
        own = this.older(own, at);
      }
    }
    if (key !== 0 && own >= 0 && ownCount * 4 >= words.length) return own;
    if (free >= 0) return free;
    if (refused >= 0 || key === 0) return refused;
    return linkCount * 2 >= words.length || otherLink < 0 ? ownLink : otherLink;
  }

  private older(one: number, other: number): number {
    return one < 0 || this.age(other) > this.age(one) ? other : one;
  }

  /** In ms since the last new fragment. */
  private age(at: number): number {
    return ((this.#clock.now | 0) - (this.#words[at + TOUCHED] as number)) | 0;
  }
}
