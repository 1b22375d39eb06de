/**
 * Random traffic over a random flow table: packets of its sessions, most of them as the flow cache likes them, some
 * changed in one or two places, and changes of the table in between.
 */
import { SeededRandom } from "../../../host-sim/random.js";
import { type Frame, NETWORK_AT, TRANSPORT_AT } from "../../../src/core/frame.js";
import { EXTERNAL_ADDRESS } from "../../../src/flow/layout.js";
import { FlowTable, LAN, WAN } from "../../../src/flow/table.js";
import { writeEthernet } from "../../../src/wire/ethernet.js";
import { writeIpChecksum } from "../../../src/wire/ipv4.js";
import { insertFlow } from "../insertFlow.js";

const TCP = 6;
const UDP = 17;
const MTUS = [68, 100, 576, 1400, 1500];
/** Few values, so that tuples are alike in all parts but one. */
const INSIDES = [0xc0a8010a | 0, 0xc0a801fe | 0, 0x0a000001];
const REMOTES = [0xc6336401 | 0, 0x08080808, -2, 0x01000000];
const EXTERNALS = [0xcb007102 | 0, 0x0afffffe, 0];
const PORTS = [1, 53, 443, 5000, 0x8000, 65535];
const HOPS = 6;
const MAX_BYTES = 1514;

export class Traffic {
  readonly table: FlowTable;
  /** Where the frame written last arrives. */
  interfaceIndex = LAN;
  /** How often the table was changed. */
  changes = 0;
  readonly #random: SeededRandom;
  readonly #macs = [0x02_00_00_00_01_01, 0xf2_00_00_00_01_02];

