/** The TCP segment in hand. One instance is filled anew for each segment, and trimmed to the window as it is processed. */
import type { Packet } from "../../wire/packet.js";
import {
  TCP_ACK,
  TCP_FIN,
  TCP_HEADER_BYTES,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  tcpAcknowledgement,
  tcpFlags,
  tcpHeaderBytes,
  tcpSequence,
  tcpUrgentPointer,
  tcpWindow,
} from "../../wire/tcp.js";
import { mssOption } from "./options.js";

export class Segment {
  /** The addresses and ports as the sender wrote them: `destination` is ours. */
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  ack = 0;
  flags = 0;
  windowBytes = 0;
  urgentPointer = 0;
  /** The MSS option of a SYN; 0 when there is none. */
  mssBytes = 0;
  /** The buffer that holds the data, and where in it. */
  bytes: Uint8Array;
  dataAt = 0;
  dataBytes = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads a segment that `validateTcp` has let through. */
  read(packet: Packet): void {
    const view = packet.frame.view;
    const at = packet.transportAt;
    const headerBytes = tcpHeaderBytes(view, at);
    this.source = packet.source;
    this.destination = packet.destination;
    this.sourcePort = packet.sourcePort;
    this.destinationPort = packet.destinationPort;
    this.sequence = tcpSequence(view, at);
    this.ack = tcpAcknowledgement(view, at);
    this.flags = tcpFlags(view, at);
    this.windowBytes = tcpWindow(view, at);
    this.urgentPointer = tcpUrgentPointer(view, at);
    // RFC 9293 MUST-65: an MSS option counts in a SYN only; nothing else we understand stands anywhere else.
    this.mssBytes = this.isSyn ? mssOption(view, at + TCP_HEADER_BYTES, at + headerBytes) : 0;
    this.bytes = packet.frame.bytes;
    this.dataAt = at + headerBytes;
    this.dataBytes = packet.payloadBytes - headerBytes;
  }

  get isSyn(): boolean {
    return (this.flags & TCP_SYN) !== 0;
  }

  get isFin(): boolean {
    return (this.flags & TCP_FIN) !== 0;
  }

  get isReset(): boolean {
    return (this.flags & TCP_RST) !== 0;
  }

  get isAck(): boolean {
    return (this.flags & TCP_ACK) !== 0;
  }

  get isUrgent(): boolean {
    return (this.flags & TCP_URG) !== 0;
  }

  /** SEG.LEN: what the segment occupies in sequence space. */
  get length(): number {
    return this.dataBytes + (this.isSyn ? 1 : 0) + (this.isFin ? 1 : 0);
  }

  /** Leaves the SYN out, and the sequence number behind it. */
  dropSyn(): void {
    this.flags &= ~TCP_SYN;
    this.sequence = (this.sequence + 1) | 0;
  }

  dropFin(): void {
    this.flags &= ~TCP_FIN;
  }

  /** Drops `count` bytes of data in front. */
  trimFront(count: number): void {
    this.sequence = (this.sequence + count) | 0;
    this.dataAt += count;
    this.dataBytes -= count;
  }
}
