/** Reading the packet that an ICMP error quotes (RFC 792, RFC 1122 section 3.2.2). */
import { ICMP_HEADER_BYTES, icmpCode, icmpNextHopMtu, icmpType } from "../wire/icmp.js";
import {
  IP_OFFSET_MASK,
  IPV4_HEADER_BYTES,
  ipDestination,
  ipFragmentField,
  ipHeaderBytes,
  ipProtocol,
  ipSource,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
} from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import type { IcmpErrorQuote } from "./transport.js";

/** Every quote holds at least this much of the quoted packet's payload (RFC 792). */
const QUOTED_PAYLOAD_BYTES = 8;

/** Fills `quote` from a validated ICMP error. Returns the quoted protocol, or -1 when the quote does not reach the ports. */
export function readQuote(packet: Packet, quote: IcmpErrorQuote): number {
  const view = packet.frame.view;
  const at = packet.transportAt + ICMP_HEADER_BYTES;
  const available = packet.payloadBytes - ICMP_HEADER_BYTES;
  if (available < IPV4_HEADER_BYTES || view.getUint8(at) >> 4 !== 4) return -1;
  const headerBytes = ipHeaderBytes(view, at);
  if (headerBytes < IPV4_HEADER_BYTES || available < headerBytes + QUOTED_PAYLOAD_BYTES) return -1;
  // Only a first fragment has ports.
  if ((ipFragmentField(view, at) & IP_OFFSET_MASK) !== 0) return -1;
  const protocol = ipProtocol(view, at);
  const transportAt = at + headerBytes;
  quote.type = icmpType(view, packet.transportAt);
  quote.code = icmpCode(view, packet.transportAt);
  quote.nextHopMtuBytes = icmpNextHopMtu(view, packet.transportAt);
  quote.source = ipSource(view, at);
  quote.destination = ipDestination(view, at);
  quote.sourcePort = view.getUint16(transportAt);
  quote.destinationPort = view.getUint16(transportAt + 2);
  quote.sequence = protocol === PROTOCOL_TCP ? view.getInt32(transportAt + 4) : 0;
  if (protocol === PROTOCOL_ICMP) {
    // A query's "port" is its identifier, wherever ports are compared.
    quote.sourcePort = view.getUint16(transportAt + 4);
    quote.destinationPort = 0;
  }
  return protocol;
}
