/**
 * ICMP errors through the NAT (RFC 5508 section 4): the packet they quote is put back into the form that its sender knows.
 * An error neither prolongs nor ends a session (REQ-6).
 */
import { delta16, delta32, fold, patchChecksum, sumBytes, updateChecksum } from "../core/checksum.js";
import type { Verdict } from "../core/drops.js";
import type { FlowTable } from "../flow/table.js";
import {
  ICMP_CHECKSUM_OFFSET,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_BYTES,
  ICMP_IDENTIFIER_OFFSET,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP_REPLY,
  ICMP_TIMESTAMP_REQUEST,
  ICMP_UNREACHABLE,
  icmpType,
  validateIcmp,
} from "../wire/icmp.js";
import {
  IP_CHECKSUM_OFFSET,
  IP_DESTINATION_OFFSET,
  IP_OFFSET_MASK,
  IP_SOURCE_OFFSET,
  IPV4_HEADER_BYTES,
  ipDestination,
  ipFragmentField,
  ipHeaderBytes,
  ipProtocol,
  ipSource,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  recordsAddresses,
  validateOptions,
} from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { TCP_CHECKSUM_OFFSET } from "../wire/tcp.js";
import { UDP_CHECKSUM_OFFSET } from "../wire/udp.js";
import type { Decision } from "./decision.js";
import { setDestination, setSource } from "./rewrite.js";
import type { Sessions } from "./sessions.js";

/** What a quote holds at least, behind its IP header (RFC 792). */
const QUOTED_TRANSPORT_BYTES = 8;

/** The errors that are translated: source quench and redirect are obsolete, or nobody's business across a NAT. */
export function isTranslatedError(type: number): boolean {
  return type === ICMP_UNREACHABLE || type === ICMP_TIME_EXCEEDED || type === ICMP_PARAMETER_PROBLEM;
}

/** Queries that a NAT translates by their identifier, and their answers (RFC 5508 REQ-1). */
export function isQueryRequest(type: number): boolean {
  return type === ICMP_ECHO_REQUEST || type === ICMP_TIMESTAMP_REQUEST;
}

export function isQueryReply(type: number): boolean {
  return type === ICMP_ECHO_REPLY || type === ICMP_TIMESTAMP_REPLY;
}

/** Finds the session that an error from outside is about: its quote is of a packet that left with our address. */
export function judgeInboundError(packet: Packet, sessions: Sessions, flows: FlowTable, decision: Decision): Verdict {
  const verdict = validateError(packet);
  if (verdict !== "ok") return verdict;
  const view = packet.frame.view;
  const quoteAt = packet.transportAt + ICMP_HEADER_BYTES;
  const transportAt = quoteAt + ipHeaderBytes(view, quoteAt);
  const protocol = ipProtocol(view, quoteAt);
  const isQuery = protocol === PROTOCOL_ICMP;
  if (ipSource(view, quoteAt) !== flows.externalAddress) return "icmpErrorUnmatched";
  const externalPort = view.getUint16(isQuery ? transportAt + ICMP_IDENTIFIER_OFFSET : transportAt);
  const remotePort = isQuery ? 0 : view.getUint16(transportAt + 2);
  decision.session = sessions.findInbound(protocol, ipDestination(view, quoteAt), remotePort, externalPort);
  return decision.session < 0 ? "icmpErrorUnmatched" : "ok";
}

/** The quote gets the inside endpoint as source again, and the error goes to the inside host. */
export function translateInboundError(packet: Packet, session: number, flows: FlowTable): void {
  const inside = flows.insideAddress(session);
  rewriteQuote(packet, IP_SOURCE_OFFSET, inside, 0, flows.insidePort(session));
  setDestination(packet, inside);
}

/** Finds the session that an error from inside is about: its quote is of a packet that came from outside. */
export function judgeOutboundError(packet: Packet, sessions: Sessions, decision: Decision): Verdict {
  const verdict = validateError(packet);
  if (verdict !== "ok") return verdict;
  const view = packet.frame.view;
  const quoteAt = packet.transportAt + ICMP_HEADER_BYTES;
  const transportAt = quoteAt + ipHeaderBytes(view, quoteAt);
  const protocol = ipProtocol(view, quoteAt);
  const isQuery = protocol === PROTOCOL_ICMP;
  if (namesRoute(view, quoteAt, transportAt - quoteAt)) return "ipOptionRefused";
  const insidePort = view.getUint16(transportAt + (isQuery ? ICMP_IDENTIFIER_OFFSET : 2));
  const remotePort = isQuery ? 0 : view.getUint16(transportAt);
  const remote = ipSource(view, quoteAt);
  const session = sessions.findOutbound(protocol, ipDestination(view, quoteAt), insidePort, remote, remotePort);
  decision.session = session;
  // The sender of the quoted packet is the only one whom it concerns.
  return session < 0 || packet.destination !== remote ? "icmpErrorUnmatched" : "ok";
}

