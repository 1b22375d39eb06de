/** ICMP (RFC 792, RFC 1191). */
import { checksumOf, fold, sumBytes } from "../core/checksum.js";
import type { Verdict } from "../core/drops.js";

export const ICMP_HEADER_BYTES = 8;
export const ICMP_CHECKSUM_OFFSET = 2;
/** Offset of the identifier of queries. */
export const ICMP_IDENTIFIER_OFFSET = 4;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;
export const ICMP_TIMESTAMP_REQUEST = 13;
export const ICMP_TIMESTAMP_REPLY = 14;

export const UNREACHABLE_NET = 0;
export const UNREACHABLE_HOST = 1;
export const UNREACHABLE_PROTOCOL = 2;
export const UNREACHABLE_PORT = 3;
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4;
export const UNREACHABLE_PROHIBITED = 13;

export const REDIRECT_HOST = 1;

export const TIME_EXCEEDED_TTL = 0;
export const TIME_EXCEEDED_REASSEMBLY = 1;

export function validateIcmp(view: DataView, at: number, length: number): Verdict {
  if (length < ICMP_HEADER_BYTES) return "icmpMalformed";
  return fold(sumBytes(view, at, length, 0)) === 0xffff ? "ok" : "icmpChecksum";
}

export function icmpType(view: DataView, at: number): number {
  return view.getUint8(at);
}

export function icmpCode(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function icmpIdentifier(view: DataView, at: number): number {
  return view.getUint16(at + ICMP_IDENTIFIER_OFFSET);
}

export function icmpSequence(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** The next-hop MTU of "fragmentation needed"; 0 from routers older than RFC 1191. */
export function icmpNextHopMtu(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** The messages that quote a packet and must never provoke another error (RFC 1122 section 3.2.2). */
export function isIcmpError(type: number): boolean {
  return (
    type === ICMP_UNREACHABLE ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETER_PROBLEM ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT
  );
}

/** Writes the 8-byte header in front of data already in place, checksum included; `rest` is the second header word. */
export function writeIcmp(view: DataView, at: number, type: number, code: number, rest: number, length: number): void {
  view.setUint8(at, type);
  view.setUint8(at + 1, code);
  view.setUint16(at + ICMP_CHECKSUM_OFFSET, 0);
  view.setInt32(at + 4, rest);
  view.setUint16(at + ICMP_CHECKSUM_OFFSET, checksumOf(sumBytes(view, at, length, 0)));
}
