/**
 * The facts about the IPv4 packet in hand.
 *
 * One instance lives as long as the stack and is filled anew for each packet: nothing is allocated on the packet path.
 */
import { sumBytes } from "../core/checksum.js";
import type { Verdict } from "../core/drops.js";
import type { Frame } from "../core/frame.js";
import { Ip, Ipv4At } from "./inlined.js";
import { validateOptions } from "./ipv4.js";

/** What the length field can say (RFC 791 section 3.1). */
const MAX_PACKET_BYTES = 65535;

export class Packet {
  // Those first that are read most: XS looks through an object's properties in their order.
  frame: Frame;
  source = 0;
  destination = 0;
  protocol = 0;
  /** Offset of the IP payload in the frame's buffer. */
  transportAt = 0;
  /** What a translation writes to the header; the header may have another one until then. */
  ttl = 0;
  /** The header's second word: identification, flags and fragment offset. */
  fragmentWord = 0;
  /** TCP and UDP only, and only in an unfragmented packet or a first fragment; otherwise 0. */
  sourcePort = 0;
  destinationPort = 0;
  /** Header and payload, in bytes. */
  totalBytes = 0;
  /** Index of the interface the packet came in by. */
  interfaceIndex = 0;
  /** IP payload, in bytes. */
  payloadBytes = 0;
  isFragment = false;
  /** The destination is none of our addresses, and no broadcast that we hear: `Host` says so. */
  isForOthers = false;
  /** The destination is on none of our links, so it is none of our addresses and no link's broadcast: `Host` says so. */
  isRemote = false;
  /** The frame was sent to a group address. */
  isLinkBroadcast = false;
  /** What a translation of the source writes to the header unless the packet is atomic (RFC 6864 section 5.3.1). */
  identification = 0;

  constructor(frame: Frame) {
    this.frame = frame;
  }

  /** Position of the payload within the whole datagram, in bytes. */
  get fragmentOffset(): number {
    return (this.fragmentWord & Ip.OFFSET_MASK) << 3;
  }

  get moreFragments(): boolean {
    return (this.fragmentWord & Ip.MORE_FRAGMENTS) !== 0;
  }

  /**
   * Takes the packet in `frame` in hand: fills the fields from the IPv4 header at `NETWORK_AT`, if all holds that must
   * hold before any of it is believed (RFC 1812 section 5.2.2). `available` is the number of bytes from there to the end
   * of the frame. Source routes are refused (RFC 7126 section 4.3), other options are let through if well formed.
   */
  take(frame: Frame, available: number, interfaceIndex: number, isLinkBroadcast: boolean): Verdict {
    if (available < Ip.HEADER_BYTES) return "ipMalformed";
    const view = frame.view;
    // Each word is read once: on XS that costs as much as a single byte, and a call to read it as much again.
    const word0 = view.getInt32(Ipv4At.NETWORK);
    const totalBytes = word0 & 0xffff;
    const headerBytes = (word0 >> 22) & 60;
    if (word0 >> 28 !== 4 || headerBytes < Ip.HEADER_BYTES || totalBytes < headerBytes || totalBytes > available) {
      return "ipMalformed";
    }
    const fragmentWord = view.getInt32(Ipv4At.FRAGMENT);
    const word2 = view.getInt32(Ipv4At.TTL);
    const source = view.getInt32(Ipv4At.SOURCE);
    const destination = view.getInt32(Ipv4At.DESTINATION);
    let sum =
      ((word0 >> 16) & 0xffff) +
      ((fragmentWord >> 16) & 0xffff) +
      ((word2 >> 16) & 0xffff) +
      ((source >> 16) & 0xffff) +
      ((destination >> 16) & 0xffff) +
      totalBytes +
      (fragmentWord & 0xffff) +
      (word2 & 0xffff) +
      (source & 0xffff) +
      (destination & 0xffff);
    if (headerBytes !== Ip.HEADER_BYTES) sum = sumBytes(view, Ipv4At.TRANSPORT, headerBytes - Ip.HEADER_BYTES, sum);
    // As adding with end-around carry until it is 0xffff (RFC 1071): it is not 0, for the first word is not.
    if (sum % 0xffff !== 0) return "ipChecksum";
    const transportAt = Ipv4At.NETWORK + headerBytes;
    if (headerBytes !== Ip.HEADER_BYTES) {
      const options = validateOptions(view, Ipv4At.TRANSPORT, transportAt);
      if (options !== "ok") return options;
    }

    const protocol = (word2 >> 16) & 0xff;
    const payloadBytes = totalBytes - headerBytes;
    this.frame = frame;
    this.source = source;
    this.destination = destination;
    this.protocol = protocol;
    this.transportAt = transportAt;
    this.payloadBytes = payloadBytes;
    this.interfaceIndex = interfaceIndex;
    this.totalBytes = totalBytes;
    this.ttl = (word2 >> 24) & 0xff;
    this.isFragment = (fragmentWord & Ip.ANY_FRAGMENT) !== 0;
    this.isLinkBroadcast = isLinkBroadcast;
    this.fragmentWord = fragmentWord;
    const hasPorts =
      (protocol === Ip.TCP || protocol === Ip.UDP) && payloadBytes >= 4 && (fragmentWord & Ip.OFFSET_MASK) === 0;
    const ports = hasPorts ? view.getInt32(transportAt) : 0;
    this.sourcePort = (ports >> 16) & 0xffff;
    this.destinationPort = ports & 0xffff;
    return "ok";
  }

  /** As `take`, for a whole packet that we have made or taken before: it is known to be in order. */
  read(frame: Frame, interfaceIndex: number, isLinkBroadcast: boolean): void {
    this.take(frame, MAX_PACKET_BYTES, interfaceIndex, isLinkBroadcast);
  }
}
