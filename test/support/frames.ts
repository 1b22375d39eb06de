/**
 * Builds test frames from the RFCs alone, with no help from src/wire, so that a mistake there cannot hide itself here.
 *
 * A frame is a Uint8Array as it stands on the wire, without padding and FCS. Every field has a default: a host of the
 * LAN, 192.168.1.10, that talks to 198.51.100.80 by way of its gateway. `expectFrame.ts` judges frames likewise.
 */
import { ETHERNET_AT, Frame } from "../../src/core/frame.js";
import { shownAsHex } from "./shownAsHex.js";

/** Dotted quad, or the int32 that src uses. */
export type AddressLike = string | number;
/** Colon notation, or the 48-bit number that src uses. */
export type MacLike = string | number;
export type BytesLike = string | Uint8Array | readonly number[];

export interface EthernetFields {
  sourceMac?: MacLike;
  destinationMac?: MacLike;
}

export interface Ipv4Fields extends EthernetFields {
  source?: AddressLike;
  destination?: AddressLike;
  protocol?: number;
  ttl?: number;
  tos?: number;
  identification?: number;
  dontFragment?: boolean;
  moreFragments?: boolean;
  reservedFlag?: boolean;
  /** Bytes, a multiple of 8. */
  fragmentOffset?: number;
  /** Padded with zeros to a multiple of 4. */
  options?: BytesLike;
  /** Instead of the right one. */
  totalBytes?: number;
  /** Instead of the right one. */
  headerChecksum?: number;
  payload?: BytesLike;
}

export interface UdpFields extends Ipv4Fields {
  sourcePort?: number;
  destinationPort?: number;
  /** Instead of the right one. */
  length?: number;
  /** Instead of the right one; 0 for none. */
  checksum?: number;
}

export interface TcpFields extends Ipv4Fields {
  sourcePort?: number;
  destinationPort?: number;
  sequence?: number;
  acknowledgement?: number;
  /** Names with spaces between them: "SYN ACK". */
  flags?: string;
  window?: number;
  urgentPointer?: number;
  /** Padded with zeros to a multiple of 4. */
  tcpOptions?: BytesLike;
  /** Instead of the right one. */
  checksum?: number;
}

export interface IcmpFields extends Ipv4Fields {
  type?: number;
  code?: number;
  identifier?: number;
  sequence?: number;
  /** Instead of the right one. */
  checksum?: number;
}

export interface IcmpErrorFields extends Ipv4Fields {
  type?: number;
  code?: number;
  nextHopMtu?: number;
  /** The frame whose packet is quoted. */
  about: Uint8Array;
  /** How much of it, in bytes; the whole packet up to 548 bytes unless told. */
  quoteBytes?: number;
}

export interface ArpFields extends EthernetFields {
  operation?: "request" | "reply";
  senderMac?: MacLike;
  senderAddress?: AddressLike;
  targetMac?: MacLike;
  targetAddress?: AddressLike;
}

export const HOST_MAC = "02:00:00:00:00:10";
export const GATEWAY_MAC = "02:00:00:00:00:01";
export const BROADCAST = "ff:ff:ff:ff:ff:ff";

