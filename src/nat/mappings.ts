/**
 * Mappings: which external port stands for an inside endpoint, whomever it talks to (RFC 4787 REQ-1).
 *
 * A mapping lives as long as it has sessions. A dynamic one owns its external port in the port space; a static one, made
 * for a port forward, uses a port that the forward owns. So an inside endpoint has at most one dynamic mapping, and one
 * static mapping for each forward that leads to it.
 */
import type { Random } from "../core/random.js";
import type { PortSpace } from "../transport/portSpace.js";
import { PROTOCOL_ICMP } from "../wire/ipv4.js";
import type { NatSettings } from "./settings.js";

/** Found anew in `Math` it would cost XS twice as much. */
const imul = Math.imul;

/** The forward of a mapping that has none. */
export const DYNAMIC = -1;

export class Mappings {
  readonly capacity: number;
  readonly #ports: PortSpace;
  readonly #protocols: Uint8Array;
  readonly #insideAddresses: Int32Array;
  readonly #insidePorts: Uint16Array;
  readonly #externalPorts: Uint16Array;
  /** The forward that owns the external port; DYNAMIC for none. */
  readonly #forwards: Int16Array;
  /** 0 marks a free entry. */
  readonly #sessionCounts: Uint16Array;
  /** Hash chains by inside endpoint, and the chain of free entries; -1 ends them. */
  readonly #next: Int16Array;
  readonly #heads: Int16Array;
  readonly #headMask: number;
  readonly #secret: number;
  #free = -1;
  #count = 0;

  constructor(ports: PortSpace, random: Random, capacity: number) {
    let heads = 8;
    while (heads < capacity) heads *= 2;
    this.capacity = capacity;
    this.#ports = ports;
    this.#protocols = new Uint8Array(capacity);
    this.#insideAddresses = new Int32Array(capacity);
    this.#insidePorts = new Uint16Array(capacity);
    this.#externalPorts = new Uint16Array(capacity);
    this.#forwards = new Int16Array(capacity);
    this.#sessionCounts = new Uint16Array(capacity);
    this.#next = new Int16Array(capacity);
    this.#heads = new Int16Array(heads).fill(-1);
    this.#headMask = heads - 1;
    this.#secret = random.next32() | 1;
    for (let index = capacity - 1; index >= 0; index--) {
      this.#next[index] = this.#free;
      this.#free = index;
    }
  }

  /** Mappings in use. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#free < 0;
  }

  /** The mapping of an inside endpoint: its dynamic one, or the one that belongs to `forward`; -1 for none. */
  find(protocol: number, insideAddress: number, insidePort: number, forward: number): number {
    let index = this.#heads[this.#head(protocol, insideAddress, insidePort)] as number;
    while (index >= 0) {
      if (
        this.#insidePorts[index] === insidePort &&
        this.#insideAddresses[index] === insideAddress &&
        this.#protocols[index] === protocol &&
        this.#forwards[index] === forward
      ) {
        return index;
      }
      index = this.#next[index] as number;
    }
    return -1;
  }

  /**
   * A new dynamic mapping; -1 when no external port is free. The table must not be full. The caller adds a session at
   * once.
   */
  create(protocol: number, insideAddress: number, insidePort: number, settings: NatSettings): number {
    const externalPort = this.#allocate(protocol, insidePort, settings);
    return externalPort === 0 ? -1 : this.#insert(protocol, insideAddress, insidePort, externalPort, DYNAMIC);
  }

  /** A new mapping on a port that `forward` owns. The table must not be full. The caller adds a session at once. */
  createStatic(
    protocol: number,
    insideAddress: number,
    insidePort: number,
    externalPort: number,
    forward: number,
  ): number {
    return this.#insert(protocol, insideAddress, insidePort, externalPort, forward);
  }

  addSession(index: number): void {
    this.#sessionCounts[index] = (this.#sessionCounts[index] as number) + 1;
  }

  /** The mapping goes with its last session. */
  removeSession(index: number): void {
    const left = (this.#sessionCounts[index] as number) - 1;
    this.#sessionCounts[index] = left;
    if (left === 0) this.#remove(index);
  }

  isUsed(index: number): boolean {
    return this.#sessionCounts[index] !== 0;
  }

  protocol(index: number): number {
    return this.#protocols[index] as number;
  }

  insideAddress(index: number): number {
    return this.#insideAddresses[index] as number;
  }

  insidePort(index: number): number {
    return this.#insidePorts[index] as number;
  }

  externalPort(index: number): number {
    return this.#externalPorts[index] as number;
  }

  /** The forward the mapping belongs to; DYNAMIC for none. */
  forward(index: number): number {
    return this.#forwards[index] as number;
  }

  sessionCount(index: number): number {
    return this.#sessionCounts[index] as number;
  }

  #allocate(protocol: number, insidePort: number, settings: NatSettings): number {
    const ports = this.#ports;
    // The owner's number is the entry that #insert takes next.
    const id = this.#free;
    if (protocol === PROTOCOL_ICMP) return ports.allocate(protocol, settings.echoIdentifiers, "mapping", id);
    if (insidePort <= settings.lowPorts.last) {
      const low = ports.allocate(protocol, settings.lowPorts, "mapping", id, insidePort);
      if (low !== 0) return low;
    }
    return ports.allocate(protocol, settings.ports, "mapping", id, insidePort);
  }

  #insert(protocol: number, insideAddress: number, insidePort: number, externalPort: number, forward: number): number {
    const index = this.#free;
    const head = this.#head(protocol, insideAddress, insidePort);
    this.#free = this.#next[index] as number;
    this.#count++;
    this.#protocols[index] = protocol;
    this.#insideAddresses[index] = insideAddress;
    this.#insidePorts[index] = insidePort;
    this.#externalPorts[index] = externalPort;
    this.#forwards[index] = forward;
    this.#sessionCounts[index] = 0;
    this.#next[index] = this.#heads[head] as number;
    this.#heads[head] = index;
    return index;
  }

  #remove(index: number): void {
    const protocol = this.protocol(index);
    if (this.forward(index) === DYNAMIC) this.#ports.release(protocol, this.externalPort(index));
    const head = this.#head(protocol, this.insideAddress(index), this.insidePort(index));
    let previous = -1;
    let entry = this.#heads[head] as number;
    while (entry !== index) {
      previous = entry;
      entry = this.#next[entry] as number;
    }
    if (previous < 0) this.#heads[head] = this.#next[index] as number;
    else this.#next[previous] = this.#next[index] as number;
    this.#next[index] = this.#free;
    this.#free = index;
    this.#count--;
  }

  /** A keyed hash: an inside host cannot know which of its ports share a chain. */
  #head(protocol: number, insideAddress: number, insidePort: number): number {
    const hash = imul(insideAddress ^ (insidePort << 8) ^ protocol, this.#secret);
    return (hash >> 16) & this.#headMask;
  }
}
