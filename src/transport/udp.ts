/** UDP sockets (RFC 768, RFC 1122 section 4.1), each with a fixed queue of received datagrams. */
import { formatAddress, isUnicastSource } from "../core/address.js";
import type { Capacity } from "../core/capacity.js";
import { NEVER } from "../core/clock.js";
import type { Verdict } from "../core/drops.js";
import { TRANSPORT_AT } from "../core/frame.js";
import { ICMP_UNREACHABLE, UNREACHABLE_PORT } from "../wire/icmp.js";
import { PROTOCOL_UDP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { UDP_HEADER_BYTES, udpBytes, validateUdp, writeUdp } from "../wire/udp.js";
import { ByteRing } from "./byteRing.js";
import type { PortSpace } from "./portSpace.js";
import type { SocketEntry, SocketTable } from "./socketTable.js";
import type { DatagramOutput, IcmpErrorQuote, Transport } from "./transport.js";

/** In front of each datagram in the queue: source address, source port, length, destination address. */
const RECORD_BYTES = 12;

/** Why a send failed or an error came, as `onError` gives it. */
const REFUSED = "connection refused";

export interface UdpHandler {
  /** A datagram came; `receive` takes it. Called from the stack's `receive`, once for each datagram. */
  onReceive?(socket: UdpSocket): void;
  /** A datagram to `address` and `port` came to nothing, says an ICMP error. */
  onError?(socket: UdpSocket, reason: string, address: number, port: number): void;
}

export interface UdpOptions {
  readonly output: DatagramOutput;
  readonly ports: PortSpace;
  readonly capacity: Pick<Capacity, "udpReceiveBytes">;
  readonly table: SocketTable;
  /** Names a port's owner for the messages of refused claims, e.g. "the port forward udp 5060". */
  readonly describeOwner?: (protocol: number, port: number) => string;
}

export interface BindOptions {
  /** 1..65535; 0 or nothing for an ephemeral port. */
  readonly port?: number;
  /** One of our addresses; without one, all of them and broadcasts. */
  readonly address?: number;
  readonly handler?: UdpHandler;
}

/** What the sockets need of their protocol. */
interface UdpHost {
  readonly output: DatagramOutput;
  close(socket: UdpSocket, queue: ByteRing): void;
}

export class Udp implements Transport, UdpHost {
  readonly output: DatagramOutput;
  readonly #ports: PortSpace;
  readonly #queueBytes: number;
  readonly #table: SocketTable;
  readonly #describeOwner: ((protocol: number, port: number) => string) | undefined;
  /** Queues of closed sockets, for the next ones. */
  readonly #spareQueues: ByteRing[] = [];

  constructor(options: UdpOptions) {
    this.output = options.output;
    this.#ports = options.ports;
    this.#queueBytes = options.capacity.udpReceiveBytes;
    this.#table = options.table;
    this.#describeOwner = options.describeOwner;
  }

  /** Opens a socket. Throws an Error that says what is wrong: an impossible or taken port, no room. */
  bind(options: BindOptions = {}): UdpSocket {
    const wanted = options.port ?? 0;
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
      throw new Error(`port ${wanted} is impossible: it must be a whole number from 1 to 65535, or 0 for any`);
    }
    if (wanted !== 0 && !this.#ports.isFree(PROTOCOL_UDP, wanted)) {
      const owner =
        this.#describeOwner?.(PROTOCOL_UDP, wanted) ?? `a ${this.#ports.ownerKind(PROTOCOL_UDP, wanted) ?? "socket"}`;
      throw new Error(`UDP port ${wanted} is taken by ${owner}; choose another port`);
    }
    if (!this.#table.makeRoom()) {
      throw new Error(
        `no free socket: all ${this.#table.capacity} are in use; close one, or raise the sockets capacity`,
      );
    }
    const port = this.claimPort(wanted);
    const queue = this.#spareQueues.pop() ?? new ByteRing(this.#queueBytes);
    const socket = new UdpSocket(this, queue, options.address ?? 0, port, options.handler ?? {});
    this.#table.add(socket);
    return socket;
  }

  receive(packet: Packet): Verdict {
    const { frame, transportAt, payloadBytes, source, destination } = packet;
    const shape = validateUdp(frame.view, transportAt, payloadBytes, source, destination);
    if (shape !== "ok") return shape;
    const socket = this.find(destination, packet.destinationPort);
    if (socket === undefined) return "udpPortClosed";
    const dataAt = transportAt + UDP_HEADER_BYTES;
    const dataBytes = udpBytes(frame.view, transportAt) - UDP_HEADER_BYTES;
    return socket.take(packet, frame.bytes, dataAt, dataBytes);
  }

  receiveError(quote: IcmpErrorQuote): Verdict {
    const socket = this.find(quote.source, quote.sourcePort);
    if (socket === undefined) return "icmpErrorUnmatched";
    // RFC 1122 section 4.1.3.3: all of them go up; only a closed port is certain, the others may pass.
    const isRefused = quote.type === ICMP_UNREACHABLE && quote.code === UNREACHABLE_PORT;
    const reason = isRefused ? REFUSED : `ICMP error type ${quote.type} code ${quote.code}`;
    socket.handler.onError?.(socket, reason, quote.destination, quote.destinationPort);
    return "ok";
  }

  poll(): void {
    // UDP has no timers.
  }

  nextDeadline(): number {
    return NEVER;
  }

  /** For the sockets. */
  close(socket: UdpSocket, queue: ByteRing): void {
    this.#table.remove(socket);
    this.#ports.release(PROTOCOL_UDP, socket.localPort);
    queue.clear();
    this.#spareQueues.push(queue);
  }

  private find(localAddress: number, localPort: number): UdpSocket | undefined {
    // Whatever the table holds for this protocol was put there by this class.
    return this.#table.find(PROTOCOL_UDP, localAddress, localPort, 0, 0) as UdpSocket | undefined;
  }

  private claimPort(wanted: number): number {
    if (wanted === 0) {
      const port = this.#ports.allocate(PROTOCOL_UDP, this.#ports.socketPorts, "socket", 0);
      if (port !== 0) return port;
    } else if (this.#ports.claim(PROTOCOL_UDP, wanted, "socket", 0)) {
      return wanted;
    }
    throw new Error("no free UDP port: all ephemeral ports are in use, or the port registry is full");
  }
}

