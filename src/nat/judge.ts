/**
 * Decides about packets at the NAT: whether they pass, as part of which session, and what a new session takes.
 *
 * It reads the tables and changes none; what it finds out goes into the `Decision`. `Nat` carries it out.
 */
import type { Verdict } from "../core/drops.js";
import { ZONE_LAN, ZONE_WAN } from "../firewall/rule.js";
import type { Rules } from "../firewall/rules.js";
import type { FlowTable } from "../flow/table.js";
import { idOf, kindOf, type PortOwnerKind, type PortSpace } from "../transport/portSpace.js";
import { icmpIdentifier, icmpType } from "../wire/icmp.js";
import { Icmp, Ip, Tcp, Udp } from "../wire/inlined.js";
import type { Packet } from "../wire/packet.js";
import { TCP_RST } from "../wire/tcp.js";
import { type Decision, Entry } from "./decision.js";
import type { Eviction } from "./eviction.js";
import type { Forwards } from "./forwards.js";
import { Account, type Hosts } from "./hosts.js";
import { isQueryReply, isQueryRequest, isTranslatedError, judgeInboundError, judgeOutboundError } from "./icmp.js";
import { List } from "./list.js";
import { Forwarded, type Mappings } from "./mappings.js";
import type { Sessions } from "./sessions.js";
import type { NatSettings } from "./settings.js";
import { isCalled, isClosed, isOpening } from "./tcpState.js";
import type { TcpTracker } from "./tcpTracker.js";

/** What the judge reads. */
export interface NatTables {
  readonly flows: FlowTable;
  readonly ports: PortSpace;
  readonly forwards: Forwards;
  readonly mappings: Mappings;
  readonly sessions: Sessions;
  readonly hosts: Hosts;
  readonly eviction: Eviction;
  readonly tcp: TcpTracker;
  readonly rules: Rules;
}

export class Judge {
  /** As the flow table has it: from there it costs XS three times as much. */
  externalAddress = 0;
  settings: NatSettings;
  readonly #flows: FlowTable;
  readonly #rules: Rules;
  readonly #forwards: Forwards;
  readonly #mappings: Mappings;
  /** Entries in use up to which everybody may take another. */
  readonly #openSessions: number;
  readonly #openMappings: number;
  readonly #sessions: Sessions;
  readonly #hosts: Hosts;
  readonly #ports: PortSpace;
  readonly #eviction: Eviction;
  readonly #tcp: TcpTracker;

  constructor(tables: NatTables, settings: NatSettings) {
    this.settings = settings;
    this.#flows = tables.flows;
    this.#ports = tables.ports;
    this.#forwards = tables.forwards;
    this.#mappings = tables.mappings;
    this.#openSessions = tables.hosts.sessions.open;
    this.#openMappings = tables.hosts.mappings.open;
    this.#sessions = tables.sessions;
    this.#hosts = tables.hosts;
    this.#eviction = tables.eviction;
    this.#tcp = tables.tcp;
    this.#rules = tables.rules;
  }

