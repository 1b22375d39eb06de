/**
 * The TCP endpoint: finds the connection or listener a segment is for, makes and ends connections, runs their timers.
 *
 * Before you change it read RFC 9293, 5681, 5961, 6298, 6528, 6582 and 5927. Deliberately left out: window scaling,
 * timestamps and selective acknowledgement (the board's receive buffers are a few segments), sending urgent data
 * (RFC 9293 SHLD-13), Fast Open, ECN, SYN cookies, and raising a path MTU again during a connection (RFC 1191 section 6.3
 * lets a host do without).
 *
 * A little over 400 lines: demultiplexing, listeners and the life of a slot share their state, and read best together.
 */
import { formatAddress, isUnicastSource } from "../../core/address.js";
import type { Capacity } from "../../core/capacity.js";
import { type Clock, NEVER } from "../../core/clock.js";
import type { Verdict } from "../../core/drops.js";
import { seqInWindow, seqLess } from "../../core/sequence.js";
import {
  ICMP_UNREACHABLE,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
} from "../../wire/icmp.js";
import { PROTOCOL_TCP } from "../../wire/ipv4.js";
import type { Packet } from "../../wire/packet.js";
import { TCP_FIN, TCP_RST, TCP_SYN, tcpFlags, validateTcp } from "../../wire/tcp.js";
import type { PortSpace } from "../portSpace.js";
import type { SocketEntry, SocketTable } from "../socketTable.js";
import type { DatagramOutput, IcmpErrorQuote, Transport } from "../transport.js";
import {
  abandon,
  Connection,
  enterClosed,
  MOVED,
  REFUSED,
  type TcpEndpoint,
  UNREACHABLE,
  UNWANTED,
} from "./connection.js";
import { Deadlines } from "./deadlines.js";
import type { ConnectOptions, ListenOptions, TcpOptions } from "./endpointOptions.js";
import { InitialSequence } from "./isn.js";
import { TcpListener } from "./listener.js";
import { lowerPathMtu } from "./pathMtu.js";
import { PendingCalls } from "./pendingCalls.js";
import { receiveSegment, takeSyn } from "./receive.js";
import { Segment } from "./segment.js";
import { rejectSegment, sendSyn, transmit } from "./send.js";
import { DEFAULT_TCP_SETTINGS, type TcpSettings } from "./settings.js";
import { type SocketHost, TcpSocket } from "./socket.js";
import { CLOSED, SYN_RECEIVED, SYN_SENT, type TcpState, TIME_WAIT } from "./state.js";
import { runTimers } from "./timers.js";

/** Half-open connections a listener has room for, unless it asks for another number. */
const DEFAULT_BACKLOG = 4;

export class Tcp implements Transport, TcpEndpoint, SocketHost {
  readonly clock: Clock;
  readonly output: DatagramOutput;
  readonly settings: TcpSettings;
  readonly #ports: PortSpace;
  readonly #capacity: Capacity;
  readonly #table: SocketTable;
  readonly #describeOwner: ((protocol: number, port: number) => string) | undefined;
  readonly #initialSequence: InitialSequence;
  readonly #deadlines = new Deadlines<Connection>();
  readonly #segment: Segment;
  /** Finished connections, whose buffers the next ones use. */
  readonly #spare: Connection[] = [];
  readonly #calls = new PendingCalls();
  #order = 0;

  constructor(options: TcpOptions) {
    this.clock = options.clock;
    this.output = options.output;
    this.settings = { ...DEFAULT_TCP_SETTINGS, ...options.settings };
    this.#ports = options.ports;
    this.#capacity = options.capacity;
    this.#table = options.table;
    this.#describeOwner = options.describeOwner;
    this.#initialSequence = new InitialSequence(options.clock, options.random);
    this.#segment = new Segment(options.output.frame.bytes);
    this.#table.reclaim = () => this.reclaim();
  }

  /** Opens a connection. Throws an Error that says what is wrong: an impossible address or port, no route, no room. */
  connect(options: ConnectOptions): TcpSocket {
    const { address, port } = options;
    checkPort("port", port);
    const isBroadcast = this.output.route(address)?.isBroadcast(address) ?? false;
    if (!isUnicastSource(address) || isBroadcast) {
      throw new Error(`cannot connect to ${formatAddress(address)}: TCP needs the address of a single host`);
    }
    const localAddress = this.output.sourceFor(address);
    if (localAddress === 0) {
      throw new Error(
        `no route to ${formatAddress(address)}: give an interface an address in its network, or a gateway`,
      );
    }
    if (options.localPort !== undefined) {
      checkPort("local port", options.localPort);
      this.checkFree(options.localPort);
    }
    this.checkRoom();
    const localPort = this.claimPort(options.localPort);
    const connection = this.open(localAddress, localPort, address, port, 0);
    const socket = new TcpSocket(this, connection, options.handler ?? {});
    connection.socket = socket;
    connection.ownsPort = true;
    connection.noDelay = options.noDelay ?? false;
    connection.keepAliveMs = options.keepAliveMs ?? 0;
    connection.state = SYN_SENT;
    sendSyn(connection);
    this.settle(connection);
    return socket;
  }

