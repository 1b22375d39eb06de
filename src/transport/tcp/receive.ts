/**
 * What a connection makes of a segment: RFC 9293 section 3.10.7, with the defences of RFC 5961.
 *
 * Every function may end the connection; `receiveSegment` returns what became of the segment.
 */
import { NEVER } from "../../core/clock.js";
import type { Verdict } from "../../core/drops.js";
import { seqInWindow, seqLess, seqLessOrEqual, seqMax } from "../../core/sequence.js";
import {
  abandon,
  type Connection,
  enterClosed,
  enterTimeWait,
  REFUSED,
  RESET,
  reportEnd,
  waitForFin,
} from "./connection.js";
import type { Segment } from "./segment.js";
import {
  initialWindow,
  linkMss,
  rejectSegment,
  resendOldest,
  sendAck,
  sendChallengeAck,
  sendReset,
  sendSyn,
} from "./send.js";
import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  SYN_RECEIVED,
  SYN_SENT,
  TIME_WAIT,
} from "./state.js";

export function receiveSegment(connection: Connection, segment: Segment): Verdict {
  return connection.state === SYN_SENT ? receiveInSynSent(connection, segment) : receiveInOrder(connection, segment);
}

/** A listener's new connection takes the peer's SYN. */
export function takeSyn(connection: Connection, segment: Segment): void {
  const { output } = connection.endpoint;
  connection.irs = segment.sequence;
  connection.rcvNxt = (segment.sequence + 1) | 0;
  connection.rcvEdge = connection.rcvNxt;
  connection.rcvUp = connection.rcvNxt;
  connection.limitMss(segment.mssBytes, linkMss(output, connection.remoteAddress));
  takeWindow(connection, segment);
}

/** RFC 9293 section 3.10.7.3. */
function receiveInSynSent(connection: Connection, segment: Segment): Verdict {
  const isAcceptable = segment.isAck && segment.ack === connection.sndMax;
  if (segment.isAck && !isAcceptable) {
    rejectSegment(connection.endpoint.output, segment);
    return "tcpBadAck";
  }
  if (segment.isReset) {
    if (!isAcceptable) return "tcpUnacceptable";
    abandon(connection, REFUSED);
    return "ok";
  }
  if (!segment.isSyn) return "tcpUnacceptable";
  connection.lastHeardMs = connection.endpoint.clock.now;
  takeSyn(connection, segment);
  if (!isAcceptable) {
    // Simultaneous open: the same SYN again, now with an acknowledgement.
    connection.state = SYN_RECEIVED;
    connection.retransmitAt = NEVER;
    sendSyn(connection);
    return "ok";
  }
  connection.ackNow = true;
  establish(connection, segment);
  // Data may come with the SYN, as far as our own SYN announced a window for it.
  const window = initialWindow(connection);
  connection.rcvEdge = (connection.rcvNxt + window) | 0;
  segment.dropSyn();
  takeRest(connection, segment, window);
  return "ok";
}

/** RFC 9293 section 3.10.7.4: every state in which the peer's sequence number is known. */
function receiveInOrder(connection: Connection, segment: Segment): Verdict {
  const window = Math.max((connection.rcvEdge - connection.rcvNxt) | 0, 0);
  if (segment.isReset) return receiveReset(connection, segment, window);
  if (segment.isSyn) {
    const isRepeated = connection.state === SYN_RECEIVED && segment.sequence === connection.irs;
    if (!isRepeated) {
      // RFC 5961 section 4.2: a genuine peer that restarted answers the challenge with a reset.
      sendChallengeAck(connection);
      return "tcpChallenged";
    }
    if (!segment.isAck) {
      // The peer did not get our SYN: an ACK alone would not help it.
      sendSyn(connection);
      return "ok";
    }
    // Simultaneous open: the SYN is known, its acknowledgement counts (RFC 9293 figure 8).
    segment.dropSyn();
  }
  if (!isAcceptable(connection, segment, window)) {
    answerUnacceptable(connection, segment);
    return "tcpOutsideWindow";
  }
  if (!segment.isAck) return "tcpUnacceptable";
  const verdict = receiveAck(connection, segment);
  if (verdict !== "ok") return verdict;
  connection.lastHeardMs = connection.endpoint.clock.now;
  connection.unansweredProbes = 0;
  if (connection.keepAliveMs > 0) connection.keepAliveAt = connection.lastHeardMs + connection.keepAliveMs;
  // The ACK of our FIN may have ended the connection.
  if (connection.state !== CLOSED) takeRest(connection, segment, window);
  return "ok";
}

/** The sixth to eighth step: urgent pointer, text and FIN, as far as they fit. */
function takeRest(connection: Connection, segment: Segment, window: number): void {
  receiveUrgent(connection, segment);
  trimToWindow(connection, segment, window);
  if (segment.dataBytes > 0 || segment.isFin) receiveText(connection, segment);
}

