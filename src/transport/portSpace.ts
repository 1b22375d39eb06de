/**
 * Who owns which port: one registry for each protocol, in which bound sockets, listeners, port forwards and NAT mappings
 * stand side by side, so that no port is ever given away twice. ICMP query identifiers are ports here too (RFC 5508).
 */
import { type Random, randomBelow } from "../core/random.js";

export type PortOwnerKind = "socket" | "listener" | "forward" | "mapping";

/** Inclusive range of ports, 1..65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** RFC 6335 section 6: the dynamic ports, which the stack's own sockets take theirs from unless told otherwise. */
export const SOCKET_PORTS: PortRange = Object.freeze({ first: 49152, last: 65535 });
/** The rest, for NAT: disjoint from the sockets', and as large as RFC 6056 section 3.2 asks for. */
export const NAT_PORTS: PortRange = Object.freeze({ first: 1024, last: 49151 });

const KINDS: readonly PortOwnerKind[] = Object.freeze(["socket", "listener", "forward", "mapping"] as const);
/** Each one's place in KINDS. */
const KIND_NUMBERS = Object.freeze({ socket: 0, listener: 1, forward: 2, mapping: 3 });

/** An owner is its kind's number above the bits of its id. */
// biome-ignore lint/suspicious/noConstEnum: as captured variables these and those below cost XS 250 instructions a port.
const enum Owner {
  ID_BITS = 14,
  MAX_ID = (1 << ID_BITS) - 1,
  /** The kind of a mapping, in its place. */
  MAPPING = 3 << ID_BITS,
}

// biome-ignore lint/suspicious/noConstEnum: as Owner.
const enum Key {
  /** In a slot without one. */
  NONE = -1,
}

// biome-ignore lint/suspicious/noConstEnum: as Owner.
const enum Draws {
  /** So many at random before the allocator walks: with half of a range taken, 1 allocation in 256 gets there. */
  MOST = 8,
}

/** An owned port, or an owned range of them. */
export interface PortClaim {
  readonly protocol: number;
  readonly range: PortRange;
  readonly kind: PortOwnerKind;
  /** The owner's number in its own table. */
  readonly id: number;
}

interface RangeClaim {
  readonly protocol: number;
  readonly range: PortRange;
  readonly owner: number;
}

/** No protocol has this number. */
const ANY_PROTOCOL = -1;
const ALL_PORTS: PortRange = Object.freeze({ first: 0, last: 0xffff });

export class PortSpace {
  /** Where the stack's own sockets get a port that they do not choose. */
  socketPorts: PortRange = SOCKET_PORTS;
  readonly #random: Random;
  readonly #capacity: number;
  readonly #slotMask: number;
  /** Open addressing: `protocol << 16 | port`, or Key.NONE. */
  readonly #keys: Int32Array;
  /** Kind and id of who owns the key in the same slot; see `ownerOf`. */
  readonly #owners: Uint16Array;
  readonly #ranges: RangeClaim[] = [];
  /** Their number: an array's own length costs XS three times as much. */
  #rangeCount = 0;
  readonly #rangeCapacity: number;
  #count = 0;
  /** The free slot where the last search ended that found nothing: the key's place, if it is added next. */
  #sought = 0;

  /** `claims` single ports and `ranges` ranges of ports can be owned at a time. */
  constructor(random: Random, claims: number, ranges: number) {
    // Two thirds full at most: a search for a port that is free, the longest, then looks at five slots on average.
    let slots = 8;
    while (slots * 2 < claims * 3) slots *= 2;
    this.#random = random;
    this.#capacity = claims;
    this.#rangeCapacity = ranges;
    this.#slotMask = slots - 1;
    this.#keys = new Int32Array(slots).fill(Key.NONE);
    this.#owners = new Uint16Array(slots);
  }

  /** Single ports owned now. */
  get count(): number {
    return this.#count;
  }

  isFree(protocol: number, port: number): boolean {
    return this.owner(protocol, port) < 0;
  }

  /** Who owns the port; undefined for nobody. */
  ownerKind(protocol: number, port: number): PortOwnerKind | undefined {
    // As `kindOf`, without its call.
    const owner = this.owner(protocol, port);
    return owner < 0 ? undefined : KINDS[owner >> Owner.ID_BITS];
  }

  /** The owner's number in its own table; -1 for nobody. */
  ownerId(protocol: number, port: number): number {
    return idOf(this.owner(protocol, port));
  }

