/**
 * The NAT: translates between the inside and one external address, TCP, UDP and ICMP queries by port or identifier.
 *
 * `outbound` and `inbound` are called with whole, validated IPv4 packets and rewrite them in place. A packet from the inside
 * to our own external address goes through both, one after the other: that is a hairpin (RFC 4787 REQ-9), and each half is
 * an ordinary session whose remote end is our external address.
 *
 * A long file, for it is the one door to the NAT's tables: each method hands on to the file that knows.
 */
import type { Capacity } from "../core/capacity.js";
import type { Clock } from "../core/clock.js";
import type { Verdict } from "../core/drops.js";
import type { Random } from "../core/random.js";
import type { Rules } from "../firewall/rules.js";
import type { FlowMemory } from "../flow/memory.js";
import { FlowTable } from "../flow/table.js";
import type { PortSpace } from "../transport/portSpace.js";
import { Ip } from "../wire/inlined.js";
import type { Packet } from "../wire/packet.js";
import { ANSWERED, type ClassUse, UNANSWERED } from "./classes.js";
import { Decision, Entry } from "./decision.js";
import { Eviction } from "./eviction.js";
import { type ForwardEffects, Forwards } from "./forwards.js";
import { Account, Held, Hosts } from "./hosts.js";
import { type HostUse, listHostUse } from "./hostUse.js";
import { translateInboundError, translateOutboundError } from "./icmp.js";
import { Judge, type NatTables } from "./judge.js";
import { keepSessions, restoreSessions } from "./keptSessions.js";
import { List } from "./list.js";
import {
  listMappings,
  listSessions,
  type MappingInfo,
  mappingInfo,
  type Selection,
  type SessionInfo,
  sessionInfo,
} from "./listing.js";
import { Forwarded, Mappings } from "./mappings.js";
import { setDestination, setEndpoint, setIdentifier, setSource } from "./rewrite.js";
import { Sessions } from "./sessions.js";
import { DEFAULT_NAT_SETTINGS, type NatSettings } from "./settings.js";
import { CALLED, isCalled } from "./tcpState.js";
import { TcpTracker } from "./tcpTracker.js";

export type { ClassUse, HostUse, MappingInfo, SessionInfo };

/** Entries in use, the most that there have been at a time, and how many there may be. */
export interface Fill {
  readonly now: number;
  readonly most: number;
  readonly capacity: number;
}

export interface TableUse {
  readonly sessions: Fill;
  readonly mappings: Fill;
  readonly halfOpen: Fill;
  /** What one host may hold. */
  readonly hostSessions: number;
  readonly hostMappings: number;
  /** Every session is of one class. */
  readonly classes: {
    /** Called from outside, by who may be a forger. */
    readonly calls: ClassUse;
    /** Other TCP connections that open or close. */
    readonly transitory: ClassUse;
    readonly established: ClassUse;
    /** Datagrams. */
    readonly unanswered: ClassUse;
    readonly answered: ClassUse;
    readonly icmp: ClassUse;
  };
}

/** Sessions that are judged again in one go: bounds the time that a poll takes. */
const LOOK_LIMIT = 32;

export class Nat implements ForwardEffects {
  /** The sessions' tuples, which the flow cache reads. */
  readonly flows: FlowTable;
  readonly forwards: Forwards;
  /** As the settings have it. */
  dmzAddress: number;
  // Those first that are used most: XS looks through private fields in their order, too.
  readonly #judge: Judge;
  readonly #mappings: Mappings;
  readonly #sessions: Sessions;
  readonly #hosts: Hosts;
  /** The external port of what `open` opens. */
  #openedPort = 0;
  readonly #tcp: TcpTracker;
  #settings: NatSettings;
  readonly #rules: Rules;
  readonly #clock: Clock;
  readonly #tables: NatTables;
  readonly #eviction: Eviction;
  /**
   * The session of the packet translated last if the flow cache could carry it; -1 when it was ICMP, or a hairpin, whose
   * packets need two translations, or when the packet was dropped.
   */
  lastSession = -1;
  /** About the packet translated or refused last. */
  readonly decision = new Decision();
  /** The session that the rules are asked about next, after they have changed; -1 when all have been. */
  #toJudgeAgain = -1;

