/** The UDP header (RFC 768). */
import { checksumOf, fold, pseudoHeaderSum, sumBytes } from "../core/checksum.js";
import type { Verdict } from "../core/drops.js";
import { PROTOCOL_UDP } from "./ipv4.js";

export const UDP_HEADER_BYTES = 8;
export const UDP_CHECKSUM_OFFSET = 6;

/** `available` is the IP payload's length in bytes. A checksum of 0 means there is none (RFC 1122 section 4.1.3.4). */
export function validateUdp(
  view: DataView,
  at: number,
  available: number,
  source: number,
  destination: number,
): Verdict {
  if (available < UDP_HEADER_BYTES) return "udpMalformed";
  const length = udpBytes(view, at);
  if (length < UDP_HEADER_BYTES || length > available || udpDestinationPort(view, at) === 0) return "udpMalformed";
  if (view.getUint16(at + UDP_CHECKSUM_OFFSET) === 0) return "ok";
  const sum = sumBytes(view, at, length, pseudoHeaderSum(source, destination, PROTOCOL_UDP, length));
  return fold(sum) === 0xffff ? "ok" : "udpChecksum";
}

export function udpSourcePort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function udpDestinationPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** Header and data, in bytes. */
export function udpBytes(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** Writes the header in front of data already in place, checksum included; `length` counts header and data. */
export function writeUdp(
  view: DataView,
  at: number,
  sourcePort: number,
  destinationPort: number,
  length: number,
  source: number,
  destination: number,
): void {
  view.setUint16(at, sourcePort);
  view.setUint16(at + 2, destinationPort);
  view.setUint16(at + 4, length);
  view.setUint16(at + UDP_CHECKSUM_OFFSET, 0);
  const sum = sumBytes(view, at, length, pseudoHeaderSum(source, destination, PROTOCOL_UDP, length));
  // A computed 0 would read as "no checksum".
  view.setUint16(at + UDP_CHECKSUM_OFFSET, checksumOf(sum) || 0xffff);
}
