/**
 * The stack's sockets: TCP connections and bound UDP sockets share one fixed number of places; TCP listeners have their
 * own. Conversations are found by protocol, ports and remote address through short hash chains.
 */
import type { Capacity } from "../core/capacity.js";

/** A socket as the table sees it. A field of 0 in an address or port means "any". */
export interface SocketEntry {
  readonly protocol: number;
  localAddress: number;
  localPort: number;
  remoteAddress: number;
  remotePort: number;
  /** The state as `show sockets` prints it. */
  readonly stateName: string;
  /** Bytes received and not read yet. */
  readonly receiveQueueBytes: number;
  /** Bytes written and not acknowledged yet. */
  readonly sendQueueBytes: number;
  /** The table's own: the place in it, -1 outside, and the next entry of the same hash chain. */
  place: number;
  nextInChain: SocketEntry | undefined;
}

export class SocketTable {
  readonly capacity: number;
  readonly listenerCapacity: number;
  /**
   * Called when the table is full and a place is wanted: frees the least valuable entry, or returns false. TCP sets it:
   * connections in TIME-WAIT and half-open ones make way for others.
   */
  reclaim: (() => boolean) | undefined;
  /** By place. A freed place is used again before a fresh one. */
  readonly #entries: (SocketEntry | undefined)[];
  readonly #freePlaces: number[];
  readonly #chains: (SocketEntry | undefined)[];
  readonly #chainMask: number;
  readonly #listeners: SocketEntry[] = [];

  constructor(capacity: Pick<Capacity, "sockets" | "listeners">) {
    this.capacity = capacity.sockets;
    this.listenerCapacity = capacity.listeners;
    let chains = 4;
    while (chains < capacity.sockets) chains *= 2;
    this.#chains = new Array(chains).fill(undefined);
    this.#chainMask = chains - 1;
    this.#entries = new Array(capacity.sockets).fill(undefined);
    this.#freePlaces = [];
    for (let place = capacity.sockets - 1; place >= 0; place--) this.#freePlaces.push(place);
  }

  /** Places in use. */
  get count(): number {
    return this.capacity - this.#freePlaces.length;
  }

  get listenerCount(): number {
    return this.#listeners.length;
  }

  /** True when `add` would succeed, if need be after an expendable entry has made way. */
  makeRoom(): boolean {
    return this.#freePlaces.length > 0 || this.reclaim?.() === true;
  }

  /** Adds an entry whose addresses and ports are set, in a place that `makeRoom` promised. */
  add(entry: SocketEntry): void {
    const place = this.#freePlaces.pop();
    if (place === undefined) throw new Error("the socket table is full: call makeRoom first");
    entry.place = place;
    this.#entries[place] = entry;
    const chain = this.chainOf(entry.protocol, entry.localPort, entry.remoteAddress, entry.remotePort);
    entry.nextInChain = this.#chains[chain];
    this.#chains[chain] = entry;
  }

  /** The entry no longer receives, but keeps its place until `remove`. */
  unlink(entry: SocketEntry): void {
    const chain = this.chainOf(entry.protocol, entry.localPort, entry.remoteAddress, entry.remotePort);
    let before: SocketEntry | undefined;
    let candidate = this.#chains[chain];
    while (candidate !== undefined && candidate !== entry) {
      before = candidate;
      candidate = candidate.nextInChain;
    }
    if (candidate === undefined) return;
    if (before === undefined) this.#chains[chain] = entry.nextInChain;
    else before.nextInChain = entry.nextInChain;
    entry.nextInChain = undefined;
  }

  remove(entry: SocketEntry): void {
    if (entry.place < 0) return;
    this.unlink(entry);
    this.#entries[entry.place] = undefined;
    this.#freePlaces.push(entry.place);
    entry.place = -1;
  }

  /** The socket of exactly this conversation; bound UDP sockets have the remote address and port 0. */
  find(
    protocol: number,
    localAddress: number,
    localPort: number,
    remoteAddress: number,
    remotePort: number,
  ): SocketEntry | undefined {
    let entry = this.#chains[this.chainOf(protocol, localPort, remoteAddress, remotePort)];
    while (entry !== undefined) {
      if (
        entry.localPort === localPort &&
        entry.remotePort === remotePort &&
        entry.remoteAddress === remoteAddress &&
        entry.protocol === protocol &&
        (entry.localAddress === localAddress || entry.localAddress === 0)
      ) {
        return entry;
      }
      entry = entry.nextInChain;
    }
    return undefined;
  }

  /** False when all listeners are in use. */
  addListener(listener: SocketEntry): boolean {
    if (this.#listeners.length >= this.listenerCapacity) return false;
    this.#listeners.push(listener);
    return true;
  }

  removeListener(listener: SocketEntry): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  /** The listener for a port and one of our addresses; with address 0, the listener on that port for whichever address. */
  findListener(localAddress: number, localPort: number): SocketEntry | undefined {
    for (let i = 0; i < this.#listeners.length; i++) {
      const listener = this.#listeners[i] as SocketEntry;
      if (listener.localPort !== localPort) continue;
      if (localAddress === 0 || listener.localAddress === 0 || listener.localAddress === localAddress) return listener;
    }
    return undefined;
  }

  /** The socket in a place 0 .. `capacity - 1`. */
  at(place: number): SocketEntry | undefined {
    return this.#entries[place];
  }

  /** Visits the listeners, then the sockets by place. */
  forEach(visit: (entry: SocketEntry) => void): void {
    for (const listener of this.#listeners) visit(listener);
    for (const entry of this.#entries) if (entry !== undefined) visit(entry);
  }

  /** True when a socket, listeners aside, has this local port. */
  hasLocalPort(protocol: number, localPort: number): boolean {
    return this.#entries.some((entry) => entry?.protocol === protocol && entry.localPort === localPort);
  }

  private chainOf(protocol: number, localPort: number, remoteAddress: number, remotePort: number): number {
    // Spreads neighbouring addresses and ports by the golden ratio; the best bits of a product are the upper ones.
    const mixed = Math.imul(remoteAddress ^ (remotePort << 16) ^ localPort ^ protocol, 0x9e3779b1);
    return (mixed >> 16) & this.#chainMask;
  }
}
