/**
 * A connection's state: the transmission control block of RFC 9293 section 3.3.1, with that document's names.
 *
 * The functions of receive.ts, send.ts and timers.ts work on it. An instance and its buffers outlive the connection: the
 * next one uses them again.
 */
import { type Clock, NEVER } from "../../core/clock.js";
import { PROTOCOL_TCP } from "../../wire/ipv4.js";
import { ByteRing } from "../byteRing.js";
import type { SocketEntry } from "../socketTable.js";
import type { DatagramOutput } from "../transport.js";
import { Congestion } from "./congestion.js";
import type { Timed } from "./deadlines.js";
import { Reassembly } from "./reassembly.js";
import { RoundTrip } from "./rtt.js";
import type { TcpSettings } from "./settings.js";
import { CLOSED, STATE_NAMES, type TcpState, TIME_WAIT } from "./state.js";

/** Why a connection ended, as `onClosed` gives it. */
export const REFUSED = "connection refused";
export const RESET = "connection reset by peer";
export const TIMED_OUT = "connection timed out";
export const MOVED = "the interface was moved to another link";
export const UNWANTED = "the firewall does not admit the peer any more";
export const UNREACHABLE = "the remote host does not speak TCP on that port";
export const KEEP_ALIVE_FAILED = "keep-alive probes were not answered";

/** What a connection tells the application; `TcpSocket` is one, and calls the handler when the time has come. */
export interface ConnectionUser {
  connected(): void;
  becameReadable(): void;
  becameWritable(): void;
  becameUrgent(): void;
  ended(): void;
  closed(reason: string | undefined): void;
  /** The connection's place was given back: it must not be used any more. */
  detach(): void;
}

/** Where a passive open came from; `TcpListener` is one. */
export interface PassiveOrigin {
  /** Half-open connections now. */
  halfOpen: number;
}

/** What connections need of the endpoint they belong to. */
export interface TcpEndpoint {
  readonly clock: Clock;
  readonly output: DatagramOutput;
  readonly settings: TcpSettings;
  /** Gives a finished connection's place back. The connection must not be touched afterwards. */
  release(connection: Connection): void;
  /** It keeps its place but receives no more: a finished connection with data nobody has read. */
  unlink(connection: Connection): void;
  /** A number larger than all before: tells which of two connections has been in its state for longer. */
  nextOrder(): number;
  /** A connection that a listener got is established: it becomes a socket. */
  accepted(connection: Connection): void;
}

/** RFC 9293 MUST-15: the send MSS towards a peer that announced none. */
const DEFAULT_MSS_BYTES = 536;
/** What IPv4's smallest MTU, 68, carries. A smaller announcement would only make us send headers. */
const MINIMUM_MSS_BYTES = 28;

export class Connection implements SocketEntry, Timed {
  readonly endpoint: TcpEndpoint;
  readonly protocol = PROTOCOL_TCP;

  localAddress = 0;
  localPort = 0;
  remoteAddress = 0;
  remotePort = 0;
  state: TcpState = CLOSED;
  /** What the application holds; undefined while a listener's connection is half-open. */
  socket: ConnectionUser | undefined;
  /** Where a passive open came from; undefined for an active one (RFC 9293 MUST-11). */
  listener: PassiveOrigin | undefined;
  /** The local port is the connection's own, not shared with a listener. */
  ownsPort = false;

  // Sending
  iss = 0;
  sndUna = 0;
  /** The next byte to send: behind `sndMax` after a timeout, when everything since `sndUna` is sent again. */
  sndNxt = 0;
  /** One past the highest sequence number ever sent. */
  sndMax = 0;
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  /** The largest window the peer has announced. */
  maxSndWnd = 0;
  /** SMSS: the most data a segment may carry, by the peer's MSS option and the path's MTU. */
  mssBytes = DEFAULT_MSS_BYTES;
  noDelay = false;
  /** The application writes no more: a FIN follows the queued data. */
  finQueued = false;
  finAcked = false;
  /** A write was cut short: tell the application when there is room. */
  wantsRoom = false;
  /** Unacknowledged data, oldest at `sndUna`. */
  readonly sendRing: ByteRing;
  readonly roundTrip: RoundTrip;
  readonly congestion = new Congestion();
  /** The timer fired for the segment at `sndUna` this many times in a row. */
  timeouts = 0;
  lastSentMs = 0;
  /** When the unacknowledged data began to wait: at its first transmission, or the last progress since. */
  waitingSinceMs = 0;
  synWasLost = false;

  // Receiving
  irs = 0;
  rcvNxt = 0;
  /** The right edge of the largest window announced: it never moves left. */
  rcvEdge = 0;
  /** RFC 9293's RCV.UP: one past the last urgent byte. */
  rcvUp = 0;
  /** The peer's FIN is known, at this sequence number, though data before it may be missing. */
  finKnown = false;
  finSequence = 0;
  /** The peer's FIN has been reached. */
  finReceived = false;
  /** The application was told of the FIN. */
  endReported = false;
  /** The application has closed the connection and reads no more. */
  abandoned = false;
  readonly receiveRing: ByteRing;
  readonly reassembly = new Reassembly();
  /** Segments received since the last acknowledgement. */
  unacknowledgedSegments = 0;
  /** An acknowledgement must go out before the current call ends. */
  ackNow = false;

