/**
 * The header's values once more, as properties: on XS these cost a quarter of an element of a typed array. The flow cache
 * in TypeScript reads them here, the one in C in the table.
 *
 * The external address and the interfaces change together or not at all: both interfaces are closed, and opened with the
 * new values when no reader can be at work with the old ones.
 */
import { CLOSED, EXTERNAL_ADDRESS, INTERFACE_WORDS, INTERFACES, TCP_LIFETIME, TICK, UDP_LIFETIME } from "./layout.js";
import type { WordAccess } from "./memory.js";
import type { Readers } from "./readers.js";
import type { WireOrder } from "./wireOrder.js";

/** The upper half of no frame's word 0. */
const NO_MAC_HEAD = 0x10000;

interface InterfaceWords {
  head: number;
  tail: number;
  mtuBytes: number;
}

export class FlowHeader {
  tick = 0;
  /** Our address on the WAN; the same, wire, as readers have it; and the sum of its halves. */
  externalAddress = 0;
  externalWord = 0;
  externalSum = 0;
  udpLifetimeS = 0;
  tcpLifetimeS = 0;
  /** Words 0 (its upper half) and 1 of a frame sent to our station on the LAN and on the WAN. */
  lanMacHead = NO_MAC_HEAD;
  lanMacTail = 0;
  wanMacHead = NO_MAC_HEAD;
  wanMacTail = 0;
  lanMtuBytes = 0;
  wanMtuBytes = 0;
  /** New values wait for readers that may be at work with the old ones; the fast path carries nothing. */
  isChanging = false;
  readonly #words: Int32Array;
  readonly #access: WordAccess;
  readonly #readers: Readers;
  readonly #toWire: WireOrder;
  /** What shall be in the header. */
  readonly #lan: InterfaceWords = { head: CLOSED, tail: 0, mtuBytes: 0 };
  readonly #wan: InterfaceWords = { head: CLOSED, tail: 0, mtuBytes: 0 };
  #external = 0;
  /** The period in which the interfaces were closed. */
  #period = 0;

  constructor(words: Int32Array, access: WordAccess, readers: Readers, toWire: WireOrder) {
    this.#words = words;
    this.#access = access;
    this.#readers = readers;
    this.#toWire = toWire;
    this.close();
  }

  setTick(seconds: number): void {
    this.tick = seconds;
    this.#access.store(TICK, seconds);
  }

  setLifetimes(udpSeconds: number, tcpSeconds: number): void {
    this.udpLifetimeS = udpSeconds;
    this.tcpLifetimeS = tcpSeconds;
    this.#access.store(UDP_LIFETIME, udpSeconds);
    this.#access.store(TCP_LIFETIME, tcpSeconds);
  }

  setExternalAddress(address: number): void {
    this.#external = this.#toWire(address);
    this.change();
  }

  /** Station address (48 bits) and MTU of the LAN or the WAN. */
  setInterface(isLan: boolean, mac: number, mtuBytes: number): void {
    const wanted = isLan ? this.#lan : this.#wan;
    wanted.head = this.#toWire(Math.floor(mac / 0x100000000));
    wanted.tail = this.#toWire((mac % 0x100000000) | 0);
    wanted.mtuBytes = mtuBytes;
    this.change();
  }

  /** Ends a change that waits, if it may. */
  settle(): void {
    if (!this.isChanging || !this.#readers.isOver(this.#period)) return;
    const external = this.#external;
    this.externalWord = external;
    this.externalSum = (external & 0xffff) + ((external >> 16) & 0xffff);
    this.lanMacHead = headOf(this.#lan);
    this.lanMacTail = this.#lan.tail;
    this.wanMacHead = headOf(this.#wan);
    this.wanMacTail = this.#wan.tail;
    this.lanMtuBytes = this.#lan.mtuBytes;
    this.wanMtuBytes = this.#wan.mtuBytes;
    const words = this.#words;
    const wanAt = INTERFACES + INTERFACE_WORDS;
    words[EXTERNAL_ADDRESS] = external;
    words[INTERFACES + 1] = this.lanMacTail;
    words[INTERFACES + 2] = this.lanMtuBytes;
    words[wanAt + 1] = this.wanMacTail;
    words[wanAt + 2] = this.wanMtuBytes;
    // Everything else is in its place: a frame of one interface needs the MTU of the other.
    this.#access.store(INTERFACES, this.#lan.head);
    this.#access.store(wanAt, this.#wan.head);
    this.isChanging = false;
  }

  private change(): void {
    if (!this.isChanging) {
      this.isChanging = true;
      this.lanMacHead = NO_MAC_HEAD;
      this.wanMacHead = NO_MAC_HEAD;
      this.close();
      this.#period = this.#readers.endPeriod();
    }
    this.settle();
  }

  private close(): void {
    this.#access.store(INTERFACES, CLOSED);
    this.#access.store(INTERFACES + INTERFACE_WORDS, CLOSED);
  }
}

function headOf({ head }: InterfaceWords): number {
  return head === CLOSED ? NO_MAC_HEAD : head >> 16;
}
