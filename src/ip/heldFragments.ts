/**
 * Fragments that wait for the first one of their datagram, which alone shows where they go.
 *
 * A few pages, each for one frame. When all are taken, the newcomer gets the oldest page of the source that has most: of its own
 * link if that has half of the pages or more, else of the other one. So a flood of orphans from one source costs the
 * others nothing, and one from many sources costs only fragments that come out of order.
 */
import { type Clock, NEVER } from "../core/clock.js";
import type { DropReason, Drops } from "../core/drops.js";
import { ETHERNET_AT, type Frame, MAX_TAGGED_FRAME_BYTES } from "../core/frame.js";
import type { Packet } from "../wire/packet.js";
import { fragmentKey, isBroadcastKey, linkOf } from "./fragmentKey.js";
import { FRAGMENT_TIMEOUT_MS } from "./fragmentTable.js";

/** As many words as a Frame of MAX_FRAME_BYTES has, so that the one fits into the other without a view. */
const PAGE_WORDS = (ETHERNET_AT + MAX_TAGGED_FRAME_BYTES + 3) >> 2;

// What stands in a page in the place of padding and Ethernet header, which are not kept. The first word is the key, 0 while
// the page is free.
const SOURCE = 1;
const DESTINATION = 2;
/** The lower 32 bits of the clock's whole ms. */
const ARRIVED = 3;

export class HeldFragments {
  readonly #clock: Clock;
  readonly #drops: Drops;
  /** In order of arrival. */
  readonly #pages: Int32Array[] = [];
  /** No later than the first page's end. */
  #dueAtMs = NEVER;

  constructor(clock: Clock, drops: Drops, capacity: number) {
    this.#clock = clock;
    this.#drops = drops;
    for (let i = 0; i < capacity; i++) this.#pages.push(new Int32Array(PAGE_WORDS));
  }

  /** Keeps a copy of a fragment; `packet` is as it came in. False if there are no pages at all. */
  keep(packet: Packet): boolean {
    const pages = this.#pages;
    const last = pages.length - 1;
    if (last < 0) return false;
    const key = fragmentKey(packet);
    const chosen = this.choose(key, packet.source);
    const page = pages[chosen] as Int32Array;
    if (page[0] !== 0) this.#drops.count("fragmentTableFull", linkOf(page[0] as number));
    for (let i = chosen; i < last; i++) pages[i] = pages[i + 1] as Int32Array;
    pages[last] = page;
    const words = packet.frame.words;
    // A driver's frame is no larger.
    page.set(words.length <= PAGE_WORDS ? words : words.subarray(0, PAGE_WORDS));
    const now = this.#clock.now;
    page[0] = key;
    page[SOURCE] = packet.source;
    page[DESTINATION] = packet.destination;
    page[ARRIVED] = now | 0;
    if (this.#dueAtMs === NEVER) this.#dueAtMs = now + FRAGMENT_TIMEOUT_MS;
    return true;
  }

  /** Takes out the datagram's fragment that came first: puts it into `frame` and `packet`. False if none is left. */
  release(key: number, source: number, destination: number, frame: Frame, packet: Packet): boolean {
    const page = this.find(key, source, destination);
    if (page === undefined) return false;
    page[0] = 0;
    const words = frame.words;
    words.set(words.length >= PAGE_WORDS ? page : page.subarray(0, words.length));
    packet.read(frame, linkOf(key), isBroadcastKey(key));
    return true;
  }

  /** Drops a datagram's fragments. */
  discard(key: number, source: number, destination: number, reason: DropReason): void {
    let page = this.find(key, source, destination);
    while (page !== undefined) {
      page[0] = 0;
      this.#drops.count(reason, linkOf(key));
      page = this.find(key, source, destination);
    }
  }

  /** Forgets what has come in by a link. */
  forget(link: number): void {
    for (const page of this.#pages) if (linkOf(page[0] as number) === link) page[0] = 0;
  }

  poll(): void {
    const { now } = this.#clock;
    if (now < this.#dueAtMs) return;
    let leftMs = NEVER;
    for (const page of this.#pages) {
      if (page[0] === 0) continue;
      const left = FRAGMENT_TIMEOUT_MS - (((now | 0) - (page[ARRIVED] as number)) | 0);
      if (left > 0) {
        if (left < leftMs) leftMs = left;
        continue;
      }
      this.#drops.count("fragmentTimeout", linkOf(page[0] as number));
      page[0] = 0;
    }
    this.#dueAtMs = leftMs === NEVER ? NEVER : now + leftMs;
  }

  nextDeadline(): number {
    return this.#dueAtMs;
  }

  private find(key: number, source: number, destination: number): Int32Array | undefined {
    const pages = this.#pages;
    for (let i = 0; i < pages.length; i++) {
      const page = pages[i] as Int32Array;
      if (page[0] === key && page[SOURCE] === source && page[DESTINATION] === destination) return page;
    }
    return undefined;
  }

  /** The page for a newcomer. */
  private choose(key: number, source: number): number {
    const pages = this.#pages;
    const link = linkOf(key);
    let linkCount = 0;
    for (let i = 0; i < pages.length; i++) {
      const one = (pages[i] as Int32Array)[0] as number;
      if (one === 0) return i;
      if (linkOf(one) === link) linkCount++;
    }
    const isOwnTurn = linkCount * 2 >= pages.length;
    let chosen = 0;
    let most = 0;
    for (let i = 0; i < pages.length; i++) {
      const page = pages[i] as Int32Array;
      if ((linkOf(page[0] as number) === link) !== isOwnTurn) continue;
      const one = page[SOURCE] as number;
      // Of equals the newcomer's own source makes way.
      const count = 2 * this.countOf(one, linkOf(page[0] as number)) + (isOwnTurn && one === source ? 1 : 0);
      if (count <= most) continue;
      most = count;
      chosen = i;
    }
    return chosen;
  }

  /** Pages of a source. */
  private countOf(source: number, link: number): number {
    const pages = this.#pages;
    let count = 0;
    for (let i = 0; i < pages.length; i++) {
      const page = pages[i] as Int32Array;
      if (page[0] !== 0 && page[SOURCE] === source && linkOf(page[0] as number) === link) count++;
    }
    return count;
  }
}
