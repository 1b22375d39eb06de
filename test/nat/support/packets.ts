/** Packets as the gateway hands them to the NAT, and a full check of what comes out. */
import { expect } from "vitest";
import { parseAddress } from "../../../src/core/address.js";
import { fold, pseudoHeaderSum, sumBytes } from "../../../src/core/checksum.js";
import { ETHERNET_HEADER_BYTES, Frame, NETWORK_AT, TRANSPORT_AT } from "../../../src/core/frame.js";
import { validateIcmp, writeIcmp } from "../../../src/wire/icmp.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, writeIpv4 } from "../../../src/wire/ipv4.js";
import { Packet } from "../../../src/wire/packet.js";
import { TCP_ACK, writeTcp } from "../../../src/wire/tcp.js";
import { writeUdp } from "../../../src/wire/udp.js";

export function address(text: string): number {
  const value = parseAddress(text);
  if (value === undefined) throw new Error(`${text} is not an address`);
  return value;
}

export interface Endpoint {
  readonly address: number;
  readonly port: number;
}

/** An endpoint from `address:port`. */
export function at(text: string): Endpoint {
  const [host, port] = text.split(":");
  return { address: address(host as string), port: Number(port) };
}

export interface TcpFields {
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly options?: readonly number[];
}

function finish(frame: Frame, from: number, to: number, protocol: number, payloadBytes: number): Packet {
  writeIpv4(frame.view, NETWORK_AT, 0, 20 + payloadBytes, 7, 0x4000, 64, protocol, from, to);
  frame.view.setUint16(14, 0x0800);
  const packet = new Packet(frame);
  packet.read(frame, 0, false);
  return packet;
}

export function udp(from: Endpoint, to: Endpoint, data: readonly number[] = [1, 2, 3]): Packet {
  const frame = new Frame();
  frame.bytes.set(data, TRANSPORT_AT + 8);
  const length = 8 + data.length;
  writeUdp(frame.view, TRANSPORT_AT, from.port, to.port, length, from.address, to.address);
  return finish(frame, from.address, to.address, PROTOCOL_UDP, length);
}

export function tcp(
  from: Endpoint,
  to: Endpoint,
  flags: number,
  { sequence = 0, acknowledgement = 0, options = [] }: TcpFields = {},
  data: readonly number[] = [],
): Packet {
  const frame = new Frame();
  const headerBytes = 20 + options.length;
  const length = headerBytes + data.length;
  frame.bytes.set(options, TRANSPORT_AT + 20);
  frame.bytes.set(data, TRANSPORT_AT + headerBytes);
  const ack = flags & TCP_ACK ? acknowledgement : 0;
  const { view } = frame;
  const [source, destination] = [from.address, to.address];
  writeTcp(
    view,
    TRANSPORT_AT,
    from.port,
    to.port,
    sequence,
    ack,
    headerBytes,
    flags,
    8192,
    length,
    source,
    destination,
  );
  return finish(frame, from.address, to.address, PROTOCOL_TCP, length);
}

export function icmp(
  from: number,
  to: number,
  type: number,
  code: number,
  rest: number,
  data: readonly number[] = [],
): Packet {
  const frame = new Frame();
  frame.bytes.set(data, TRANSPORT_AT + 8);
  writeIcmp(frame.view, TRANSPORT_AT, type, code, rest, 8 + data.length);
  return finish(frame, from, to, PROTOCOL_ICMP, 8 + data.length);
}

export function echo(from: number, to: number, type: 0 | 8, identifier: number, sequence = 1): Packet {
  return icmp(from, to, type, 0, (identifier << 16) | sequence, [9, 8, 7, 6, 5]);
}

/** The packet's bytes, IP header first. */
export function bytesOf(packet: Packet, length = packet.totalBytes): number[] {
  return [...packet.frame.bytes.subarray(NETWORK_AT, NETWORK_AT + length)];
}

/** A packet with these IP bytes. */
export function fromBytes(bytes: readonly number[]): Packet {
  const frame = new Frame();
  frame.bytes.set(bytes, NETWORK_AT);
  frame.view.setUint16(14, 0x0800);
  const packet = new Packet(frame);
  packet.read(frame, 0, false);
  return packet;
}

export function source(packet: Packet): Endpoint {
  return { address: packet.source, port: packet.frame.view.getUint16(packet.transportAt) };
}

export function destination(packet: Packet): Endpoint {
  return { address: packet.destination, port: packet.frame.view.getUint16(packet.transportAt + 2) };
}

export function identifier(packet: Packet): number {
  return packet.frame.view.getUint16(packet.transportAt + 4);
}

/** Frame length as the gateway counts it. */
export function frameBytes(packet: Packet): number {
  return ETHERNET_HEADER_BYTES + packet.totalBytes;
}

/** The fields of `packet` agree with its bytes, and all checksums are right when computed from scratch. */
export function expectSound(packet: Packet): void {
  const { view } = packet.frame;
  const fresh = new Packet(packet.frame);
  const { frame, totalBytes, interfaceIndex, isLinkBroadcast } = packet;
  expect(fresh.take(frame, totalBytes, interfaceIndex, isLinkBroadcast)).toBe("ok");
  expect(packet).toEqual(fresh);
  if (packet.protocol === PROTOCOL_ICMP) {
    expect(validateIcmp(view, packet.transportAt, packet.payloadBytes)).toBe("ok");
    return;
  }
  if (packet.protocol === PROTOCOL_UDP && view.getUint16(packet.transportAt + 6) === 0) return;
  const pseudo = pseudoHeaderSum(packet.source, packet.destination, packet.protocol, packet.payloadBytes);
  expect(fold(sumBytes(view, packet.transportAt, packet.payloadBytes, pseudo))).toBe(0xffff);
}