/** RFC 5961 section 3.2: only the exact sequence number resets; any other in the window is asked to prove itself. */
function receiveReset(connection: Connection, segment: Segment, window: number): Verdict {
  if (segment.sequence !== connection.rcvNxt) {
    if (!seqInWindow(segment.sequence, connection.rcvNxt, window)) return "tcpOutsideWindow";
    sendChallengeAck(connection);
    return "tcpChallenged";
  }
  if (connection.state === TIME_WAIT) enterClosed(connection);
  else abandon(connection, connection.state === SYN_RECEIVED ? REFUSED : RESET);
  return "ok";
}

/** The four cases of RFC 9293 table 6, with the window probe let in so far that its ACK counts (MUST-66). */
function isAcceptable(connection: Connection, segment: Segment, window: number): boolean {
  const length = segment.length;
  if (window === 0) return segment.sequence === connection.rcvNxt;
  if (seqInWindow(segment.sequence, connection.rcvNxt, window)) return true;
  return length > 0 && seqInWindow((segment.sequence + length - 1) | 0, connection.rcvNxt, window);
}

function answerUnacceptable(connection: Connection, segment: Segment): void {
  if (connection.state === TIME_WAIT && segment.isFin) enterTimeWait(connection);
  // Repeated data deserves its answer at once: the first may be lost. Empty segments could be two hosts answering each
  // other for ever, and a SYN may be forged.
  if (segment.dataBytes > 0 || segment.isFin) sendAck(connection);
  else sendChallengeAck(connection);
}

/** Cuts off what was received before and what lies beyond the window. */
function trimToWindow(connection: Connection, segment: Segment, window: number): void {
  const repeated = (connection.rcvNxt - segment.sequence) | 0;
  if (repeated > 0) {
    segment.trimFront(Math.min(repeated, segment.dataBytes));
    connection.ackNow = true;
  }
  const end = (segment.sequence + segment.dataBytes) | 0;
  const excess = (end - connection.rcvNxt - window) | 0;
  if (excess > 0) {
    segment.dataBytes = Math.max(segment.dataBytes - excess, 0);
    segment.dropFin();
    connection.ackNow = true;
  }
}

/** RFC 9293 section 3.10.7.4, fifth step. */
function receiveAck(connection: Connection, segment: Segment): Verdict {
  const ack = segment.ack;
  if (connection.state === SYN_RECEIVED) {
    if (ack !== connection.sndMax) {
      rejectSegment(connection.endpoint.output, segment);
      return "tcpBadAck";
    }
    establish(connection, segment);
    return "ok";
  }
  // RFC 5961 section 5.2.
  if (seqLess(connection.sndMax, ack) || seqLess(ack, (connection.sndUna - connection.maxSndWnd) | 0)) {
    sendChallengeAck(connection);
    return "tcpBadAck";
  }
  if (seqLess(connection.sndUna, ack)) takeAck(connection, ack);
  else if (ack === connection.sndUna) countDuplicate(connection, segment);
  const isNewer = seqLess(connection.sndWl1, segment.sequence);
  if (isNewer || (connection.sndWl1 === segment.sequence && seqLessOrEqual(connection.sndWl2, ack))) {
    takeWindow(connection, segment);
  }
  if (connection.finAcked) advanceAfterFin(connection);
  return "ok";
}

function takeAck(connection: Connection, ack: number): void {
  const { clock } = connection.endpoint;
  const acked = (ack - connection.sndUna) | 0;
  const data = Math.min(acked, connection.sendRing.length);
  if (connection.finQueued && acked > connection.sendRing.length) connection.finAcked = true;
  connection.sendRing.drop(data);
  connection.roundTrip.acknowledged(ack, clock.now);
  connection.sndUna = ack;
  connection.sndNxt = seqMax(connection.sndNxt, ack);
  const flight = (connection.sndMax - ack) | 0;
  const resend = connection.congestion.acknowledged(ack, acked, flight, connection.mssBytes);
  connection.timeouts = 0;
  connection.waitingSinceMs = clock.now;
  if (connection.sendRing.length === 0 && connection.finAcked === connection.finQueued) stopProbing(connection);
  if (flight === 0) connection.retransmitAt = NEVER;
  // In a recovery every partial ACK restarts the timer, RFC 6582 section 4's "slow but steady" variant.
  else if (connection.retransmitAt !== NEVER) connection.retransmitAt = clock.now + connection.roundTrip.rtoMs;
  if (resend) resendOldest(connection);
  if (connection.wantsRoom && data > 0) {
    connection.wantsRoom = false;
    connection.socket?.becameWritable();
  }
}

/** RFC 5681 section 2's definition of a duplicate acknowledgement. */
function countDuplicate(connection: Connection, segment: Segment): void {
  const flight = (connection.sndMax - connection.sndUna) | 0;
  const isDuplicate =
    flight > 0 &&
    connection.retransmitAt !== NEVER &&
    segment.length === 0 &&
    segment.windowBytes === connection.sndWnd;
  if (!isDuplicate) return;
  if (connection.congestion.duplicate(segment.ack, connection.sndMax, flight, connection.mssBytes)) {
    resendOldest(connection);
  }
}

function takeWindow(connection: Connection, segment: Segment): void {
  connection.sndWnd = segment.windowBytes;
  connection.sndWl1 = segment.sequence;
  connection.sndWl2 = segment.ack;
  if (segment.windowBytes > connection.maxSndWnd) connection.maxSndWnd = segment.windowBytes;
  if (segment.windowBytes > 0) stopProbing(connection);
}

