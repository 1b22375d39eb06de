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

// A mapping's words. The first one is the inside address.
const MAPPING_SHIFT = 2;
/** Inside port in the upper half, external port in the lower. */
const PORTS = 1;
/** The forward that owns the external port in the upper half, or DYNAMIC; the protocol in the lower. */
const KIND = 2;
/** The next of its hash chain, or of the chain of free entries, in the upper half; -1 ends it. Its sessions in the lower. */
const CHAIN = 3;

export class Mappings {
  readonly capacity: number;
  readonly #ports: PortSpace;
  /** Whole words: on XS an element costs the same whatever its width. */
  readonly #words: Int32Array;
  /** Hash chains by inside endpoint. */
  readonly #heads: Int16Array;
  readonly #headMask: number;
  readonly #secret: number;
  #free = -1;
  #count = 0;
  // What `find` looked for last.
  #soughtKind = 0;
  #soughtAddress = 0;
  #soughtPort = 0;
  #soughtHead = 0;

  constructor(ports: PortSpace, random: Random, capacity: number) {
    let heads = 8;
    while (heads < capacity) heads *= 2;
    this.capacity = capacity;
    this.#ports = ports;
    this.#words = new Int32Array(capacity << MAPPING_SHIFT);
    this.#heads = new Int16Array(heads).fill(-1);
    this.#headMask = heads - 1;
    this.#secret = random.next32() | 1;
    for (let index = capacity - 1; index >= 0; index--) {
      this.#words[(index << MAPPING_SHIFT) + CHAIN] = this.#free << 16;
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
    const words = this.#words;
    const kind = (forward << 16) | protocol;
    const head = this.#head(protocol, insideAddress, insidePort);
    this.#soughtKind = kind;
    this.#soughtAddress = insideAddress;
    this.#soughtPort = insidePort;
    this.#soughtHead = head;
    let index = this.#heads[head] as number;
    while (index >= 0) {
      const at = index << MAPPING_SHIFT;
      if (
        words[at] === insideAddress &&
        (((words[at + PORTS] as number) >> 16) & 0xffff) === insidePort &&
        words[at + KIND] === kind
      ) {
        return index;
      }
      index = (words[at + CHAIN] as number) >> 16;
    }
    return -1;
  }

  /** Whether a dynamic mapping of what `find` looked for last can have an external port. */
  hasPort({ echoIdentifiers, lowPorts, ports, dmzAddress }: NatSettings): boolean {
    const protocol = this.#soughtKind & 0xffff;
    if (protocol === PROTOCOL_ICMP) return this.#ports.hasFree(protocol, echoIdentifiers);
    if (this.#soughtAddress === dmzAddress && this.#ports.isFree(protocol, this.#soughtPort)) return true;
    if (this.#ports.hasFree(protocol, ports)) return true;
    return this.#soughtPort <= lowPorts.last && this.#ports.hasFree(protocol, lowPorts);
  }

  /** An external port for a dynamic mapping of what `find` looked for last; 0 when none is free. `create` comes next. */
  allocate(settings: NatSettings): number {
    const ports = this.#ports;
    const protocol = this.#soughtKind & 0xffff;
    const insidePort = this.#soughtPort;
    // The owner's number is the entry that `create` takes.
    const id = this.#free;
    if (protocol === PROTOCOL_ICMP) return ports.allocate(protocol, settings.echoIdentifiers, "mapping", id, 0);
    // The DMZ host is seen with the port by which it is called.
    if (this.#soughtAddress === settings.dmzAddress && this.claim(insidePort)) return insidePort;
    if (insidePort <= settings.lowPorts.last) {
      const low = ports.allocate(protocol, settings.lowPorts, "mapping", id, insidePort);
      if (low !== 0) return low;
    }
    return ports.allocate(protocol, settings.ports, "mapping", id, insidePort);
  }

  /** As `allocate`, this very port; false when it has an owner. */
  claim(externalPort: number): boolean {
    return this.#ports.claim(this.#soughtKind & 0xffff, externalPort, "mapping", this.#free);
  }

  /**
   * A new mapping, with one session, for what `find` looked for last and did not find; on a port from `allocate`, or one of
   * the forward that `find` was given. The table must not be full.
   */
  create(externalPort: number): number {
    const index = this.#free;
    const head = this.#soughtHead;
    const words = this.#words;
    const heads = this.#heads;
    const at = index << MAPPING_SHIFT;
    this.#free = (words[at + CHAIN] as number) >> 16;
    this.#count++;
    words[at] = this.#soughtAddress;
    words[at + PORTS] = (this.#soughtPort << 16) | externalPort;
    words[at + KIND] = this.#soughtKind;
    words[at + CHAIN] = ((heads[head] as number) << 16) | 1;
    heads[head] = index;
    return index;
  }

  addSession(index: number): void {
    const at = (index << MAPPING_SHIFT) + CHAIN;
    this.#words[at] = (this.#words[at] as number) + 1;
  }

  /** The mapping goes with its last session. */
  removeSession(index: number): void {
    const at = (index << MAPPING_SHIFT) + CHAIN;
    const left = (this.#words[at] as number) - 1;
    this.#words[at] = left;
    if ((left & 0xffff) === 0) this.#remove(index);
  }

  isUsed(index: number): boolean {
    return this.sessionCount(index) !== 0;
  }

  protocol(index: number): number {
    return (this.#words[(index << MAPPING_SHIFT) + KIND] as number) & 0xffff;
  }

  insideAddress(index: number): number {
    return this.#words[index << MAPPING_SHIFT] as number;
  }

  insidePort(index: number): number {
    return ((this.#words[(index << MAPPING_SHIFT) + PORTS] as number) >> 16) & 0xffff;
  }

  externalPort(index: number): number {
    return (this.#words[(index << MAPPING_SHIFT) + PORTS] as number) & 0xffff;
  }

  /** The forward the mapping belongs to; DYNAMIC for none. */
  forward(index: number): number {
    return (this.#words[(index << MAPPING_SHIFT) + KIND] as number) >> 16;
  }

  sessionCount(index: number): number {
    return (this.#words[(index << MAPPING_SHIFT) + CHAIN] as number) & 0xffff;
  }

  #remove(index: number): void {
    const words = this.#words;
    const at = index << MAPPING_SHIFT;
    const kind = words[at + KIND] as number;
    const ports = words[at + PORTS] as number;
    const next = (words[at + CHAIN] as number) >> 16;
    if (kind >> 16 === DYNAMIC) this.#ports.release(kind & 0xffff, ports & 0xffff);
    const head = this.#head(kind & 0xffff, words[at] as number, (ports >> 16) & 0xffff);
    let previous = -1;
    let entry = this.#heads[head] as number;
    while (entry !== index) {
      previous = entry;
      entry = this.#nextOf(entry);
    }
    if (previous < 0) this.#heads[head] = next;
    else words[(previous << MAPPING_SHIFT) + CHAIN] = (next << 16) | this.sessionCount(previous);
    words[at + CHAIN] = this.#free << 16;
    this.#free = index;
    this.#count--;
  }

  #nextOf(index: number): number {
    return (this.#words[(index << MAPPING_SHIFT) + CHAIN] as number) >> 16;
  }

  /** A keyed hash: an inside host cannot know which of its ports share a chain. */
  #head(protocol: number, insideAddress: number, insidePort: number): number {
    const hash = imul(insideAddress ^ (insidePort << 8) ^ protocol, this.#secret);
    return (hash >> 16) & this.#headMask;
  }
}
