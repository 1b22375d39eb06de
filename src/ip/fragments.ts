/** Cutting a datagram to the outgoing link's MTU (RFC 791 section 3.2, RFC 1812 section 4.2.2.7). */
import type { Verdict } from "../core/drops.js";
import { ETHERNET_HEADER_BYTES, type Frame, NETWORK_AT } from "../core/frame.js";
import type { Interface } from "../link/interface.js";
import type { Neighbours } from "../link/neighbours.js";
import {
  IP_DONT_FRAGMENT,
  IP_MORE_FRAGMENTS,
  IP_OFFSET_MASK,
  IP_RESERVED_FLAG,
  ipFragmentField,
  ipHeaderBytes,
  writeIpChecksum,
} from "../wire/ipv4.js";

const OPTION_END = 0;
const OPTION_NOP = 1;
/** The bit of an option's type that says it belongs in every fragment (RFC 791 section 3.1). */
const OPTION_COPIED = 0x80;

/**
 * Sends the IPv4 packet of `totalBytes` in `frame` in as few fragments as fit, in order.
 *
 * Works in place: each fragment's payload is moved down behind the one header, so no second buffer is needed; the frame's
 * contents are spent afterwards. A first failure ends it, for a datagram with a hole is lost anyway.
 */
export function sendFragments(
  neighbours: Neighbours,
  out: Interface,
  nextHop: number,
  frame: Frame,
  totalBytes: number,
): Verdict {
  const view = frame.view;
  const bytes = frame.bytes;
  const field = ipFragmentField(view, NETWORK_AT);
  if ((field & IP_DONT_FRAGMENT) !== 0) return "ipTooBig";
  const headerBytes = ipHeaderBytes(view, NETWORK_AT);
  const payloadAt = NETWORK_AT + headerBytes;
  const payloadBytes = totalBytes - headerBytes;
  const roomBytes = out.mtuBytes - headerBytes;

  for (let sent = 0, take = 0; sent < payloadBytes; sent += take) {
    const isLast = payloadBytes - sent <= roomBytes;
    // Only the last one may end between two units of the offset.
    take = isLast ? payloadBytes - sent : roomBytes & ~7;
    if (sent !== 0) bytes.copyWithin(payloadAt, payloadAt + sent, payloadAt + sent + take);
    // A fragment of a fragment keeps its place in the whole, and its "more" if it had one; a reserved bit is passed on
    // (RFC 1812 section 4.2.2.3).
    const offset = (field & IP_OFFSET_MASK) + (sent >> 3);
    const more = isLast ? field & IP_MORE_FRAGMENTS : IP_MORE_FRAGMENTS;
    view.setUint16(NETWORK_AT + 2, headerBytes + take);
    view.setUint16(NETWORK_AT + 6, (field & IP_RESERVED_FLAG) | more | offset);
    writeIpChecksum(view, NETWORK_AT, headerBytes);
    const verdict = neighbours.send(out, nextHop, frame, ETHERNET_HEADER_BYTES + headerBytes + take);
    if (verdict !== "ok") return verdict;
    if (sent === 0) clearUncopiedOptions(frame, headerBytes);
  }
  return "ok";
}

/** Blanks the options that only the first fragment carries; the header keeps its length. */
function clearUncopiedOptions(frame: Frame, headerBytes: number): void {
  const view = frame.view;
  const bytes = frame.bytes;
  const end = NETWORK_AT + headerBytes;
  let at = NETWORK_AT + 20;
  while (at < end) {
    const type = view.getUint8(at);
    if (type === OPTION_END) return;
    const length = type === OPTION_NOP ? 1 : view.getUint8(at + 1);
    if ((type & OPTION_COPIED) === 0) bytes.fill(OPTION_NOP, at, at + length);
    at += length;
  }
}