function stopProbing(connection: Connection): void {
  connection.persistAt = NEVER;
  connection.persistMs = 0;
}

/** Our SYN is acknowledged: from SYN-SENT or SYN-RECEIVED to ESTABLISHED, or beyond when the application closed. */
function establish(connection: Connection, segment: Segment): void {
  const { clock } = connection.endpoint;
  connection.roundTrip.acknowledged(segment.ack, clock.now);
  if (connection.synWasLost) connection.roundTrip.synWasLost();
  connection.congestion.begin(connection.mssBytes, connection.synWasLost);
  connection.sndUna = segment.ack;
  connection.sndNxt = segment.ack;
  connection.timeouts = 0;
  connection.retransmitAt = NEVER;
  connection.lastSentMs = clock.now;
  takeWindow(connection, segment);
  connection.state = connection.finQueued ? FIN_WAIT_1 : ESTABLISHED;
  if (connection.keepAliveMs > 0) connection.keepAliveAt = clock.now + connection.keepAliveMs;
  if (connection.listener !== undefined) connection.endpoint.accepted(connection);
  connection.socket?.connected();
}

/** Our FIN is acknowledged. */
function advanceAfterFin(connection: Connection): void {
  switch (connection.state) {
    case FIN_WAIT_1:
      connection.state = FIN_WAIT_2;
      if (connection.abandoned) waitForFin(connection);
      break;
    case CLOSING:
      enterTimeWait(connection);
      break;
    case LAST_ACK:
      enterClosed(connection);
      break;
    default:
  }
}

/** The urgent mark moves forward only; the urgent bytes stay in the stream, as RFC 6093 recommends. */
function receiveUrgent(connection: Connection, segment: Segment): void {
  if (!segment.isUrgent || segment.urgentPointer === 0 || connection.finReceived) return;
  const mark = (segment.sequence + segment.urgentPointer) | 0;
  if (!seqLess(connection.rcvUp, mark) || !seqLess(connection.rcvNxt, mark)) return;
  connection.rcvUp = mark;
  connection.socket?.becameUrgent();
}

/** Takes the segment's data and FIN, which `trimToWindow` has cut to fit. */
function receiveText(connection: Connection, segment: Segment): void {
  if (connection.finReceived) return;
  let end = (segment.sequence + segment.dataBytes) | 0;
  if (connection.finKnown && seqLess(connection.finSequence, end)) {
    end = connection.finSequence;
    segment.dataBytes = Math.max((end - segment.sequence) | 0, 0);
  }
  if (segment.dataBytes > 0 && connection.abandoned) {
    // RFC 9293 section 3.6: what the application will never read is not acknowledged, and the peer is told.
    sendReset(connection);
    abandon(connection, undefined);
    return;
  }
  if (segment.isFin && !connection.finKnown) {
    connection.finKnown = true;
    connection.finSequence = end;
  }
  if (segment.dataBytes > 0) storeData(connection, segment, end);
  if (connection.finKnown && connection.rcvNxt === connection.finSequence) receiveFin(connection);
  else if (segment.isFin) connection.ackNow = true;
}

function storeData(connection: Connection, segment: Segment, end: number): void {
  const ring = connection.receiveRing;
  const gap = (segment.sequence - connection.rcvNxt) | 0;
  if (gap > 0) {
    if (connection.reassembly.insert(segment.sequence, end)) {
      ring.place(segment.bytes, segment.dataAt, segment.dataBytes, gap);
    }
    // The duplicate ACK that lets the peer resend fast (RFC 5681 section 4.2).
    connection.ackNow = true;
    return;
  }
  ring.place(segment.bytes, segment.dataAt, segment.dataBytes, 0);
  if (!connection.reassembly.isEmpty) {
    end = connection.reassembly.advance(end);
    connection.ackNow = true;
  }
  ring.extend((end - connection.rcvNxt) | 0);
  connection.rcvNxt = end;
  connection.unacknowledgedSegments++;
  // RFC 9293 SHLD-18: at least every second segment at once.
  if (connection.unacknowledgedSegments >= 2) connection.ackNow = true;
  else if (connection.delayedAckAt === NEVER) {
    connection.delayedAckAt = connection.endpoint.clock.now + connection.endpoint.settings.delayedAckMs;
  }
  connection.socket?.becameReadable();
}

function receiveFin(connection: Connection): void {
  connection.finReceived = true;
  connection.rcvNxt = (connection.rcvNxt + 1) | 0;
  connection.rcvEdge = seqMax(connection.rcvEdge, connection.rcvNxt);
  connection.ackNow = true;
  switch (connection.state) {
    case ESTABLISHED:
      connection.state = CLOSE_WAIT;
      reportEnd(connection);
      break;
    case FIN_WAIT_1:
      // A FIN that acknowledges ours came through FIN-WAIT-2.
      connection.state = CLOSING;
      reportEnd(connection);
      break;
    case FIN_WAIT_2:
      enterTimeWait(connection);
      break;
    default:
  }
}
