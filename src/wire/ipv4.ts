/** The IPv4 header (RFC 791 section 3.1). Functions take the offset of the header, for ICMP errors quote headers too. */
import { checksumOf, sumBytes } from "../core/checksum.js";
import type { Verdict } from "../core/drops.js";

export const IPV4_HEADER_BYTES = 20;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

/** Flag bits of the 16-bit flags-and-offset field. */
export const IP_RESERVED_FLAG = 0x8000;
export const IP_DONT_FRAGMENT = 0x4000;
export const IP_MORE_FRAGMENTS = 0x2000;
/** The fragment offset, in units of 8 bytes. */
export const IP_OFFSET_MASK = 0x1fff;

/** RFC 1340's recommended default, and what Linux sends. */
export const DEFAULT_TTL = 64;

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_RECORD_ROUTE = 7;
const OPTION_TIMESTAMP = 68;
const OPTION_LOOSE_SOURCE_ROUTE = 131;
const OPTION_STRICT_SOURCE_ROUTE = 137;

/** The options between `from` and `end`, the end of the header. */
export function validateOptions(view: DataView, from: number, end: number): Verdict {
  let at = from;
  while (at < end) {
    const type = view.getUint8(at);
    if (type === OPTION_END) return "ok";
    if (type === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return "ipOptionRefused";
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > end) return "ipOptionRefused";
    if (type === OPTION_LOOSE_SOURCE_ROUTE || type === OPTION_STRICT_SOURCE_ROUTE) return "ipOptionRefused";
    at += length;
  }
  return "ok";
}

/** Whether a header of `headerBytes`, validated before, has an option that collects the addresses of those on the way. */
export function recordsAddresses(view: DataView, at: number, headerBytes: number): boolean {
  const end = at + headerBytes;
  let optionAt = at + IPV4_HEADER_BYTES;
  while (optionAt < end) {
    const type = view.getUint8(optionAt);
    if (type === OPTION_END) return false;
    if (type === OPTION_RECORD_ROUTE || type === OPTION_TIMESTAMP) return true;
    optionAt += type === OPTION_NOP ? 1 : view.getUint8(optionAt + 1);
  }
  return false;
}

export function ipHeaderBytes(view: DataView, at: number): number {
  return (view.getUint8(at) & 15) << 2;
}

/** The type of service octet: DSCP in the upper six bits, ECN in the lower two. */
export function ipTos(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function ipTotalBytes(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function ipIdentification(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** Flags and fragment offset as they stand on the wire. */
export function ipFragmentField(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function ipTtl(view: DataView, at: number): number {
  return view.getUint8(at + 8);
}

export function ipProtocol(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

export function ipSource(view: DataView, at: number): number {
  return view.getInt32(at + 12);
}

export function ipDestination(view: DataView, at: number): number {
  return view.getInt32(at + 16);
}

export const IP_TTL_OFFSET = 8;
export const IP_CHECKSUM_OFFSET = 10;
export const IP_SOURCE_OFFSET = 12;
export const IP_DESTINATION_OFFSET = 16;

/** Computes and writes the header checksum of a header of `headerBytes`. */
export function writeIpChecksum(view: DataView, at: number, headerBytes: number): void {
  view.setUint16(at + IP_CHECKSUM_OFFSET, 0);
  view.setUint16(at + IP_CHECKSUM_OFFSET, checksumOf(sumBytes(view, at, headerBytes, 0)));
}

/** Writes a header without options, checksum included. `fragmentField` holds flags and offset as on the wire. */
export function writeIpv4(
  view: DataView,
  at: number,
  tos: number,
  totalBytes: number,
  identification: number,
  fragmentField: number,
  ttl: number,
  protocol: number,
  source: number,
  destination: number,
): void {
  view.setUint8(at, 0x45);
  view.setUint8(at + 1, tos);
  view.setUint16(at + 2, totalBytes);
  view.setUint16(at + 4, identification);
  view.setUint16(at + 6, fragmentField);
  view.setUint8(at + 8, ttl);
  view.setUint8(at + 9, protocol);
  view.setInt32(at + IP_SOURCE_OFFSET, source);
  view.setInt32(at + IP_DESTINATION_OFFSET, destination);
  writeIpChecksum(view, at, IPV4_HEADER_BYTES);
}