  /** Takes a port for `id` (0..16,383). False when it has an owner, or when the registry is full: then nothing changed. */
  claim(protocol: number, port: number, kind: PortOwnerKind, id: number): boolean {
    if (this.#count >= this.#capacity || !this.isFree(protocol, port)) return false;
    this.take(protocol, port, kind, id);
    return true;
  }

  release(protocol: number, port: number): void {
    const key = (protocol << 16) | port;
    const keys = this.#keys;
    const mask = this.#slotMask;
    let gap = (key ^ (key >> 16)) & mask;
    for (;;) {
      const found = keys[gap];
      if (found === key) break;
      if (found === Key.NONE) return;
      gap = (gap + 1) & mask;
    }
    this.#count--;
    // Knuth's deletion for linear probing (TAOCP 6.4, algorithm R): moves later keys back, so that no tombstones remain.
    let slot = gap;
    for (;;) {
      slot = (slot + 1) & mask;
      const later = keys[slot] as number;
      if (later === Key.NONE) break;
      // Random ports need no strong hash; the xor keeps the protocols' equal ports apart.
      const home = (later ^ (later >> 16)) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      keys[gap] = later;
      this.#owners[gap] = this.#owners[slot] as number;
      gap = slot;
    }
    keys[gap] = Key.NONE;
  }

  /** Takes a whole range. False when any port in it has an owner, or when all ranges are in use. */
  claimRange(protocol: number, range: PortRange, kind: PortOwnerKind, id: number): boolean {
    if (this.#rangeCount >= this.#rangeCapacity || this.firstOwned(protocol, range) !== 0) return false;
    this.#rangeCount = this.#ranges.push({ protocol, range, owner: ownerOf(kind, id) });
    return true;
  }

  releaseRange(protocol: number, range: PortRange): void {
    const index = this.#ranges.findIndex(
      (claim) => claim.protocol === protocol && claim.range.first === range.first && claim.range.last === range.last,
    );
    if (index < 0) return;
    this.#ranges.splice(index, 1);
    this.#rangeCount = this.#ranges.length;
  }

  /** The lowest owned port of a range; 0 when all of them are free. */
  firstOwned(protocol: number, range: PortRange): number {
    let lowest = range.last + 1;
    for (const claim of this.claims(protocol, range)) {
      lowest = Math.min(lowest, Math.max(claim.range.first, range.first));
    }
    return lowest > range.last ? 0 : lowest;
  }

  /** Whether `allocate` would find a port. */
  hasFree(protocol: number, range: PortRange): boolean {
    if (this.#count >= this.#capacity) return false;
    // There are nearly always more ports in it than there are owners.
    if (this.#rangeCount === 0 && range.last - range.first >= this.#count) return true;
    for (let port = range.first; port <= range.last; port++) if (this.owner(protocol, port) < 0) return true;
    return false;
  }

  /**
   * What is owned, in no order: for the console, and for changes of the configuration. All of it, or of one protocol and
   * range; and no more than `most`, for each takes a board's memory.
   */
  claims(protocol = ANY_PROTOCOL, range: PortRange = ALL_PORTS, most = Number.POSITIVE_INFINITY): PortClaim[] {
    const claims: PortClaim[] = [];
    const isWanted = (owned: number, first: number, last: number) =>
      (protocol === ANY_PROTOCOL || protocol === owned) && first <= range.last && last >= range.first;
    for (const one of this.#ranges) {
      if (claims.length >= most) return claims;
      if (!isWanted(one.protocol, one.range.first, one.range.last)) continue;
      claims.push(describe(one.protocol, one.range, one.owner));
    }
    for (let slot = 0; slot <= this.#slotMask && claims.length < most; slot++) {
      const key = this.#keys[slot] as number;
      const port = key & 0xffff;
      if (key === Key.NONE || !isWanted(key >> 16, port, port)) continue;
      claims.push(describe(key >> 16, { first: port, last: port }, this.#owners[slot] as number));
    }
    return claims;
  }

  /**
   * Takes a random free port of `range` for `id`; 0 when no port of it is free or the registry is full.
   *
   * RFC 6056 algorithm 2: independent random draws. When these keep meeting owned ports, a walk with a random stride
   * coprime to the range's size visits each port once: it finds a free one if there is one, without the bias of a linear
   * probe (RFC 6056 section 5). `parityOf` asks for a port of the same parity as that one, if one is free (RFC 4787
   * REQ-4); 0 is "any".
   */
  allocate(protocol: number, range: PortRange, kind: PortOwnerKind, id: number, parityOf = 0): number {
    if (this.#count >= this.#capacity) return 0;
    const last = range.last;
    let first = range.first;
    let shift = 0;
    if (parityOf !== 0) {
      first += (first ^ parityOf) & 1;
      // A single port may have the other parity only.
      if (first > last) first = last;
      else shift = 1;
    }
    const size = ((last - first) >> shift) + 1;
    // As `randomBelow` and `owner`: most first draws meet a free port, and these calls would cost XS 2,000 instructions.
    let port = first + ((((this.#random.next32() >> 1) & 0x3fffffff) % size) << shift);
    const key = (protocol << 16) | port;
    const keys = this.#keys;
    let slot = (key ^ (key >> 16)) & this.#slotMask;
    if (keys[slot] !== Key.NONE || this.#rangeCount !== 0) {
      if (this.owner(protocol, port) >= 0) port = this.pick(protocol, first, shift, size, Draws.MOST - 1);
      if (port === 0 && shift !== 0) port = this.pick(protocol, range.first, 0, last - range.first + 1, Draws.MOST);
      if (port === 0) return 0;
      slot = this.#sought;
    }
    // As `take`, whose call would cost XS 900 instructions, and the kind's number by its name 350.
    keys[slot] = (protocol << 16) | port;
    this.#owners[slot] = (kind === "mapping" ? Owner.MAPPING : KIND_NUMBERS[kind] << Owner.ID_BITS) | id;
    this.#count++;
    return port;
  }

  /** A free port among `first + (i << shift)` for `i` in `0 .. size - 1`; 0 for none. */
  private pick(protocol: number, first: number, shift: number, size: number, draws: number): number {
    for (let draw = 0; draw < draws; draw++) {
      const port = first + (randomBelow(this.#random, size) << shift);
      if (this.owner(protocol, port) < 0) return port;
    }
    let stride = 1 + randomBelow(this.#random, size);
    while (greatestCommonDivisor(stride, size) !== 1) stride++;
    let index = randomBelow(this.#random, size);
    for (let step = 0; step < size; step++) {
      const port = first + (index << shift);
      if (this.isFree(protocol, port)) return port;
      index = (index + stride) % size;
    }
    return 0;
  }

  /** A port that was asked for its owner last, and has none; in a registry that is not full. */
  private take(protocol: number, port: number, kind: PortOwnerKind, id: number): void {
    const slot = this.#sought;
    this.#keys[slot] = (protocol << 16) | port;
    this.#owners[slot] = (KIND_NUMBERS[kind] << Owner.ID_BITS) | id;
    this.#count++;
  }

  /** Who owns the port, for `kindOf` and `idOf`; negative for nobody. */
  owner(protocol: number, port: number): number {
    const key = (protocol << 16) | port;
    const keys = this.#keys;
    const mask = this.#slotMask;
    let slot = (key ^ (key >> 16)) & mask;
    for (;;) {
      const found = keys[slot];
      if (found === key) return this.#owners[slot] as number;
      if (found === Key.NONE) break;
      slot = (slot + 1) & mask;
    }
    this.#sought = slot;
    const ranges = this.#ranges;
    for (let i = this.#rangeCount - 1; i >= 0; i--) {
      const claim = ranges[i] as RangeClaim;
      if (claim.protocol === protocol && port >= claim.range.first && port <= claim.range.last) return claim.owner;
    }
    return -1;
  }
}

/** The kind of an `owner`. */
export function kindOf(owner: number): PortOwnerKind | undefined {
  return owner < 0 ? undefined : KINDS[owner >> Owner.ID_BITS];
}

/** The number of an `owner` in its own table; -1 for nobody. */
export function idOf(owner: number): number {
  return owner < 0 ? -1 : owner & Owner.MAX_ID;
}

function ownerOf(kind: PortOwnerKind, id: number): number {
  return (KIND_NUMBERS[kind] << Owner.ID_BITS) | id;
}

function describe(protocol: number, range: PortRange, owner: number): PortClaim {
  return { protocol, range, kind: KINDS[owner >> Owner.ID_BITS] as PortOwnerKind, id: owner & Owner.MAX_ID };
}

function greatestCommonDivisor(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}
