/**
 * Sends the stack's own datagrams: picks the interface, writes the IPv4 header, fragments what is larger than the MTU.
 *
 * A transport builds its header and data in `frame` from `TRANSPORT_AT` on, then calls `send`. There is one such frame:
 * nothing may be kept in it across calls.
 */
import { isUnicastSource } from "../core/address.js";
import type { Verdict } from "../core/drops.js";
import { ETHERNET_HEADER_BYTES, Frame, NETWORK_AT } from "../core/frame.js";
import type { Random } from "../core/random.js";
import { type Interface, identificationsAfter } from "../link/interface.js";
import type { Neighbours } from "../link/neighbours.js";
import { DEFAULT_TTL, IP_DESTINATION_OFFSET, IP_DONT_FRAGMENT, IPV4_HEADER_BYTES, writeIpv4 } from "../wire/ipv4.js";
import { sendFragments } from "./fragments.js";

export class IpOutput {
  /** Where the next datagram is built: IP payload from `TRANSPORT_AT`. */
  readonly frame: Frame;
  /** The largest IP payload `frame` holds, in bytes. */
  readonly maxPayloadBytes: number;
  readonly #interfaces: readonly Interface[];
  readonly #neighbours: Neighbours;

  constructor(interfaces: readonly Interface[], neighbours: Neighbours, random: Random, sentBytes: number) {
    this.#interfaces = interfaces;
    this.#neighbours = neighbours;
    this.frame = new Frame(ETHERNET_HEADER_BYTES + sentBytes);
    this.maxPayloadBytes = sentBytes - IPV4_HEADER_BYTES;
    // Each interface counts for itself, so that nobody on one link sees from it what goes on on the other.
    for (const one of interfaces) one.nextIdentification = identificationsAfter((random.next32() & 0xffff) | 0x100);
  }

  /** The interface a packet to `destination` leaves by: the one it is on-link to, else the one with a gateway. */
  route(destination: number): Interface | undefined {
    for (let i = 0; i < this.#interfaces.length; i++) {
      const candidate = this.#interfaces[i] as Interface;
      if (candidate.isOnLink(destination)) return candidate;
    }
    for (let i = 0; i < this.#interfaces.length; i++) {
      const candidate = this.#interfaces[i] as Interface;
      if (candidate.address !== 0 && candidate.gateway !== 0) return candidate;
    }
    return undefined;
  }

  /** The address the stack speaks to `destination` with; 0 when there is no route. */
  sourceFor(destination: number): number {
    return this.route(destination)?.address ?? 0;
  }

  /** The MTU of the link towards `destination`, in bytes; 0 when there is no route. */
  mtuTo(destination: number): number {
    return this.route(destination)?.mtuBytes ?? 0;
  }

  /**
   * Sends the `payloadBytes` bytes at `TRANSPORT_AT` of `frame` from one of our addresses.
   *
   * With `dontFragment`, a datagram above the MTU is refused with `ipTooBig`; without, it is fragmented. A frame the
   * port refuses is lost as on any network and returns "portFull".
   */
  send(
    source: number,
    destination: number,
    protocol: number,
    payloadBytes: number,
    dontFragment: boolean,
    tos = 0,
    ttl = DEFAULT_TTL,
  ): Verdict {
    const out = this.route(destination);
    return out === undefined
      ? "ipNoRoute"
      : this.sendOn(out, source, destination, protocol, payloadBytes, dontFragment, tos, ttl);
  }

  /** As `send`, on a given interface: for broadcasts, and for answers that must leave where the question came in. */
  sendOn(
    out: Interface,
    source: number,
    destination: number,
    protocol: number,
    payloadBytes: number,
    dontFragment: boolean,
    tos = 0,
    ttl = DEFAULT_TTL,
  ): Verdict {
    this.write(out, source, destination, protocol, payloadBytes, dontFragment, tos, ttl);
    return this.emit(out, this.frame, IPV4_HEADER_BYTES + payloadBytes);
  }

  /**
   * Writes the IPv4 header in front of the payload in `frame` as `out` would send it, and sends nothing. What is never
   * fragmented needs no identification (RFC 6864 section 4.1), and a counted one would tell others of our connections.
   */
  write(
    out: Interface,
    source: number,
    destination: number,
    protocol: number,
    payloadBytes: number,
    dontFragment: boolean,
    tos: number,
    ttl: number,
  ): void {
    const totalBytes = IPV4_HEADER_BYTES + payloadBytes;
    const field = dontFragment ? IP_DONT_FRAGMENT : 0;
    const identification = dontFragment ? 0 : out.nextIdentification();
    writeIpv4(this.frame.view, NETWORK_AT, tos, totalBytes, identification, field, ttl, protocol, source, destination);
  }

  /** Sends a finished IPv4 packet of `totalBytes` in `frame` by `out`, fragmented if it must and may be. */
  emit(out: Interface, frame: Frame, totalBytes: number): Verdict {
    const nextHop = out.nextHop(frame.view.getInt32(NETWORK_AT + IP_DESTINATION_OFFSET));
    // There is no loopback; to ask for our own station address would be to announce ourselves.
    if (nextHop === 0 || nextHop === out.address) return "ipNoRoute";
    if (totalBytes > out.mtuBytes) return sendFragments(this.#neighbours, out, nextHop, frame, totalBytes);
    return this.#neighbours.send(out, nextHop, frame, ETHERNET_HEADER_BYTES + totalBytes);
  }

  /** True when `address` is one of the stack's own, on any interface. */
  isOurs(address: number): boolean {
    const interfaces = this.#interfaces;
    // From the end, for XS takes 250 instructions to look up a length.
    for (let i = interfaces.length - 1; i >= 0; i--) {
      if ((interfaces[i] as Interface).address === address) return isUnicastSource(address);
    }
    return false;
  }
}
