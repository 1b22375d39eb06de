/** What a connection sends: data, acknowledgements, SYN, FIN (RFC 9293 sections 3.8.6, 3.7.4; RFC 5681). */
import { NEVER } from "../../core/clock.js";
import type { Verdict } from "../../core/drops.js";
import { TRANSPORT_AT } from "../../core/frame.js";
import { seqLess, seqMax } from "../../core/sequence.js";
import { IPV4_HEADER_BYTES, PROTOCOL_TCP } from "../../wire/ipv4.js";
import { TCP_ACK, TCP_FIN, TCP_HEADER_BYTES, TCP_PSH, TCP_RST, TCP_SYN, writeTcp } from "../../wire/tcp.js";
import type { DatagramOutput } from "../transport.js";
import type { Connection } from "./connection.js";
import { SYN_OPTION_BYTES, writeMssOption } from "./options.js";
import type { Segment } from "./segment.js";
import { CLOSE_WAIT, CLOSED, ESTABLISHED, LISTEN, SYN_RECEIVED, SYN_SENT, TIME_WAIT } from "./state.js";

/** RFC 6691: the MSS counts neither IP nor TCP options. */
const HEADERS_BYTES = IPV4_HEADER_BYTES + TCP_HEADER_BYTES;
const MAX_WINDOW_BYTES = 65_535;

/** The largest segment the path's first link carries, in bytes of data. */
export function linkMss(output: DatagramOutput, destination: number): number {
  return Math.min(output.mtuTo(destination) - HEADERS_BYTES, output.maxPayloadBytes - TCP_HEADER_BYTES);
}

/** Sends what may go now: new data and FIN as the windows allow, else an acknowledgement that is due. */
export function transmit(connection: Connection): void {
  if (connection.state === SYN_SENT || connection.state === SYN_RECEIVED) {
    if (connection.ackNow) sendAck(connection);
    return;
  }
  if (connection.state < ESTABLISHED) return;
  if (connection.state !== TIME_WAIT) {
    restartAfterIdle(connection);
    while (sendNext(connection, false)) {
      // sendNext does the work; each round sends one segment, and the windows bound their number.
    }
    probeIfBlocked(connection);
  }
  if (connection.ackNow) sendAck(connection);
}

/** Sends an empty segment that acknowledges everything received in order. */
export function sendAck(connection: Connection): void {
  sendSegment(connection, sequenceOfEmpty(connection), TCP_ACK, 0, 0);
}

/** RFC 5961 section 7: an acknowledgement that an attacker may have provoked, at a limited rate. */
export function sendChallengeAck(connection: Connection): void {
  const { clock, settings } = connection.endpoint;
  if (clock.now >= connection.challengePeriodEndMs) {
    connection.challengePeriodEndMs = clock.now + settings.challengePeriodMs;
    connection.challengesSent = 0;
  }
  if (connection.challengesSent >= settings.challengeAcks) return;
  connection.challengesSent++;
  sendAck(connection);
}

/** Sends, or sends again, our SYN; with an ACK in SYN-RECEIVED. */
export function sendSyn(connection: Connection): void {
  const { clock, output } = connection.endpoint;
  const isAnswer = connection.state === SYN_RECEIVED;
  connection.sndMax = (connection.iss + 1) | 0;
  connection.sndNxt = connection.sndMax;
  if (connection.timeouts === 0) connection.roundTrip.start(connection.iss, clock.now);
  if (connection.retransmitAt === NEVER) connection.retransmitAt = clock.now + connection.roundTrip.rtoMs;
  writeMssOption(
    output.frame.view,
    TRANSPORT_AT + TCP_HEADER_BYTES,
    Math.max(output.mtuTo(connection.remoteAddress) - HEADERS_BYTES, 0),
  );
  emit(connection, connection.iss, isAnswer ? TCP_SYN | TCP_ACK : TCP_SYN, TCP_HEADER_BYTES + SYN_OPTION_BYTES, 0);
}

/** The connection's own reset: for `abort`, and for data that nobody will read. */
export function sendReset(connection: Connection): void {
  emit(connection, sequenceOfEmpty(connection), TCP_RST | TCP_ACK, TCP_HEADER_BYTES, 0);
}

/** RFC 9293 section 3.10.7.1: answers a segment that belongs to no connection, unless it is a reset itself. */
export function rejectSegment(output: DatagramOutput, segment: Segment): void {
  if (segment.isReset) return;
  const ack = segment.isAck ? 0 : (segment.sequence + segment.length) | 0;
  writeTcp(
    output.frame.view,
    TRANSPORT_AT,
    segment.destinationPort,
    segment.sourcePort,
    segment.isAck ? segment.ack : 0,
    ack,
    TCP_HEADER_BYTES,
    segment.isAck ? TCP_RST : TCP_RST | TCP_ACK,
    0,
    TCP_HEADER_BYTES,
    segment.destination,
    segment.source,
  );
  output.send(segment.destination, segment.source, PROTOCOL_TCP, TCP_HEADER_BYTES, true);
}

