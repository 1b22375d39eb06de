/** The flow table's next hops: what a frame to each entry of the neighbour table begins with. */
import { NEXT_HOP_WORDS } from "./layout.js";
import { type WireOrder, wireOrderOf } from "./wireOrder.js";

const ETHERTYPE_IPV4 = 0x0800;

export class NextHops {
  /** Words 0 to 3 of a frame to each next hop. */
  readonly words: readonly Int32Array[];
  readonly #toWire: WireOrder;
  /** As records name each one whose station is known: index and epoch; -1 for the others. */
  readonly #hops: number[] = [];

  /** `count` entries from word `at` of the table on. */
  constructor(table: Int32Array, at: number, count: number, isLittleEndian: boolean) {
    this.#toWire = wireOrderOf(isLittleEndian);
    this.words = Array.from({ length: count }, (_, index) => {
      this.#hops.push(-1);
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
    this.#hops[index] = index | (this.epoch(index) << 8);
  }

  /** Forgets the station and begins a new epoch; true when the epochs begin anew. */
  clear(index: number): boolean {
    const words = this.words[index];
    if (words === undefined) return false;
    const epoch = (this.epoch(index) + 1) & 0xff;
    words[0] = this.#toWire(epoch << 24);
    words[3] = 0;
    this.#hops[index] = -1;
    return epoch === 0;
  }

  /** What a record's half of HOPS holds for the next hop: index and epoch; -1 while its station is unknown. */
  hop(index: number): number {
    return this.#hops[index] ?? -1;
  }

  epoch(index: number): number {
    return (this.#toWire((this.words[index] as Int32Array)[0] as number) >> 24) & 0xff;
  }
}