/** From bit 0 up. */
export const TCP_FLAG_NAMES = Object.freeze(["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]);

export function ethernetFrame(fields: EthernetFields, etherType: number, payload: BytesLike): Uint8Array {
  return joined(
    macBytes(fields.destinationMac ?? GATEWAY_MAC),
    macBytes(fields.sourceMac ?? HOST_MAC),
    be16(etherType),
    toBytes(payload),
  );
}

/** An IPv4 packet of any protocol, 254 unless told, around `payload`. */
export function ipv4Frame(fields: Ipv4Fields = {}): Uint8Array {
  return ethernetFrame(fields, 0x0800, ipv4Packet(fields.protocol ?? 254, fields, toBytes(fields.payload ?? [])));
}

export function udpFrame(fields: UdpFields = {}): Uint8Array {
  const data = toBytes(fields.payload ?? "hello");
  const header = joined(
    be16(fields.sourcePort ?? 40000),
    be16(fields.destinationPort ?? 53),
    be16(fields.length ?? 8 + data.length),
    be16(0),
  );
  const datagram = joined(header, data);
  // RFC 768: a computed 0 is sent as all ones.
  putBe16(datagram, 6, fields.checksum ?? (transportChecksum(fields, 17, datagram) || 0xffff));
  return ethernetFrame(fields, 0x0800, ipv4Packet(fields.protocol ?? 17, fields, datagram));
}

export function tcpFrame(fields: TcpFields = {}): Uint8Array {
  const options = paddedTo4(toBytes(fields.tcpOptions ?? []));
  const segment = joined(
    be16(fields.sourcePort ?? 40000),
    be16(fields.destinationPort ?? 80),
    be32(fields.sequence ?? 1000),
    be32(fields.acknowledgement ?? 0),
    Uint8Array.of(((20 + options.length) / 4) << 4, flagBits(fields.flags ?? "SYN")),
    be16(fields.window ?? 65535),
    be16(0),
    be16(fields.urgentPointer ?? 0),
    options,
    toBytes(fields.payload ?? []),
  );
  putBe16(segment, 16, fields.checksum ?? transportChecksum(fields, 6, segment));
  return ethernetFrame(fields, 0x0800, ipv4Packet(fields.protocol ?? 6, fields, segment));
}

/** An echo request unless told. */
export function icmpFrame(fields: IcmpFields = {}): Uint8Array {
  const message = joined(
    Uint8Array.of(fields.type ?? 8, fields.code ?? 0, 0, 0),
    be16(fields.identifier ?? 0x1234),
    be16(fields.sequence ?? 1),
    toBytes(fields.payload ?? "abcdefghijklmnop"),
  );
  putBe16(message, 2, fields.checksum ?? naiveChecksum(message));
  return ethernetFrame(fields, 0x0800, ipv4Packet(fields.protocol ?? 1, fields, message));
}

/** Destination unreachable, port unreachable unless told, about the packet in another frame. */
export function icmpErrorFrame(fields: IcmpErrorFields): Uint8Array {
  return icmpFrame({
    ...fields,
    type: fields.type ?? 3,
    code: fields.code ?? 3,
    identifier: 0,
    sequence: fields.nextHopMtu ?? 0,
    payload: fields.about.subarray(14, 14 + (fields.quoteBytes ?? 548)),
  });
}

/** A request for 192.168.1.1 by 192.168.1.10 unless told; a request is broadcast, a reply is sent to its target. */
export function arpFrame(fields: ArpFields = {}): Uint8Array {
  const operation = fields.operation ?? "request";
  const senderMac = fields.senderMac ?? HOST_MAC;
  const targetMac = fields.targetMac ?? (operation === "request" ? 0 : GATEWAY_MAC);
  const ethernet = {
    sourceMac: fields.sourceMac ?? senderMac,
    destinationMac: fields.destinationMac ?? (operation === "request" ? BROADCAST : targetMac),
  };
  const packet = joined(
    Uint8Array.of(0, 1, 8, 0, 6, 4, 0, operation === "request" ? 1 : 2),
    macBytes(senderMac),
    addressBytes(fields.senderAddress ?? "192.168.1.10"),
    macBytes(targetMac),
    addressBytes(fields.targetAddress ?? "192.168.1.1"),
  );
  return ethernetFrame(ethernet, 0x0806, packet);
}

/** All orders of three fragments. */
export const FRAGMENT_ORDERS: readonly (readonly [number, number, number])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** The fragments of a frame's packet, each with `chunkBytes` (a multiple of 8) of payload but the last. No options. */
export function fragmentsOf(frame: Uint8Array, chunkBytes: number): Uint8Array[] {
  const payload = frame.subarray(34);
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += chunkBytes) {
    const header = frame.slice(0, 34);
    const chunk = payload.subarray(at, at + chunkBytes);
    putBe16(header, 16, 20 + chunk.length);
    putBe16(header, 20, (at + chunkBytes < payload.length ? 0x2000 : 0) | (at / 8));
    putBe16(header, 24, 0);
    putBe16(header, 24, naiveChecksum(header.subarray(14)));
    fragments.push(joined(header, chunk));
  }
  return fragments;
}

/** The frame as Ethernet carries it: at least 60 bytes, zeros at its end. */
export function paddedTo60(frame: Uint8Array): Uint8Array {
  return frame.length >= 60 ? frame : joined(frame, new Uint8Array(60 - frame.length));
}

/** A Frame that holds these bytes, as a driver hands it to the stack together with `bytes.length`. */
export function loadFrame(bytes: Uint8Array, capacity: number = Math.max(bytes.length, 1514)): Frame {
  const frame = new Frame(capacity);
  frame.bytes.set(bytes, ETHERNET_AT);
  return frame;
}

/** `length` bytes that differ from each other and from their neighbours. */
export function patternBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);
}

