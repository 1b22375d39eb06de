/**
 * The flow table: which conversations cross the gateway, in the layout of `layout.ts`. The NAT writes it through this
 * class; the flow cache reads it beside this class. A record's index is the session's number everywhere.
 */
import type { Random } from "../core/random.js";
import { emptyBuckets, inboundEnd, outboundEnd, unchainInbound, unchainOutbound } from "./chains.js";
import { FreeRecords } from "./freeRecords.js";
import { FlowHeader } from "./header.js";
import {
  ACK_WORDS,
  ACKS,
  BUCKET_SHIFT,
  BUCKETS,
  HEADER_WORDS,
  IDENTIFICATION,
  RECORDS,
  SECRET_WORDS,
  SECRETS,
} from "./layout.js";
import { clearedWords, type FlowMemory, planFlowTable, type WordAccess, wordAccess } from "./memory.js";
import { type HopRecords, type NextHop, NextHops } from "./nextHops.js";
import { Readers } from "./readers.js";
import { type WireOrder, wireOrderOf } from "./wireOrder.js";
import { Word } from "./word.js";

/** Found anew in `Math` it would cost XS twice as much for each product. */
const imul = Math.imul;
/** Index of each side: interface numbers, and the order of acks. */
export const LAN = 0;
export const WAN = 1;

export class FlowTable implements HopRecords {
  /** The whole table; `layout.ts` says what is where. */
  readonly words: Int32Array;
  readonly header: FlowHeader;
  /** Records there is room for. */
  readonly capacity: number;
  /** Records in use; only read from outside. */
  count = 0;
  readonly nextHops: NextHops;
  readonly isLittleEndian: boolean;
  // Those first that are used most, as everywhere: XS looks through private fields in their order, too.
  readonly #remoteLowerSecret: number;
  readonly #remoteUpperSecret: number;
  readonly #insideLowerSecret: number;
  readonly #insideUpperSecret: number;
  readonly #portsSecret: number;
  readonly #bucketShift: number;
  readonly #bucketsAt: number;
  readonly #recordsAt: number;
  readonly #access: WordAccess;
  readonly #free: FreeRecords;
  // The tuple that `findOutbound` looked for last, as the record of it has it, and its bucket: `insertSought` has no need
  // to work them out again.
  #soughtProtocol = 0;
  #soughtInside = 0;
  #soughtRemote = 0;
  #soughtPorts = 0;
  #soughtRemoteHash = 0;
  #soughtBucket = 0;
  readonly #lastSeenAt: number;
  /** The table's bytes: reads a wire word as a number, at half the price of `words` and `toWire`. */
  readonly #view: DataView;
  readonly #acksAt: number;
  readonly #toWire: WireOrder;

