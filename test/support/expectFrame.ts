/**
 * Reads frames and judges them, with no help from src/wire: `expectFrame(bytes).ipv4({ ttl: 63 }).udp().payload("hello")`.
 *
 * Whatever a test asks for, lengths and every checksum that the frame holds whole are verified first.
 */
import { expect } from "vitest";
import {
  type AddressLike,
  type BytesLike,
  type MacLike,
  naiveChecksum,
  pseudoHeader,
  TCP_FLAG_NAMES,
  toBytes,
} from "./frames.js";

export interface DecodedIpv4 {
  source: string;
  destination: string;
  protocol: number;
  ttl: number;
  tos: number;
  identification: number;
  dontFragment: boolean;
  moreFragments: boolean;
  /** Bytes. */
  fragmentOffset: number;
  headerBytes: number;
  totalBytes: number;
}

export interface DecodedUdp {
  sourcePort: number;
  destinationPort: number;
  checksum: number;
}

export interface DecodedTcp {
  sourcePort: number;
  destinationPort: number;
  /** int32, as in src. */
  sequence: number;
  acknowledgement: number;
  /** "SYN ACK", in the order of the bits from bit 0 up. */
  flags: string;
  window: number;
}

export interface DecodedIcmp {
  type: number;
  code: number;
  identifier: number;
  sequence: number;
  nextHopMtu: number;
}

export interface DecodedArp {
  operation: string;
  senderMac: string;
  senderAddress: string;
  targetMac: string;
  targetAddress: string;
}

/** One field may be asked for in any of the forms that the builders take. */
export type Expected<T> = { [K in keyof T]?: T[K] extends string ? T[K] | number : T[K] };

/** Checks that the frame is right in itself, and returns the first step of questions about it. */
export function expectFrame(frame: Uint8Array | undefined): FrameExpectation {
  if (frame === undefined) throw new Error("There is no such frame.");
  expect(frame.length, "length of the frame").toBeGreaterThanOrEqual(14);
  return new FrameExpectation(frame);
}

/** As `expectFrame`, for a packet from its IPv4 header on. */
export function expectPacket(packet: Uint8Array | undefined): PacketExpectation {
  if (packet === undefined) throw new Error("There is no such packet.");
  expect(packetProblem(packet, false)).toBe("");
  return new PacketExpectation(packet);
}

export class FrameExpectation {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const etherType = be16(bytes, 12);
    expect([0x0800, 0x0806], `ethertype 0x${etherType.toString(16)}`).toContain(etherType);
    if (etherType === 0x0800) expect(packetProblem(bytes.subarray(14), false)).toBe("");
  }

  ethernet(expected: { source?: MacLike; destination?: MacLike }): this {
    const found = { source: macText(this.bytes, 6), destination: macText(this.bytes, 0) };
    expect(found).toMatchObject(withText(expected, macOf));
    return this;
  }

  arp(expected: Expected<DecodedArp> = {}): this {
    expect(decodeArp(this.bytes)).toMatchObject(
      withText(expected, (value, name) => (name.endsWith("Mac") ? macOf(value) : addressOf(value))),
    );
    return this;
  }

  ipv4(expected: Expected<DecodedIpv4> = {}): PacketExpectation {
    expect(be16(this.bytes, 12), "ethertype").toBe(0x0800);
    return new PacketExpectation(this.bytes.subarray(14)).ipv4(expected);
  }
}

/** Questions about an IPv4 packet: a frame's, or one that an ICMP error quotes. */
export class PacketExpectation {
  /** The packet from its IPv4 header on. */
  readonly packet: Uint8Array;
  #payloadAt: number;

  constructor(packet: Uint8Array) {
    this.packet = packet;
    this.#payloadAt = headerLength(packet);
  }

  ipv4(expected: Expected<DecodedIpv4> = {}): this {
    expect(decodeIpv4(this.packet)).toMatchObject(withText(expected, addressOf));
    return this;
  }

  udp(expected: Partial<DecodedUdp> = {}): this {
    expect(this.packet[9], "protocol").toBe(17);
    expect(decodeUdp(this.packet)).toMatchObject(expected);
    this.#payloadAt = headerLength(this.packet) + 8;
    return this;
  }

  tcp(expected: Partial<DecodedTcp> = {}): this {
    expect(this.packet[9], "protocol").toBe(6);
    expect(decodeTcp(this.packet)).toMatchObject(expected);
    const at = headerLength(this.packet);
    this.#payloadAt = at + ((this.packet[at + 12] as number) >> 4) * 4;
    return this;
  }

  icmp(expected: Partial<DecodedIcmp> = {}): this {
    expect(this.packet[9], "protocol").toBe(1);
    expect(decodeIcmp(this.packet)).toMatchObject(expected);
    this.#payloadAt = headerLength(this.packet) + 8;
    return this;
  }

  /** The packet that an ICMP error quotes; its own checksums are verified as far as it is there whole. */
  quote(): PacketExpectation {
    const quoted = this.packet.subarray(headerLength(this.packet) + 8);
    expect(packetProblem(quoted, true)).toBe("");
    return new PacketExpectation(quoted);
  }