/** Sends the oldest unacknowledged segment again; what is sent next does not change. */
export function resendOldest(connection: Connection): void {
  const bytes = Math.min(connection.sendRing.length, connection.mssBytes, (connection.sndMax - connection.sndUna) | 0);
  const withFin = isFinSent(connection) && bytes === connection.sendRing.length;
  sendSegment(connection, connection.sndUna, withFin ? TCP_ACK | TCP_FIN : TCP_ACK, 0, bytes);
}

/**
 * The persist timer's work. A closed window is asked with one byte, or with the FIN if nothing else is left (RFC 9293
 * section 3.8.6.1); one too small for a good segment is used as it is, after this wait (section 3.8.6.2.1).
 */
export function sendBlocked(connection: Connection): void {
  const offset = (connection.sndNxt - connection.sndUna) | 0;
  if (connection.sndWnd > offset) {
    connection.persistMs = 0;
    sendNext(connection, true);
    return;
  }
  const next = connection.sndNxt;
  const bytes = Math.min(connection.sendRing.length - offset, 1);
  sendSegment(connection, next, bytes === 0 ? TCP_ACK | TCP_FIN : TCP_ACK, offset, bytes);
  // What lies beyond the window counts as sent only once it is acknowledged.
  connection.sndNxt = next;
}

/** A keep-alive probe: an old sequence number and no data, which any live peer answers (RFC 9293 section 3.8.4). */
export function sendKeepAlive(connection: Connection): void {
  sendSegment(connection, (connection.sndNxt - 1) | 0, TCP_ACK, 0, 0);
}

/** True when the right edge of the window has moved so far that the peer should hear of it without being asked. */
export function isWindowUpdateDue(connection: Connection): boolean {
  const gain = (freeEdge(connection) - connection.rcvEdge) | 0;
  const half = connection.receiveRing.capacity >> 1;
  if (gain >= Math.min(half, 2 * connection.mssBytes)) return true;
  // A peer that has less than a segment left may be waiting for this.
  const announced = (connection.rcvEdge - connection.rcvNxt) | 0;
  return announced < connection.mssBytes && gain >= Math.min(half, connection.mssBytes);
}

/** The sequence number of a segment without data: behind everything sent, where the peer's window most likely is. */
function sequenceOfEmpty(connection: Connection): number {
  // A window probe's byte may never have been taken: what comes behind it would be outside the peer's window.
  return connection.persistAt === NEVER ? connection.sndMax : connection.sndNxt;
}

function restartAfterIdle(connection: Connection): void {
  if (connection.sndUna !== connection.sndMax || connection.sendRing.length === 0) return;
  if (connection.endpoint.clock.now - connection.lastSentMs > connection.roundTrip.rtoMs) {
    connection.congestion.restartAfterIdle(connection.mssBytes);
  }
}

/** Sends one segment of data or a FIN if Nagle's rule, the windows and the silly-window rule allow; false if not. */
function sendNext(connection: Connection, evenIfSmall: boolean): boolean {
  const ring = connection.sendRing;
  const mss = connection.mssBytes;
  const offset = (connection.sndNxt - connection.sndUna) | 0;
  const unsent = ring.length - offset;
  if (connection.finAcked || unsent < 0) return false;
  const window = Math.min(connection.sndWnd, connection.congestion.allowance(mss));
  const bytes = Math.max(Math.min(unsent, window - offset, mss), 0);
  const withFin = connection.finQueued && bytes === unsent && connection.sndWnd > offset + bytes;
  if (bytes === 0 && !withFin) return false;
  if (bytes < mss && !withFin && !evenIfSmall && !seqLess(connection.sndNxt, connection.sndMax)) {
    const isLast = bytes === unsent && (offset === 0 || connection.noDelay);
    if (!isLast && bytes < connection.maxSndWnd >> 1) return false;
  }
  const flags = withFin ? TCP_ACK | TCP_FIN : TCP_ACK;
  if (!sendSegment(connection, connection.sndNxt, flags, offset, bytes)) return connection.mssBytes < mss;
  if (connection.retransmitAt === NEVER) startRetransmitTimer(connection);
  return true;
}

function startRetransmitTimer(connection: Connection): void {
  const now = connection.endpoint.clock.now;
  connection.retransmitAt = now + connection.roundTrip.rtoMs;
  if (connection.timeouts === 0) connection.waitingSinceMs = now;
}

