/**
 * Mappings: which external port stands for an inside endpoint, whomever it talks to (RFC 4787 REQ-1).
 *
 * A mapping lives as long as it has sessions. A dynamic one owns its external port in the port space; a static one, made
 * for a port forward, uses a port that the forward owns. So an inside endpoint has at most one dynamic mapping, and one
 * static mapping for each forward that leads to it.
 */
import type { Random } from "../core/random.js";
import type { PortSpace } from "../transport/portSpace.js";
import { Ip } from "../wire/inlined.js";
import { Account } from "./hosts.js";
import type { NatSettings } from "./settings.js";

/** Found anew in `Math` it would cost XS twice as much. */
const imul = Math.imul;

/** The forward of a mapping that has none, and the external port of a mapping that may have any. */
// biome-ignore lint/suspicious/noConstEnum: a captured variable costs XS 65 instructions in each function.
export const enum Forwarded {
  DYNAMIC = -1,
}

/** A mapping's words. The first one is the inside address. */
// biome-ignore lint/suspicious/noConstEnum: as captured variables these cost XS 600 instructions a mapping.
const enum Word {
  /** Inside port in the upper half, external port in the lower. */
  PORTS = 1,
  /**
   * The next of its hash chain, or of the chain of free entries, in the upper 13 bits. The number of its head, inverted, ends
   * a hash chain, so that it need not be hashed to take an entry out; -1 the free ones. Below them the flags, and its
   * sessions in the lower 15.
   */
  CHAIN = 2,
  COUNT = 3,
}

