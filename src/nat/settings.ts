/** What an administrator may choose about the NAT, and the defaults. */
import type { PortRange } from "../transport/portSpace.js";
import { NAT_PORTS } from "../transport/portSpace.js";

/**
 * Who may send to a mapping from outside (RFC 4787 section 5): hosts the inside endpoint has a session with, from any of
 * their ports; or anyone.
 */
export type Filtering = "addressDependent" | "endpointIndependent";

export interface NatSettings {
  readonly filtering: Filtering;
  /** Seconds without a packet after which a session ends. */
  readonly udpTimeoutS: number;
  readonly tcpEstablishedTimeoutS: number;
  readonly tcpOpeningTimeoutS: number;
  /** Connections that both sides have closed, or one has reset. */
  readonly tcpClosingTimeoutS: number;
  readonly icmpTimeoutS: number;
  /** External ports for inside ports 1024..65535. */
  readonly ports: PortRange;
  /** External ports for inside ports 1..1023, as long as one is free (RFC 4787 REQ-3a). */
  readonly lowPorts: PortRange;
  /** External identifiers of ICMP queries. */
  readonly echoIdentifiers: PortRange;
  /** The inside host that gets what comes to ports of nobody (int32); 0 for none. */
  readonly dmzAddress: number;
  /** Sessions and mappings that one LAN host may hold, and all callers from outside together; 0 for half of the table. */
  readonly hostSessions: number;
  readonly hostMappings: number;
  /** New sessions a second: of each LAN host, of all of them together, and from outside; 0 for no limit. */
  readonly hostRate: number;
  readonly totalRate: number;
  readonly inboundRate: number;
}

export const DEFAULT_NAT_SETTINGS: NatSettings = Object.freeze({
  // RFC 4787 REQ-8: address-dependent where a stringent policy matters more than transparency.
  filtering: "addressDependent",
  // RFC 4787 REQ-5c.
  udpTimeoutS: 300,
  // RFC 5382 REQ-5: 2 hours 4 minutes, and 4 minutes; apart from each other by RFC 7857 section 2.1.
  tcpEstablishedTimeoutS: 7440,
  tcpOpeningTimeoutS: 240,
  tcpClosingTimeoutS: 240,
  // RFC 5508 REQ-2.
  icmpTimeoutS: 60,
  ports: NAT_PORTS,
  lowPorts: Object.freeze({ first: 1, last: 1023 }),
  // The identifiers above are the gateway's own, as with ports.
  echoIdentifiers: Object.freeze({ first: 1, last: NAT_PORTS.last }),
  dmzAddress: 0,
  hostSessions: 0,
  hostMappings: 0,
  // A page with a hundred servers needs less; its burst comes on top.
  hostRate: 200,
  // The slower of our boards opens 1,700 sessions a second when it does nothing else: either flood leaves it time.
  totalRate: 1000,
  inboundRate: 1000,
});
