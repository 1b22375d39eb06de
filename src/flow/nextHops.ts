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

/** What a next hop shall become. */
interface Wanted {
  epoch: number;
  /** Stations that frames are sent to and from; -1 for none. */
  mac: number;
  sourceMac: number;
  /** The period in which it was withdrawn. */
  period: number;
}

export class NextHops {
  readonly list: readonly NextHop[];
  readonly #wanted: readonly Wanted[];
  readonly #toWire: WireOrder;
  readonly #access: WordAccess;
  readonly #readers: Readers;

  /** `count` entries from word `at` of the table on. */
  constructor(
    table: Int32Array,
    at: number,
    count: number,
    isLittleEndian: boolean,
    access: WordAccess,
    readers: Readers,
  ) {
    this.#toWire = wireOrderOf(isLittleEndian);
    this.#access = access;
    this.#readers = readers;
    this.#wanted = Array.from({ length: count }, () => ({ epoch: 0, mac: -1, sourceMac: -1, period: 0 }));
    this.list = Array.from({ length: count }, (_, index) => {
      const from = at + index * NEXT_HOP_WORDS;
      return { name: nameOf(~index, 0), isKnown: false, words: table.subarray(from, from + NEXT_HOP_WORDS) };
    });
    for (const hop of this.list) this.#publish(hop, hop.name, 0);
  }

  /**
   * Frames go from station `sourceMac` to `mac`, 48 bits each. Without effect for an entry that does not exist. True when
   * the epochs begin anew.
   */
  set(index: number, mac: number, sourceMac: number): boolean {
    const wanted = this.#wanted[index];
    if (wanted === undefined || (wanted.mac === mac && wanted.sourceMac === sourceMac)) return false;
    const isNewRound = this.clear(index);
    wanted.mac = mac;
    wanted.sourceMac = sourceMac;
    this.settle(index);
    return isNewRound;
  }

  /** Forgets the station and begins a new epoch; true when the epochs begin anew. */
  clear(index: number): boolean {
    const hop = this.list[index];
    if (hop === undefined) return false;
    const wanted = this.#wanted[index] as Wanted;
    if (wanted.mac < 0) return false;
    wanted.mac = -1;
    if (!hop.isKnown) return false;
    wanted.epoch = (wanted.epoch + 1) & 0xff;
    hop.isKnown = false;
    hop.name = nameOf(~index, wanted.epoch);
    this.#publish(hop, hop.name, 0);
    wanted.period = this.#readers.endPeriod();
    return wanted.epoch === 0;
  }

  /** Ends a change that waits, if it may; `list` says whether the station is known then. */
  settle(index: number): void {
    const hop = this.list[index] as NextHop;
    const { epoch, mac, sourceMac, period } = this.#wanted[index] as Wanted;
    if (hop.isKnown || mac < 0 || !this.#readers.isOver(period)) return;
    const { words } = hop;
    words[1] = this.#toWire((mac % 0x100000000) | 0);
    words[2] = this.#toWire(Math.floor(sourceMac / 0x10000) | 0);
    words[3] = this.#toWire(((sourceMac % 0x10000) << 16) | ETHERTYPE_IPV4);
    hop.name = nameOf(index, epoch);
    hop.isKnown = true;
    this.#publish(hop, hop.name, Math.floor(mac / 0x100000000));
  }

  /** Word 0: the name, and the first two bytes of the station address. */
  #publish(hop: NextHop, name: number, macHead: number): void {
    this.#access.store(hop.words, 0, this.#toWire((name << 24) | ((name & 0xff00) << 8) | macHead));
  }
}

function nameOf(index: number, epoch: number): number {
  return (((index & 0xff) | (epoch << 8)) << 16) >> 16;
}
