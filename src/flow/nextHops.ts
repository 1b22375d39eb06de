/** The flow table's next hops: what a frame to each entry of the neighbour table begins with. */
import { NEXT_HOP_WORDS } from "./layout.js";
import { toWire } from "./wireOrder.js";

const ETHERTYPE_IPV4 = 0x0800;

export class NextHops {
  /** Words 0 to 3 of a frame to each next hop. */
  readonly words: readonly Int32Array[];
  readonly #isLittleEndian: boolean;
  /** Each one's epoch, and whether its station is known, once more: numbers in an array cost XS half as much. */
  readonly #epochs: number[] = [];
  readonly #isKnown: boolean[] = [];

  /** `count` entries from word `at` of the table on. */
  constructor(table: Int32Array, at: number, count: number, isLittleEndian: boolean) {
    this.#isLittleEndian = isLittleEndian;
    this.words = Array.from({ length: count }, (_, index) => {
      this.#epochs.push(0);
      this.#isKnown.push(false);
      const from = at + index * NEXT_HOP_WORDS;
      return table.subarray(from, from + NEXT_HOP_WORDS);
    });
  }

  /** Frames go from station `sourceMac` to `mac`, 48 bits each. Without effect for an entry that does not exist. */
  set(index: number, mac: number, sourceMac: number): void {
    const words = this.words[index];
    if (words === undefined) return;
    words[0] = this.#toWire((this.epoch(index) << 24) | Math.floor(mac / 0x100000000));
    words[1] = this.#toWire((mac % 0x100000000) | 0);
    words[2] = this.#toWire(Math.floor(sourceMac / 0x10000) | 0);
    words[3] = this.#toWire(((sourceMac % 0x10000) << 16) | ETHERTYPE_IPV4);
    this.#isKnown[index] = true;
  }

  /** Forgets the station and begins a new epoch; true when the epochs begin anew. */
  clear(index: number): boolean {
    const words = this.words[index];
    if (words === undefined) return false;
    const epoch = (this.epoch(index) + 1) & 0xff;
    words[0] = this.#toWire(epoch << 24);
    words[3] = 0;
    this.#epochs[index] = epoch;
    this.#isKnown[index] = false;
    return epoch === 0;
  }

  isKnown(index: number): boolean {
    return this.#isKnown[index] === true;
  }

  epoch(index: number): number {
    return this.#epochs[index] as number;
  }

  #toWire(value: number): number {
    return toWire(value, this.#isLittleEndian);
  }
}
