/** What tells the fragments of one datagram from all others, beside source and destination (RFC 791 section 3.2). */
import { NETWORK_AT } from "../core/frame.js";
import { ipIdentification } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";

const LINK_SHIFT = 1;
const LINK_MASK = 0x0e;
const BROADCAST_BIT = 0x10;

/** Identification, protocol and link of a packet in one word, which is never 0. */
export function fragmentKey(packet: Packet): number {
  const way = (packet.interfaceIndex << LINK_SHIFT) | (packet.isLinkBroadcast ? BROADCAST_BIT : 0) | 1;
  return (ipIdentification(packet.frame.view, NETWORK_AT) << 16) | (packet.protocol << 8) | way;
}

/** Index of the interface the fragments come in by: 0..7. */
export function linkOf(key: number): number {
  return (key & LINK_MASK) >> LINK_SHIFT;
}

/** Whether their frames were sent to a group address. */
export function isBroadcastKey(key: number): boolean {
  return (key & BROADCAST_BIT) !== 0;
}
