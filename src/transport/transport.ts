/** What the IP layer hands up, what it takes, and what a transport offers in return. */
import type { Verdict } from "../core/drops.js";
import type { Frame } from "../core/frame.js";
import type { Packet } from "../wire/packet.js";

/** What a transport needs of the IP layer to send; `IpOutput` is one. */
export interface DatagramOutput {
  /** Where the next datagram is built: IP payload from `TRANSPORT_AT`. */
  readonly frame: Frame;
  /** The largest IP payload `frame` holds, in bytes. */
  readonly maxPayloadBytes: number;
  /** Sends the `payloadBytes` bytes at `TRANSPORT_AT` of `frame`; any other verdict than "ok" means they were not sent. */
  send(source: number, destination: number, protocol: number, payloadBytes: number, dontFragment: boolean): Verdict;
  /** The address the stack speaks to `destination` with; 0 when there is no route. */
  sourceFor(destination: number): number;
  /** The MTU of the link towards `destination`, in bytes; 0 when there is no route. */
  mtuTo(destination: number): number;
  /** True for the unicast addresses of the stack itself. */
  isOurs(address: number): boolean;
  /** The interface towards `destination`, which knows its network's broadcast addresses. */
  route(destination: number): { isBroadcast(address: number): boolean } | undefined;
}

/** An ICMP error about a packet this stack sent: what its quote says (RFC 792). */
export class IcmpErrorQuote {
  /** ICMP type and code of the error. */
  type = 0;
  code = 0;
  /** The next-hop MTU of a "fragmentation needed", in bytes; 0 when the router did not say. */
  nextHopMtuBytes = 0;
  /** The quoted packet's addresses: `source` is one of ours. */
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** The quoted TCP sequence number; 0 for UDP. */
  sequence = 0;
}

export interface Transport {
  /** A whole, unfragmented datagram for one of our addresses (or a broadcast, for UDP). */
  receive(packet: Packet): Verdict;
  /** An ICMP error about a segment or datagram we sent; must not trust it further than RFC 5927 allows. */
  receiveError(quote: IcmpErrorQuote): Verdict;
  /** Carries out what is due at `clock.now`. */
  poll(): void;
  /** The next instant at which `poll` has something to do, in ms; `NEVER` if none. */
  nextDeadline(): number;
}
