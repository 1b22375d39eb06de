/** The TCP header (RFC 9293 section 3.1). */
import { checksumOf, fold, pseudoHeaderSum, sumBytes } from "../core/checksum.js";
import type { Verdict } from "../core/drops.js";
import { PROTOCOL_TCP } from "./ipv4.js";

export const TCP_HEADER_BYTES = 20;
export const TCP_SEQUENCE_OFFSET = 4;
export const TCP_ACKNOWLEDGEMENT_OFFSET = 8;
export const TCP_CHECKSUM_OFFSET = 16;

export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;
export const TCP_URG = 32;

/** Header shape and checksum; `available` is the IP payload's length in bytes, which is the segment's length. */
export function validateTcp(
  view: DataView,
  at: number,
  available: number,
  source: number,
  destination: number,
): Verdict {
  const shape = validateTcpShape(view, at, available);
  if (shape !== "ok") return shape;
  const sum = sumBytes(view, at, available, pseudoHeaderSum(source, destination, PROTOCOL_TCP, available));
  return fold(sum) === 0xffff ? "ok" : "tcpChecksum";
}

/** The header's shape alone: a translator must not look at the payload (RFC 5382 section 8). */
export function validateTcpShape(view: DataView, at: number, available: number): Verdict {
  if (available < TCP_HEADER_BYTES) return "tcpMalformed";
  // As `tcpHeaderBytes`, without a call.
  const headerBytes = (view.getUint8(at + 12) >> 2) & 60;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > available) return "tcpMalformed";
  const ports = view.getInt32(at);
  if ((ports & 0xffff) === 0 || ports >> 16 === 0) return "tcpMalformed";
  return "ok";
}

export function tcpSourcePort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function tcpDestinationPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function tcpSequence(view: DataView, at: number): number {
  return view.getInt32(at + 4);
}

export function tcpAcknowledgement(view: DataView, at: number): number {
  return view.getInt32(at + 8);
}

export function tcpHeaderBytes(view: DataView, at: number): number {
  return (view.getUint8(at + 12) >> 4) << 2;
}

/** FIN, SYN, RST, PSH, ACK, URG, ECE, CWR from bit 0 up. */
export function tcpFlags(view: DataView, at: number): number {
  return view.getUint8(at + 13);
}

export function tcpWindow(view: DataView, at: number): number {
  return view.getUint16(at + 14);
}

export function tcpUrgentPointer(view: DataView, at: number): number {
  return view.getUint16(at + 18);
}

/**
 * Writes the fixed header in front of options and data already in place, and the checksum over all of it.
 * `headerBytes` counts the options; `length` is the whole segment.
 */
export function writeTcp(
  view: DataView,
  at: number,
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  acknowledgement: number,
  headerBytes: number,
  flags: number,
  window: number,
  length: number,
  source: number,
  destination: number,
): void {
  view.setUint16(at, sourcePort);
  view.setUint16(at + 2, destinationPort);
  view.setInt32(at + 4, sequence);
  view.setInt32(at + 8, acknowledgement);
  view.setUint8(at + 12, (headerBytes >> 2) << 4);
  view.setUint8(at + 13, flags);
  view.setUint16(at + 14, window);
  view.setUint16(at + TCP_CHECKSUM_OFFSET, 0);
  view.setUint16(at + 18, 0);
  const sum = sumBytes(view, at, length, pseudoHeaderSum(source, destination, PROTOCOL_TCP, length));
  view.setUint16(at + TCP_CHECKSUM_OFFSET, checksumOf(sum));
}
