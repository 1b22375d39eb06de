/**
 * Rewrites one end of a packet, in its bytes and in its `Packet`; checksums follow incrementally (RFC 1624). The header gets
 * the packet's TTL at the same time: both change one checksum.
 */
import { Icmp, Ip, Ipv4At, Tcp, Udp } from "../wire/inlined.js";
import { ipIdentification } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";

/** A multiple of 0xffff above all that a change may take from a sum. */
// biome-ignore lint/suspicious/noConstEnum: see inlined.ts.
const enum Sum {
  ABOVE_ZERO = 0x3fffc,
}

/** The source address alone: what follows the IP header has no pseudo header over it. */
export function setSource(packet: Packet, address: number): void {
  const before = packet.source;
  // As `changeOf`, here and below: a call costs XS as much as what it does.
  const change =
    Sum.ABOVE_ZERO + ((before >> 16) & 0xffff) + (before & 0xffff) - ((address >> 16) & 0xffff) - (address & 0xffff);
  packet.source = address;
  finish(packet, Ipv4At.SOURCE, address, change);
}

/** The destination address alone. */
export function setDestination(packet: Packet, address: number): void {
  const before = packet.destination;
  const change =
    Sum.ABOVE_ZERO + ((before >> 16) & 0xffff) + (before & 0xffff) - ((address >> 16) & 0xffff) - (address & 0xffff);
  packet.destination = address;
  finish(packet, Ipv4At.DESTINATION, address, change);
}

/** What a fragment other than the first one shows of its datagram: both addresses and the identification. */
export function setLabel(packet: Packet, source: number, destination: number, identification: number): void {
  const { view } = packet.frame;
  const before = ipIdentification(view, Ipv4At.NETWORK);
  const addresses = changeOf(packet.source, source) + changeOf(packet.destination, destination);
  view.setUint16(Ipv4At.FRAGMENT, identification);
  view.setInt32(Ipv4At.SOURCE, source);
  packet.source = source;
  packet.destination = destination;
  finish(packet, Ipv4At.DESTINATION, destination, addresses + before - identification);
}

/** Address and port of one end of a UDP or TCP packet: its source, or its destination. */
export function setEndpoint(packet: Packet, isSource: boolean, address: number, port: number): void {
  const view = packet.frame.view;
  const isTcp = packet.protocol === Ip.TCP;
  const transportAt = packet.transportAt;
  const before = isSource ? packet.source : packet.destination;
  const checksumAt = isTcp ? transportAt + Tcp.CHECKSUM : transportAt + Udp.CHECKSUM;
  const checksum = view.getUint16(checksumAt);
  // What both checksums have to be told of, and modulo 0xffff, as in the flow cache: in few steps.
  let change =
    Sum.ABOVE_ZERO + ((before >> 16) & 0xffff) + (before & 0xffff) - ((address >> 16) & 0xffff) - (address & 0xffff);
  // To UDP 0 is "none", and stays; a computed 0 is sent as 0xffff (RFC 768, RFC 1122 section 4.1.3.4).
  if (checksum !== 0 || isTcp) {
    const portBefore = isSource ? packet.sourcePort : packet.destinationPort;
    const sum = (checksum + change + portBefore - port) % 0xffff;
    view.setUint16(checksumAt, sum === 0 && !isTcp ? 0xffff : sum);
  }
  if (isSource) {
    view.setUint16(transportAt, port);
    packet.sourcePort = port;
    packet.source = address;
    const fragmentWord = packet.fragmentWord;
    if ((fragmentWord & Ip.FRAGMENT_BITS) !== Ip.DONT_FRAGMENT) {
      const identification = packet.identification;
      change += ((fragmentWord >> 16) & 0xffff) - identification;
      view.setUint16(Ipv4At.FRAGMENT, identification);
    }
    view.setInt32(Ipv4At.SOURCE, address);
  } else {
    view.setUint16(transportAt + 2, port);
    packet.destinationPort = port;
    packet.destination = address;
    view.setInt32(Ipv4At.DESTINATION, address);
  }
  // As `finish`, whose call would cost XS 900 instructions.
  const word = view.getInt32(Ipv4At.TTL);
  const ttl = packet.ttl;
  const sum = ((word & 0xffff) + change + ((word >> 16) & 0xff00) - (ttl << 8)) % 0xffff;
  view.setInt32(Ipv4At.TTL, (ttl << 24) | (word & 0xff0000) | sum);
}

/** The identifier of an ICMP query or reply, which was `before`. */
export function setIdentifier(packet: Packet, before: number, after: number): void {
  const view = packet.frame.view;
  const transportAt = packet.transportAt;
  view.setUint16(transportAt + Icmp.IDENTIFIER, after);
  // As `patchChecksum`, which says why 0 is written as 0xffff; its calls were half of the price.
  const checksumAt = transportAt + Icmp.CHECKSUM;
  let sum = (~view.getUint16(checksumAt) & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  view.setUint16(checksumAt, sum === 0xffff ? 0xffff : ~sum & 0xffff);
}

/** What `before` adds to a checksum more than `after` does, made positive. */
function changeOf(before: number, after: number): number {
  return Sum.ABOVE_ZERO + ((before >> 16) & 0xffff) + (before & 0xffff) - ((after >> 16) & 0xffff) - (after & 0xffff);
}

/**
 * Writes the address, the TTL, and for a new source the identification, if it matters; and a checksum for all: `change` is
 * what the old address adds to the sum, less what the new one does, and above 0 by a multiple of 0xffff.
 */
function finish(packet: Packet, at: number, address: number, change: number): void {
  const view = packet.frame.view;
  // TTL, protocol and checksum are one word.
  const word = view.getInt32(Ipv4At.TTL);
  const ttl = packet.ttl;
  let sum = (word & 0xffff) + change + ((word >> 16) & 0xff00) - (ttl << 8);
  if (at === Ipv4At.SOURCE) {
    const fragmentWord = packet.fragmentWord;
    if ((fragmentWord & Ip.FRAGMENT_BITS) !== Ip.DONT_FRAGMENT) {
      const identification = packet.identification;
      sum += ((fragmentWord >> 16) & 0xffff) - identification;
      view.setUint16(Ipv4At.FRAGMENT, identification);
    }
  }
  view.setInt32(at, address);
  view.setInt32(Ipv4At.TTL, (ttl << 24) | (word & 0xff0000) | (sum % 0xffff));
}
