/** What any fragment must be like, whatever it belongs to. */
import type { Verdict } from "../core/drops.js";
import { IPV4_HEADER_BYTES, PROTOCOL_TCP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { TCP_HEADER_BYTES } from "../wire/tcp.js";

/** The largest payload that a length field can announce (RFC 791 section 3.1). */
const MAX_PAYLOAD_BYTES = 65535 - IPV4_HEADER_BYTES;

/** Whether a fragment can be part of a datagram. Of UDP and ICMP the first one has the whole header: it is at least 8 bytes. */
export function validateFragment(packet: Packet): Verdict {
  const offset = packet.fragmentOffset;
  const length = packet.payloadBytes;
  if (length === 0 || (packet.moreFragments && (length & 7) !== 0)) return "fragmentMalformed";
  // RFC 1858 section 4, RFC 3128: a TCP header is never split.
  if (packet.protocol === PROTOCOL_TCP && (offset === 0 ? length < TCP_HEADER_BYTES : offset < TCP_HEADER_BYTES)) {
    return "fragmentMalformed";
  }
  return offset + length > MAX_PAYLOAD_BYTES ? "fragmentTooBig" : "ok";
}