  /** A packet from the inside to the outside. */
  outbound(packet: Packet, decision: Decision): Verdict {
    decision.session = Entry.NONE;
    decision.rule = Entry.NONE;
    decision.victim = Entry.NONE;
    if (this.externalAddress === 0) return "wanNotReady";
    const protocol = packet.protocol;
    if (protocol === Ip.ICMP) return this.outboundIcmp(packet, decision);
    const shape = judgeShape(packet, decision);
    if (shape !== "ok") return shape;
    const isTcp = protocol === Ip.TCP;
    const source = packet.source;
    const sourcePort = packet.sourcePort;
    const session = this.#flows.findOutbound(protocol, source, sourcePort, packet.destination, packet.destinationPort);
    if (session >= 0 && this.#sessions.isLiving(session)) {
      decision.session = session;
      if (!isTcp || this.#rules.count === 0 || !this.reopens(session, decision.tcpFlags)) return "ok";
      return this.judgeWayOut(packet, decision);
    }
    decision.finished = session;
    if (isTcp && !isOpening(decision.tcpFlags)) return "natTcpState";
    if (this.#rules.count > 0) {
      const refusal = this.judgeWayOut(packet, decision);
      if (refusal !== "ok") return refusal;
    }
    // A server is seen with its public port when it speaks first, too.
    const forwards = this.#forwards;
    decision.forward = forwards.count === 0 ? Forwarded.DYNAMIC : forwards.serving(protocol, source, sourcePort);
    decision.timerClass = isTcp ? List.TCP_TRANSITORY : List.UDP;
    decision.account = source & Account.BITS;
    return this.judgeOpening(protocol, source, sourcePort, decision);
  }

  /** A packet from the outside to our external address. */
  inbound(packet: Packet, decision: Decision): Verdict {
    decision.session = Entry.NONE;
    decision.rule = Entry.NONE;
    decision.victim = Entry.NONE;
    const protocol = packet.protocol;
    if (protocol === Ip.ICMP) return this.inboundIcmp(packet, decision);
    const shape = judgeShape(packet, decision);
    if (shape !== "ok") return shape;
    const flags = protocol === Ip.TCP ? decision.tcpFlags : 0;
    const session = this.#flows.findInbound(protocol, packet.source, packet.sourcePort, packet.destinationPort);
    if (session < 0 || !this.#sessions.isLiving(session)) {
      decision.finished = session;
      return this.judgeCall(packet, flags, decision);
    }
    decision.session = session;
    if (protocol === Ip.TCP && this.#rules.count > 0 && this.reopens(session, flags)) {
      return this.judgeWayIn(packet, this.#flows.insideAddress(session), this.#flows.insidePort(session), decision);
    }
    return (flags & TCP_RST) === 0 || this.#tcp.admitsReset(session, packet, flags) ? "ok" : "natTcpWindow";
  }

  /** Whether the sender of a packet from the outside may send to that port or identifier. */
  admit(packet: Packet): Verdict {
    const { protocol, source, sourcePort, transportAt } = packet;
    const view = packet.frame.view;
    const isIcmp = protocol === Ip.ICMP;
    // An error has no identifier, and nobody answers it.
    if (isIcmp && !isQueryReply(icmpType(view, transportAt))) return "ok";
    const port = isIcmp ? icmpIdentifier(view, transportAt) : packet.destinationPort;
    if (this.#sessions.findInbound(protocol, source, sourcePort, port) >= 0) return "ok";
    const found = this.#ports.owner(protocol, port);
    const owner = kindOf(found);
    const id = idOf(found);
    const refusal = this.filterOwner(owner, id, source);
    if (refusal !== "ok" || isIcmp || this.#rules.count === 0) return refusal;
    const address = this.targetAddress(owner, id);
    const insidePort = this.targetPort(owner, id, port);
    const rule = this.#rules.judge(protocol, ZONE_WAN, ZONE_LAN, source, sourcePort, address, insidePort);
    return rule < 0 ? "ok" : this.#rules.verdict(rule);
  }

  /** What the rules would say if a session that there is opened now. */
  judgeAgain(session: number): Verdict {
    const flows = this.#flows;
    const protocol = flows.protocol(session);
    const insideAddress = flows.insideAddress(session);
    const insidePort = protocol === Ip.ICMP ? 0 : flows.insidePort(session);
    const isFromOutside = isCalled(this.#sessions.tcpState(session));
    let zone: number = ZONE_WAN;
    let otherAddress = flows.remoteAddress(session);
    let otherPort = flows.remotePort(session);
    if (otherAddress === this.externalAddress) {
      // The other half of a hairpin has the same two external ports, the other way round.
      const half = flows.findInbound(protocol, otherAddress, flows.externalPort(session), otherPort);
      if (half < 0) return "firewallDenied";
      zone = ZONE_LAN;
      otherAddress = flows.insideAddress(half);
      otherPort = flows.insidePort(half);
    }
    const rules = this.#rules;
    const rule = isFromOutside
      ? rules.judge(protocol, zone, ZONE_LAN, otherAddress, otherPort, insideAddress, insidePort)
      : rules.judge(protocol, ZONE_LAN, zone, insideAddress, insidePort, otherAddress, otherPort);
    return rule < 0 ? "ok" : rules.verdict(rule);
  }

  /** Gives a packet that is refused after its translation the ends back that it came in with; its bytes stay. */
  restore(packet: Packet, { session, way }: Decision): void {
    const flows = this.#flows;
    const external = this.externalAddress;
    const hasPorts = packet.protocol !== Ip.ICMP;
    if (way === "outward") {
      packet.source = flows.insideAddress(session);
      if (hasPorts) packet.sourcePort = flows.insidePort(session);
      return;
    }
    if (packet.destination !== external) {
      packet.destination = external;
      if (hasPorts) packet.destinationPort = flows.externalPort(session);
    }
    // The first half of a hairpin is known by the port alone that it got.
    if (packet.source !== external || !hasPorts) return;
    const port = packet.sourcePort;
    const found = this.#ports.owner(packet.protocol, port);
    const owner = kindOf(found);
    const id = idOf(found);
    if (owner !== "mapping" && owner !== "forward") return;
    const isMapping = owner === "mapping";
    packet.source = isMapping ? this.#mappings.insideAddress(id) : (this.#forwards.get(id)?.insideAddress ?? 0);
    packet.sourcePort = isMapping ? this.#mappings.insidePort(id) : this.#forwards.insidePort(id, port);
  }

  private outboundIcmp(packet: Packet, decision: Decision): Verdict {
    if (packet.payloadBytes < Icmp.HEADER_BYTES) return "icmpMalformed";
    const view = packet.frame.view;
    const type = icmpType(view, packet.transportAt);
    if (!isQueryRequest(type)) {
      if (!isTranslatedError(type)) return "icmpTypeUnknown";
      decision.port = Entry.NONE;
      return judgeOutboundError(packet, this.#sessions, decision);
    }
    // As `icmpIdentifier`, without its call.
    const identifier = view.getUint16(packet.transportAt + Icmp.IDENTIFIER);
    decision.port = identifier;
    const session = this.#flows.findOutbound(Ip.ICMP, packet.source, identifier, packet.destination, 0);
    if (session >= 0 && this.#sessions.isLiving(session)) {
      decision.session = session;
      return "ok";
    }
    decision.finished = session;
    if (this.#rules.count > 0) {
      const refusal = this.judgeWayOut(packet, decision);
      if (refusal !== "ok") return refusal;
    }
    decision.forward = Forwarded.DYNAMIC;
    decision.timerClass = List.ICMP;
    decision.account = packet.source & Account.BITS;
    return this.judgeOpening(Ip.ICMP, packet.source, identifier, decision);
  }

  private inboundIcmp(packet: Packet, decision: Decision): Verdict {
    if (packet.payloadBytes < Icmp.HEADER_BYTES) return "icmpMalformed";
    const view = packet.frame.view;
    const type = icmpType(view, packet.transportAt);
    if (!isQueryReply(type)) {
      if (!isTranslatedError(type)) return "icmpTypeUnknown";
      decision.port = Entry.NONE;
      return judgeInboundError(packet, this.#sessions, this.#flows, decision);
    }
    const identifier = view.getUint16(packet.transportAt + Icmp.IDENTIFIER);
    decision.port = identifier;
    const session = this.#sessions.findInbound(Ip.ICMP, packet.source, 0, identifier);
    decision.session = session;
    if (session >= 0) return "ok";
    return this.#ports.ownerKind(Ip.ICMP, identifier) === "mapping" ? "natFiltered" : "wanUnsolicited";
  }

  /**
   * What the rules say of a new session from the inside. One to our own external address is a hairpin, which is judged here:
   * here the packet still has its sender's own address, and its target's is known.
   */
  private judgeWayOut(packet: Packet, decision: Decision): Verdict {
    const { protocol, source, sourcePort, destination, destinationPort } = packet;
    let zone: number = ZONE_WAN;
    let address = destination;
    let port = destinationPort;
    if (destination === this.externalAddress) {
      const found = this.#ports.owner(protocol, destinationPort);
      const owner = kindOf(found);
      const id = idOf(found);
      zone = ZONE_LAN;
      address = this.targetAddress(owner, id);
      port = this.targetPort(owner, id, destinationPort);
    }
    const rule = this.#rules.judge(protocol, ZONE_LAN, zone, source, sourcePort, address, port);
    decision.rule = rule;
    return rule < 0 ? "ok" : this.#rules.verdict(rule);
  }

  /** Whether this segment begins a new connection between the ends of one that is over, in the same session. */
  private reopens(session: number, flags: number): boolean {
    return isOpening(flags) && isClosed(this.#sessions.tcpState(session));
  }

  /** Where a port of ours leads to: the address of the host behind it. A port of nobody leads to the DMZ host. */
  private targetAddress(owner: PortOwnerKind | undefined, id: number): number {
    if (owner === "mapping") return this.#mappings.insideAddress(id);
    return owner === undefined ? this.settings.dmzAddress : (this.#forwards.get(id)?.insideAddress ?? 0);
  }

  /** The port there. */
  private targetPort(owner: PortOwnerKind | undefined, id: number, port: number): number {
    if (owner === "mapping") return this.#mappings.insidePort(id);
    return owner === undefined ? port : this.#forwards.insidePort(id, port);
  }

  /**
   * Whether the account may open a session of this inside endpoint now, what that takes, and who makes way where there is
   * no room. Its ends are those that the flow table has just looked for.
   */
  private judgeOpening(protocol: number, insideAddress: number, insidePort: number, decision: Decision): Verdict {
    const forward = decision.forward;
    const forwarded =
      forward === Forwarded.DYNAMIC ? Forwarded.DYNAMIC : this.#forwards.externalPort(forward, insidePort);
    const mapping = this.#mappings.find(protocol, insideAddress, insidePort, forwarded);
    decision.port = insidePort;
    decision.mapping = mapping;
    const refusal = this.#hosts.judge(decision);
    if (refusal !== "ok") return refusal;
    const isTcp = decision.timerClass === List.TCP_TRANSITORY;
    if (isTcp) {
      decision.halfOpenVictim = Entry.NONE;
      if (this.#sessions.classes.halfOpen >= this.#eviction.mostHalfOpen) return this.judgeRoom(decision, true);
    }
    const hasRoom = this.#flows.count < this.#openSessions && !(decision.isLarge && decision.isAtLimit);
    if (hasRoom && mapping >= 0) return "ok";
    if (hasRoom && forward === Forwarded.DYNAMIC && this.#mappings.count < this.#openMappings) return "ok";
    return this.judgeRoom(decision, isTcp);
  }

  /** Who makes way for a new session where tables, or what its account may have, are full or nearly so. */
  private judgeRoom(decision: Decision, isTcp: boolean): Verdict {
    const flows = this.#flows;
    const hosts = this.#hosts;
    let inUse = flows.count;
    if (decision.finished >= 0) {
      inUse--;
      // At its limit a host may still begin anew what is over.
      if (this.#sessions.account(decision.finished) === decision.account) decision.held--;
    }
    if (isTcp && this.#sessions.classes.halfOpen >= this.#eviction.mostHalfOpen) {
      decision.halfOpenVictim = this.#eviction.halfOpenVictim(decision);
      if (decision.halfOpenVictim < 0) return "natHalfOpen";
      inUse--;
    }
    const isOwnOnly = (decision.held & 0xffff) >= hosts.sessions.most;
    if (decision.mapping < 0) {
      const verdict = this.judgeMapping(decision, isOwnOnly);
      if (verdict !== "ok" || decision.victim >= 0) return verdict;
    }
    if (!isOwnOnly && inUse < hosts.sessions.open) return "ok";
    const isFull = inUse >= flows.capacity;
    if (!isOwnOnly && !isFull && !decision.isLarge) return "ok";
    decision.givesMapping = false;
    decision.victim = this.#eviction.victim(decision, isOwnOnly, false);
    if (decision.victim >= 0) return "ok";
    return isOwnOnly ? "natHostQuota" : isFull ? "natNoSession" : "natReserve";
  }

  /** As to a mapping, where a new one is needed. */
  private judgeMapping(decision: Decision, hasAllSessions: boolean): Verdict {
    const mappings = this.#mappings;
    const shares = this.#hosts.mappings;
    // A forward's mapping is on the callers' account, whoever speaks through it; the DMZ host's for whom they call, too.
    const held = (decision.forward === Forwarded.DYNAMIC ? decision.held : this.#hosts.held(Account.CALLERS)) >>> 16;
    const isOwnOnly = held >= shares.most;
    if (mappings.count < shares.open && !isOwnOnly) return "ok";
    const { isFull } = mappings;
    if (!isFull && !isOwnOnly && held < shares.small) return "ok";
    const flows = this.#flows;
    // Nobody loses a mapping to a session that cannot be had yet: what was freed last may still be in a reader's hands.
    if (flows.count < flows.capacity && !flows.hasRoom()) return "natBusy";
    decision.givesMapping = true;
    decision.victim = this.#eviction.mappingVictim(decision, isOwnOnly || hasAllSessions);
    if (decision.victim >= 0) return "ok";
    return isOwnOnly ? "natHostQuota" : isFull ? "natNoMapping" : "natReserve";
  }

  /** A packet from outside that belongs to no session. */
  private judgeCall(packet: Packet, flags: number, decision: Decision): Verdict {
    const { protocol, source, destinationPort } = packet;
    const found = this.#ports.owner(protocol, destinationPort);
    const owner = kindOf(found);
    const id = idOf(found);
    decision.owner = owner;
    const refusal = this.filterOwner(owner, id, source);
    if (refusal !== "ok") return refusal;
    const isTcp = protocol === Ip.TCP;
    if (isTcp && !isOpening(flags)) return "natTcpState";
    const insideAddress = this.targetAddress(owner, id);
    const insidePort = this.targetPort(owner, id, destinationPort);
    if (this.#rules.count > 0) {
      const verdict = this.judgeWayIn(packet, insideAddress, insidePort, decision);
      if (verdict !== "ok") return verdict;
    }
    // The two endpoints may already talk through another external port. That session stands, unless it is over: the inside
    // host could not tell two of them apart. The new session's ends are looked for here, too.
    const other = this.#flows.findOutbound(protocol, insideAddress, insidePort, source, packet.sourcePort);
    if (other >= 0 && this.#sessions.isLiving(other)) {
      if (!isTcp || !isClosed(this.#sessions.tcpState(other))) return "natConflict";
    }
    if (other >= 0) decision.finished = other;
    decision.forward = owner === "forward" ? id : Forwarded.DYNAMIC;
    decision.insideAddress = insideAddress;
    decision.timerClass = isTcp ? List.TCP_TRANSITORY : List.UDP;
    decision.account = Account.CALLERS;
    const room = this.judgeOpening(protocol, insideAddress, insidePort, decision);
    // The DMZ host is seen with another port already: this one leads nowhere.
    return owner === undefined && decision.mapping >= 0 ? "wanUnsolicited" : room;
  }

  /** What the rules say of a new session from the outside, or of a hairpin's way back in, to this inside endpoint. */
  private judgeWayIn(packet: Packet, insideAddress: number, insidePort: number, decision: Decision): Verdict {
    const { protocol, source, sourcePort } = packet;
    decision.insideAddress = insideAddress;
    decision.port = insidePort;
    if (source === this.externalAddress) return this.judgeHairpin(protocol, sourcePort, decision);
    const rules = this.#rules;
    const rule = rules.judge(protocol, ZONE_WAN, ZONE_LAN, source, sourcePort, insideAddress, insidePort);
    decision.rule = rule;
    return rule < 0 ? "ok" : rules.verdict(rule);
  }

  /**
   * A hairpin was judged when its way out was opened. Since then the port may have got another owner, who is judged here;
   * what the rule lets pass has been counted on the way out.
   */
  private judgeHairpin(protocol: number, callerPort: number, decision: Decision): Verdict {
    const found = this.#ports.owner(protocol, callerPort);
    if (found < 0) return "ok";
    const owner = kindOf(found);
    const id = idOf(found);
    const caller = this.targetAddress(owner, id);
    const port = this.targetPort(owner, id, callerPort);
    const rules = this.#rules;
    const rule = rules.judge(protocol, ZONE_LAN, ZONE_LAN, caller, port, decision.insideAddress, decision.port);
    if (rule < 0 || rules.verdict(rule) === "ok") return "ok";
    decision.rule = rule;
    return rules.verdict(rule);
  }

  private filterOwner(owner: PortOwnerKind | undefined, id: number, remote: number): Verdict {
    if (owner === "mapping") return this.filter(id, remote);
    if (owner === "forward") return this.filterForward(id, remote);
    return owner === undefined && this.settings.dmzAddress !== 0 ? "ok" : "wanUnsolicited";
  }

  /** RFC 4787 section 5. A hairpin comes from the inside: its sender need not be known to the mapping (REQ-9). */
  private filter(mapping: number, remote: number): Verdict {
    if (this.settings.filtering === "endpointIndependent" || remote === this.externalAddress) return "ok";
    if (this.#sessions.hasPeer(mapping, remote)) return "ok";
    const { dmzAddress } = this.settings;
    const mappings = this.#mappings;
    if (dmzAddress === 0 || mappings.insideAddress(mapping) !== dmzAddress) return "natFiltered";
    // The DMZ host may be called by everybody, by its own ports.
    return mappings.insidePort(mapping) === mappings.externalPort(mapping) ? "ok" : "natFiltered";
  }

  private filterForward(id: number, remote: number): Verdict {
    if (this.#forwards.get(id)?.isEnabled !== true) return "forwardDisabled";
    return this.#forwards.admits(id, remote) ? "ok" : "forwardSourceRefused";
  }
}

/**
 * What must hold before ports are believed; the checksum is the receiver's business (RFC 5382 section 8). Notes TCP's flags,
 * which are read together with the length of the header.
 */
export function judgeShape(packet: Packet, decision: Decision): Verdict {
  const payloadBytes = packet.payloadBytes;
  if (packet.protocol === Ip.UDP) {
    if (payloadBytes < Udp.HEADER_BYTES || packet.destinationPort === 0) return "udpMalformed";
    const length = packet.frame.view.getUint16(packet.transportAt + Udp.LENGTH);
    if (length === payloadBytes) return "ok";
    // Of a fragment's datagram more is to come.
    return length >= Udp.HEADER_BYTES && (length < payloadBytes || packet.isFragment) ? "ok" : "udpMalformed";
  }
  if (packet.protocol !== Ip.TCP) return "natProtocol";
  if (payloadBytes < Tcp.HEADER_BYTES || packet.sourcePort === 0 || packet.destinationPort === 0) return "tcpMalformed";
  const word = packet.frame.view.getUint16(packet.transportAt + Tcp.FLAGS_WORD);
  const headerBytes = (word >> 10) & 60;
  if (headerBytes < Tcp.HEADER_BYTES || headerBytes > payloadBytes) return "tcpMalformed";
  decision.tcpFlags = word & 0xff;
  return "ok";
}