/** The checksum of RFC 1071, word by word with the carry folded at once; 0 when the data hold a right one. */
export function naiveChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at] as number) * 256 + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

/** What a TCP or UDP checksum covers besides header and data (RFC 768). */
export function pseudoHeader(source: AddressLike, destination: AddressLike, protocol: number, length: number) {
  return joined(addressBytes(source), addressBytes(destination), be16(protocol), be16(length));
}

export function toBytes(value: BytesLike): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : Uint8Array.from(value);
}

function ipv4Packet(protocol: number, fields: Ipv4Fields, payload: Uint8Array): Uint8Array {
  const options = paddedTo4(toBytes(fields.options ?? []));
  const headerBytes = 20 + options.length;
  const flags =
    (fields.reservedFlag ? 0x8000 : 0) | (fields.dontFragment ? 0x4000 : 0) | (fields.moreFragments ? 0x2000 : 0);
  const header = joined(
    Uint8Array.of(0x40 | (headerBytes / 4), fields.tos ?? 0),
    be16(fields.totalBytes ?? headerBytes + payload.length),
    be16(fields.identification ?? 0x4321),
    be16(flags | ((fields.fragmentOffset ?? 0) / 8)),
    Uint8Array.of(fields.ttl ?? 64, protocol, 0, 0),
    addressBytes(sourceOf(fields)),
    addressBytes(destinationOf(fields)),
    options,
  );
  putBe16(header, 10, fields.headerChecksum ?? naiveChecksum(header));
  return joined(header, payload);
}

function transportChecksum(fields: Ipv4Fields, protocol: number, data: Uint8Array): number {
  return naiveChecksum(joined(pseudoHeader(sourceOf(fields), destinationOf(fields), protocol, data.length), data));
}

function sourceOf(fields: Ipv4Fields): AddressLike {
  return fields.source ?? "192.168.1.10";
}

function destinationOf(fields: Ipv4Fields): AddressLike {
  return fields.destination ?? "198.51.100.80";
}

function flagBits(names: string): number {
  let bits = 0;
  for (const name of names.split(" ").filter((one) => one !== "")) {
    const bit = TCP_FLAG_NAMES.indexOf(name);
    if (bit < 0) throw new Error(`"${name}" is no TCP flag; they are ${TCP_FLAG_NAMES.join(", ")}.`);
    bits |= 1 << bit;
  }
  return bits;
}

function addressBytes(address: AddressLike): Uint8Array {
  return typeof address === "number" ? be32(address) : Uint8Array.from(address.split("."), Number);
}

function macBytes(mac: MacLike): Uint8Array {
  const digits = typeof mac === "number" ? mac.toString(16).padStart(12, "0") : mac.replaceAll(":", "");
  return Uint8Array.from({ length: 6 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

function paddedTo4(bytes: Uint8Array): Uint8Array {
  return joined(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = shownAsHex(new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0)));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function be16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

function be32(value: number): Uint8Array {
  return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
}

function putBe16(bytes: Uint8Array, at: number, value: number): void {
  bytes.set(be16(value), at);
}
