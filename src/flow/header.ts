/**
 * The header's values once more, as properties, or told to whoever keeps them in variables: on XS these cost a quarter and a
 * tenth of an element of a typed array. The flow cache in TypeScript has them from here, the one in C from the table.
 *
 * The external address and the interfaces change together or not at all: both interfaces are closed, and opened with the
 * new values when no reader can be at work with the old ones.
 */
import { CLOSED, EXTERNAL_ADDRESS, INTERFACE_WORDS, INTERFACES, TCP_LIFETIME, TICK, UDP_LIFETIME } from "./layout.js";
import type { WordAccess } from "./memory.js";
import type { Readers } from "./readers.js";
import type { WireOrder } from "./wireOrder.js";

export interface InterfaceWords {
  /** Words 0 and 1 of a frame sent to our station on this interface; CLOSED for word 0. */
  head: number;
  tail: number;
  mtuBytes: number;
}

/** Hears our address on the WAN, wire, and what the interfaces are. */
export type HeaderFollower = (external: number, lan: Readonly<InterfaceWords>, wan: Readonly<InterfaceWords>) => void;

export type TickFollower = (tick: number) => void;

const CLOSED_INTERFACE: Readonly<InterfaceWords> = Object.freeze({ head: CLOSED, tail: 0, mtuBytes: 0 });

export class FlowHeader {
  tick = 0;
  /** Our address on the WAN. */
  externalAddress = 0;
  udpLifetimeS = 0;
  tcpLifetimeS = 0;
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
  readonly #followers: HeaderFollower[] = [];
  readonly #tickFollowers: TickFollower[] = [];
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
    // Without an iterator, which would allocate each second.
    const followers = this.#tickFollowers;
    for (let i = 0; i < followers.length; i++) followers[i]?.(seconds);
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

  /** Calls `follower` now, and again with each tick. */
  followTick(follower: TickFollower): void {
    this.#tickFollowers.push(follower);
    follower(this.tick);
  }

  /** Calls `follower` now, and again whenever the external address and the interfaces change. */
  follow(follower: HeaderFollower): void {
    this.#followers.push(follower);
    this.tell();
  }

  /** Ends a change that waits, if it may. */
  settle(): void {
    if (!this.isChanging || !this.#readers.isOver(this.#period)) return;
    const external = this.#external;
    const words = this.#words;
    const wanAt = INTERFACES + INTERFACE_WORDS;
    words[EXTERNAL_ADDRESS] = external;
    words[INTERFACES + 1] = this.#lan.tail;
    words[INTERFACES + 2] = this.#lan.mtuBytes;
    words[wanAt + 1] = this.#wan.tail;
    words[wanAt + 2] = this.#wan.mtuBytes;
    // Everything else is in its place: a frame of one interface needs the MTU of the other.
    this.#access.store(INTERFACES, this.#lan.head);
    this.#access.store(wanAt, this.#wan.head);
    this.isChanging = false;
    this.tell();
  }

  private change(): void {
    if (!this.isChanging) {
      this.isChanging = true;
      this.tell();
      this.close();
      this.#period = this.#readers.endPeriod();
    }
    this.settle();
  }

  private tell(): void {
    const lan = this.isChanging ? CLOSED_INTERFACE : this.#lan;
    const wan = this.isChanging ? CLOSED_INTERFACE : this.#wan;
    for (const follower of this.#followers) follower(this.#external, lan, wan);
  }

  private close(): void {
    this.#access.store(INTERFACES, CLOSED);
    this.#access.store(INTERFACES + INTERFACE_WORDS, CLOSED);
  }
}

/** The upper half of word 0 of a frame sent to it; NaN, which no number equals, while it is closed. */
export function headOf({ head }: Readonly<InterfaceWords>): number {
  return head === CLOSED ? Number.NaN : head >> 16;
}
