/** What an application holds of a TCP connection. */
import { NEVER } from "../../core/clock.js";
import { abandon, type Connection, type ConnectionUser, reportEnd, waitForFin } from "./connection.js";
import { canWrite, isWindowUpdateDue, sendReset } from "./send.js";
import {
  CLOSE_WAIT,
  CLOSED,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  STATE_NAMES,
  SYN_RECEIVED,
  SYN_SENT,
  type TcpStateName,
  TIME_WAIT,
} from "./state.js";

/**
 * The application's side. The stack calls these from `receive` and `poll`, never from within a method of a socket; they
 * may call any method of any socket.
 */
export interface TcpHandler {
  /** An active open succeeded. */
  onConnected?(socket: TcpSocket): void;
  /** New data has come. What is left unread is not announced again by itself. */
  onReadable?(socket: TcpSocket): void;
  /** There is room again after a `write` that was cut short. */
  onWritable?(socket: TcpSocket): void;
  /** The peer sends no more, and all it sent has been read. */
  onEnd?(socket: TcpSocket): void;
  /** The peer marked data as urgent (RFC 9293 section 3.8.5); the bytes stay in the stream. */
  onUrgent?(socket: TcpSocket): void;
  /** The last call: the connection is over. With a reason when it failed, without when both sides closed it. */
  onClosed?(socket: TcpSocket, reason: string | undefined): void;
}

const ACCEPTED = 1;
const CONNECTED = 2;
const URGENT = 4;
const READABLE = 8;
const WRITABLE = 16;
const ENDED = 32;
const OVER = 64;

/** What a socket needs of the endpoint. */
export interface SocketHost {
  /** The socket has calls to make: `deliver` is to be called soon. */
  enqueue(socket: TcpSocket): void;
  /** The application changed something: sends what may go now and sets the timers. */
  settle(connection: Connection): void;
}

export class TcpSocket implements ConnectionUser {
  handler: TcpHandler;
  readonly localAddress: number;
  readonly localPort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  /** The endpoint's own: the next socket with calls to make. */
  nextPending: TcpSocket | undefined;
  isPending = false;
  readonly #host: SocketHost;
  #connection: Connection | undefined;
  /** Calls to make, one bit each, in the order of the bits. */
  #calls = 0;
  /** After `close` and `abort` only `onClosed` is called. */
  #isAbandoned = false;
  #onAccepted: ((socket: TcpSocket) => void) | undefined;
  #isOver = false;
  #reason: string | undefined;

  constructor(host: SocketHost, connection: Connection, handler: TcpHandler) {
    this.#host = host;
    this.#connection = connection;
    this.handler = handler;
    this.localAddress = connection.localAddress;
    this.localPort = connection.localPort;
    this.remoteAddress = connection.remoteAddress;
    this.remotePort = connection.remotePort;
  }