  /** Accepts connections on a port. Throws an Error that says what is wrong: a taken port, no room. */
  listen(options: ListenOptions): TcpListener {
    const { port } = options;
    checkPort("port", port);
    const backlog = options.backlog ?? DEFAULT_BACKLOG;
    if (!Number.isInteger(backlog) || backlog < 1) {
      throw new Error(`a backlog of ${backlog} is impossible: it must be a whole number, 1 or more`);
    }
    // Connections of ours may hold the port, a closed listener's or others: the listener shares it with them (MUST-42).
    const owner = this.#ports.ownerKind(PROTOCOL_TCP, port);
    const isShared = this.#table.findListener(0, port) === undefined && (owner === "listener" || owner === "socket");
    if (!isShared) this.checkFree(port);
    if (this.#table.listenerCount >= this.#table.listenerCapacity) {
      const { listenerCapacity } = this.#table;
      throw new Error(
        `no free listener: all ${listenerCapacity} are in use; close one, or raise the listeners capacity`,
      );
    }
    const listener = new TcpListener(options.address ?? 0, port, backlog, options.onConnection, (closed) =>
      this.closeListener(closed),
    );
    if (isShared) this.sharePort(port);
    if (!this.#ports.claim(PROTOCOL_TCP, port, "listener", 0)) {
      throw new Error(`cannot listen on TCP port ${port}: the port registry is full`);
    }
    this.#table.addListener(listener);
    return listener;
  }

  receive(packet: Packet): Verdict {
    const { frame, transportAt, payloadBytes, source, destination } = packet;
    const shape = validateTcp(frame.view, transportAt, payloadBytes, source, destination);
    if (shape !== "ok") return shape;
    const flags = tcpFlags(frame.view, transportAt);
    if ((flags & TCP_SYN) !== 0 && (flags & (TCP_FIN | TCP_RST)) !== 0) return "tcpMalformed";
    // RFC 9293 MUST-57 and MUST-63: silence towards anything that is not from one host to one host.
    if (packet.isLinkBroadcast || !isUnicastSource(source) || !this.output.isOurs(destination))
      return "tcpUnacceptable";
    const segment = this.#segment;
    segment.read(packet);
    const connection = this.find(segment.destination, segment.destinationPort, segment.source, segment.sourcePort);
    if (connection === undefined) return this.receiveUnconnected(segment);
    if (connection.state === TIME_WAIT && this.mayReopen(connection, segment)) return this.reopen(connection, segment);
    const verdict = receiveSegment(connection, segment);
    this.finish(connection);
    return verdict;
  }

