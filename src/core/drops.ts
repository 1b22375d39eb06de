/**
 * Why packets are dropped: every reason has a name, a sentence and a counter, and the console prints all three.
 *
 * Handlers on the packet path return a `Verdict`; `Host.receive` counts the drop in one place. A named property is the
 * cheapest variable XS has (about 90 instructions), so the counters are one plain object.
 */

export const DROP_REASONS = Object.freeze({
  // link
  frameTooShort: "the frame is shorter than its headers",
  frameTooLong: "the frame is longer than Ethernet allows",
  frameNotForUs: "the frame is addressed to another station",
  etherTypeUnknown: "the frame carries neither IPv4 nor ARP",
  interfaceDown: "the interface has no address yet",
  portFull: "the driver could not take the frame",
  portUnused: "no interface is attached to the port that the frame came in by",
  vlanUnknown: "no interface on the port has the frame's VLAN",
  vlanMissing: "the frame has no VLAN tag, and each interface on the port has a VLAN",
  vlanNested: "the frame has a service provider's VLAN tag, or a second tag",
  // ARP
  arpMalformed: "not an Ethernet/IPv4 ARP packet, or an invalid sender",
  arpConflict: "another station claims our address",
  neighbourTableFull: "no neighbour entry could be freed for a new next hop",
  neighbourUnresolved: "the next hop did not answer ARP",
  neighbourQueueFull: "another packet waits for the same next hop already, or no waiting room is left",
  // IPv4
  ipMalformed: "bad version, header length, or total length",
  ipChecksum: "wrong IPv4 header checksum",
  ipOptionRefused: "a malformed IPv4 option, a source route, or a forwarded record of addresses",
  ipSourceMartian: "a source address no host may use",
  ipSourceSpoofed: "a source address that cannot live behind that interface",
  ipDestinationMartian: "a destination address that is never forwarded",
  ipBroadcastMismatch: "a unicast IPv4 packet in a broadcast frame",
  ipNotForUs: "the destination is not ours and we do not forward",
  ipTtlExceeded: "the time to live ran out",
  ipNoRoute: "no route to the destination",
  ipTooBig: "larger than the outgoing MTU, and must not be fragmented",
  ipProtocolUnknown: "no handler for the IP protocol",
  fragmentMalformed: "an impossible, tiny or overlapping fragment",
  fragmentDuplicate: "a fragment that has come already",
  fragmentTooBig: "the datagram is larger than any, or, if it is for us, than the reassembly buffer",
  fragmentTableFull: "all places for fragments are taken",
  fragmentTimeout: "the first fragment did not come in time, or, if the datagram is for us, the rest",
  fragmentRefused: "a fragment of a datagram that was refused before",
  // ICMP
  icmpMalformed: "a truncated or impossible ICMP message",
  icmpChecksum: "wrong ICMP checksum",
  icmpTypeUnknown: "an ICMP type that nobody handles",
  icmpIgnored: "an ICMP message that is never answered or believed: a broadcast ping, a redirect, a source quench",
  icmpRateLimited: "an ICMP error not sent, because too many were lately",
  icmpErrorUnmatched: "an ICMP error about what nobody here sent, or a ping that is over",
  // transport
  udpMalformed: "an impossible UDP length or port 0",
  udpChecksum: "wrong UDP checksum",
  udpPortClosed: "no socket is bound to the UDP port",
  udpBufferFull: "the socket's receive buffer is full",
  tcpMalformed: "an impossible TCP header, or flags that never occur together",
  tcpChecksum: "wrong TCP checksum",
  tcpPortClosed: "no connection and no listener on the TCP port",
  tcpBacklogFull: "the listener or the socket table has no place for another connection",
  tcpOutsideWindow: "a segment outside the receive window",
  tcpBadAck: "an acknowledgement of data never sent, or far too old",
  tcpChallenged: "a blind reset or SYN, answered with a challenge ACK",
  tcpUnacceptable: "a segment that the connection's state does not accept",
  // NAT and forwards
  wanUnsolicited: "from the WAN to a port that nobody owns",
  natFiltered: "from the WAN to a mapping, by a host it never talked to",
  natNoMapping: "the mapping table is full",
  natNoSession: "the session table is full",
  natHostQuota: "the host has as many sessions or mappings as one may have, and none of them makes way",
  natReserve: "the rest of the table is kept for hosts that hold little",
  natHalfOpen: "as many TCP connections as may be at a time are opening or closing",
  natRateLimited: "more new sessions a second than a host, or all of them, may open",
  natBusy:
    "a driver may still be reading the record or address that was freed for a session; sent again, the packet passes",
  natNoPort: "no external port is free",
  natConflict: "the two endpoints talk through another external port already",
  natProtocol: "an IP protocol that cannot be translated",
  natTcpState: "a TCP segment that belongs to no connection",
  natTcpWindow: "a reset outside the connection's window",
  forwardDisabled: "the port forward is switched off",
  forwardSourceRefused: "the port forward does not admit this source",
  wanNotReady: "the WAN interface has no address yet",
  // firewall
  firewallDenied: "a firewall rule or setting denies it",
  firewallRejected: "a firewall rule rejects it, and the sender is told",
  macRefused: "from a station of the LAN that the MAC lists refuse",
} as const);