  /** `ports` has room for one claim for each mapping and two ranges for each forward, beside what else it serves. */
  constructor(
    clock: Clock,
    ports: PortSpace,
    random: Random,
    capacity: Capacity,
    rules: Rules,
    settings: NatSettings = DEFAULT_NAT_SETTINGS,
    flowMemory?: FlowMemory,
  ) {
    this.#clock = clock;
    this.#settings = settings;
    this.dmzAddress = settings.dmzAddress;
    this.#rules = rules;
    this.flows = new FlowTable(capacity.sessions, capacity.neighbours, random, flowMemory);
    this.#mappings = new Mappings(ports, random, capacity.mappings);
    this.#hosts = new Hosts(clock, capacity.sessions, capacity.mappings, settings);
    this.#sessions = new Sessions(this.flows, this.#mappings, this.#hosts, settings, random);
    this.#eviction = new Eviction(this.flows, this.#mappings, this.#sessions, this.#hosts);
    this.#tcp = new TcpTracker(this.flows, this.#sessions);
    this.forwards = new Forwards(ports, capacity.forwards, this);
    this.#tables = {
      flows: this.flows,
      ports,
      forwards: this.forwards,
      mappings: this.#mappings,
      sessions: this.#sessions,
      hosts: this.#hosts,
      eviction: this.#eviction,
      tcp: this.#tcp,
      rules,
    };
    this.#judge = new Judge(this.#tables, settings);
  }

  get settings(): NatSettings {
    return this.#settings;
  }

  /** New ranges hold for new mappings, everything else at once: who called a host that is the DMZ no more is cut off. */
  configure(settings: NatSettings): void {
    const { dmzAddress } = this;
    this.#settings = settings;
    this.dmzAddress = settings.dmzAddress;
    if (dmzAddress !== 0 && dmzAddress !== settings.dmzAddress) this.endHost(dmzAddress, true);
    this.#judge.settings = settings;
    this.#hosts.configure(settings);
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
    this.#judge.externalAddress = address;
  }

  /** Ends all sessions. */
  clear(): void {
    for (let index = 0; index < this.flows.capacity; index++) {
      if (this.flows.isUsed(index)) this.#sessions.close(index);
    }
    this.lastSession = -1;
  }

  /** The rules have changed: the sessions that they deny now end, some with each `poll`. */
  judgeAgain(): void {
    if (this.flows.count > 0) this.#toJudgeAgain = 0;
  }

  /** Ends the sessions of an inside host; or only those that others began through dynamic mappings. */
  endHost(insideAddress: number, isForCallsOnly = false): void {
    const { flows } = this;
    for (let index = 0; index < flows.capacity; index++) {
      if (!flows.isUsed(index) || flows.insideAddress(index) !== insideAddress) continue;
      const isStatic = this.#mappings.isStatic(this.#sessions.mapping(index));
      const isCall = !isStatic && isCalled(this.#sessions.tcpState(index));
      if (isCall || !isForCallsOnly) this.#sessions.close(index);
    }
  }

  /** Brings the flow table's clock up to date and ends expired sessions, 32 at most. */
  poll(): void {
    if (this.#toJudgeAgain >= 0) this.judgeSome();
    const { header } = this.flows;
    const tick = Math.floor(this.#clock.now / 1000);
    if (tick !== header.tick) {
      if (this.isNearlyFull()) this.#hosts.survey();
      header.setTick(tick);
    } else if (this.#sessions.nextDeadline() > this.#clock.now) {
      return;
    }
    this.#sessions.expire();
  }

  /** Soon somebody may have to make way. */
  private isNearlyFull(): boolean {
    const mappings = this.#mappings;
    return this.flows.count << 2 >= this.flows.capacity * 3 || mappings.count << 2 >= mappings.capacity * 3;
  }

  /** When `poll` has something to do, in ms; NEVER if no session is open. */
  nextDeadline(): number {
    return this.#toJudgeAgain >= 0 ? this.#clock.now : this.#sessions.nextDeadline();
  }

  /** What `outbound` would say to a packet from the inside to the outside, and why; changes nothing. */
  judgeOutbound(packet: Packet, decision: Decision): Verdict {
    const verdict = this.#judge.outbound(packet, decision);
    return verdict === "ok" ? this.judgeSupply(decision) : verdict;
  }

  /** What `inbound` would say to a packet from the outside to our external address, and why; changes nothing. */
  judgeInbound(packet: Packet, decision: Decision): Verdict {
    const verdict = this.#judge.inbound(packet, decision);
    return verdict === "ok" ? this.judgeSupply(decision) : verdict;
  }

  /** Whether the sender of a packet from the outside may send to that port or identifier; changes nothing. */
  admit(packet: Packet): Verdict {
    return this.#judge.admit(packet);
  }

  /** Gives a packet that is refused after its translation the ends back that it came in with; its bytes stay. */
  restore(packet: Packet): void {
    this.#judge.restore(packet, this.decision);
  }

  /**
   * Takes back what `outbound` has done to a packet that is refused after it: it is as it came in, its bytes, too. False, and
   * nothing done, where that cannot be: of ICMP, and where its mapping has gone since.
   */
  takeBack(packet: Packet): boolean {
    if (packet.protocol === Ip.ICMP) return false;
    const { source, sourcePort, fragmentWord, identification } = packet;
    this.restore(packet);
    const { source: insideAddress, sourcePort: insidePort } = packet;
    if (insideAddress === source) return false;
    packet.source = source;
    packet.sourcePort = sourcePort;
    packet.ttl++;
    packet.fragmentWord = (identification << 16) | (fragmentWord & 0xffff);
    packet.identification = (fragmentWord >> 16) & 0xffff;
    setEndpoint(packet, true, insideAddress, insidePort);
    packet.fragmentWord = fragmentWord;
    return true;
  }

  /** A packet from the inside to the outside: gets our external address and port as its source. */
  outbound(packet: Packet): Verdict {
    this.lastSession = -1;
    const decision = this.decision;
    const refusal = this.#judge.outbound(packet, decision);
    if (decision.rule >= 0) this.countHit(packet, refusal, packet.destination, packet.destinationPort);
    if (refusal !== "ok") return this.refuse(refusal, decision);
    const flows = this.flows;
    const external = flows.header.externalAddress;
    const protocol = packet.protocol;
    if (protocol === Ip.ICMP) return this.outboundIcmp(packet, decision);
    let session = decision.session;
    let externalPort = 0;
    if (session < 0) {
      const verdict = this.open(packet, decision, true);
      if (verdict !== "ok") return verdict;
      session = decision.session;
      externalPort = this.#openedPort;
      if (protocol === Ip.TCP) this.#tcp.begin(session, packet, true);
    } else {
      externalPort = flows.externalPort(session);
      if (protocol === Ip.TCP) this.#tcp.track(session, packet, decision.tcpFlags, true);
      else this.#sessions.touch(session, true);
    }
    if (packet.destination !== external) this.lastSession = session;
    setEndpoint(packet, true, external, externalPort);
    return "ok";
  }

  /** A packet from the outside to our external address: gets the inside endpoint as its destination. */
  inbound(packet: Packet): Verdict {
    this.lastSession = -1;
    const decision = this.decision;
    const refusal = this.#judge.inbound(packet, decision);
    if (decision.rule >= 0) this.countHit(packet, refusal, decision.insideAddress, decision.port);
    if (refusal !== "ok") return this.refuse(refusal, decision);
    const flows = this.flows;
    const { protocol, source } = packet;
    if (protocol === Ip.ICMP) return this.inboundIcmp(packet, decision);
    const isTcp = protocol === Ip.TCP;
    let session = decision.session;
    if (session < 0) {
      this.#openedPort = packet.destinationPort;
      const verdict = this.open(packet, decision, false);
      if (verdict !== "ok") return verdict;
      session = decision.session;
      if (isTcp) this.#tcp.begin(session, packet, false);
    } else if (isTcp) {
      this.#tcp.track(session, packet, decision.tcpFlags, false);
    } else {
      this.#sessions.touch(session, false);
    }
    if (source !== flows.header.externalAddress) this.lastSession = session;
    setEndpoint(packet, false, flows.insideAddress(session), flows.insidePort(session));
    return "ok";
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

  /** A session by its number, as the judge has it. */
  session(index: number): SessionInfo {
    return sessionInfo(this.#sessions, this.flows, index);
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

  /** The sessions that are worth it, for `restoreSessions` after a planned restart; in `mostBytes` at most. */
  keepSessions(mostBytes: number): Uint8Array {
    return keepSessions(this.#tables, mostBytes);
  }

  /** Enters kept sessions whose inside hosts `isInside` knows, once everything is set as it was. Returns how many. */
  restoreSessions(bytes: Uint8Array, isInside: (address: number) => boolean): number {
    const count = restoreSessions(this.#tables, bytes, isInside);
    this.judgeAgain();
    return count;
  }

  /** Who fills the tables: the `most` that hold or were refused the most. */
  hostUse(most: number): HostUse[] {
    return listHostUse(this.#hosts, this.#sessions, this.flows, most);
  }

  /** How full the tables are and were, what one may have of them, and what has become of the sessions of each class. */
  get use(): TableUse {
    const [sessions, mappings, hosts] = [this.#sessions, this.#mappings, this.#hosts];
    const { classes } = sessions;
    return {
      sessions: { now: this.flows.count, most: sessions.mostOpen, capacity: this.flows.capacity },
      mappings: { now: mappings.count, most: mappings.mostUsed, capacity: mappings.capacity },
      halfOpen: { now: classes.halfOpen, most: classes.mostHalfOpen, capacity: this.#eviction.mostHalfOpen },
      hostSessions: hosts.sessions.most,
      hostMappings: hosts.mappings.most,
      classes: {
        calls: classes.use(List.CALLS),
        transitory: classes.use(List.TCP_TRANSITORY),
        established: classes.use(List.TCP_ESTABLISHED),
        unanswered: classes.use(UNANSWERED),
        answered: classes.use(ANSWERED),
        icmp: classes.use(List.ICMP),
      },
    };
  }

  endMapping(mapping: number): void {
    this.#sessions.closeMapping(mapping);
  }

  endForward(id: number): void {
    const { flows } = this;
    const { ports } = this.#tables;
    for (let index = 0; index < flows.capacity; index++) {
      if (!flows.isUsed(index) || !this.#mappings.isStatic(this.#sessions.mapping(index))) continue;
      if (ports.ownerId(flows.protocol(index), flows.externalPort(index)) === id) this.#sessions.close(index);
    }
  }

  /** Counts what a rule has decided; not what it let through and the NAT then refused. */
  private countHit({ protocol, source, sourcePort }: Packet, verdict: Verdict, address: number, port: number): void {
    const { rule } = this.decision;
    if (verdict !== this.#rules.verdict(rule)) return;
    this.#rules.countHit(rule, protocol, source, sourcePort, address, port);
  }

  private judgeSome(): void {
    const { flows } = this;
    const end = Math.min(this.#toJudgeAgain + LOOK_LIMIT, flows.capacity);
    for (let index = this.#toJudgeAgain; index < end; index++) {
      if (flows.isUsed(index) && this.#judge.judgeAgain(index) !== "ok") this.#sessions.close(index);
    }
    this.#toJudgeAgain = end === flows.capacity ? -1 : end;
  }

  private outboundIcmp(packet: Packet, decision: Decision): Verdict {
    const flows = this.flows;
    const identifier = decision.port;
    let session = decision.session;
    if (identifier < 0) {
      translateOutboundError(packet, session, flows);
      return "ok";
    }
    if (session < 0) {
      const verdict = this.open(packet, decision, true);
      if (verdict !== "ok") return verdict;
      session = decision.session;
    } else {
      this.#sessions.touch(session, true);
    }
    setIdentifier(packet, identifier, flows.externalPort(session));
    setSource(packet, flows.header.externalAddress);
    return "ok";
  }

  private inboundIcmp(packet: Packet, decision: Decision): Verdict {
    const flows = this.flows;
    const session = decision.session;
    const identifier = decision.port;
    if (identifier < 0) {
      translateInboundError(packet, session, flows);
      return "ok";
    }
    this.#sessions.touch(session, false);
    setIdentifier(packet, identifier, flows.insidePort(session));
    setDestination(packet, flows.insideAddress(session));
    return "ok";
  }

  /** What else `open` may be short of, which it finds out by itself. */
  private judgeSupply(decision: Decision): Verdict {
    if (decision.session >= 0) return "ok";
    const isNew = decision.mapping < 0 && decision.forward === Forwarded.DYNAMIC;
    if (isNew && decision.victim < 0 && !this.#mappings.hasPort(this.#settings)) return "natNoPort";
    return decision.victim >= 0 || decision.finished >= 0 || this.flows.hasRoom() ? "ok" : "natBusy";
  }

  /** Opens the session that was decided on for a packet; from outside it is through `#openedPort`. */
  private open(packet: Packet, decision: Decision, isFromInside: boolean): Verdict {
    const mappings = this.#mappings;
    const forward = decision.forward;
    let mapping = decision.mapping;
    // First, so that it does not go with the last of its sessions.
    if (mapping >= 0) mappings.addSession(mapping);
    let list = List.UDP | List.UNPROVEN;
    let state = isFromInside ? 0 : CALLED;
    let halfOpenVictim: number = Entry.NONE;
    if (decision.timerClass === List.TCP_TRANSITORY) {
      list = isFromInside ? List.TCP_TRANSITORY : List.CALLS;
      state = this.#tcp.opened(packet, isFromInside);
      halfOpenVictim = decision.halfOpenVictim;
    } else {
      if (decision.timerClass === List.ICMP) list = List.ICMP;
      if (decision.isLarge) list |= List.EXCESS;
    }
    // One of them is not NONE.
    if ((decision.finished & decision.victim & halfOpenVictim) !== Entry.NONE) this.makeWay(decision, halfOpenVictim);
    let externalPort = 0;
    let created = 0;
    if (mapping >= 0) {
      externalPort = mappings.externalPort(mapping);
    } else if (isFromInside && forward === Forwarded.DYNAMIC) {
      externalPort = mappings.allocate(this.#settings);
      if (externalPort === 0) return "natNoPort";
      mapping = mappings.create(externalPort, false);
      created = Held.ONE_MAPPING;
    } else {
      // A forward's, or the DMZ host's: nobody else's mapping begins with a call.
      externalPort = isFromInside ? this.forwards.externalPort(forward, decision.port) : this.#openedPort;
      if (!isFromInside && forward === Forwarded.DYNAMIC && !mappings.claim(externalPort)) return "natNoPort";
      if (externalPort === 0) return "natNoPort";
      mapping = mappings.create(externalPort, true);
      this.#hosts.add(Account.CALLERS, Held.ONE_MAPPING);
    }
    const remote = isFromInside ? packet.destination : packet.source;
    const session = this.#sessions.open(mapping, externalPort, remote, list, state);
    // There is room, but what made way may still be in a reader's hands.
    if (session < 0) {
      const owner = mappings.removeSession(mapping);
      // What was made just now is not on its host's account yet.
      if (owner >= 0 && created === 0) this.#hosts.add(owner, -Held.ONE_MAPPING);
      return "natBusy";
    }
    if (!isFromInside && forward !== Forwarded.DYNAMIC) this.forwards.countHit(forward);
    this.#hosts.opened(decision.account, created);
    this.#openedPort = externalPort;
    decision.session = session;
    return "ok";
  }

  /** Ends the sessions that were decided to go for a new one. */
  private makeWay({ finished, victim, givesMapping }: Decision, halfOpenVictim: number): void {
    // What is over has its place below where a whole mapping goes for its sake.
    if (finished >= 0 && (finished !== victim || !givesMapping)) this.#sessions.finish(finished);
    if (halfOpenVictim >= 0 && halfOpenVictim !== finished && halfOpenVictim !== victim) {
      this.giveUp(halfOpenVictim, false);
    }
    if (victim >= 0 && (victim !== finished || givesMapping)) this.giveUp(victim, givesMapping);
  }

  /** Ends a session for a new one, or its mapping with all it has. */
  private giveUp(victim: number, givesMapping: boolean): void {
    const sessions = this.#sessions;
    const mapping = givesMapping ? sessions.mapping(victim) : Entry.NONE;
    if (givesMapping && this.#mappings.sessionCount(mapping) > 1) sessions.evictMapping(mapping);
    else sessions.evict(victim);
  }

  /** Notes whom a session was refused. */
  private refuse(verdict: Verdict, { account, isLarge, givesMapping }: Decision): Verdict {
    switch (verdict) {
      case "natHostQuota":
      case "natReserve":
      case "natNoMapping":
        if (isLarge && givesMapping) this.#eviction.noteFruitless();
        this.#hosts.refused(account);
        break;
      case "natRateLimited":
      case "natHalfOpen":
      case "natNoSession":
        this.#hosts.refused(account);
    }
    return verdict;
  }
}
