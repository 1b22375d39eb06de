/**
 * Who owns which port: one registry for each protocol, in which bound sockets, listeners, port forwards and NAT mappings
 * stand side by side, so that no port is ever given away twice. ICMP query identifiers are ports here too (RFC 5508).
 */
import type { Random } from "../core/random.js";

export type PortOwnerKind = "socket" | "listener" | "forward" | "mapping";

/** Inclusive range of ports, 1..65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** RFC 6335 section 6: the dynamic ports, which the stack's own sockets take theirs from. */
export const SOCKET_PORTS: PortRange = Object.freeze({ first: 49152, last: 65535 });
/** What NAT takes its external ports from: disjoint from the sockets', and as large as RFC 6056 section 3.2 asks for. */
export const NAT_PORTS: PortRange = Object.freeze({ first: 1024, last: 49151 });
