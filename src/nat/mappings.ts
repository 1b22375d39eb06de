/**
 * Mappings: which external port stands for an inside endpoint, whomever it talks to (RFC 4787 REQ-1).
 *
 * A mapping lives as long as it has sessions. A dynamic one owns its external port in the port space; a static one, made
 * for a port forward, uses a port that the forward owns. So an inside endpoint has at most one dynamic mapping, and one
 * static mapping for each forward that leads to it.
 */
import type { Random } from "../core/random.js";
import type { PortSpace } from "../transport/portSpace.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import { ACCOUNT_BITS, CALLERS } from "./hosts.js";
import type { NatSettings } from "./settings.js";

/** Found anew in `Math` it would cost XS twice as much. */
const imul = Math.imul;

/** The forward of a mapping that has none, and the external port of a mapping that may have any. */
export const DYNAMIC = -1;

// A mapping's words. The first one is the inside address.
const MAPPING_WORDS = 3;
/** Inside port in the upper half, external port in the lower. */
const PORTS = 1;
/**
 * The next of its hash chain, or of the chain of free entries, in the upper 13 bits. The number of its head, inverted, ends
 * a hash chain, so that it need not be hashed to take an entry out; -1 the free ones. Below them the flags, and its
 * sessions in the lower 15.
 */