  get state(): TcpStateName {
    return STATE_NAMES[this.#connection?.state ?? CLOSED];
  }

  /** Bytes that `read` would return. */
  get readableBytes(): number {
    return this.#connection === undefined || this.#connection.abandoned ? 0 : this.#connection.receiveRing.length;
  }

  /** Bytes that `write` would take. */
  get writableBytes(): number {
    return this.#connection !== undefined && canWrite(this.#connection) ? this.#connection.sendRing.free : 0;
  }

  /** Bytes written that the peer has not acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#connection?.sendRing.length ?? 0;
  }

  /** Bytes from the read position to the end of the urgent data; 0 when there is none. */
  get urgentBytes(): number {
    const connection = this.#connection;
    if (connection === undefined) return 0;
    const readPosition = (connection.rcvNxt - (connection.finReceived ? 1 : 0) - connection.receiveRing.length) | 0;
    return Math.max((connection.rcvUp - readPosition) | 0, 0);
  }

  /** Takes over for unacknowledged data the R2 of RFC 9293 section 3.8.3, in ms; takes effect with the next timeout. */
  set giveUpMs(giveUpMs: number) {
    if (this.#connection !== undefined) this.#connection.giveUpMs = giveUpMs;
  }

  set noDelay(noDelay: boolean) {
    if (this.#connection === undefined) return;
    this.#connection.noDelay = noDelay;
    this.#host.settle(this.#connection);
  }

  /** Idle time in ms after which the peer is probed; 0, the default, never (RFC 9293 section 3.8.4). */
  set keepAliveMs(keepAliveMs: number) {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.keepAliveMs = keepAliveMs;
    connection.keepAliveAt = keepAliveMs > 0 ? connection.lastHeardMs + keepAliveMs : NEVER;
    this.#host.settle(connection);
  }

  /**
   * Queues bytes for sending; returns how many were taken, from the front. When that is fewer than offered, `onWritable`
   * tells when to go on. Takes nothing after `shutdown` or `close`, or when the connection is over.
   */
  write(bytes: Uint8Array): number {
    const connection = this.#connection;
    if (connection === undefined || !canWrite(connection)) return 0;
    const count = Math.min(bytes.length, connection.sendRing.free);
    connection.sendRing.append(bytes, 0, count);
    if (count < bytes.length) connection.wantsRoom = true;
    if (count > 0) this.#host.settle(connection);
    return count;
  }

  /** Moves received bytes to the front of `target`; returns how many. */
  read(target: Uint8Array): number {
    const connection = this.#connection;
    if (connection === undefined || connection.abandoned) return 0;
    const count = Math.min(target.length, connection.receiveRing.length);
    if (count === 0) return 0;
    connection.receiveRing.peek(0, count, target, 0);
    connection.receiveRing.drop(count);
    if (!connection.finReceived && connection.state >= ESTABLISHED && isWindowUpdateDue(connection)) {
      connection.ackNow = true;
      this.#host.settle(connection);
    }
    if (connection.finReceived) reportEnd(connection);
    return count;
  }

  /** Sends no more: the peer sees the end of the stream behind the data written so far. Reading goes on. */
  shutdown(): void {
    const connection = this.#connection;
    if (connection === undefined || !canWrite(connection)) return;
    // In SYN-SENT and SYN-RECEIVED the FIN follows once the connection is established.
    connection.finQueued = true;
    if (connection.state === ESTABLISHED) connection.state = FIN_WAIT_1;
    else if (connection.state === CLOSE_WAIT) connection.state = LAST_ACK;
    this.#host.settle(connection);
  }

  /**
   * Neither sends nor reads any more. Data written so far is still delivered; data received but not read is lost, which
   * the peer learns by a reset (RFC 9293 section 3.6).
   */
  close(): void {
    const connection = this.#connection;
    if (connection === undefined || connection.abandoned) return;
    this.#isAbandoned = true;
    if (connection.state === SYN_SENT) {
      abandon(connection, undefined);
      return;
    }
    const { state } = connection;
    if (connection.receiveRing.length > 0 && state !== CLOSED && state !== TIME_WAIT) {
      this.abort();
      return;
    }
    connection.abandoned = true;
    this.shutdown();
    if (state === FIN_WAIT_2) waitForFin(connection);
    this.#host.settle(connection);
    reportEnd(connection);
  }

  /** Ends the connection at once; the peer gets a reset. */
  abort(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#isAbandoned = true;
    if (connection.state >= SYN_RECEIVED && connection.state !== TIME_WAIT) sendReset(connection);
    abandon(connection, undefined);
  }

  // Called by the connection

  /** The connection was a listener's and is established. */
  acceptedBy(listenerCall: (socket: TcpSocket) => void): void {
    this.#onAccepted = listenerCall;
    this.call(ACCEPTED);
  }

  connected(): void {
    if (this.#onAccepted === undefined) this.call(CONNECTED);
  }

  becameUrgent(): void {
    this.call(URGENT);
  }

  becameReadable(): void {
    this.call(READABLE);
  }

  becameWritable(): void {
    this.call(WRITABLE);
  }

  ended(): void {
    this.call(ENDED);
  }

  closed(reason: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reason = reason;
    this.call(OVER);
  }

  detach(): void {
    this.#connection = undefined;
  }

  get hasCalls(): boolean {
    return this.#calls !== 0;
  }

  /** Makes the first call that is due. */
  deliver(): void {
    const call = this.#calls & -this.#calls;
    this.#calls &= ~call;
    if (call === ACCEPTED) this.#onAccepted?.(this);
    else if (call === OVER) this.handler.onClosed?.(this, this.#reason);
    else if (this.#isAbandoned) return;
    else if (call === CONNECTED) this.handler.onConnected?.(this);
    else if (call === URGENT) this.handler.onUrgent?.(this);
    else if (call === READABLE) this.handler.onReadable?.(this);
    else if (call === WRITABLE) this.handler.onWritable?.(this);
    else if (call === ENDED) this.handler.onEnd?.(this);
  }

  private call(call: number): void {
    this.#calls |= call;
    this.#host.enqueue(this);
  }
}
