/** The flow table's next hops: what a frame to each entry of the neighbour table begins with. */
import { NEXT_HOP_WORDS } from "./layout.js";
import { type WireOrder, wireOrderOf } from "./wireOrder.js";

const ETHERTYPE_IPV4 = 0x0800;

/** Properties, because on XS they cost a quarter of an element of a typed array. */
export interface NextHop {
  /** As the upper half of a record's way names it: index and epoch, with the sign of 16 bits. */
  name: number;
  /** Whether frames can be sent to it. */
  isKnown: boolean;
  /** Words 0 to 3 of a frame to it. */
  readonly words: Int32Array;
}

export class NextHops {
  readonly list: readonly NextHop[];
  readonly #toWire: WireOrder;

  /** `count` entries from word `at` of the table on. */
  constructor(table: Int32Array, at: number, count: number, isLittleEndian: boolean) {
    this.#toWire = wireOrderOf(isLittleEndian);
    this.list = Array.from({ length: count }, (_, index) => {
      const from = at + index * NEXT_HOP_WORDS;
      const hop = { name: index, isKnown: false, words: table.subarray(from, from + NEXT_HOP_WORDS) };
      hop.words[0] = this.#head(hop.name, 0);
      return hop;
    });
  }

  /** Frames go from station `sourceMac` to `mac`, 48 bits each. Without effect for an entry that does not exist. */
  set(index: number, mac: number, sourceMac: number): void {
    const hop = this.list[index];
    if (hop === undefined) return;
    const { words } = hop;
    words[0] = this.#head(hop.name, Math.floor(mac / 0x100000000));
    words[1] = this.#toWire((mac % 0x100000000) | 0);
    words[2] = this.#toWire(Math.floor(sourceMac / 0x10000) | 0);
    words[3] = this.#toWire(((sourceMac % 0x10000) << 16) | ETHERTYPE_IPV4);
    hop.isKnown = true;
  }

  /** Forgets the station and begins a new epoch; true when the epochs begin anew. */
  clear(index: number): boolean {
    const hop = this.list[index];
    if (hop === undefined) return false;
    const epoch = ((hop.name >> 8) + 1) & 0xff;
    hop.name = ((index | (epoch << 8)) << 16) >> 16;
    hop.isKnown = false;
    hop.words[0] = this.#head(hop.name, 0);
    hop.words[3] = 0;
    return epoch === 0;
  }

  /** Word 0: the name, and the first two bytes of the station address. */
  #head(name: number, mac: number): number {
    return this.#toWire((name << 24) | ((name & 0xff00) << 8) | mac);
  }
}
