/**
 * The flow table's next hops: what a frame to each entry of the neighbour table begins with. A station that changes is
 * withdrawn first, and the new one written when no reader can be at work with the old one.
 */
import { NEXT_HOP_WORDS } from "./layout.js";
import type { WordAccess } from "./memory.js";
import type { Readers } from "./readers.js";
import { type WireOrder, wireOrderOf } from "./wireOrder.js";

const ETHERTYPE_IPV4 = 0x0800;

/** Properties, because on XS they cost a quarter of an element of a typed array. */
export interface NextHop {
  /** As the upper half of a record's way names it, with the sign of 16 bits; while it is withdrawn, no record's. */
  name: number;
  /** Whether frames can be sent to it. */
  isKnown: boolean;
  /** Words 0 to 3 of a frame to it. */
  readonly words: Int32Array;
}

export interface HopRecords {
  /** Takes every next hop's name from every record. */
  forgetHops(): void;
}

/**
 * What a next hop shall become, as elements of one array, for as objects they would take three times the memory: the
 * stations that frames are sent to and from, -1 for none; the epoch; and the period in which it was withdrawn.
 */
const WANTED_MAC = 0;
const WANTED_SOURCE_MAC = 1;
const WANTED_EPOCH = 2;
const WANTED_PERIOD = 3;
const WANTED_LENGTH = 4;

export class NextHops {
  readonly list: readonly NextHop[];
  /** Word index of the first. */
  readonly #firstAt: number;
  readonly #wanted: Float64Array;
  readonly #toWire: WireOrder;
  readonly #access: WordAccess;
  readonly #readers: Readers;
  readonly #records: HopRecords;

  /**
   * `count` entries from word `firstAt` of the table on. `records` hold the names.
   */
  constructor(
    table: Int32Array,
    firstAt: number,
    count: number,
    isLittleEndian: boolean,
    access: WordAccess,
    readers: Readers,
    records: HopRecords,
  ) {
    this.#firstAt = firstAt;
    this.#records = records;
    this.#toWire = wireOrderOf(isLittleEndian);
    this.#access = access;
    this.#readers = readers;
    this.#wanted = new Float64Array(count * WANTED_LENGTH);
    for (let index = 0; index < count; index++) this.#wanted[index * WANTED_LENGTH + WANTED_MAC] = -1;
    this.list = Array.from({ length: count }, (_, index) => {
      const from = firstAt + index * NEXT_HOP_WORDS;
      return { name: nameOf(~index, 0), isKnown: false, words: table.subarray(from, from + NEXT_HOP_WORDS) };
    });
    this.list.forEach(({ name }, index) => {
      this.publish(index, name, 0);
    });
  }

  /** Frames go from station `sourceMac` to `mac`, 48 bits each. Without effect for an entry that does not exist. */
  set(index: number, mac: number, sourceMac: number): void {
    const wanted = this.#wanted;
    const at = index * WANTED_LENGTH;
    if (at >= wanted.length) return;
    if (wanted[at + WANTED_MAC] === mac && wanted[at + WANTED_SOURCE_MAC] === sourceMac) return;
    this.clear(index);
    wanted[at + WANTED_MAC] = mac;
    wanted[at + WANTED_SOURCE_MAC] = sourceMac;
    this.settle(index);
  }

  /** Forgets the station and begins a new epoch. */
  clear(index: number): void {
    const hop = this.list[index];
    if (hop === undefined) return;
    const wanted = this.#wanted;
    const at = index * WANTED_LENGTH;
    if ((wanted[at + WANTED_MAC] as number) < 0) return;
    wanted[at + WANTED_MAC] = -1;
    if (!hop.isKnown) return;
    const epoch = ((wanted[at + WANTED_EPOCH] as number) + 1) & 0xff;
    wanted[at + WANTED_EPOCH] = epoch;
    hop.isKnown = false;
    hop.name = nameOf(~index, epoch);
    this.publish(index, hop.name, 0);
    // A record that slept through all epochs must not wake up to a stranger's station. Before the period ends: until then,
    // a reader may have such a name in hand.
    if (epoch === 0) this.#records.forgetHops();
    wanted[at + WANTED_PERIOD] = this.#readers.endPeriod();
  }

  /** Ends a change that waits, if it may; `list` says whether the station is known then. */
  settle(index: number): void {
    const hop = this.list[index] as NextHop;
    const wanted = this.#wanted;
    const at = index * WANTED_LENGTH;
    const mac = wanted[at + WANTED_MAC] as number;
    if (hop.isKnown || mac < 0 || !this.#readers.isOver(wanted[at + WANTED_PERIOD] as number)) return;
    const sourceMac = wanted[at + WANTED_SOURCE_MAC] as number;
    const { words } = hop;
    words[1] = this.#toWire((mac % 0x100000000) | 0);
    words[2] = this.#toWire(Math.floor(sourceMac / 0x10000) | 0);
    words[3] = this.#toWire(((sourceMac % 0x10000) << 16) | ETHERTYPE_IPV4);
    hop.name = nameOf(index, wanted[at + WANTED_EPOCH] as number);
    hop.isKnown = true;
    this.publish(index, hop.name, Math.floor(mac / 0x100000000));
  }

  /** Stations that are known and cannot be written yet. */
  countWaiting(): number {
    let count = 0;
    this.list.forEach((hop, index) => {
      this.settle(index);
      if (!hop.isKnown && (this.#wanted[index * WANTED_LENGTH + WANTED_MAC] as number) >= 0) count++;
    });
    return count;
  }

  /** Word 0: the name, and the first two bytes of the station address. */
  private publish(index: number, name: number, macHead: number): void {
    const word = this.#toWire((name << 24) | ((name & 0xff00) << 8) | macHead);
    this.#access.store(this.#firstAt + index * NEXT_HOP_WORDS, word);
  }
}

function nameOf(index: number, epoch: number): number {
  return (((index & 0xff) | (epoch << 8)) << 16) >> 16;
}