  /**
   * For 1..32,767 `sessions` and 1..256 `nextHops`; in `memory`, where tasks of a driver read it, or in memory of its own.
   * Throws a RangeError when that is smaller than `flowTableBytes`.
   */
  constructor(sessions: number, nextHops: number, random: Random, memory?: FlowMemory) {
    const plan = planFlowTable(sessions, nextHops);
    const words = clearedWords(plan, memory);
    this.words = words;
    this.capacity = plan.sessions;
    this.#bucketsAt = plan.bucketsAt;
    this.#recordsAt = plan.recordsAt;
    this.#lastSeenAt = plan.recordsAt + Word.LAST_SEEN;
    this.#acksAt = plan.acksAt;
    this.#bucketShift = 32 - plan.bucketBits;
    this.#view = new DataView(words.buffer);
    this.isLittleEndian = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;
    this.#toWire = wireOrderOf(this.isLittleEndian);
    for (let i = 0; i < SECRET_WORDS; i++) words[SECRETS + i] = random.next32();
    this.#remoteLowerSecret = words[SECRETS] as number;
    this.#remoteUpperSecret = words[SECRETS + 1] as number;
    this.#insideLowerSecret = words[SECRETS + 2] as number;
    this.#insideUpperSecret = words[SECRETS + 3] as number;
    this.#portsSecret = (words[SECRETS + 4] as number) | 1;
    words[SECRETS + 4] = this.#portsSecret;
    words[IDENTIFICATION] = random.next32() & 0xfffe;
    words[BUCKET_SHIFT] = this.#bucketShift;
    words[BUCKETS] = this.#bucketsAt;
    words[RECORDS] = this.#recordsAt;
    words[ACKS] = this.#acksAt;
    emptyBuckets(words, this.#bucketsAt, this.#recordsAt);
    const access = wordAccess(words, memory);
    const readers = new Readers(access);
    this.#access = access;
    this.#free = new FreeRecords(words, this.#recordsAt, this.capacity, readers);
    this.header = new FlowHeader(words, access, readers, this.#toWire);
    this.nextHops = new NextHops(words, HEADER_WORDS, plan.nextHops, this.isLittleEndian, access, readers, this);
  }

  /** Whether `insert` would succeed now. */
  hasRoom(): boolean {
    if (this.header.isChanging) this.header.settle();
    return !this.header.isChanging && this.#free.hasReady();
  }

  /**
   * What readers still keep from being used or changed: records that were removed, stations, and the header for one. It
   * never stays above 0 for long unless a reader has gone in and does not come out again.
   */
  countHeld(): number {
    this.header.settle();
    return this.#free.countHeld() + this.nextHops.countWaiting() + (this.header.isChanging ? 1 : 0);
  }

  /** Whole seconds since the stack's start. */
  get tick(): number {
    return this.header.tick;
  }

  set tick(seconds: number) {
    this.header.setTick(seconds);
  }

  get externalAddress(): number {
    return this.header.externalAddress;
  }

  /** Only while the table is empty: its records' external ports are those of the address before. */
  set externalAddress(address: number) {
    this.header.externalAddress = address;
    this.header.setExternalAddress(address);
  }

  /** Tells the fast path an interface's station address (48 bits) and MTU; `index` is LAN or WAN. */
  setInterface(index: number, mac: number, mtuBytes: number): void {
    this.header.setInterface(index === LAN, mac, mtuBytes);
  }

  /** Seconds of silence after which the fast path leaves a record to the NAT. */
  setLifetimes(udpSeconds: number, tcpSeconds: number): void {
    this.header.setLifetimes(udpSeconds, tcpSeconds);
  }

  /** The station behind a next hop is known: frames to it go from `sourceMac` to `mac`. */
  setNeighbour(index: number, mac: number, sourceMac: number): void {
    this.nextHops.set(index, mac, sourceMac);
  }

  /** The next hop may no longer be used: every record that leads there is a miss until `setNextHop` names one anew. */
  clearNeighbour(index: number): void {
    this.nextHops.clear(index);
  }

  /** The record that an outbound packet with this tuple belongs to; -1 for none. ICMP has the identifier and 0 as ports. */
  findOutbound(protocol: number, inside: number, insidePort: number, remote: number, remotePort: number): number {
    const words = this.words;
    let insideWord = inside;
    let remoteWord = remote;
    let ports = (insidePort << 16) | remotePort;
    if (this.isLittleEndian) {
      // As `toWire`, without its calls.
      insideWord = (inside << 24) | ((inside & 0xff00) << 8) | ((inside >> 8) & 0xff00) | ((inside >> 24) & 0xff);
      remoteWord = (remote << 24) | ((remote & 0xff00) << 8) | ((remote >> 8) & 0xff00) | ((remote >> 24) & 0xff);
      ports = (ports << 24) | ((ports & 0xff00) << 8) | ((ports >> 8) & 0xff00) | ((ports >> 24) & 0xff);
    }
    // chains.ts says why it is hashed like this.
    const remoteHash = imul(
      this.#remoteLowerSecret + (remoteWord & 0xffff),
      this.#remoteUpperSecret + ((remoteWord >> 16) & 0xffff),
    );
    const insideHash = imul(
      this.#insideLowerSecret + (insideWord & 0xffff),
      this.#insideUpperSecret + ((insideWord >> 16) & 0xffff),
    );
    const addresses = (remoteHash + insideHash) | 0;
    const hash = imul(addresses ^ ((addresses >> 16) & 0xffff) ^ ports, this.#portsSecret);
    const bucket = this.#bucketsAt + (hash >>> this.#bucketShift);
    this.#soughtRemoteHash = remoteHash;
    this.#soughtProtocol = protocol;
    this.#soughtInside = insideWord;
    this.#soughtRemote = remoteWord;
    this.#soughtPorts = ports;
    this.#soughtBucket = bucket;
    let index = ((words[bucket] as number) << 16) >> 16;
    while (index >= 0) {
      const at = this.#recordsAt + index * Word.RECORD_WORDS;
      if (
        words[at + Word.INSIDE_PORTS] === ports &&
        words[at] === remoteWord &&
        words[at + Word.INSIDE_ADDRESS] === insideWord &&
        ((words[at + Word.OUTBOUND_WAY] as number) & 0xff) === protocol
      ) {
        return index;
      }
      index = ((words[at + Word.CHAINS] as number) << 16) >> 16;
    }
    return -1;
  }

  /** The record that a packet from `remote` to our external port belongs to; -1 for none. */
  findInbound(protocol: number, remote: number, remotePort: number, externalPort: number): number {
    const words = this.words;
    let remoteWord = remote;
    let ports = (externalPort << 16) | remotePort;
    if (this.isLittleEndian) {
      remoteWord = (remote << 24) | ((remote & 0xff00) << 8) | ((remote >> 8) & 0xff00) | ((remote >> 24) & 0xff);
      ports = (ports << 24) | ((ports & 0xff00) << 8) | ((ports >> 8) & 0xff00) | ((ports >> 24) & 0xff);
    }
    const remoteHash = imul(
      this.#remoteLowerSecret + (remoteWord & 0xffff),
      this.#remoteUpperSecret + ((remoteWord >> 16) & 0xffff),
    );
    const hash = imul(remoteHash ^ ((remoteHash >> 16) & 0xffff) ^ ports, this.#portsSecret);
    let index = (words[this.#bucketsAt + (hash >>> this.#bucketShift)] as number) >> 16;
    while (index >= 0) {
      const at = this.#recordsAt + index * Word.RECORD_WORDS;
      if (
        words[at + Word.EXTERNAL_PORTS] === ports &&
        words[at] === remoteWord &&
        ((words[at + Word.INBOUND_WAY] as number) & 0xff) === protocol
      ) {
        return index;
      }
      index = (words[at + Word.CHAINS] as number) >> 16;
    }
    return -1;
  }

  /** As `setNextHop`, of one whose station is known. */
  setHop(index: number, side: number, hop: NextHop): void {
    if (this.header.isChanging) this.header.settle();
    const words = this.words;
    // The ways stand in the order of the sides.
    const at = this.#recordsAt + index * Word.RECORD_WORDS + Word.INBOUND_WAY + side;
    const way = words[at] as number;
    const next = (hop.name << 16) | Word.FLAG_HOP | (way & 0xffff);
    if (next !== way) this.#access.store(at, next);
  }

  /**
   * Adds a record for the tuple that `findOutbound` looked for last and did not find, under a free external port; seen now,
   * and with no next hop yet. -1 when the table is full, or would be if no reader were at work with a record removed or an
   * address changed just now. `isSettled` as in `setSettled`.
   */
  insertSought(externalPort: number, isSettled: boolean): number {
    if (this.header.isChanging && !this.hasRoom()) return -1;
    const index = this.#free.take();
    if (index < 0) return -1;
    const words = this.words;
    const at = this.#recordsAt + index * Word.RECORD_WORDS;
    this.count++;
    const insidePorts = this.#soughtPorts;
    const externalPorts = this.isLittleEndian
      ? (insidePorts & ~0xffff) | ((externalPort & 0xff) << 8) | (externalPort >> 8)
      : (insidePorts & 0xffff) | (externalPort << 16);
    const way = isSettled ? this.#soughtProtocol | Word.FLAG_SETTLED : this.#soughtProtocol;
    words[at] = this.#soughtRemote;
    words[at + Word.INSIDE_PORTS] = insidePorts;
    words[at + Word.INSIDE_ADDRESS] = this.#soughtInside;
    words[at + Word.EXTERNAL_PORTS] = externalPorts;
    words[at + Word.INBOUND_WAY] = way;
    words[at + Word.OUTBOUND_WAY] = way;
    words[at + Word.LAST_SEEN] = this.header.tick;
    const outboundBucket = this.#soughtBucket;
    const remoteHash = this.#soughtRemoteHash;
    const inboundHash = imul(remoteHash ^ ((remoteHash >> 16) & 0xffff) ^ externalPorts, this.#portsSecret);
    const inboundBucket = this.#bucketsAt + (inboundHash >>> this.#bucketShift);
    const outboundHeads = words[outboundBucket] as number;
    if (inboundBucket === outboundBucket) {
      words[at + Word.CHAINS] = outboundHeads;
      this.#access.store(outboundBucket, index | (index << 16));
      return index;
    }
    const inboundHeads = words[inboundBucket] as number;
    words[at + Word.CHAINS] = (outboundHeads & 0xffff) | (inboundHeads & ~0xffff);
    // From here on readers find it.
    this.#access.store(outboundBucket, (outboundHeads & ~0xffff) | index);
    this.#access.store(inboundBucket, (inboundHeads & 0xffff) | (index << 16));
    return index;
  }

  remove(index: number): void {
    const words = this.words;
    const recordsAt = this.#recordsAt;
    const bucketsAt = this.#bucketsAt;
    const at = recordsAt + index * Word.RECORD_WORDS;
    const access = this.#access;
    access.store(at + Word.INBOUND_WAY, 0);
    access.store(at + Word.OUTBOUND_WAY, 0);
    const chains = words[at + Word.CHAINS] as number;
    const outbound = (chains << 16) >> 16;
    const inbound = chains >> 16;
    const outboundBucket = bucketsAt + (outbound < 0 ? ~outbound : outboundEnd(words, recordsAt, outbound));
    const outboundHeads = words[outboundBucket] as number;
    // Most records are the first in their chain: it takes half the instructions to see that here.
    if ((outboundHeads << 16) >> 16 === index) {
      access.store(outboundBucket, (outboundHeads & ~0xffff) | (chains & 0xffff));
    } else {
      unchainOutbound(words, access, recordsAt, outboundBucket, index);
    }
    const inboundBucket = bucketsAt + (inbound < 0 ? ~inbound : inboundEnd(words, recordsAt, inbound));
    const inboundHeads = words[inboundBucket] as number;
    if (inboundHeads >> 16 === index) access.store(inboundBucket, (inboundHeads & 0xffff) | (chains & ~0xffff));
    else unchainInbound(words, access, recordsAt, inboundBucket, index);
    this.count--;
    this.#free.put(index);
  }

  isUsed(index: number): boolean {
    return this.protocol(index) !== 0;
  }

  protocol(index: number): number {
    return (this.words[this.at(index) + Word.OUTBOUND_WAY] as number) & 0xff;
  }

  insideAddress(index: number): number {
    return this.#view.getInt32((this.#recordsAt + index * Word.RECORD_WORDS + Word.INSIDE_ADDRESS) << 2);
  }

  insidePort(index: number): number {
    return this.#view.getUint16((this.#recordsAt + index * Word.RECORD_WORDS + Word.INSIDE_PORTS) << 2);
  }

  remoteAddress(index: number): number {
    return this.#view.getInt32((this.#recordsAt + index * Word.RECORD_WORDS) << 2);
  }

  remotePort(index: number): number {
    return this.#view.getUint16(((this.#recordsAt + index * Word.RECORD_WORDS + Word.INSIDE_PORTS) << 2) + 2);
  }

  externalPort(index: number): number {
    return this.#view.getUint16((this.#recordsAt + index * Word.RECORD_WORDS + Word.EXTERNAL_PORTS) << 2);
  }

  /** The tick of the record's last packet. */
  lastSeen(index: number): number {
    return this.words[this.#lastSeenAt + index * Word.RECORD_WORDS] as number;
  }

  touch(index: number): void {
    this.#access.store(this.#lastSeenAt + index * Word.RECORD_WORDS, this.header.tick);
  }

  /** Whether the fast path carries the session, in both directions. */
  isCarried(index: number): boolean {
    const at = this.at(index);
    const flags = (this.words[at + Word.INBOUND_WAY] as number) & (this.words[at + Word.OUTBOUND_WAY] as number);
    return (flags & Word.CARRIED) === Word.CARRIED;
  }

  /** Whether the NAT leaves the session's ordinary packets to the fast path. */
  setSettled(index: number, isSettled: boolean): void {
    const words = this.words;
    const at = this.#recordsAt + index * Word.RECORD_WORDS;
    const way = words[at + Word.OUTBOUND_WAY] as number;
    if (((way & Word.FLAG_SETTLED) !== 0) === isSettled) return;
    this.#access.store(at + Word.OUTBOUND_WAY, way ^ Word.FLAG_SETTLED);
    this.#access.store(at + Word.INBOUND_WAY, (words[at + Word.INBOUND_WAY] as number) ^ Word.FLAG_SETTLED);
  }

  /** Packets of the session that leave by `side` go to this neighbour; ignored while its station is unknown. */
  setNextHop(index: number, side: number, neighbour: number): void {
    const hop = this.nextHops.list[neighbour];
    if (hop === undefined) return;
    if (!hop.isKnown) this.nextHops.settle(neighbour);
    if (hop.isKnown) this.setHop(index, side, hop);
  }

  /** The last TCP acknowledgement number seen from the inside (LAN) or the outside (WAN). */
  ack(index: number, side: number): number {
    return this.#view.getInt32((this.#acksAt + index * ACK_WORDS + side) << 2);
  }

  setAck(index: number, side: number, value: number): void {
    // As `toWire`, without its calls.
    const word = this.isLittleEndian
      ? (value << 24) | ((value & 0xff00) << 8) | ((value >> 8) & 0xff00) | ((value >> 24) & 0xff)
      : value;
    this.#access.store(this.#acksAt + index * ACK_WORDS + side, word);
  }

  /** Takes every next hop's name from every record. */
  forgetHops(): void {
    for (let index = 0; index < this.capacity; index++) {
      if (!this.isUsed(index)) continue;
      const at = this.at(index);
      for (let way = Word.INBOUND_WAY; way <= Word.OUTBOUND_WAY; way++) {
        this.#access.store(at + way, (this.words[at + way] as number) & (Word.FLAG_SETTLED | 0xff));
      }
    }
  }

  /** A 32-bit value as a word whose bytes lie in network order, and back. */
  toWire(value: number): number {
    return this.#toWire(value);
  }

  private at(index: number): number {
    return this.#recordsAt + index * Word.RECORD_WORDS;
  }
}