  /** What comes after the last header asked about. */
  payload(expected: BytesLike): this {
    expect([...this.packet.subarray(this.#payloadAt)]).toEqual([...toBytes(expected)]);
    return this;
  }

  payloadBytes(expected: number): this {
    expect(this.packet.length - this.#payloadAt, "payload in bytes").toBe(expected);
    return this;
  }
}

export function decodeArp(frame: Uint8Array): DecodedArp {
  expect(be16(frame, 12), "ethertype").toBe(0x0806);
  // RFC 826: Ethernet, IPv4, and the lengths of their addresses.
  expect([...frame.subarray(14, 20)]).toEqual([0, 1, 8, 0, 6, 4]);
  expect(frame.length).toBeGreaterThanOrEqual(42);
  const operation = be16(frame, 20);
  return {
    operation: operation === 1 ? "request" : operation === 2 ? "reply" : String(operation),
    senderMac: macText(frame, 22),
    senderAddress: addressText(frame, 28),
    targetMac: macText(frame, 32),
    targetAddress: addressText(frame, 38),
  };
}

/** The decoders of one header take the packet from its IPv4 header on. */
export function decodeIpv4(packet: Uint8Array): DecodedIpv4 {
  const field = be16(packet, 6);
  return {
    source: addressText(packet, 12),
    destination: addressText(packet, 16),
    protocol: packet[9] as number,
    ttl: packet[8] as number,
    tos: packet[1] as number,
    identification: be16(packet, 4),
    dontFragment: (field & 0x4000) !== 0,
    moreFragments: (field & 0x2000) !== 0,
    fragmentOffset: (field & 0x1fff) * 8,
    headerBytes: headerLength(packet),
    totalBytes: be16(packet, 2),
  };
}

export function decodeUdp(packet: Uint8Array): DecodedUdp {
  const at = headerLength(packet);
  return { sourcePort: be16(packet, at), destinationPort: be16(packet, at + 2), checksum: be16(packet, at + 6) };
}

export function decodeTcp(packet: Uint8Array): DecodedTcp {
  const at = headerLength(packet);
  return {
    sourcePort: be16(packet, at),
    destinationPort: be16(packet, at + 2),
    sequence: be32(packet, at + 4),
    acknowledgement: be32(packet, at + 8),
    flags: TCP_FLAG_NAMES.filter((_, bit) => (((packet[at + 13] as number) >> bit) & 1) === 1).join(" "),
    window: be16(packet, at + 14),
  };
}

export function decodeIcmp(packet: Uint8Array): DecodedIcmp {
  const at = headerLength(packet);
  return {
    type: packet[at] as number,
    code: packet[at + 1] as number,
    identifier: be16(packet, at + 4),
    sequence: be16(packet, at + 6),
    nextHopMtu: be16(packet, at + 6),
  };
}

/** What is wrong with a packet; "" when nothing is. A quote may be cut off, and is then judged as far as it goes. */
function packetProblem(packet: Uint8Array, isQuote: boolean): string {
  if (packet.length < 20) return "IPv4 header cut off";
  const headerBytes = headerLength(packet);
  if ((packet[0] as number) >> 4 !== 4 || headerBytes < 20 || headerBytes > packet.length) return "bad IPv4 header";
  const totalBytes = be16(packet, 2);
  const isWhole = totalBytes <= packet.length;
  if (!isQuote && totalBytes !== packet.length) return `total length ${totalBytes} in ${packet.length} bytes`;
  if (naiveChecksum(packet.subarray(0, headerBytes)) !== 0) return "wrong IPv4 header checksum";
  const isFragment = (be16(packet, 6) & 0x3fff) !== 0;
  if (isFragment || !isWhole) return "";
  return transportProblem(
    packet[9] as number,
    packet.subarray(0, totalBytes),
    packet.subarray(headerBytes, totalBytes),
  );
}

function transportProblem(protocol: number, packet: Uint8Array, data: Uint8Array): string {
  if (protocol === 1) {
    if (data.length < 8) return "ICMP header cut off";
    return naiveChecksum(data) === 0 ? "" : "wrong ICMP checksum";
  }
  if (protocol === 6 && data.length < 20) return "TCP header cut off";
  if (protocol === 17) {
    if (data.length < 8 || be16(data, 4) !== data.length) return "wrong UDP length";
    if (be16(data, 6) === 0) return "";
  }
  if (protocol !== 6 && protocol !== 17) return "";
  const covered = pseudoHeader(addressText(packet, 12), addressText(packet, 16), protocol, data.length);
  const right = naiveChecksum(Uint8Array.from([...covered, ...data])) === 0;
  return right ? "" : `wrong ${protocol === 6 ? "TCP" : "UDP"} checksum`;
}

/** The expected fields with addresses in the form that a reader sees in a failure. */
function withText(expected: object, text: (value: number, name: string) => string): Record<string, unknown> {
  const textual = /^(source|destination)$|Mac$|Address$/;
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [
      name,
      typeof value === "number" && textual.test(name) ? text(value, name) : value,
    ]),
  );
}

function addressOf(address: AddressLike): string {
  return typeof address === "string"
    ? address
    : [24, 16, 8, 0].map((shift) => String((address >> shift) & 255)).join(".");
}

function macOf(mac: MacLike): string {
  if (typeof mac === "string") return mac;
  return (mac.toString(16).padStart(12, "0").match(/../g) as string[]).join(":");
}

function macText(bytes: Uint8Array, at: number): string {
  return Array.from(bytes.subarray(at, at + 6), (one) => one.toString(16).padStart(2, "0")).join(":");
}

function addressText(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join(".");
}

function headerLength(packet: Uint8Array): number {
  return ((packet[0] as number) & 15) * 4;
}

function be16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function be32(bytes: Uint8Array, at: number): number {
  return (be16(bytes, at) << 16) | be16(bytes, at + 2);
}
