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
import { accountOf, CALLERS } from "./hosts.js";
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
/**
 * The next of its hash chain, or of the chain of free entries, in the upper half; -1 ends it. In the lower its sessions,
 * and whether it is on the callers' account.
 */
const CHAIN = 3;
const SESSIONS = 0x7fff;
const CALLERS_BIT = 0x8000;

export class Mappings {
  readonly capacity: number;
  readonly #ports: PortSpace;
  /** Whole words: on XS an element costs the same whatever its width. */
  readonly #words: Int32Array;
  /** Hash chains by inside endpoint. */
  readonly #heads: Int16Array;
  /** 32 less the number of bits that number the heads. */
  readonly #headShift: number;
  readonly #addressSecret: number;
  readonly #portSecret: number;
  #free = -1;
  #count = 0;
  /** The most mappings that there had been when one last went. */
  #mostUsed = 0;
  // What `find` looked for last.
  #soughtKind = 0;
  #soughtAddress = 0;
  #soughtPort = 0;
  #soughtHead = 0;

  constructor(ports: PortSpace, random: Random, capacity: number) {
    let headBits = 3;
    while (1 << headBits < capacity) headBits++;
    this.capacity = capacity;
    this.#ports = ports;
    this.#words = new Int32Array(capacity << MAPPING_SHIFT);
    this.#heads = new Int16Array(1 << headBits).fill(-1);
    this.#headShift = 32 - headBits;
    this.#addressSecret = random.next32() | 1;
    this.#portSecret = random.next32() | 1;
    for (let index = capacity - 1; index >= 0; index--) {
      this.#words[(index << MAPPING_SHIFT) + CHAIN] = this.#free << 16;
      this.#free = index;
    }
  }

  /** Mappings in use. */
  get count(): number {
    return this.#count;
  }

  /** The most mappings that there have been at a time. */
  get mostUsed(): number {
    return Math.max(this.#mostUsed, this.#count);
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
  create(externalPort: number, isOnCallers: boolean): number {
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
    words[at + CHAIN] = ((heads[head] as number) << 16) | (isOnCallers ? CALLERS_BIT | 1 : 1);
    heads[head] = index;
    return index;
  }

  addSession(index: number): void {
    const at = (index << MAPPING_SHIFT) + CHAIN;
    this.#words[at] = (this.#words[at] as number) + 1;
  }

  /**
   * The mapping goes with its last session. If this was it, returns whose account it was on; else -1.
   */
  removeSession(index: number): number {
    const at = (index << MAPPING_SHIFT) + CHAIN;
    const left = (this.#words[at] as number) - 1;
    this.#words[at] = left;
    if ((left & SESSIONS) !== 0) return -1;
    const host = this.#remove(index);
    return left & CALLERS_BIT ? CALLERS : host;
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

  /** It is the callers' who pay for it, not its host. */
  isOnCallers(index: number): boolean {
    return ((this.#words[(index << MAPPING_SHIFT) + CHAIN] as number) & CALLERS_BIT) !== 0;
  }

  sessionCount(index: number): number {
    return (this.#words[(index << MAPPING_SHIFT) + CHAIN] as number) & SESSIONS;
  }

  #remove(index: number): number {
    const words = this.#words;
    const at = index << MAPPING_SHIFT;
    const kind = words[at + KIND] as number;
    const ports = words[at + PORTS] as number;
    const next = (words[at + CHAIN] as number) >> 16;
    if (kind >> 16 === DYNAMIC) this.#ports.release(kind & 0xffff, ports & 0xffff);
    const insideAddress = words[at] as number;
    const head = this.#head(kind & 0xffff, insideAddress, (ports >> 16) & 0xffff);
    let previous = -1;
    let entry = this.#heads[head] as number;
    while (entry !== index) {
      previous = entry;
      entry = this.#nextOf(entry);
    }
    if (previous < 0) this.#heads[head] = next;
    else
      words[(previous << MAPPING_SHIFT) + CHAIN] =
        (next << 16) | ((words[(previous << MAPPING_SHIFT) + CHAIN] as number) & 0xffff);
    words[at + CHAIN] = this.#free << 16;
    this.#free = index;
    if (this.#count > this.#mostUsed) this.#mostUsed = this.#count;
    this.#count--;
    return accountOf(insideAddress);
  }

  #nextOf(index: number): number {
    return (this.#words[(index << MAPPING_SHIFT) + CHAIN] as number) >> 16;
  }

  /** A keyed hash: no inside host can know which of its ports, and of the addresses it may take, share a chain. */
  #head(protocol: number, insideAddress: number, insidePort: number): number {
    const hash = imul(insideAddress, this.#addressSecret);
    // The upper bits of a product depend on all bits of the word; what is shifted in between, on the key alone.
    return imul(hash ^ (hash >>> 15) ^ (insidePort << 8) ^ protocol, this.#portSecret) >>> this.#headShift;
  }
}
