/**
 * The facts about the IPv4 packet in hand.
 *
 * One instance lives as long as the stack and is filled anew for each packet: nothing is allocated on the packet path.
 */
import { type Frame, NETWORK_AT } from "../core/frame.js";
import {
  IP_MORE_FRAGMENTS,
  IP_OFFSET_MASK,
  ipDestination,
  ipFragmentField,
  ipHeaderBytes,
  ipProtocol,
  ipSource,
  ipTotalBytes,
  ipTtl,
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
    const headerBytes = ipHeaderBytes(view, NETWORK_AT);
    const fragmentField = ipFragmentField(view, NETWORK_AT);
    this.frame = frame;
    this.interfaceIndex = interfaceIndex;
    this.isLinkBroadcast = isLinkBroadcast;
    this.source = ipSource(view, NETWORK_AT);
    this.destination = ipDestination(view, NETWORK_AT);
    this.protocol = ipProtocol(view, NETWORK_AT);
    this.ttl = ipTtl(view, NETWORK_AT);
    this.totalBytes = ipTotalBytes(view, NETWORK_AT);
    this.transportAt = NETWORK_AT + headerBytes;
    this.payloadBytes = this.totalBytes - headerBytes;
    this.fragmentOffset = (fragmentField & IP_OFFSET_MASK) << 3;
    this.moreFragments = (fragmentField & IP_MORE_FRAGMENTS) !== 0;
    const hasPorts =
      (this.protocol === PROTOCOL_TCP || this.protocol === PROTOCOL_UDP) &&
      this.fragmentOffset === 0 &&
      this.payloadBytes >= 4;
    this.sourcePort = hasPorts ? view.getUint16(this.transportAt) : 0;
    this.destinationPort = hasPorts ? view.getUint16(this.transportAt + 2) : 0;
  }
}
