/**
 * Rewrites one end of a packet, in its bytes and in its `Packet`; checksums follow incrementally (RFC 1624). The header gets
 * the packet's TTL at the same time: both change one checksum.
 */
import { delta16, delta32 } from "../core/checksum.js";
import { NETWORK_AT } from "../core/frame.js";
import { ICMP_CHECKSUM_OFFSET, ICMP_IDENTIFIER_OFFSET } from "../wire/icmp.js";
import {
  IP_DESTINATION_OFFSET,
  IP_DONT_FRAGMENT,
  IP_FRAGMENT_BITS,
  IP_IDENTIFICATION_OFFSET,
  IP_SOURCE_OFFSET,
  IP_TTL_OFFSET,
  ipIdentification,
  PROTOCOL_TCP,
} from "../wire/ipv4.js";

import type { Packet } from "../wire/packet.js";
import { TCP_CHECKSUM_OFFSET } from "../wire/tcp.js";
import { UDP_CHECKSUM_OFFSET } from "../wire/udp.js";

/** The source address alone: what follows the IP header has no pseudo header over it. */
export function setSource(packet: Packet, address: number): void {
  const before = packet.source;
  // As `delta32`, here and below: a call costs XS as much as what it does.
  const delta = (~(before >> 16) & 0xffff) + ((address >> 16) & 0xffff) + (~before & 0xffff) + (address & 0xffff);
  packet.source = address;
  finish(packet, IP_SOURCE_OFFSET, address, delta);
}

/** The destination address alone. */
export function setDestination(packet: Packet, address: number): void {
  const before = packet.destination;
  const delta = (~(before >> 16) & 0xffff) + ((address >> 16) & 0xffff) + (~before & 0xffff) + (address & 0xffff);
  packet.destination = address;
  finish(packet, IP_DESTINATION_OFFSET, address, delta);
}

/** What a fragment other than the first one shows of its datagram: both addresses and the identification. */
export function setLabel(packet: Packet, source: number, destination: number, identification: number): void {
  const { view } = packet.frame;
  const before = ipIdentification(view, NETWORK_AT);
  const addresses = delta32(packet.source, source) + delta32(packet.destination, destination);
  view.setUint16(NETWORK_AT + IP_IDENTIFICATION_OFFSET, identification);
  view.setInt32(NETWORK_AT + IP_SOURCE_OFFSET, source);
  packet.source = source;
  packet.destination = destination;
  finish(packet, IP_DESTINATION_OFFSET, destination, addresses + delta16(before, identification));
}

/** Address and port of one end of a UDP or TCP packet: its source, or its destination. */
export function setEndpoint(packet: Packet, isSource: boolean, address: number, port: number): void {
  const view = packet.frame.view;
  const protocol = packet.protocol;
  const transportAt = packet.transportAt;
  const before = isSource ? packet.source : packet.destination;
  const portBefore = isSource ? packet.sourcePort : packet.destinationPort;
  const delta = (~(before >> 16) & 0xffff) + ((address >> 16) & 0xffff) + (~before & 0xffff) + (address & 0xffff);
  const checksumAt = protocol === PROTOCOL_TCP ? transportAt + TCP_CHECKSUM_OFFSET : transportAt + UDP_CHECKSUM_OFFSET;
  const checksum = view.getUint16(checksumAt);
  // To UDP 0 is "none", and stays; a computed 0 is sent as 0xffff (RFC 768, RFC 1122 section 4.1.3.4).
  if (checksum !== 0 || protocol === PROTOCOL_TCP) {
    let sum = (~checksum & 0xffff) + delta + (~portBefore & 0xffff) + port;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    view.setUint16(checksumAt, sum === 0xffff && protocol !== PROTOCOL_TCP ? 0xffff : ~sum & 0xffff);
  }
  // As `finish`, whose call would cost XS 900 instructions.
  const word = view.getInt32(NETWORK_AT + IP_TTL_OFFSET);
  const ttlBits = packet.ttl << 24;
  let sum = (~word & 0xffff) + delta + ((~word >> 16) & 0xff00) + 0xff + ((ttlBits >> 16) & 0xff00);
  if (isSource) {
    view.setUint16(transportAt, port);
    packet.sourcePort = port;
    packet.source = address;
    const fragmentWord = packet.fragmentWord;
    if ((fragmentWord & IP_FRAGMENT_BITS) !== IP_DONT_FRAGMENT) {
      const identification = packet.identification;
      sum += ((~fragmentWord >> 16) & 0xffff) + identification;
      view.setUint16(NETWORK_AT + IP_IDENTIFICATION_OFFSET, identification);
    }
    view.setInt32(NETWORK_AT + IP_SOURCE_OFFSET, address);
  } else {
    view.setUint16(transportAt + 2, port);
    packet.destinationPort = port;
    packet.destination = address;
    view.setInt32(NETWORK_AT + IP_DESTINATION_OFFSET, address);
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  view.setInt32(NETWORK_AT + IP_TTL_OFFSET, ttlBits | (word & 0xff0000) | (~sum & 0xffff));
}

/** The identifier of an ICMP query or reply, which was `before`. */
export function setIdentifier(packet: Packet, before: number, after: number): void {
  const view = packet.frame.view;
  const transportAt = packet.transportAt;
  view.setUint16(transportAt + ICMP_IDENTIFIER_OFFSET, after);
  // As `patchChecksum`, which says why 0 is written as 0xffff; its calls were half of the price.
  const checksumAt = transportAt + ICMP_CHECKSUM_OFFSET;
  let sum = (~view.getUint16(checksumAt) & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  view.setUint16(checksumAt, sum === 0xffff ? 0xffff : ~sum & 0xffff);
}

/**
 * Writes the address, the TTL, and for a new source the identification, if it matters; and a checksum for all: `delta` is
 * the address's change to the sum.
 */
function finish(packet: Packet, offset: number, address: number, delta: number): void {
  const view = packet.frame.view;
  // TTL, protocol and checksum are one word.
  const word = view.getInt32(NETWORK_AT + IP_TTL_OFFSET);
  const ttlBits = packet.ttl << 24;
  let sum = (~word & 0xffff) + delta + ((~word >> 16) & 0xff00) + 0xff + ((ttlBits >> 16) & 0xff00);
  if (offset === IP_SOURCE_OFFSET) {
    const fragmentWord = packet.fragmentWord;
    if ((fragmentWord & IP_FRAGMENT_BITS) !== IP_DONT_FRAGMENT) {
      const identification = packet.identification;
      sum += ((~fragmentWord >> 16) & 0xffff) + identification;
      view.setUint16(NETWORK_AT + IP_IDENTIFICATION_OFFSET, identification);
    }
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  view.setInt32(NETWORK_AT + offset, address);
  view.setInt32(NETWORK_AT + IP_TTL_OFFSET, ttlBits | (word & 0xff0000) | (~sum & 0xffff));
}