const CHAIN = 2;
const NEXT_SHIFT = 19;
const BELOW_NEXT = (1 << NEXT_SHIFT) - 1;
const SESSIONS = 0x7fff;
const TCP_BIT = 0x8000;
const UDP_BIT = 0x10000;
/** Its external port is a forward's. */
const STATIC_BIT = 0x20000;
/** It is the callers' who pay for it, not its host. */
const CALLERS_BIT = 0x40000;
const KIND_BITS = TCP_BIT | UDP_BIT | STATIC_BIT;
/** What the links tell apart. */
const MAX_CAPACITY = 4096;

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
  /** Mappings in use; only read from outside. */
  count = 0;
  /** The most mappings that there had been when one last went. */
  #mostUsed = 0;
  // What `find` looked for last.
  #soughtKind = 0;
  #soughtAddress = 0;
  #soughtPort = 0;
  #soughtHead = 0;

  constructor(ports: PortSpace, random: Random, capacity: number) {
    if (capacity > MAX_CAPACITY) throw new RangeError(`${capacity} mappings; ${MAX_CAPACITY} is the most`);
    // Two in a chain when all are in use.
    let headBits = 3;
    while (2 << headBits < capacity) headBits++;
    this.capacity = capacity;
    this.#ports = ports;
    this.#words = new Int32Array(capacity * MAPPING_WORDS);
    this.#heads = new Int16Array(1 << headBits);
    for (let head = 0; head < 1 << headBits; head++) this.#heads[head] = ~head;
    this.#headShift = 32 - headBits;
    this.#addressSecret = random.next32() | 1;
    this.#portSecret = random.next32() | 1;
    for (let index = capacity - 1; index >= 0; index--) {
      this.#words[index * MAPPING_WORDS + CHAIN] = this.#free << NEXT_SHIFT;
      this.#free = index;
    }
  }

  /** The most mappings that there have been at a time. */
  get mostUsed(): number {
    return Math.max(this.#mostUsed, this.count);
  }

  get isFull(): boolean {
    return this.#free < 0;
  }

  /**
   * The mapping of an inside endpoint: its dynamic one where `forwarded` is DYNAMIC, or the one with that external port of a
   * forward; -1 for none.
   */
  find(protocol: number, insideAddress: number, insidePort: number, forwarded: number): number {
    const words = this.#words;
    let kind = protocol === PROTOCOL_UDP ? UDP_BIT : protocol === PROTOCOL_TCP ? TCP_BIT : 0;
    if (forwarded !== DYNAMIC) kind |= STATIC_BIT;
    // A keyed hash: no inside host can know which of its ports, and of the addresses it may take, share a chain. The upper
    // bits of a product depend on all bits of the word; what is shifted in between, on the key alone.
    const hash = imul(insideAddress, this.#addressSecret);
    const head =
      imul(hash ^ ((hash >> 15) & 0x1ffff) ^ (insidePort << 8) ^ protocol, this.#portSecret) >>> this.#headShift;
    this.#soughtKind = kind;
    this.#soughtAddress = insideAddress;
    this.#soughtPort = insidePort;
    this.#soughtHead = head;
    let index = this.#heads[head] as number;
    while (index >= 0) {
      const at = index * MAPPING_WORDS;
      const chain = words[at + CHAIN] as number;
      if (words[at] === insideAddress && (chain & KIND_BITS) === kind) {
        const ports = words[at + PORTS] as number;
        if (((ports >> 16) & 0xffff) === insidePort && (forwarded === DYNAMIC || (ports & 0xffff) === forwarded)) {
          return index;
        }
      }
      index = chain >> NEXT_SHIFT;
    }
    return -1;
  }

  /** Whether a dynamic mapping of what `find` looked for last can have an external port. */
  hasPort({ echoIdentifiers, lowPorts, ports, dmzAddress }: NatSettings): boolean {
    const protocol = protocolOf(this.#soughtKind);
    if (protocol === PROTOCOL_ICMP) return this.#ports.hasFree(protocol, echoIdentifiers);
    const isKept = this.#soughtPort !== 0 && this.#soughtAddress === dmzAddress;
    if (isKept && this.#ports.isFree(protocol, this.#soughtPort)) return true;
    if (this.#ports.hasFree(protocol, ports)) return true;
    return this.#soughtPort <= lowPorts.last && this.#ports.hasFree(protocol, lowPorts);
  }

  /** An external port for a dynamic mapping of what `find` looked for last; 0 when none is free. `create` comes next. */
  allocate(settings: NatSettings): number {
    const ports = this.#ports;
    const kind = this.#soughtKind;
    // As `protocolOf`, whose call would cost XS 400 instructions.
    const protocol = kind & UDP_BIT ? PROTOCOL_UDP : kind & TCP_BIT ? PROTOCOL_TCP : PROTOCOL_ICMP;
    const insidePort = this.#soughtPort;
    // The owner's number is the entry that `create` takes.
    const id = this.#free;
    if (protocol === PROTOCOL_ICMP) return ports.allocate(protocol, settings.echoIdentifiers, "mapping", id, 0);
    // The DMZ host is seen with the port by which it is called; nobody is called by port 0, which a datagram may come from.
    if (insidePort !== 0 && this.#soughtAddress === settings.dmzAddress && this.claim(insidePort)) return insidePort;
    if (insidePort <= settings.lowPorts.last) {
      const low = ports.allocate(protocol, settings.lowPorts, "mapping", id, insidePort);
      if (low !== 0) return low;
    }
    return ports.allocate(protocol, settings.ports, "mapping", id, insidePort);
  }

  /** As `allocate`, this very port; false when it has an owner. */
  claim(externalPort: number): boolean {
    return this.#ports.claim(protocolOf(this.#soughtKind), externalPort, "mapping", this.#free);
  }

  /**
   * A new mapping, with one session, for what `find` looked for last and did not find; on a port from `allocate`, or one of
   * the forward that `find` was given. The table must not be full.
   */
  create(externalPort: number, isOnCallers: boolean): number {
    const index = this.#free;
    const words = this.#words;
    const heads = this.#heads;
    const head = this.#soughtHead;
    const at = index * MAPPING_WORDS;
    this.#free = (words[at + CHAIN] as number) >> NEXT_SHIFT;
    this.count++;
    words[at] = this.#soughtAddress;
    words[at + PORTS] = (this.#soughtPort << 16) | externalPort;
    const chain = ((heads[head] as number) << NEXT_SHIFT) | this.#soughtKind | 1;
    words[at + CHAIN] = isOnCallers ? chain | CALLERS_BIT : chain;
    heads[head] = index;
    return index;
  }

  addSession(index: number): void {
    const at = index * MAPPING_WORDS + CHAIN;
    this.#words[at] = (this.#words[at] as number) + 1;
  }

  /**
   * The mapping goes with its last session. If this was it, returns whose account it was on; else -1.
   */
  removeSession(index: number): number {
    const at = index * MAPPING_WORDS + CHAIN;
    const words = this.#words;
    const left = (words[at] as number) - 1;
    if ((left & SESSIONS) !== 0) {
      words[at] = left;
      return -1;
    }
    const heads = this.#heads;
    if ((left & STATIC_BIT) === 0) {
      const protocol = left & UDP_BIT ? PROTOCOL_UDP : left & TCP_BIT ? PROTOCOL_TCP : PROTOCOL_ICMP;
      this.#ports.release(protocol, (words[at - CHAIN + PORTS] as number) & 0xffff);
    }
    const next = left >> NEXT_SHIFT;
    let end = next;
    while (end >= 0) end = (words[end * MAPPING_WORDS + CHAIN] as number) >> NEXT_SHIFT;
    let entry = heads[~end] as number;
    if (entry === index) {
      heads[~end] = next;
    } else {
      let previousAt = 0;
      while (entry !== index) {
        previousAt = entry * MAPPING_WORDS + CHAIN;
        entry = (words[previousAt] as number) >> NEXT_SHIFT;
      }
      words[previousAt] = (next << NEXT_SHIFT) | ((words[previousAt] as number) & BELOW_NEXT);
    }
    words[at] = this.#free << NEXT_SHIFT;
    this.#free = index;
    const count = this.count;
    if (count > this.#mostUsed) this.#mostUsed = count;
    this.count = count - 1;
    return left & CALLERS_BIT ? CALLERS : (words[at - CHAIN] as number) & ACCOUNT_BITS;
  }

  isUsed(index: number): boolean {
    return this.sessionCount(index) !== 0;
  }

  protocol(index: number): number {
    return protocolOf(this.#words[index * MAPPING_WORDS + CHAIN] as number);
  }

  insideAddress(index: number): number {
    return this.#words[index * MAPPING_WORDS] as number;
  }

  insidePort(index: number): number {
    return ((this.#words[index * MAPPING_WORDS + PORTS] as number) >> 16) & 0xffff;
  }

  externalPort(index: number): number {
    return (this.#words[index * MAPPING_WORDS + PORTS] as number) & 0xffff;
  }

  /** Its external port belongs to a forward. */
  isStatic(index: number): boolean {
    return ((this.#words[index * MAPPING_WORDS + CHAIN] as number) & STATIC_BIT) !== 0;
  }

  /** It is the callers' who pay for it, not its host. */
  isOnCallers(index: number): boolean {
    return ((this.#words[index * MAPPING_WORDS + CHAIN] as number) & CALLERS_BIT) !== 0;
  }

  sessionCount(index: number): number {
    return (this.#words[index * MAPPING_WORDS + CHAIN] as number) & SESSIONS;
  }
}

/** The protocol that a mapping's flags stand for. */
function protocolOf(kind: number): number {
  if (kind & UDP_BIT) return PROTOCOL_UDP;
  return kind & TCP_BIT ? PROTOCOL_TCP : PROTOCOL_ICMP;
}
