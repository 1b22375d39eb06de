/**
 * The facts about the IPv4 packet in hand.
 *
 * One instance lives as long as the stack and is filled anew for each packet: nothing is allocated on the packet path.
 */
import { type Frame, NETWORK_AT } from "../core/frame.js";
import {
  IP_DESTINATION_OFFSET,
  IP_MORE_FRAGMENTS,
  IP_OFFSET_MASK,
  IP_SOURCE_OFFSET,
  IP_TTL_OFFSET,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./ipv4.js";

export class Packet {
  frame: Frame;
  /** Index of the interface the packet came in by. */
  interfaceIndex = 0;
  /** The frame was sent to a group address. */
  isLinkBroadcast = false;
  source = 0;
  destination = 0;
  protocol = 0;
  ttl = 0;
  /** Header and payload, in bytes. */
  totalBytes = 0;
  /** Offset of the IP payload in the frame's buffer. */
  transportAt = 0;
  /** IP payload, in bytes. */
  payloadBytes = 0;
  /** Position of the payload within the whole datagram, in bytes. */
  fragmentOffset = 0;
  moreFragments = false;
  /** TCP and UDP only, and only in an unfragmented packet or a first fragment; otherwise 0. */
  sourcePort = 0;
  destinationPort = 0;

  constructor(frame: Frame) {
    this.frame = frame;
  }

  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset !== 0;
  }

  /** Fills the fields from the validated IPv4 header at `NETWORK_AT`. */
  read(frame: Frame, interfaceIndex: number, isLinkBroadcast: boolean): void {
    const view = frame.view;
    // Whole words: on XS one costs as much as a single byte, and a call to read it as much again.
    const word0 = view.getInt32(NETWORK_AT);
    const fragmentField = view.getInt32(NETWORK_AT + 4);
    const word2 = view.getInt32(NETWORK_AT + IP_TTL_OFFSET);
    const protocol = (word2 >> 16) & 0xff;
    const totalBytes = word0 & 0xffff;
    const headerBytes = (word0 >> 22) & 60;
    const transportAt = NETWORK_AT + headerBytes;
    const fragmentOffset = (fragmentField & IP_OFFSET_MASK) << 3;
    this.frame = frame;
    this.interfaceIndex = interfaceIndex;
    this.isLinkBroadcast = isLinkBroadcast;
    this.source = view.getInt32(NETWORK_AT + IP_SOURCE_OFFSET);
    this.destination = view.getInt32(NETWORK_AT + IP_DESTINATION_OFFSET);
    this.protocol = protocol;
    this.ttl = (word2 >> 24) & 0xff;
    this.totalBytes = totalBytes;
    this.transportAt = transportAt;
    this.payloadBytes = totalBytes - headerBytes;
    this.fragmentOffset = fragmentOffset;
    this.moreFragments = (fragmentField & IP_MORE_FRAGMENTS) !== 0;
    const hasPorts =
      (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) && fragmentOffset === 0 && totalBytes - headerBytes >= 4;
    const ports = hasPorts ? view.getInt32(transportAt) : 0;
    this.sourcePort = (ports >> 16) & 0xffff;
    this.destinationPort = ports & 0xffff;
  }
}