/**
 * The quote gets our external endpoint as destination again, and the error seems to come from us, whichever inside router
 * sent it (REQ-5c).
 */
export function translateOutboundError(packet: Packet, session: number, flows: FlowTable): void {
  const external = flows.externalAddress;
  rewriteQuote(packet, IP_DESTINATION_OFFSET, external, 2, flows.externalPort(session));
  setSource(packet, external);
}

/** RFC 5508 REQ-3: the ICMP checksum and the quoted IP header must be right; the quoted transport checksum need not be. */
function validateError(packet: Packet): Verdict {
  const view = packet.frame.view;
  const verdict = validateIcmp(view, packet.transportAt, packet.payloadBytes);
  if (verdict !== "ok") return verdict;
  const quoteAt = packet.transportAt + ICMP_HEADER_BYTES;
  const available = packet.payloadBytes - ICMP_HEADER_BYTES;
  if (available < IPV4_HEADER_BYTES + QUOTED_TRANSPORT_BYTES) return "icmpMalformed";
  const headerBytes = ipHeaderBytes(view, quoteAt);
  if (view.getUint8(quoteAt) >> 4 !== 4 || headerBytes < IPV4_HEADER_BYTES) return "icmpMalformed";
  if (available < headerBytes + QUOTED_TRANSPORT_BYTES) return "icmpMalformed";
  if (fold(sumBytes(view, quoteAt, headerBytes, 0)) !== 0xffff) return "icmpMalformed";
  // Only a first fragment has ports.
  if ((ipFragmentField(view, quoteAt) & IP_OFFSET_MASK) !== 0) return "icmpErrorUnmatched";
  const protocol = ipProtocol(view, quoteAt);
  if (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) return "ok";
  if (protocol !== PROTOCOL_ICMP) return "icmpErrorUnmatched";
  const type = icmpType(view, quoteAt + headerBytes);
  return isQueryRequest(type) || isQueryReply(type) ? "ok" : "icmpErrorUnmatched";
}

/** Whether a quoted header has an option that may name inside addresses, which the outside is not to see (RFC 5508 section 7.3). */
function namesRoute(view: DataView, at: number, headerBytes: number): boolean {
  if (headerBytes === IPV4_HEADER_BYTES) return false;
  // That refuses source routes, too.
  if (validateOptions(view, at + IPV4_HEADER_BYTES, at + headerBytes) !== "ok") return true;
  return recordsAddresses(view, at, headerBytes);
}

/**
 * Replaces one address of the quoted header and the port that goes with it (for ICMP, the identifier), and mends the quoted
 * checksums as far as they are in the quote, and the error's own.
 */
function rewriteQuote(packet: Packet, addressOffset: number, address: number, portOffset: number, port: number): void {
  const view = packet.frame.view;
  const quoteAt = packet.transportAt + ICMP_HEADER_BYTES;
  const transportAt = quoteAt + ipHeaderBytes(view, quoteAt);
  const protocol = ipProtocol(view, quoteAt);
  const isQuery = protocol === PROTOCOL_ICMP;
  const portAt = transportAt + (isQuery ? ICMP_IDENTIFIER_OFFSET : portOffset);

  const addressDelta = delta32(view.getInt32(quoteAt + addressOffset), address);
  const portDelta = delta16(view.getUint16(portAt), port);
  view.setInt32(quoteAt + addressOffset, address);
  view.setUint16(portAt, port);
  const ipChecksumDelta = mendChecksum(view, quoteAt + IP_CHECKSUM_OFFSET, addressDelta);
  let errorDelta = addressDelta + portDelta + ipChecksumDelta;

  const checksumOffset = isQuery
    ? ICMP_CHECKSUM_OFFSET
    : protocol === PROTOCOL_UDP
      ? UDP_CHECKSUM_OFFSET
      : TCP_CHECKSUM_OFFSET;
  const checksumAt = transportAt + checksumOffset;
  const isQuoted = checksumAt + 2 <= packet.transportAt + packet.payloadBytes;
  // 0 is UDP's "none", or the padding in front of an extension (RFC 4884 section 5.1).
  if (isQuoted && (isQuery || view.getUint16(checksumAt) !== 0)) {
    errorDelta += mendChecksum(view, checksumAt, isQuery ? portDelta : addressDelta + portDelta);
    if (protocol === PROTOCOL_UDP && view.getUint16(checksumAt) === 0) {
      // 0 and 0xffff are the same to a sum.
      view.setUint16(checksumAt, 0xffff);
    }
  }
  patchChecksum(packet.frame, packet.transportAt + ICMP_CHECKSUM_OFFSET, errorDelta);
}

/** Updates a checksum field for a change of what it covers, and returns the change to a sum over the field itself. */
function mendChecksum(view: DataView, at: number, delta: number): number {
  const before = view.getUint16(at);
  const after = updateChecksum(before, delta);
  view.setUint16(at, after);
  return delta16(before, after);
}