/** What CHAIN is made of. */
// biome-ignore lint/suspicious/noConstEnum: as Word.
const enum Chain {
  NEXT_SHIFT = 19,
  BELOW_NEXT = (1 << NEXT_SHIFT) - 1,
  SESSIONS = 0x7fff,
  TCP = 0x8000,
  UDP = 0x10000,
  /** Its external port is a forward's. */
  STATIC = 0x20000,
  /** It is the callers' who pay for it, not its host. */
  CALLERS = 0x40000,
  KIND = TCP | UDP | STATIC,
}
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
    this.#words = new Int32Array(capacity * Word.COUNT);
    this.#heads = new Int16Array(1 << headBits);
    for (let head = 0; head < 1 << headBits; head++) this.#heads[head] = ~head;
    this.#headShift = 32 - headBits;
    this.#addressSecret = random.next32() | 1;
    this.#portSecret = random.next32() | 1;
    for (let index = capacity - 1; index >= 0; index--) {
      this.#words[index * Word.COUNT + Word.CHAIN] = this.#free << Chain.NEXT_SHIFT;
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
    let kind = protocol === Ip.UDP ? Chain.UDP : protocol === Ip.TCP ? Chain.TCP : 0;
    if (forwarded !== Forwarded.DYNAMIC) kind |= Chain.STATIC;
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
      const at = index * Word.COUNT;
      const chain = words[at + Word.CHAIN] as number;
      if (words[at] === insideAddress && (chain & Chain.KIND) === kind) {
        const ports = words[at + Word.PORTS] as number;
        if (
          ((ports >> 16) & 0xffff) === insidePort &&
          (forwarded === Forwarded.DYNAMIC || (ports & 0xffff) === forwarded)
        ) {
          return index;
        }
      }
      index = chain >> Chain.NEXT_SHIFT;
    }
    return -1;
  }

  /** Whether a dynamic mapping of what `find` looked for last can have an external port. */
  hasPort({ echoIdentifiers, lowPorts, ports, dmzAddress }: NatSettings): boolean {
    const protocol = protocolOf(this.#soughtKind);
    if (protocol === Ip.ICMP) return this.#ports.hasFree(protocol, echoIdentifiers);
    const isKept = this.#soughtPort !== 0 && this.#soughtAddress === dmzAddress;
    if (isKept && this.#ports.isFree(protocol, this.#soughtPort)) return true;
    if (this.#ports.hasFree(protocol, ports)) return true;
    return this.#soughtPort <= lowPorts.last && this.#ports.hasFree(protocol, lowPorts);
  }

  /** An external port for a dynamic mapping of what `find` looked for last; 0 when none is free. `create` comes next. */
  allocate(settings: NatSettings): number {
    const kind = this.#soughtKind;
    // As `protocolOf`, whose call would cost XS 400 instructions.
    const protocol = kind & Chain.UDP ? Ip.UDP : kind & Chain.TCP ? Ip.TCP : Ip.ICMP;
    const insidePort = this.#soughtPort;
    // The owner's number is the entry that `create` takes: `#free`.
    if (protocol === Ip.ICMP) return this.#ports.allocate(protocol, settings.echoIdentifiers, "mapping", this.#free, 0);
    // The DMZ host is seen with the port by which it is called; nobody is called by port 0, which a datagram may come from.
    if (settings.dmzAddress !== 0 && settings.dmzAddress === this.#soughtAddress) {
      if (insidePort !== 0 && this.claim(insidePort)) return insidePort;
    }
    if (insidePort <= settings.lowPorts.last) {
      const low = this.#ports.allocate(protocol, settings.lowPorts, "mapping", this.#free, insidePort);
      if (low !== 0) return low;
    }
    return this.#ports.allocate(protocol, settings.ports, "mapping", this.#free, insidePort);
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
    const at = index * Word.COUNT;
    this.#free = (words[at + Word.CHAIN] as number) >> Chain.NEXT_SHIFT;
    this.count++;
    words[at] = this.#soughtAddress;
    words[at + Word.PORTS] = (this.#soughtPort << 16) | externalPort;
    const chain = ((heads[head] as number) << Chain.NEXT_SHIFT) | this.#soughtKind | 1;
    words[at + Word.CHAIN] = isOnCallers ? chain | Chain.CALLERS : chain;
    heads[head] = index;
    return index;
  }

  addSession(index: number): void {
    const at = index * Word.COUNT + Word.CHAIN;
    this.#words[at] = (this.#words[at] as number) + 1;
  }

  /**
   * The mapping goes with its last session. If this was it, returns whose account it was on; else -1.
   */
  removeSession(index: number): number {
    const at = index * Word.COUNT + Word.CHAIN;
    const words = this.#words;
    const left = (words[at] as number) - 1;
    if ((left & Chain.SESSIONS) !== 0) {
      words[at] = left;
      return -1;
    }
    const heads = this.#heads;
    if ((left & Chain.STATIC) === 0) {
      const protocol = left & Chain.UDP ? Ip.UDP : left & Chain.TCP ? Ip.TCP : Ip.ICMP;
      this.#ports.release(protocol, (words[at - Word.CHAIN + Word.PORTS] as number) & 0xffff);
    }
    const next = left >> Chain.NEXT_SHIFT;
    let end = next;
    while (end >= 0) end = (words[end * Word.COUNT + Word.CHAIN] as number) >> Chain.NEXT_SHIFT;
    let entry = heads[~end] as number;
    if (entry === index) {
      heads[~end] = next;
    } else {
      let previousAt = 0;
      while (entry !== index) {
        previousAt = entry * Word.COUNT + Word.CHAIN;
        entry = (words[previousAt] as number) >> Chain.NEXT_SHIFT;
      }
      words[previousAt] = (next << Chain.NEXT_SHIFT) | ((words[previousAt] as number) & Chain.BELOW_NEXT);
    }
    words[at] = this.#free << Chain.NEXT_SHIFT;
    this.#free = index;
    const count = this.count;
    if (count > this.#mostUsed) this.#mostUsed = count;
    this.count = count - 1;
    return left & Chain.CALLERS ? Account.CALLERS : (words[at - Word.CHAIN] as number) & Account.BITS;
  }

  isUsed(index: number): boolean {
    return this.sessionCount(index) !== 0;
  }

  protocol(index: number): number {
    return protocolOf(this.#words[index * Word.COUNT + Word.CHAIN] as number);
  }

  insideAddress(index: number): number {
    return this.#words[index * Word.COUNT] as number;
  }

  insidePort(index: number): number {
    return ((this.#words[index * Word.COUNT + Word.PORTS] as number) >> 16) & 0xffff;
  }

  externalPort(index: number): number {
    return (this.#words[index * Word.COUNT + Word.PORTS] as number) & 0xffff;
  }

  /** Its external port belongs to a forward. */
  isStatic(index: number): boolean {
    return ((this.#words[index * Word.COUNT + Word.CHAIN] as number) & Chain.STATIC) !== 0;
  }

  /** It is the callers' who pay for it, not its host. */
  isOnCallers(index: number): boolean {
    return ((this.#words[index * Word.COUNT + Word.CHAIN] as number) & Chain.CALLERS) !== 0;
  }

  sessionCount(index: number): number {
    return (this.#words[index * Word.COUNT + Word.CHAIN] as number) & Chain.SESSIONS;
  }
}

/** The protocol that a mapping's flags stand for. */
function protocolOf(kind: number): number {
  if (kind & Chain.UDP) return Ip.UDP;
  return kind & Chain.TCP ? Ip.TCP : Ip.ICMP;
}
