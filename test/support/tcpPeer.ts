/**
 * The other end of a TCP connection, played by a test: it sends exactly the segments it is told to, and shows each segment
 * of the stack as a line. Sequence numbers in both are relative to the two initial ones.
 *
 *     PA seq=1 ack=1 win=4096 "hello"      SA seq=0 ack=1 win=4096 mss=1460      A seq=1 ack=1 win=4096 <1460>
 */
import type { Verdict } from "../../src/core/drops.js";
import type { TcpListener } from "../../src/transport/tcp/listener.js";
import type { TcpHandler, TcpSocket } from "../../src/transport/tcp/socket.js";
import { PROTOCOL_TCP } from "../../src/wire/ipv4.js";
import {
  TCP_HEADER_BYTES,
  tcpAcknowledgement,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderBytes,
  tcpSequence,
  tcpSourcePort,
  tcpUrgentPointer,
  tcpWindow,
  validateTcp,
  writeTcp,
} from "../../src/wire/tcp.js";
import { OUR_ADDRESS, PEER_ADDRESS, packetOf, type RigOptions, TransportRig } from "./transportRig.js";

/** In the order of the bits from FIN up. */
const FLAG_LETTERS = "FSRPAUEC";
export const PEER_PORT = 80;
/** Close enough to the wrap that every test crosses it. */
export const PEER_ISS = -2;