export type DropReason = keyof typeof DROP_REASONS;

/** What became of a packet: taken care of, or dropped for a reason. */
export type Verdict = "ok" | DropReason;

/** One counter for each reason. */
export type DropCounts = Record<DropReason, number>;

/**
 * Sees each drop as it happens; for the simulator's narration and for tracing. The index is -1 for a frame that came in by
 * a port of the device and got to no interface.
 */
export type DropListener = (reason: DropReason, interfaceIndex: number) => void;

export class Drops {
  readonly counts: DropCounts;
  /** The last drop's reason, if time has not moved on since; otherwise "ok". */
  last: Verdict = "ok";
  listener: DropListener | undefined;
  /** The last drop before, and when that was. */
  #earlier: Verdict = "ok";
  #earlierAtMs = 0;
  // The last drop that was of no frame just come in: its reason, the count after it, and its interface's index.
  #aside: Verdict = "ok";
  #asideCount = 0;
  #asideInterface = -1;

  constructor() {
    const counts: Partial<DropCounts> = {};
    for (const reason of Object.keys(DROP_REASONS) as DropReason[]) counts[reason] = 0;
    this.counts = counts as DropCounts;
  }

  count(reason: DropReason, interfaceIndex: number): void {
    this.counts[reason]++;
    this.last = reason;
    this.#aside = reason;
    this.#asideCount = this.counts[reason];
    this.#asideInterface = interfaceIndex;
    if (this.listener !== undefined) this.listener(reason, interfaceIndex);
  }

  /** Time moves on from `nowMs`: so a drop itself need not look at the clock. */
  note(nowMs: number): void {
    this.#earlier = this.last;
    this.#earlierAtMs = nowMs;
    this.last = "ok";
  }

  /** The last drop's reason, or "ok" when there was none yet. */
  get latest(): Verdict {
    return this.last === "ok" ? this.#earlier : this.last;
  }

  /** When that was, in ms since the stack's start; `nowMs` is what the clock says. */
  latestAtMs(nowMs: number): number {
    return this.last === "ok" ? this.#earlierAtMs : nowMs;
  }

  /** The interface of the last drop if that was not of a frame just come in; undefined if it was. */
  get asideInterface(): number | undefined {
    const { latest } = this;
    const isAside = latest !== "ok" && latest === this.#aside && this.counts[latest] === this.#asideCount;
    return isAside ? this.#asideInterface : undefined;
  }

  /** The packet of the last drop is known after all. */
  forgetAside(): void {
    this.#aside = "ok";
  }
}

/** Said before the frame's packet is read: nothing is known of one. */
const FRAME_REASONS: readonly Verdict[] = Object.freeze([
  "frameTooShort",
  "frameTooLong",
  "frameNotForUs",
  "etherTypeUnknown",
  "macRefused",
] as const);

export function isFrameReason(verdict: Verdict): boolean {
  return FRAME_REASONS.includes(verdict);
}

/** The reason as people read and type it: `wanUnsolicited` is `wan-unsolicited`. */
export function dropReasonName(reason: DropReason): string {
  return reason.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