/** Something waits and nothing is in flight whose acknowledgement would open the window: the persist timer must. */
function probeIfBlocked(connection: Connection): void {
  if (connection.persistAt !== NEVER || connection.retransmitAt !== NEVER) return;
  const unsent = connection.sendRing.length - ((connection.sndNxt - connection.sndUna) | 0);
  if (unsent < 0 || (unsent === 0 && (!connection.finQueued || connection.finAcked))) return;
  const now = connection.endpoint.clock.now;
  if (connection.persistMs === 0) {
    connection.persistMs = connection.roundTrip.rtoMs;
    connection.waitingSinceMs = now;
  }
  connection.persistAt = now + connection.persistMs;
}

function isFinSent(connection: Connection): boolean {
  const end = (connection.sndUna + connection.sendRing.length) | 0;
  return connection.finQueued && !connection.finAcked && seqLess(end, connection.sndMax);
}

/**
 * Sends `bytes` of data from `offset` in the send ring at `sequence`. False when the path carries no segment of that size
 * any more: the MSS is smaller now.
 */
function sendSegment(connection: Connection, sequence: number, flags: number, offset: number, bytes: number): boolean {
  const { clock, output } = connection.endpoint;
  let allFlags = flags;
  const end = (sequence + bytes + ((flags & TCP_FIN) !== 0 ? 1 : 0)) | 0;
  if (bytes > 0) {
    connection.sendRing.peek(offset, bytes, output.frame.bytes, TRANSPORT_AT + TCP_HEADER_BYTES);
    // RFC 9293 MUST-61: without a push call, the last segment of what is queued pushes.
    if (offset + bytes === connection.sendRing.length) allFlags |= TCP_PSH;
  }
  if (end !== sequence) {
    if (seqLess(sequence, connection.sndMax)) connection.roundTrip.cancel();
    else connection.roundTrip.start(sequence, clock.now);
    connection.lastSentMs = clock.now;
  }
  const verdict = emit(connection, sequence, allFlags, TCP_HEADER_BYTES, bytes);
  if (verdict === "ipTooBig") {
    // The link's MTU was lowered under us.
    const mss = linkMss(output, connection.remoteAddress);
    if (mss > 0 && mss < connection.mssBytes) connection.mssBytes = mss;
    return false;
  }
  if (end === sequence) return true;
  // Anything else that kept the segment here is a loss as on any network; the retransmission timer deals with it.
  connection.sndMax = seqMax(connection.sndMax, end);
  connection.sndNxt = seqMax(connection.sndNxt, end);
  return true;
}

/** Writes the header in front of data and options that are in place, and sends the segment. */
function emit(connection: Connection, sequence: number, flags: number, headerBytes: number, bytes: number): Verdict {
  const output = connection.endpoint.output;
  const isAck = (flags & TCP_ACK) !== 0;
  const window = announcedWindow(connection);
  writeTcp(
    output.frame.view,
    TRANSPORT_AT,
    connection.localPort,
    connection.remotePort,
    sequence,
    isAck ? connection.rcvNxt : 0,
    headerBytes,
    flags,
    window,
    headerBytes + bytes,
    connection.localAddress,
    connection.remoteAddress,
  );
  if (isAck) {
    connection.rcvEdge = (connection.rcvNxt + window) | 0;
    connection.ackNow = false;
    connection.unacknowledgedSegments = 0;
    connection.delayedAckAt = NEVER;
  }
  return output.send(connection.localAddress, connection.remoteAddress, PROTOCOL_TCP, headerBytes + bytes, true);
}

/** What a SYN announces: the whole buffer. */
export function initialWindow(connection: Connection): number {
  return Math.min(connection.receiveRing.capacity, MAX_WINDOW_BYTES);
}

/** Where the window would end if it were announced in full. */
function freeEdge(connection: Connection): number {
  return (connection.rcvNxt + Math.min(connection.receiveRing.free, MAX_WINDOW_BYTES)) | 0;
}

/** RFC 9293 section 3.8.6.2.2: the window grows in worthwhile steps only, and its right edge never moves back. */
function announcedWindow(connection: Connection): number {
  if (connection.state <= SYN_SENT) return initialWindow(connection);
  const held = (connection.rcvEdge - connection.rcvNxt) | 0;
  const full = (freeEdge(connection) - connection.rcvNxt) | 0;
  const step = Math.min(connection.receiveRing.capacity >> 1, connection.mssBytes);
  return full - held >= step ? full : Math.max(held, 0);
}

/** True while the application may write. */
export function canWrite(connection: Connection): boolean {
  const state = connection.state;
  if (connection.finQueued || state === CLOSED || state === LISTEN) return false;
  return state === SYN_SENT || state === SYN_RECEIVED || state === ESTABLISHED || state === CLOSE_WAIT;
}
