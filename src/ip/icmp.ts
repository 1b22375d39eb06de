/** ICMP errors of our own, and echo replies. Read RFC 792, RFC 1812 section 4.3, RFC 1122 section 3.2.2, RFC 5508. */
import { isUnicastSource } from "../core/address.js";
import { patchChecksum } from "../core/checksum.js";
import type { Clock } from "../core/clock.js";
import type { Drops, Verdict } from "../core/drops.js";
import { type Frame, NETWORK_AT, TRANSPORT_AT } from "../core/frame.js";
import type { Interface } from "../link/interface.js";
import {
  ICMP_CHECKSUM_OFFSET,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_BYTES,
  icmpType,
  isIcmpError,
  writeIcmp,
} from "../wire/icmp.js";
import {
  DEFAULT_TTL,
  IP_DESTINATION_OFFSET,
  IP_SOURCE_OFFSET,
  IPV4_HEADER_BYTES,
  ipTos,
  PROTOCOL_ICMP,
  writeIpChecksum,
} from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import type { IpOutput } from "./output.js";

/** RFC 1812 section 4.3.2.3: as much of the packet as fits without the error exceeding 576 bytes. */
const MAX_QUOTE_BYTES = 576 - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES;
/** RFC 1812 section 4.3.2.8 wants a limit; a traceroute's burst passes, a flood of bad packets becomes 50 answers a second. */
export const ICMP_ERRORS_PER_SECOND = 50;
export const ICMP_ERROR_BURST = 50;
/** RFC 5508 REQ-10d: an error carries the DS field of the packet it is about; ECN is not copied. */
const DSCP_MASK = 0xfc;

export class Icmp {
  readonly #clock: Clock;
  readonly #drops: Drops;
  readonly #output: IpOutput;
  /** One token bucket for each interface, so that a flood on the WAN does not silence us towards the LAN. */
  readonly #tokens: number[] = [];
  readonly #refilledAtMs: number[] = [];

  constructor(clock: Clock, drops: Drops, output: IpOutput, interfaces: number) {
    this.#clock = clock;
    this.#drops = drops;
    this.#output = output;
    for (let i = 0; i < interfaces; i++) {
      this.#tokens.push(ICMP_ERROR_BURST);
      this.#refilledAtMs.push(0);
    }
  }

  /**
   * Tells the sender of `packet`, which must be unchanged since it came in, why it went no further; by the interface it
   * came from. Stays silent where RFC 1812 section 4.3.2.7 says so, or above the rate. `rest` is the error's second word.
   */
  sendError(packet: Packet, back: Interface, type: number, code: number, rest = 0): void {
    if (!this.mayComplain(packet, back) || !this.takeToken(back.index)) return;
    const bytes = this.writeError(packet, type, code, rest);
    const tos = ipTos(packet.frame.view, NETWORK_AT) & DSCP_MASK;
    const verdict = this.#output.sendOn(back, back.address, packet.source, PROTOCOL_ICMP, bytes, false, tos);
    if (verdict !== "ok") this.#drops.count(verdict, back.index);
  }

  /**
   * Builds in `output.frame` the whole IPv4 packet of the error that `from` would send, instead of sending it: for packets
   * that were translated before they failed. False when there is nothing to say.
   */
  buildError(packet: Packet, from: Interface, type: number, code: number): boolean {
    if (!this.mayComplain(packet, from) || !this.takeToken(from.index)) return false;
    const bytes = this.writeError(packet, type, code, 0);
    const tos = ipTos(packet.frame.view, NETWORK_AT) & DSCP_MASK;
    this.#output.write(from, from.address, packet.source, PROTOCOL_ICMP, bytes, false, tos, DEFAULT_TTL);
    return true;
  }

  /** Answers an echo request in the frame it came in (RFC 1122 section 3.2.2.6); its checksum has been verified. */
  sendEchoReply(packet: Packet): Verdict {
    const view = packet.frame.view;
    const at = packet.transportAt;
    const out = this.#output.route(packet.source);
    if (out === undefined) return "ipNoRoute";
    view.setUint8(at, ICMP_ECHO_REPLY);
    // ~m + m' of RFC 1624 for the type octet, which is the word's upper half.
    const delta = (~(ICMP_ECHO_REQUEST << 8) & 0xffff) + (ICMP_ECHO_REPLY << 8);
    patchChecksum(packet.frame, at + ICMP_CHECKSUM_OFFSET, delta);
    view.setUint16(NETWORK_AT + 4, out.nextIdentification());
    view.setUint16(NETWORK_AT + 6, 0);
    view.setUint8(NETWORK_AT + 8, DEFAULT_TTL);
    view.setInt32(NETWORK_AT + IP_SOURCE_OFFSET, packet.destination);
    view.setInt32(NETWORK_AT + IP_DESTINATION_OFFSET, packet.source);
    writeIpChecksum(view, NETWORK_AT, at - NETWORK_AT);
    return this.#output.emit(out, packet.frame, packet.totalBytes);
  }

  private mayComplain(packet: Packet, from: Interface): boolean {
    if (from.address === 0 || packet.fragmentOffset !== 0 || packet.isLinkBroadcast) return false;
    if (!isUnicastSource(packet.source) || !isUnicastSource(packet.destination)) return false;
    if (from.isBroadcast(packet.source) || from.isBroadcast(packet.destination)) return false;
    if (packet.protocol !== PROTOCOL_ICMP) return true;
    return packet.payloadBytes >= 1 && !isIcmpError(icmpType(packet.frame.view, packet.transportAt));
  }

  /** Whether another answer may leave by this interface, an ICMP error or what comes in its place; counts one that may not. */
  takeToken(index: number): boolean {
    const elapsedMs = this.#clock.now - (this.#refilledAtMs[index] as number);
    const tokens = Math.min(
      ICMP_ERROR_BURST,
      (this.#tokens[index] as number) + (elapsedMs * ICMP_ERRORS_PER_SECOND) / 1000,
    );
    this.#refilledAtMs[index] = this.#clock.now;
    if (tokens < 1) {
      this.#tokens[index] = tokens;
      this.#drops.count("icmpRateLimited", index);
      return false;
    }
    this.#tokens[index] = tokens - 1;
    return true;
  }

  /** Writes the ICMP message with its quote into the output frame; returns its length in bytes. */
  private writeError(packet: Packet, type: number, code: number, rest: number): number {
    const frame: Frame = this.#output.frame;
    const quoteBytes = Math.min(packet.totalBytes, MAX_QUOTE_BYTES);
    const quote = packet.frame.bytes.subarray(NETWORK_AT, NETWORK_AT + quoteBytes);
    frame.bytes.set(quote, TRANSPORT_AT + ICMP_HEADER_BYTES);
    writeIcmp(frame.view, TRANSPORT_AT, type, code, rest, ICMP_HEADER_BYTES + quoteBytes);
    return ICMP_HEADER_BYTES + quoteBytes;
  }
}
