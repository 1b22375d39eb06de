/**
 * The NAT: translates between the inside and one external address, TCP, UDP and ICMP queries by port or identifier.
 *
 * `outbound` and `inbound` are called with whole, validated IPv4 packets and rewrite them in place. A packet from the inside
 * to our own external address goes through both, one after the other: that is a hairpin (RFC 4787 REQ-9), and each half is
 * an ordinary session whose remote end is our external address.
 */
import type { Capacity } from "../core/capacity.js";
import type { Clock } from "../core/clock.js";
import type { Verdict } from "../core/drops.js";
import type { Random } from "../core/random.js";
import type { FlowMemory } from "../flow/memory.js";
import { FlowTable } from "../flow/table.js";
import type { PortOwnerKind, PortSpace } from "../transport/portSpace.js";
import { ICMP_HEADER_BYTES, icmpIdentifier, icmpType } from "../wire/icmp.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { TCP_FLAGS_OFFSET, validateTcpShape } from "../wire/tcp.js";
import { UDP_HEADER_BYTES, UDP_LENGTH_OFFSET } from "../wire/udp.js";
import { type ForwardEffects, Forwards } from "./forwards.js";
import {
  isQueryReply,
  isQueryRequest,
  isTranslatedError,
  translateInboundError,
  translateOutboundError,
} from "./icmp.js";
import {
  listMappings,
  listSessions,
  type MappingInfo,
  mappingInfo,
  type Selection,
  type SessionInfo,
} from "./listing.js";
import { DYNAMIC, Mappings } from "./mappings.js";
import { setDestination, setEndpoint, setIdentifier, setSource } from "./rewrite.js";
import { ICMP, Sessions, TCP_TRANSITORY, type TimerClass, UDP } from "./sessions.js";
import { DEFAULT_NAT_SETTINGS, type NatSettings } from "./settings.js";
import { isClosed, isOpening, openedState } from "./tcpState.js";
import { TcpTracker } from "./tcpTracker.js";

export type { MappingInfo, SessionInfo };

export class Nat implements ForwardEffects {
  /** The sessions' tuples, which the flow cache reads. */
  readonly flows: FlowTable;
  readonly forwards: Forwards;
  readonly #clock: Clock;
  readonly #ports: PortSpace;
  readonly #mappings: Mappings;
  readonly #sessions: Sessions;
  readonly #tcp: TcpTracker;
  #settings: NatSettings;
  /**
   * The session of the packet translated last if the flow cache could carry it; -1 when it was ICMP, or a hairpin, whose
   * packets need two translations, or when the packet was dropped.
   */
  lastSession = -1;
  /** What `#openOutbound` and `#openInbound` have opened, and the external port it got. */
  #opened = -1;
  #openedPort = 0;

  /** `ports` has room for one claim for each mapping and two ranges for each forward, beside what else it serves. */
  constructor(
    clock: Clock,
    ports: PortSpace,
    random: Random,
    capacity: Capacity,
    settings: NatSettings = DEFAULT_NAT_SETTINGS,
    flowMemory?: FlowMemory,
  ) {
    this.#clock = clock;
    this.#ports = ports;
    this.#settings = settings;
    this.flows = new FlowTable(capacity.sessions, capacity.neighbours, random, flowMemory);
    this.#mappings = new Mappings(ports, random, capacity.mappings);
    this.#sessions = new Sessions(this.flows, this.#mappings, settings, random.next32());
    this.#tcp = new TcpTracker(this.flows, this.#sessions);
    this.forwards = new Forwards(ports, capacity.forwards, this);
  }

  get settings(): NatSettings {
    return this.#settings;
  }

  /** New ranges hold for new mappings, everything else at once. */
  configure(settings: NatSettings): void {
    this.#settings = settings;
    this.#sessions.configure(settings);
  }

  get externalAddress(): number {
    return this.flows.externalAddress;
  }

  /** Our address on the WAN; 0 for none. A change ends all sessions: their remote ends know the old address. Forwards stay. */
  setExternalAddress(address: number): void {
    if (address === this.flows.externalAddress) return;
    this.clear();
    this.flows.externalAddress = address;
  }

  /** Ends all sessions. */
  clear(): void {
    for (let index = 0; index < this.flows.capacity; index++) {
      if (this.flows.isUsed(index)) this.#sessions.close(index);
    }
    this.lastSession = -1;
  }