export interface SegmentOptions {
  /** Relative to the peer's initial sequence number. */
  seq?: number;
  /** Relative to the stack's initial sequence number. */
  ack?: number;
  window?: number;
  data?: string | number;
  mss?: number;
  /** Raw option bytes, padded by the caller to a multiple of four. */
  options?: number[];
  urgent?: number;
  fromPort?: number;
  fromAddress?: number;
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export class TcpPeer {
  readonly rig: TransportRig;
  /** The stack's port and initial sequence number, as its last SYN told. */
  localPort = 0;
  iss = 0;
  /** The port the peer speaks from. */
  port = PEER_PORT;
  window = 65_535;
  #sent: string[] = [];

  constructor(options: RigOptions = {}) {
    this.rig = new TransportRig(options);
    this.rig.output.onDatagram = (payload, source, destination) => this.#record(payload, source, destination);
  }

  get now(): number {
    return this.rig.clock.now;
  }

  /** What the stack has sent since the last call. */
  take(): string[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** Lets the stack receive a segment; flags as letters, "SA". */
  send(flags: string, options: SegmentOptions = {}): Verdict {
    return this.sendRaw(flags, {
      ...options,
      seq: ((options.seq ?? 0) + PEER_ISS) | 0,
      ack: ((options.ack ?? 0) + this.iss) | 0,
    });
  }

  /** As `send`, with absolute sequence numbers. */
  sendRaw(flags: string, options: SegmentOptions): Verdict {
    const data = typeof options.data === "number" ? "x".repeat(options.data) : (options.data ?? "");
    const mss = options.mss === undefined ? [] : [2, 4, options.mss >> 8, options.mss & 255];
    const optionBytes = options.options ?? mss;
    const headerBytes = TCP_HEADER_BYTES + optionBytes.length;
    const payload = new Uint8Array(headerBytes + data.length);
    payload.set(optionBytes, TCP_HEADER_BYTES);
    payload.set(bytesOf(data), headerBytes);
    const bits = [...flags].reduce((sum, letter) => sum | (1 << FLAG_LETTERS.indexOf(letter)), 0);
    const view = new DataView(payload.buffer);
    const from = options.fromAddress ?? PEER_ADDRESS;
    const fromPort = options.fromPort ?? this.port;
    const window = options.window ?? this.window;
    const ack = flags.includes("A") ? (options.ack ?? 0) : 0;
    // The urgent pointer is summed with the rest: 0 in the header first, then patched into both.
    writeTcp(
      view,
      0,
      fromPort,
      this.localPort,
      options.seq ?? 0,
      ack,
      headerBytes,
      bits,
      window,
      payload.length,
      from,
      OUR_ADDRESS,
    );
    if (options.urgent !== undefined) {
      view.setUint16(18, options.urgent);
      const sum = (~view.getUint16(16) & 0xffff) + options.urgent;
      view.setUint16(16, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
    }
    return this.rig.tcp.receive(packetOf(payload, from, OUR_ADDRESS, PROTOCOL_TCP));
  }

  /** Moves time on, stopping wherever the stack has something to do. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let next = this.rig.tcp.nextDeadline(); next <= end; next = this.rig.tcp.nextDeadline()) {
      this.rig.clock.now = Math.max(next, this.now);
      this.rig.tcp.poll();
    }
    this.rig.clock.now = end;
  }

  /** The times, relative to now, at which the stack sends something during the next `ms`, with what it sends. */
  record(ms: number): string[] {
    const start = this.now;
    const end = start + ms;
    const lines: string[] = [];
    for (let next = this.rig.tcp.nextDeadline(); next <= end; next = this.rig.tcp.nextDeadline()) {
      this.rig.clock.now = Math.max(next, this.now);
      this.rig.tcp.poll();
      for (const line of this.take()) lines.push(`${this.now - start}: ${line}`);
    }
    this.rig.clock.now = end;
    return lines;
  }

  #record(payload: Uint8Array, source: number, destination: number): void {
    const view = new DataView(payload.buffer);
    const valid = validateTcp(view, 0, payload.length, source, destination);
    if (valid !== "ok") throw new Error(`the stack sent a segment that is ${valid}`);
    if (tcpUrgentPointer(view, 0) !== 0) throw new Error("the stack sent an urgent pointer");
    const bits = tcpFlags(view, 0);
    const flags = [...FLAG_LETTERS].filter((_, bit) => bits & (1 << bit)).join("");
    if (flags.includes("S")) {
      this.iss = tcpSequence(view, 0);
      this.localPort = tcpSourcePort(view, 0);
      this.port = tcpDestinationPort(view, 0);
    }
    const headerBytes = tcpHeaderBytes(view, 0);
    const data = payload.subarray(headerBytes);
    const parts = [flags, `seq=${(tcpSequence(view, 0) - this.iss) | 0}`];
    if (flags.includes("A")) parts.push(`ack=${(tcpAcknowledgement(view, 0) - PEER_ISS) | 0}`);
    if (!flags.includes("R")) parts.push(`win=${tcpWindow(view, 0)}`);
    if (headerBytes > TCP_HEADER_BYTES) parts.push(`mss=${view.getUint16(TCP_HEADER_BYTES + 2)}`);
    if (data.length > 16) parts.push(`<${data.length}>`);
    else if (data.length > 0) parts.push(JSON.stringify(String.fromCharCode(...data)));
    this.#sent.push(parts.join(" "));
  }
}

/** Notes the calls of a handler as lines, and reads nothing by itself. */
export class CallLog implements TcpHandler {
  readonly calls: string[] = [];

  onConnected(): void {
    this.calls.push("connected");
  }

  onReadable(socket: TcpSocket): void {
    this.calls.push(`readable ${socket.readableBytes}`);
  }

  onWritable(socket: TcpSocket): void {
    this.calls.push(`writable ${socket.writableBytes}`);
  }

  onEnd(): void {
    this.calls.push("end");
  }

  onUrgent(socket: TcpSocket): void {
    this.calls.push(`urgent ${socket.urgentBytes}`);
  }

  onClosed(_socket: TcpSocket, reason: string | undefined): void {
    this.calls.push(reason === undefined ? "closed" : `closed: ${reason}`);
  }

  take(): string[] {
    return this.calls.splice(0);
  }
}

export interface Connected {
  peer: TcpPeer;
  socket: TcpSocket;
  log: CallLog;
}

/** A stack that has sent its SYN. */
export function synSent(options: RigOptions & { port?: number } = {}): Connected {
  const peer = new TcpPeer(options);
  const log = new CallLog();
  const socket = peer.rig.tcp.connect({ address: PEER_ADDRESS, port: options.port ?? PEER_PORT, handler: log });
  return { peer, socket, log };
}

/** An active open that has succeeded; the peer's next sequence number and acknowledgement are 1. */
export function established(options: RigOptions & { mss?: number; window?: number } = {}): Connected {
  const connected = synSent(options);
  if (options.window !== undefined) connected.peer.window = options.window;
  connected.peer.send("SA", { seq: 0, ack: 1, mss: options.mss ?? 1460 });
  connected.peer.take();
  connected.log.take();
  return connected;
}

export interface Listening {
  peer: TcpPeer;
  listener: TcpListener;
  accepted: TcpSocket[];
  log: CallLog;
}

/** A stack that listens on port 25565. */
export function listening(options: RigOptions & { backlog?: number } = {}): Listening {
  const peer = new TcpPeer(options);
  const accepted: TcpSocket[] = [];
  const log = new CallLog();
  const backlog = options.backlog === undefined ? {} : { backlog: options.backlog };
  const listener = peer.rig.tcp.listen({
    port: 25565,
    ...backlog,
    onConnection: (socket) => {
      socket.handler = log;
      accepted.push(socket);
    },
  });
  peer.localPort = 25565;
  peer.port = 4000;
  return { peer, listener, accepted, log };
}

/** A connection that a listener has accepted. */
export function acceptedConnection(options: RigOptions = {}): Connected & Listening {
  const state = listening(options);
  state.peer.send("S", { seq: 0, mss: 1460 });
  state.peer.send("A", { seq: 1, ack: 1 });
  state.peer.take();
  return { ...state, socket: state.accepted[0] as TcpSocket };
}
