/** Rewrites one end of a packet, in its bytes and in its `Packet`; checksums follow incrementally (RFC 1624). */
import { delta16, delta32, patchChecksum, patchUdpChecksum } from "../core/checksum.js";
import { NETWORK_AT } from "../core/frame.js";
import { ICMP_CHECKSUM_OFFSET, ICMP_IDENTIFIER_OFFSET } from "../wire/icmp.js";
import { IP_CHECKSUM_OFFSET, IP_DESTINATION_OFFSET, IP_SOURCE_OFFSET, PROTOCOL_TCP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { TCP_CHECKSUM_OFFSET } from "../wire/tcp.js";
import { UDP_CHECKSUM_OFFSET } from "../wire/udp.js";

/** The source address alone: what follows the IP header has no pseudo header over it. */
export function setSource(packet: Packet, address: number): void {
  replaceSource(packet, address, delta32(packet.source, address));
}

/** The destination address alone. */
export function setDestination(packet: Packet, address: number): void {
  replaceDestination(packet, address, delta32(packet.destination, address));
}

/** Source address and port of a UDP or TCP packet. */
export function setSourceEndpoint(packet: Packet, address: number, port: number): void {
  const delta = delta32(packet.source, address);
  patchTransport(packet, delta + delta16(packet.sourcePort, port));
  packet.frame.view.setUint16(packet.transportAt, port);
  packet.sourcePort = port;
  replaceSource(packet, address, delta);
}

/** Destination address and port of a UDP or TCP packet. */
export function setDestinationEndpoint(packet: Packet, address: number, port: number): void {
  const delta = delta32(packet.destination, address);
  patchTransport(packet, delta + delta16(packet.destinationPort, port));
  packet.frame.view.setUint16(packet.transportAt + 2, port);
  packet.destinationPort = port;
  replaceDestination(packet, address, delta);
}

/** The identifier of an ICMP query or reply, which was `before`. */
export function setIdentifier(packet: Packet, before: number, after: number): void {
  packet.frame.view.setUint16(packet.transportAt + ICMP_IDENTIFIER_OFFSET, after);
  patchChecksum(packet.frame, packet.transportAt + ICMP_CHECKSUM_OFFSET, delta16(before, after));
}

function replaceSource(packet: Packet, address: number, delta: number): void {
  packet.frame.view.setInt32(NETWORK_AT + IP_SOURCE_OFFSET, address);
  patchChecksum(packet.frame, NETWORK_AT + IP_CHECKSUM_OFFSET, delta);
  packet.source = address;
}

function replaceDestination(packet: Packet, address: number, delta: number): void {
  packet.frame.view.setInt32(NETWORK_AT + IP_DESTINATION_OFFSET, address);
  patchChecksum(packet.frame, NETWORK_AT + IP_CHECKSUM_OFFSET, delta);
  packet.destination = address;
}

function patchTransport(packet: Packet, delta: number): void {
  if (packet.protocol === PROTOCOL_TCP) patchChecksum(packet.frame, packet.transportAt + TCP_CHECKSUM_OFFSET, delta);
  else patchUdpChecksum(packet.frame, packet.transportAt + UDP_CHECKSUM_OFFSET, delta);
}