  /** A table with room for `sessions`, half of it in use. */
  constructor(seed: number, sessions: number) {
    this.#random = new SeededRandom(seed, "flow traffic");
    this.table = new FlowTable(sessions, HOPS, this.#random);
    this.table.externalAddress = EXTERNALS[0] as number;
    this.table.tick = this.#below(1 << this.#below(31));
    this.table.setLifetimes(20, 30);
    for (const side of [LAN, WAN]) this.table.setInterface(side, this.#macs[side] as number, 1500);
    for (let hop = 0; hop < HOPS; hop++) this.#meetNeighbour(hop);
    for (let n = sessions >> 1; n >= 0; n--) this.#open();
  }

  /** One random change of the table. */
  change(): void {
    this.changes++;
    const { table } = this;
    const index = this.#session();
    switch (this.#below(16)) {
      case 0:
      case 1:
      case 2:
        this.#open();
        break;
      case 3:
      case 4:
        if (index >= 0) table.remove(index);
        break;
      case 5:
        if (index >= 0) table.setSettled(index, this.#below(3) > 0);
        break;
      case 6:
      case 7:
        if (index >= 0) table.setNextHop(index, this.#below(2), this.#below(HOPS + 1));
        break;
      case 8:
        table.clearNeighbour(this.#below(HOPS));
        break;
      case 9:
        if (this.#below(20) === 0) for (let loss = this.#below(300); loss > 0; loss--) this.#meetNeighbour(1);
        break;
      case 10:
      case 11:
        this.#meetNeighbour(this.#below(HOPS));
        break;
      case 12:
        this.#configureInterface(this.#below(2));
        break;
      case 13:
        if (this.#below(10) === 0) table.setLifetimes(this.#below(40), this.#below(60));
        else table.tick += this.#below(8);
        break;
      case 14:
        if (index >= 0) table.touch(index);
        if (index >= 0) table.setAck(index, this.#below(2), this.#random.next32());
        break;
      default:
        if (this.#below(200) === 0) this.#renumber();
    }
  }

  /** Writes a frame and returns its length, which may be wrong. */
  write(frame: Frame): number {
    const isStranger = this.#below(16) === 0;
    const index = this.#session();
    this.interfaceIndex = this.#below(2);
    if (index >= 0 && this.#below(4) === 0) this.#use(index);
    const isTcp = index < 0 || isStranger ? this.#below(2) === 0 : this.table.protocol(index) === TCP;
    const payload = this.#payloadBytes(isTcp);
    const length = this.#writePacket(frame, isStranger ? -1 : index, isTcp, payload);
    return this.#below(3) === 0 ? this.#spoil(frame, length) : length;
  }

  #writePacket(frame: Frame, index: number, isTcp: boolean, payload: number): number {
    const { table } = this;
    const { view, words } = frame;
    const isOutbound = this.interfaceIndex === LAN;
    const total = (isTcp ? 40 : 28) + payload;
    words[0] = this.#random.next32();
    writeEthernet(frame, this.#macs[this.interfaceIndex] as number, this.#mac(), 0x0800);
    view.setUint8(NETWORK_AT, 0x45);
    view.setUint8(NETWORK_AT + 1, this.#below(256));
    view.setUint16(NETWORK_AT + 2, total);
    view.setUint16(NETWORK_AT + 4, this.#below(65536));
    view.setUint16(NETWORK_AT + 6, this.#below(2) << 14);
    view.setUint8(NETWORK_AT + 8, 2 + this.#below(this.#below(4) === 0 ? 254 : 63));
    view.setUint8(NETWORK_AT + 9, isTcp ? TCP : UDP);
    const inside = index < 0 ? this.#one(INSIDES) : table.insideAddress(index);
    const remote = index < 0 ? this.#one(REMOTES) : table.remoteAddress(index);
    const insidePort = index < 0 ? this.#one(PORTS) : table.insidePort(index);
    const remotePort = index < 0 ? this.#one(PORTS) : table.remotePort(index);
    const externalPort = index < 0 ? this.#one(PORTS) : table.externalPort(index);
    view.setInt32(NETWORK_AT + 12, isOutbound ? inside : remote);
    view.setInt32(NETWORK_AT + 16, isOutbound ? remote : table.externalAddress);
    view.setUint16(TRANSPORT_AT, isOutbound ? insidePort : remotePort);
    view.setUint16(TRANSPORT_AT + 2, isOutbound ? remotePort : externalPort);
    for (let word = 10; word < 14; word++) words[word] = this.#random.next32();
    const checksumAt = TRANSPORT_AT + (isTcp ? 16 : 6);
    if (isTcp) {
      view.setUint8(TRANSPORT_AT + 12, (5 + this.#below(Math.min(11, (payload >> 2) + 1))) << 4);
      // URG, PSH and the two of ECN do not matter.
      view.setUint8(TRANSPORT_AT + 13, (this.#random.next32() & 0xe8) | 0x10);
    } else {
      view.setUint16(TRANSPORT_AT + 4, total - 20);
      if (this.#below(8) === 0) view.setUint16(checksumAt, 0);
    }
    writeIpChecksum(view, NETWORK_AT, 20);
    if (index >= 0 && this.#below(8) === 0) this.#steerChecksums(view, index, checksumAt);
    const length = total + 14;
    return length < 60 && this.#below(2) === 0 ? length + 1 + this.#below(60 - length) : length;
  }

  /** Chooses checksums that come out as 0 or 0xffff, or nearly so. */
  #steerChecksums(view: DataView, index: number, checksumAt: number): void {
    const { table } = this;
    const toWire = (value: number) => table.toWire(value);
    const isOutbound = this.interfaceIndex === LAN;
    const sign = isOutbound ? 1 : -1;
    const addresses =
      sign * (halves(table.words[EXTERNAL_ADDRESS] as number) - halves(toWire(table.insideAddress(index))));
    const ports = sign * (halves(toWire(table.externalPort(index))) - halves(toWire(table.insidePort(index))));
    const nearly = this.#below(3) - 1;
    const multiple = 4 * 0xffff;
    view.setUint16(checksumAt, ((addresses + ports + multiple) % 0xffff) + nearly, true);
    const wanted = ((addresses - 1 + multiple) % 0xffff) + nearly;
    // The identification makes up for it: the sum of both stays.
    const sum =
      view.getUint16(NETWORK_AT + 4, true) + view.getUint16(NETWORK_AT + 10, true) + 0xffff - (wanted & 0xffff);
    view.setUint16(NETWORK_AT + 10, wanted, true);
    view.setUint16(NETWORK_AT + 4, sum % 0xffff, true);
  }

  /** Changes one place or two; returns the frame's length then. */
  #spoil(frame: Frame, before: number): number {
    const { view } = frame;
    let length = before;
    for (let times = 1 + this.#below(2); times > 0; times--) {
      let isHeader = true;
      switch (this.#below(15)) {
        case 0:
          isHeader = this.#below(2) === 0;
          this.#flipBit(view, 2 + this.#below(54));
          break;
        case 1:
          this.#flipBit(view, NETWORK_AT + this.#below(20));
          break;
        case 2:
          this.#flipBit(view, 2 + this.#below(14));
          break;
        case 3:
          length = this.#below(80);
          break;
        case 4:
          length = Math.min(MAX_BYTES, Math.max(0, length + this.#below(9) - 4));
          break;
        case 5:
          view.setUint16(NETWORK_AT + 2, view.getUint16(NETWORK_AT + 2) + this.#below(9) - 4);
          break;
        case 6:
          view.setUint16(NETWORK_AT + 2, this.#below(80));
          length = Math.max(this.#below(80), view.getUint16(NETWORK_AT + 2) + 14);
          break;
        case 7:
          view.setUint8(NETWORK_AT + 8, this.#below(3));
          break;
        case 8:
          view.setUint8(NETWORK_AT + 9, this.#one([TCP, UDP, 1, this.#below(256)]));
          break;
        case 9:
          view.setUint16(NETWORK_AT + 6, 1 << this.#below(16));
          break;
        case 10:
          view.setUint8(TRANSPORT_AT + 12, this.#below(16) << 4);
          break;
        case 11:
          view.setUint8(TRANSPORT_AT + 13, this.#below(256));
          break;
        case 12:
          view.setUint16(TRANSPORT_AT + 4, view.getUint16(TRANSPORT_AT + 4) + this.#below(5) - 2);
          break;
        case 13:
          // UDP's shortest, or nearly so, and consistent.
          view.setUint16(NETWORK_AT + 2, 26 + this.#below(4));
          view.setUint16(TRANSPORT_AT + 4, view.getUint16(NETWORK_AT + 2) - 20);
          length = 60;
          break;
        default:
          this.interfaceIndex ^= 1;
      }
      if (isHeader) writeIpChecksum(view, NETWORK_AT, 20);
    }
    return length;
  }

  #flipBit(view: DataView, at: number): void {
    view.setUint8(at, view.getUint8(at) ^ (1 << this.#below(8)));
  }

  #payloadBytes(isTcp: boolean): number {
    const headers = isTcp ? 40 : 28;
    switch (this.#below(16)) {
      case 0:
        return Math.min(1500, Math.max(headers, this.#one(MTUS) + this.#below(3) - 1)) - headers;
      case 1:
        return this.#below(1501 - headers);
      default:
        return this.#below(40);
    }
  }

  /** A new session, most often ready to be carried. */
  #open(): void {
    const { table } = this;
    const protocol = this.#one([TCP, UDP, TCP, UDP, 1]);
    const inside = this.#one(INSIDES);
    const insidePort = this.#port();
    const remote = this.#one(REMOTES);
    const remotePort = this.#port();
    const externalPort = this.#port();
    if (table.findOutbound(protocol, inside, insidePort, remote, remotePort) >= 0) return;
    if (table.findInbound(protocol, remote, remotePort, externalPort) >= 0) return;
    const index = insertFlow(table, protocol, inside, insidePort, remote, remotePort, externalPort);
    if (index >= 0 && this.#below(8) > 0) this.#use(index);
  }

  /** What the NAT does with a packet of a session that it is content with. */
  #use(index: number): void {
    this.changes++;
    this.table.touch(index);
    this.table.setSettled(index, true);
    for (const side of [LAN, WAN]) this.table.setNextHop(index, side, this.#below(HOPS));
  }

  /** Most often only another MTU; sometimes another station address, which frames on their way do not know. */
  #configureInterface(side: number): void {
    if (this.#below(20) === 0) this.#macs[side] = this.#mac();
    const mtuBytes = this.#below(3) === 0 ? this.#one(MTUS) : 1500;
    this.table.setInterface(side, this.#macs[side] as number, mtuBytes);
  }

  #meetNeighbour(hop: number): void {
    this.table.setNeighbour(hop, this.#mac(), this.#macs[hop & 1] as number);
  }

  /** Another external address, and no session any more. */
  #renumber(): void {
    const { table } = this;
    for (let index = 0; index < table.capacity; index++) if (table.isUsed(index)) table.remove(index);
    table.externalAddress = this.#one(EXTERNALS);
    for (let n = table.capacity >> 1; n >= 0; n--) this.#open();
  }

  /** A session in use; -1 when a few looks find none. */
  #session(): number {
    for (let looks = 8; looks > 0; looks--) {
      const index = this.#below(this.table.capacity);
      if (this.table.isUsed(index)) return index;
    }
    return -1;
  }

  #port(): number {
    return this.#below(2) === 0 ? this.#one(PORTS) : this.#below(65536);
  }

  #mac(): number {
    return this.#below(65536) * 0x100000000 + (this.#random.next32() >>> 0);
  }

  #one(values: readonly number[]): number {
    return values[this.#below(values.length)] as number;
  }

  #below(bound: number): number {
    return this.#random.below(bound);
  }
}

function halves(word: number): number {
  return (word & 0xffff) + ((word >> 16) & 0xffff);
}