  // Timers: absolute ms, NEVER when not running
  retransmitAt = NEVER;
  persistAt = NEVER;
  persistMs = 0;
  delayedAckAt = NEVER;
  keepAliveAt = NEVER;
  /** 0: no keep-alive. */
  keepAliveMs = 0;
  unansweredProbes = 0;
  /** The end of TIME-WAIT, or of the patience in FIN-WAIT-2. */
  lingerAt = NEVER;
  giveUpMs = 0;
  openedAtMs = 0;
  lastHeardMs = 0;
  /** What the last ICMP error said that does not end a connection, for the message if it ends later. */
  softError: string | undefined;

  // RFC 5961 section 7; for each connection apart, so that nobody can learn of one by probing another.
  challengesSent = 0;
  challengePeriodEndMs = 0;

  /** When it entered TIME-WAIT, or was opened, by `TcpEndpoint.nextOrder`. */
  order = 0;

  place = -1;
  nextInChain: SocketEntry | undefined;
  deadline = NEVER;
  heapIndex = -1;

  constructor(endpoint: TcpEndpoint, receiveBytes: number, sendBytes: number) {
    this.endpoint = endpoint;
    this.receiveRing = new ByteRing(receiveBytes);
    this.sendRing = new ByteRing(sendBytes);
    this.roundTrip = new RoundTrip(endpoint.settings);
  }

  get stateName(): string {
    return STATE_NAMES[this.state];
  }

  get receiveQueueBytes(): number {
    return this.receiveRing.length;
  }

  get sendQueueBytes(): number {
    return this.sendRing.length;
  }

  /** Makes it a new connection, in CLOSED, that will send from `iss` on. */
  reset(iss: number): void {
    const now = this.endpoint.clock.now;
    this.state = CLOSED;
    this.socket = undefined;
    this.listener = undefined;
    this.ownsPort = false;
    this.iss = iss;
    this.sndUna = iss;
    this.sndNxt = iss;
    this.sndMax = iss;
    this.sndWnd = 0;
    this.sndWl1 = 0;
    this.sndWl2 = 0;
    this.maxSndWnd = 0;
    this.mssBytes = DEFAULT_MSS_BYTES;
    this.noDelay = false;
    this.finQueued = false;
    this.finAcked = false;
    this.wantsRoom = false;
    this.sendRing.clear();
    this.roundTrip.reset();
    this.congestion.reset(iss);
    this.timeouts = 0;
    this.lastSentMs = now;
    this.waitingSinceMs = now;
    this.synWasLost = false;
    this.irs = 0;
    this.rcvNxt = 0;
    this.rcvEdge = 0;
    this.rcvUp = 0;
    this.finKnown = false;
    this.finReceived = false;
    this.endReported = false;
    this.abandoned = false;
    this.receiveRing.clear();
    this.reassembly.clear();
    this.unacknowledgedSegments = 0;
    this.ackNow = false;
    this.stopTimers();
    this.keepAliveMs = 0;
    this.unansweredProbes = 0;
    this.giveUpMs = this.endpoint.settings.giveUpMs;
    this.openedAtMs = now;
    this.order = this.endpoint.nextOrder();
    this.lastHeardMs = now;
    this.softError = undefined;
    this.challengesSent = 0;
    this.challengePeriodEndMs = 0;
  }

  stopTimers(): void {
    this.retransmitAt = NEVER;
    this.persistAt = NEVER;
    this.persistMs = 0;
    this.delayedAckAt = NEVER;
    this.keepAliveAt = NEVER;
    this.lingerAt = NEVER;
  }

  get earliestTimer(): number {
    return Math.min(this.retransmitAt, this.persistAt, this.delayedAckAt, this.keepAliveAt, this.lingerAt);
  }

  /** The peer's announced MSS and the MTU decide what a segment may carry (RFC 9293 section 3.7.1). */
  limitMss(peerMssBytes: number, pathMssBytes: number): void {
    const peer = peerMssBytes === 0 ? DEFAULT_MSS_BYTES : peerMssBytes;
    this.mssBytes = Math.max(Math.min(peer, pathMssBytes), MINIMUM_MSS_BYTES);
  }
}

/** A connection the application has closed waits for the peer's FIN, but not for ever. */
export function waitForFin(connection: Connection): void {
  connection.lingerAt = connection.endpoint.clock.now + connection.endpoint.settings.finWaitMs;
}

/** Both directions are done: waits out the last segments. */
export function enterTimeWait(connection: Connection): void {
  connection.state = TIME_WAIT;
  connection.order = connection.endpoint.nextOrder();
  connection.stopTimers();
  connection.lingerAt = connection.endpoint.clock.now + 2 * connection.endpoint.settings.maxSegmentLifetimeMs;
  reportEnd(connection);
}

/** The connection ended well: gives its place back as soon as its data has been read. */
export function enterClosed(connection: Connection): void {
  connection.state = CLOSED;
  connection.stopTimers();
  connection.endpoint.unlink(connection);
  reportEnd(connection);
}

/** The connection failed, or the application gave it up: ends it at once, unread data included. */
export function abandon(connection: Connection, reason: string | undefined): void {
  connection.state = CLOSED;
  connection.socket?.closed(reason);
  connection.endpoint.release(connection);
}

/**
 * Tells the application of the peer's FIN once all data before it is read, and of the end of the connection once nothing
 * is left to read. May release the connection.
 */
export function reportEnd(connection: Connection): void {
  const unread = !connection.abandoned && connection.receiveRing.length > 0;
  if (unread) return;
  if (connection.finReceived && !connection.endReported) {
    connection.endReported = true;
    connection.socket?.ended();
  }
  if (connection.state === TIME_WAIT) connection.socket?.closed(undefined);
  if (connection.state !== CLOSED) return;
  connection.socket?.closed(undefined);
  connection.endpoint.release(connection);
}