  /** Resets a segment's sender on behalf of its destination, which need not be us; silent about a damaged segment. */
  refuse(packet: Packet): void {
    const { frame, transportAt, payloadBytes, source, destination } = packet;
    if (validateTcp(frame.view, transportAt, payloadBytes, source, destination) !== "ok") return;
    this.#segment.read(packet);
    rejectSegment(this.output, this.#segment);
  }

  /** Ends all connections of one of our addresses, without a word to their peers. */
  abandonAll(localAddress: number): void {
    for (let place = 0; place < this.#table.capacity; place++) {
      const connection = this.#table.at(place);
      if (connection instanceof Connection && connection.localAddress === localAddress) abandon(connection, MOVED);
    }
  }

  /** Ends the connections that we have accepted and that `isUnwanted`, without a word to their peers. */
  abandonAccepted(isUnwanted: (accepted: SocketEntry) => boolean): void {
    for (let place = 0; place < this.#table.capacity; place++) {
      const connection = this.#table.at(place);
      if (!(connection instanceof Connection) || connection.listener === undefined) continue;
      if (isUnwanted(connection)) abandon(connection, UNWANTED);
    }
  }

  /** RFC 5927: an error counts only if it quotes a sequence number in flight, and rarely ends a connection even then. */
  receiveError(quote: IcmpErrorQuote): Verdict {
    const connection = this.find(quote.source, quote.sourcePort, quote.destination, quote.destinationPort);
    if (connection === undefined) return "icmpErrorUnmatched";
    const inFlight = (connection.sndMax - connection.sndUna) | 0;
    if (!seqInWindow(quote.sequence, connection.sndUna, inFlight)) return "icmpErrorUnmatched";
    const isUnreachable = quote.type === ICMP_UNREACHABLE;
    if (isUnreachable && quote.code === UNREACHABLE_FRAGMENTATION_NEEDED) {
      lowerPathMtu(connection, quote.nextHopMtuBytes);
      this.finish(connection);
      return "ok";
    }
    // Hard errors for a new connection; an established one has proof that the peer does speak TCP.
    const isOpening = connection.state === SYN_SENT || connection.state === SYN_RECEIVED;
    const isHard = isUnreachable && (quote.code === UNREACHABLE_PORT || quote.code === UNREACHABLE_PROTOCOL);
    if (isHard && isOpening) {
      abandon(connection, quote.code === UNREACHABLE_PORT ? REFUSED : UNREACHABLE);
      this.finish(connection);
    } else if (isUnreachable) {
      connection.softError = isHard ? UNREACHABLE : "the remote network or host cannot be reached";
    }
    return "ok";
  }

  poll(): void {
    const now = this.clock.now;
    while (this.#deadlines.next <= now) {
      const connection = this.#deadlines.first as Connection;
      runTimers(connection);
      this.finish(connection);
    }
    if (!this.#calls.isEmpty) this.#calls.deliver();
  }

  nextDeadline(): number {
    return this.#calls.isEmpty ? this.#deadlines.next : this.clock.now;
  }

  // For connections and sockets

  settle(connection: Connection): void {
    if (connection.state === CLOSED) return;
    transmit(connection);
    this.#deadlines.set(connection, connection.earliestTimer);
  }

  enqueue(socket: TcpSocket): void {
    this.#calls.add(socket);
  }

  nextOrder(): number {
    return ++this.#order;
  }

  accepted(connection: Connection): void {
    // `accept` alone sets it.
    const listener = connection.listener as TcpListener;
    listener.halfOpen--;
    const socket = new TcpSocket(this, connection, {});
    connection.socket = socket;
    socket.acceptedBy(listener.onConnection);
  }

  unlink(connection: Connection): void {
    this.#deadlines.set(connection, NEVER);
    this.#table.unlink(connection);
  }

  release(connection: Connection): void {
    const { listener, socket, localPort, ownsPort } = connection;
    if (listener !== undefined && socket === undefined) listener.halfOpen--;
    socket?.detach();
    this.#deadlines.set(connection, NEVER);
    this.#table.remove(connection);
    connection.state = CLOSED;
    connection.socket = undefined;
    connection.listener = undefined;
    this.#spare.push(connection);
    if (ownsPort) this.#ports.release(PROTOCOL_TCP, localPort);
    else this.releaseSharedPort(localPort);
  }

  // Inside

  private find(
    localAddress: number,
    localPort: number,
    remoteAddress: number,
    remotePort: number,
  ): Connection | undefined {
    // Whatever the table holds for this protocol was put there by this class.
    return this.#table.find(PROTOCOL_TCP, localAddress, localPort, remoteAddress, remotePort) as Connection | undefined;
  }

  /** After a segment or a timer: the application's turn, then whatever there is to send. */
  private finish(connection: Connection): void {
    try {
      this.#calls.deliver();
    } finally {
      this.settle(connection);
    }
  }

  /** RFC 9293 sections 3.10.7.1 and 3.10.7.2: no connection, perhaps a listener. */
  private receiveUnconnected(segment: Segment): Verdict {
    const listener = this.#table.findListener(segment.destination, segment.destinationPort) as TcpListener | undefined;
    if (listener === undefined) {
      rejectSegment(this.output, segment);
      return "tcpPortClosed";
    }
    if (segment.isReset) return "tcpUnacceptable";
    if (segment.isAck) {
      rejectSegment(this.output, segment);
      return "tcpBadAck";
    }
    return segment.isSyn ? this.accept(listener, segment, 0) : "tcpUnacceptable";
  }

  /**
   * A SYN for a listener. When the listener has as many half-open connections as it may, the oldest makes way: a flood
   * can then delay other newcomers, but takes nothing from established connections. When the whole table is full, the SYN
   * is dropped: the peer repeats it, and finds room if there is some by then.
   */
  private accept(listener: TcpListener, segment: Segment, lowestIss: number): Verdict {
    if (listener.halfOpen >= listener.backlog) {
      const oldest = this.oldest(SYN_RECEIVED, listener);
      if (oldest !== undefined) abandon(oldest, undefined);
      listener.replaced++;
    }
    if (!this.#table.makeRoom()) return "tcpBacklogFull";
    const { destination, destinationPort, source, sourcePort } = segment;
    const connection = this.open(destination, destinationPort, source, sourcePort, lowestIss);
    connection.listener = listener;
    listener.halfOpen++;
    connection.state = SYN_RECEIVED;
    takeSyn(connection, segment);
    sendSyn(connection);
    this.settle(connection);
    return "ok";
  }

  /** RFC 9293 MAY-2: a new SYN beyond everything the old connection used may take its place. */
  private mayReopen(connection: Connection, segment: Segment): boolean {
    if (!segment.isSyn || segment.isAck || !seqLess(connection.rcvNxt, segment.sequence)) return false;
    return this.#table.findListener(segment.destination, segment.destinationPort) !== undefined;
  }

  private reopen(connection: Connection, segment: Segment): Verdict {
    const listener = this.#table.findListener(segment.destination, segment.destinationPort) as TcpListener;
    const lowestIss = (connection.sndMax + 1) | 0;
    enterClosed(connection);
    const verdict = this.accept(listener, segment, lowestIss);
    this.#calls.deliver();
    return verdict;
  }

  /** Takes a place and a control block for a conversation; the caller has made sure of the room. */
  private open(
    localAddress: number,
    localPort: number,
    remoteAddress: number,
    remotePort: number,
    lowestIss: number,
  ): Connection {
    const { tcpReceiveBytes, tcpSendBytes } = this.#capacity;
    const connection = this.#spare.pop() ?? new Connection(this, tcpReceiveBytes, tcpSendBytes);
    connection.localAddress = localAddress;
    connection.localPort = localPort;
    connection.remoteAddress = remoteAddress;
    connection.remotePort = remotePort;
    const iss = this.#initialSequence.next(localAddress, localPort, remoteAddress, remotePort);
    connection.reset(lowestIss !== 0 && seqLess(iss, lowestIss) ? lowestIss : iss);
    this.#table.add(connection);
    return connection;
  }

  private checkFree(port: number): void {
    if (this.#ports.isFree(PROTOCOL_TCP, port)) return;
    const owner =
      this.#describeOwner?.(PROTOCOL_TCP, port) ?? `a ${this.#ports.ownerKind(PROTOCOL_TCP, port) ?? "socket"}`;
    throw new Error(`TCP port ${port} is taken by ${owner}; choose another port`);
  }

  private checkRoom(): void {
    if (this.#table.makeRoom()) return;
    throw new Error(`no free socket: all ${this.#table.capacity} are in use; close one, or raise the sockets capacity`);
  }

  private claimPort(wanted: number | undefined): number {
    if (wanted === undefined) {
      const port = this.#ports.allocate(PROTOCOL_TCP, this.#ports.socketPorts, "socket", 0);
      if (port !== 0) return port;
    } else if (this.#ports.claim(PROTOCOL_TCP, wanted, "socket", 0)) {
      return wanted;
    }
    throw new Error("no free TCP port: all ephemeral ports are in use, or the port registry is full");
  }

  private closeListener(listener: TcpListener): void {
    this.#table.removeListener(listener);
    let halfOpen = this.oldest(SYN_RECEIVED, listener);
    while (halfOpen !== undefined) {
      abandon(halfOpen, undefined);
      halfOpen = this.oldest(SYN_RECEIVED, listener);
    }
    this.releaseSharedPort(listener.localPort);
  }

  /** Whatever connections hold the port, they no longer own it alone. */
  private sharePort(port: number): void {
    for (let place = 0; place < this.#table.capacity; place++) {
      const connection = this.#table.at(place);
      if (connection instanceof Connection && connection.localPort === port) connection.ownsPort = false;
    }
    this.#ports.release(PROTOCOL_TCP, port);
  }

  /** A listener and its connections share one port: the last of them gives it back. */
  private releaseSharedPort(port: number): void {
    if (this.#table.findListener(0, port) !== undefined || this.#table.hasLocalPort(PROTOCOL_TCP, port)) return;
    this.#ports.release(PROTOCOL_TCP, port);
  }

  /** The full table's way out: first the oldest TIME-WAIT with nothing to read, then the oldest half-open connection. */
  private reclaim(): boolean {
    const expendable = this.oldest(TIME_WAIT) ?? this.oldest(SYN_RECEIVED);
    if (expendable === undefined) return false;
    abandon(expendable, undefined);
    return true;
  }

  /** The connection that has been in a state for longest; of one listener, if it is given. */
  private oldest(state: TcpState, listener?: TcpListener): Connection | undefined {
    let oldest: Connection | undefined;
    for (let place = 0; place < this.#table.capacity; place++) {
      const candidate = this.#table.at(place);
      if (!(candidate instanceof Connection) || candidate.state !== state) continue;
      // A half-open connection of our own making is somebody's socket, and unread data somebody's too.
      if (state === SYN_RECEIVED && candidate.socket !== undefined) continue;
      if (state === TIME_WAIT && candidate.receiveRing.length > 0 && !candidate.abandoned) continue;
      if (listener !== undefined && candidate.listener !== listener) continue;
      if (oldest === undefined || candidate.order < oldest.order) oldest = candidate;
    }
    return oldest;
  }
}

function checkPort(name: string, port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  throw new Error(`${name} ${port} is impossible: it must be a whole number from 1 to 65535`);
}