  /** Brings the flow table's clock up to date and ends expired sessions, 32 at most. */
  poll(): void {
    const tick = Math.floor(this.#clock.now / 1000);
    if (tick === this.flows.header.tick && this.#sessions.nextDeadline() > this.#clock.now) return;
    this.flows.tick = tick;
    this.#sessions.expire();
  }

  /** When `poll` has something to do, in ms; NEVER if no session is open. */
  nextDeadline(): number {
    return this.#sessions.nextDeadline();
  }

  /** A packet from the inside to the outside: gets our external address and port as its source. */
  outbound(packet: Packet): Verdict {
    this.lastSession = -1;
    const flows = this.flows;
    const external = flows.header.externalAddress;
    if (external === 0) return "wanNotReady";
    const protocol = packet.protocol;
    if (protocol === PROTOCOL_ICMP) return this.#outboundIcmp(packet);
    const shape = validateShape(packet);
    if (shape !== "ok") return shape;
    const isTcp = protocol === PROTOCOL_TCP;
    const flags = isTcp ? packet.frame.view.getUint8(packet.transportAt + TCP_FLAGS_OFFSET) : 0;
    const { source, sourcePort, destination, destinationPort } = packet;
    let session = flows.findOutbound(protocol, source, sourcePort, destination, destinationPort);
    if (session >= 0) session = this.#sessions.living(session);
    let externalPort = 0;
    if (session < 0) {
      if (isTcp && !isOpening(flags)) return "natTcpState";
      const verdict = this.#openOutbound(packet, sourcePort, isTcp ? TCP_TRANSITORY : UDP);
      if (verdict !== "ok") return verdict;
      session = this.#opened;
      externalPort = this.#openedPort;
      if (isTcp) this.#tcp.begin(session, packet, true);
    } else {
      externalPort = flows.externalPort(session);
      if (isTcp) this.#tcp.track(session, packet, flags, true);
      else this.#sessions.touch(session);
    }
    if (destination !== external) this.lastSession = session;
    setEndpoint(packet, true, external, externalPort);
    return "ok";
  }

  /** A packet from the outside to our external address: gets the inside endpoint as its destination. */
  inbound(packet: Packet): Verdict {
    this.lastSession = -1;
    const protocol = packet.protocol;
    if (protocol === PROTOCOL_ICMP) return this.#inboundIcmp(packet);
    const shape = validateShape(packet);
    if (shape !== "ok") return shape;
    const flows = this.flows;
    const isTcp = protocol === PROTOCOL_TCP;
    const flags = isTcp ? packet.frame.view.getUint8(packet.transportAt + TCP_FLAGS_OFFSET) : 0;
    const { source, sourcePort, destinationPort } = packet;
    let session = flows.findInbound(protocol, source, sourcePort, destinationPort);
    if (session >= 0) session = this.#sessions.living(session);
    if (session < 0) {
      const verdict = this.#openInbound(packet, flags);
      if (verdict !== "ok") return verdict;
      session = this.#opened;
      if (isTcp) this.#tcp.begin(session, packet, false);
    } else if (isTcp) {
      const verdict = this.#tcp.track(session, packet, flags, false);
      if (verdict !== "ok") return verdict;
    } else {
      this.#sessions.touch(session);
    }
    if (source !== flows.header.externalAddress) this.lastSession = session;
    setEndpoint(packet, false, flows.insideAddress(session), flows.insidePort(session));
    return "ok";
  }

  /** Whether the sender of a packet from the outside may send to that port or identifier; changes nothing. */
  admit(packet: Packet): Verdict {
    const { protocol, source, sourcePort, transportAt } = packet;
    const view = packet.frame.view;
    const isIcmp = protocol === PROTOCOL_ICMP;
    // An error has no identifier, and nobody answers it.
    if (isIcmp && !isQueryReply(icmpType(view, transportAt))) return "ok";
    const port = isIcmp ? icmpIdentifier(view, transportAt) : packet.destinationPort;
    if (this.#sessions.findInbound(protocol, source, sourcePort, port) >= 0) return "ok";
    return this.#filterOwner(this.#ports.ownerKind(protocol, port), this.#ports.ownerId(protocol, port), source);
  }

  /**
   * The packet translated last leaves by `side` (LAN or WAN) through this entry of the neighbour table. Once both sides are
   * known the flow cache carries the session.
   */
  setNextHop(side: number, neighbour: number): void {
    const session = this.lastSession;
    if (session >= 0) this.flows.setNextHop(session, side, neighbour);
  }

  /** The mappings as they are now. */
  mappings(isWanted: Selection = () => true): MappingInfo[] {
    return listMappings(this.#mappings, isWanted);
  }

  /** A mapping by its number, as the port space has it. */
  mapping(id: number): MappingInfo {
    return mappingInfo(this.#mappings, id);
  }

  /** The sessions as they are now. */
  sessions(isWanted: Selection = () => true): SessionInfo[] {
    return listSessions(this.#sessions, this.flows, isWanted);
  }

  get mappingCount(): number {
    return this.#mappings.count;
  }

  get sessionCount(): number {
    return this.flows.count;
  }

  endMapping(mapping: number): void {
    for (let index = 0; index < this.flows.capacity; index++) {
      if (this.flows.isUsed(index) && this.#sessions.mapping(index) === mapping) this.#sessions.close(index);
    }
  }

  endForward(id: number): void {
    for (let index = 0; index < this.flows.capacity; index++) {
      if (!this.flows.isUsed(index)) continue;
      if (this.#mappings.forward(this.#sessions.mapping(index)) === id) this.#sessions.close(index);
    }
  }

  #outboundIcmp(packet: Packet): Verdict {
    if (packet.payloadBytes < ICMP_HEADER_BYTES) return "icmpMalformed";
    const view = packet.frame.view;
    const type = icmpType(view, packet.transportAt);
    if (isTranslatedError(type)) return translateOutboundError(packet, this.#sessions, this.flows);
    if (!isQueryRequest(type)) return "icmpTypeUnknown";
    const identifier = icmpIdentifier(view, packet.transportAt);
    let session = this.#sessions.findOutbound(PROTOCOL_ICMP, packet.source, identifier, packet.destination, 0);
    if (session < 0) {
      const verdict = this.#openOutbound(packet, identifier, ICMP);
      if (verdict !== "ok") return verdict;
      session = this.#opened;
    } else {
      this.#sessions.touch(session);
    }
    setIdentifier(packet, identifier, this.flows.externalPort(session));
    setSource(packet, this.flows.header.externalAddress);
    return "ok";
  }

  #inboundIcmp(packet: Packet): Verdict {
    if (packet.payloadBytes < ICMP_HEADER_BYTES) return "icmpMalformed";
    const view = packet.frame.view;
    const type = icmpType(view, packet.transportAt);
    if (isTranslatedError(type)) return translateInboundError(packet, this.#sessions, this.flows);
    if (!isQueryReply(type)) return "icmpTypeUnknown";
    const identifier = icmpIdentifier(view, packet.transportAt);
    const session = this.#sessions.findInbound(PROTOCOL_ICMP, packet.source, 0, identifier);
    if (session < 0) {
      return this.#ports.ownerKind(PROTOCOL_ICMP, identifier) === "mapping" ? "natFiltered" : "wanUnsolicited";
    }
    this.#sessions.touch(session);
    setIdentifier(packet, identifier, this.flows.insidePort(session));
    setDestination(packet, this.flows.insideAddress(session));
    return "ok";
  }

  /** For what `findOutbound` has just looked for. */
  #openOutbound(packet: Packet, insidePort: number, timerClass: TimerClass): Verdict {
    const sessions = this.#sessions;
    const flows = this.flows;
    // First, for it may end a mapping that had its last session evicted.
    if (flows.count === flows.capacity && !sessions.makeRoom(timerClass)) return "natNoSession";
    const { protocol, source } = packet;
    const mappings = this.#mappings;
    // A server is seen with its public port when it speaks first, too.
    const forward = this.forwards.serving(protocol, source, insidePort);
    let mapping = mappings.find(protocol, source, insidePort, forward);
    let externalPort = 0;
    if (mapping >= 0) {
      externalPort = mappings.externalPort(mapping);
      mappings.addSession(mapping);
    } else {
      if (mappings.isFull) {
        // Nobody loses a mapping to a session that cannot be had yet.
        if (!flows.hasRoom()) return "natBusy";
        if (!sessions.makeMappingRoom(timerClass)) return "natNoMapping";
      }
      externalPort =
        forward === DYNAMIC ? mappings.allocate(this.#settings) : this.forwards.externalPort(forward, insidePort);
      if (externalPort === 0) return "natNoPort";
      mapping = mappings.create(externalPort);
    }
    const tcpState = timerClass === TCP_TRANSITORY ? openedState(true) : 0;
    this.#openedPort = externalPort;
    const session = sessions.open(mapping, externalPort, packet.destination, timerClass, tcpState);
    this.#opened = session;
    // There is room, but what was freed last may still be in a reader's hands.
    if (session < 0) mappings.removeSession(mapping);
    return session < 0 ? "natBusy" : "ok";
  }

  #openInbound(packet: Packet, flags: number): Verdict {
    const protocol = packet.protocol;
    const owner = this.#ports.ownerKind(protocol, packet.destinationPort);
    const id = this.#ports.ownerId(protocol, packet.destinationPort);
    const refusal = this.#filterOwner(owner, id, packet.source);
    if (refusal !== "ok") return refusal;
    const isTcp = protocol === PROTOCOL_TCP;
    const timerClass = isTcp ? TCP_TRANSITORY : UDP;
    if (isTcp && !isOpening(flags)) return "natTcpState";
    const isMapping = owner === "mapping";
    const insideAddress = isMapping ? this.#mappings.insideAddress(id) : this.#forwardAddress(id);
    const insidePort = isMapping ? this.#mappings.insidePort(id) : this.forwards.insidePort(id, packet.destinationPort);
    if (!this.#yields(protocol, insideAddress, insidePort, packet.source, packet.sourcePort)) return "natConflict";
    if (!this.#sessions.makeRoom(timerClass)) return "natNoSession";
    if (!this.flows.hasRoom()) return "natBusy";
    let mapping = this.#mappings.find(protocol, insideAddress, insidePort, isMapping ? DYNAMIC : id);
    if (mapping < 0) {
      // Making room took the mapping's last session.
      if (isMapping) return "natNoSession";
      if (!this.#sessions.makeMappingRoom(timerClass)) return "natNoMapping";
      mapping = this.#mappings.create(packet.destinationPort);
    } else {
      this.#mappings.addSession(mapping);
    }
    if (!isMapping) this.forwards.countHit(id);
    const tcpState = isTcp ? openedState(false) : 0;
    const session = this.#sessions.open(mapping, packet.destinationPort, packet.source, timerClass, tcpState);
    this.#opened = session;
    return "ok";
  }

  #filterOwner(owner: PortOwnerKind | undefined, id: number, remote: number): Verdict {
    if (owner !== "mapping" && owner !== "forward") return "wanUnsolicited";
    return owner === "mapping" ? this.#filter(id, remote) : this.#filterForward(id, remote);
  }

  /** RFC 4787 section 5. A hairpin comes from the inside: its sender need not be known to the mapping (REQ-9). */
  #filter(mapping: number, remote: number): Verdict {
    if (this.#settings.filtering === "endpointIndependent" || remote === this.flows.externalAddress) return "ok";
    return this.#sessions.hasPeer(mapping, remote) ? "ok" : "natFiltered";
  }

  #filterForward(id: number, remote: number): Verdict {
    if (this.forwards.get(id)?.isEnabled !== true) return "forwardDisabled";
    return this.forwards.admits(id, remote) ? "ok" : "forwardSourceRefused";
  }

  #forwardAddress(id: number): number {
    return this.forwards.get(id)?.insideAddress ?? 0;
  }

  /**
   * The two endpoints may already talk through another external port. That session stands, unless it is over: the inside
   * host could not tell two of them apart.
   */
  #yields(protocol: number, insideAddress: number, insidePort: number, remote: number, remotePort: number): boolean {
    const session = this.#sessions.findOutbound(protocol, insideAddress, insidePort, remote, remotePort);
    if (session < 0) return true;
    if (protocol !== PROTOCOL_TCP || !isClosed(this.#sessions.tcpState(session))) return false;
    this.#sessions.close(session);
    return true;
  }
}

/** What must hold before ports are believed; the checksum is the receiver's business (RFC 5382 section 8). */
function validateShape(packet: Packet): Verdict {
  const { protocol, payloadBytes, destinationPort } = packet;
  const view = packet.frame.view;
  if (protocol === PROTOCOL_UDP) {
    if (payloadBytes < UDP_HEADER_BYTES || destinationPort === 0) return "udpMalformed";
    const length = view.getUint16(packet.transportAt + UDP_LENGTH_OFFSET);
    return length >= UDP_HEADER_BYTES && length <= payloadBytes ? "ok" : "udpMalformed";
  }
  return protocol === PROTOCOL_TCP ? validateTcpShape(view, packet.transportAt, payloadBytes) : "natProtocol";
}