export class UdpSocket implements SocketEntry {
  readonly protocol = PROTOCOL_UDP;
  readonly localAddress: number;
  readonly localPort: number;
  readonly remoteAddress = 0;
  readonly remotePort = 0;
  readonly stateName = "BOUND";
  readonly sendQueueBytes = 0;
  handler: UdpHandler;
  /** Whom the datagram that `receive` last returned came from. */
  senderAddress = 0;
  senderPort = 0;
  /** Where that datagram went to, one of our addresses or a broadcast: who answers, answers from there. */
  receivedAt = 0;
  /** Datagrams lost because the queue was full. */
  overflows = 0;
  place = -1;
  nextInChain: SocketEntry | undefined;
  readonly #host: UdpHost;
  readonly #queue: ByteRing;
  readonly #record = new Uint8Array(RECORD_BYTES);
  readonly #recordView: DataView;

  constructor(host: UdpHost, queue: ByteRing, localAddress: number, localPort: number, handler: UdpHandler) {
    this.#host = host;
    this.#queue = queue;
    this.#recordView = new DataView(this.#record.buffer);
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.handler = handler;
  }

  /** Bytes in the queue, each datagram's record of 12 bytes included. */
  get receiveQueueBytes(): number {
    return this.isOpen ? this.#queue.length : 0;
  }

  get isOpen(): boolean {
    return this.place >= 0;
  }

  /** Size of the next datagram that `receive` would return; -1 when there is none. */
  get nextBytes(): number {
    if (this.receiveQueueBytes === 0) return -1;
    this.#queue.peek(0, RECORD_BYTES, this.#record, 0);
    return this.#recordView.getUint16(6);
  }

  /**
   * Sends a datagram. Throws an Error when the port or the size is impossible, or the socket is closed; otherwise returns
   * what became of it: "ok", or the reason why it was not sent. `from` is the address of ours that it comes from; 0 for the
   * socket's own, or else that of the side it leaves by.
   */
  send(data: Uint8Array, address: number, port: number, from = this.localAddress): Verdict {
    if (!this.isOpen) throw new Error("cannot send: the UDP socket is closed");
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new Error(`port ${port} is impossible: it must be a whole number from 1 to 65535`);
    }
    const { output } = this.#host;
    const limit = output.maxPayloadBytes - UDP_HEADER_BYTES;
    if (data.length > limit) {
      throw new Error(`a datagram of ${data.length} bytes to ${formatAddress(address)} is too large: at most ${limit}`);
    }
    const source = from === 0 ? output.sourceFor(address) : from;
    if (source === 0) return "ipNoRoute";
    const length = UDP_HEADER_BYTES + data.length;
    output.frame.bytes.set(data, TRANSPORT_AT + UDP_HEADER_BYTES);
    writeUdp(output.frame.view, TRANSPORT_AT, this.localPort, port, length, source, address);
    return output.send(source, address, PROTOCOL_UDP, length, false);
  }

  /**
   * Takes the oldest datagram: copies what fits to the front of `target`, loses the rest of it, sets `senderAddress`,
   * `senderPort` and `receivedAt`. Returns the datagram's size, which may be more than `target` holds; -1 when there is none.
   */
  receive(target: Uint8Array): number {
    const bytes = this.nextBytes;
    if (bytes < 0) return -1;
    this.senderAddress = this.#recordView.getInt32(0);
    this.senderPort = this.#recordView.getUint16(4);
    this.receivedAt = this.#recordView.getInt32(8);
    this.#queue.peek(RECORD_BYTES, Math.min(bytes, target.length), target, 0);
    this.#queue.drop(RECORD_BYTES + bytes);
    return bytes;
  }

  /** Gives the port and the place back; datagrams not received yet are lost. */
  close(): void {
    if (this.isOpen) this.#host.close(this, this.#queue);
  }

  /** For the protocol: queues a datagram and tells the application. */
  take(packet: Packet, bytes: Uint8Array, dataAt: number, dataBytes: number): Verdict {
    const { source, sourcePort, destination } = packet;
    // RFC 1122 section 4.1.3.6: nothing from an address that cannot be a host.
    if (!isUnicastSource(source)) return "ipSourceMartian";
    if (this.#queue.free < RECORD_BYTES + dataBytes) {
      this.overflows++;
      return "udpBufferFull";
    }
    this.#recordView.setInt32(0, source);
    this.#recordView.setUint16(4, sourcePort);
    this.#recordView.setUint16(6, dataBytes);
    this.#recordView.setInt32(8, destination);
    this.#queue.append(this.#record, 0, RECORD_BYTES);
    this.#queue.append(bytes, dataAt, dataBytes);
    this.handler.onReceive?.(this);
    return "ok";
  }
}
