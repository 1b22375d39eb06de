/**
 * What there is to tell of each stage of a packet's way. Each function returns "" where its stage has nothing to say about
 * such a packet. They read what the judge has written into the `Decision`, and look up the names of what it is about.
 */
import { formatAddress, formatMac, formatPrefix } from "../core/address.js";
import type { Verdict } from "../core/drops.js";
import { freezeRows } from "../core/freeze.js";
import { count, formatDuration } from "../core/wording.js";
import { formatRule, type Rule } from "../firewall/rule.js";
import type { RuleInfo } from "../firewall/rules.js";
import { type Gateway, LAN, WAN } from "../gateway.js";
import type { Interface } from "../link/interface.js";
import { type Decision, Entry } from "../nat/decision.js";
import { type Forward, formatForward } from "../nat/forwards.js";
import { protocolName, stateWord } from "../nat/names.js";
import { isOpening } from "../nat/tcpState.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { tcpFlags } from "../wire/tcp.js";
import { describeOutcome, end, endsOf, externalPort, identifierOf, isEchoRequest } from "./ends.js";
import type { Stage } from "./stages.js";

/** A packet, and what the judge has found out about it. */
export interface Case {
  readonly gateway: Gateway;
  readonly packet: Packet;
  readonly decision: Decision;
  /** Where it was stopped; undefined if it passes. */
  readonly stop: Stage | undefined;
  readonly verdict: Verdict;
}

/** Refusals that are not for want of room, though they come where room is asked for: their own sentence says why. */
const NOT_FULL: readonly Verdict[] = Object.freeze(["natRateLimited", "natNoPort", "natBusy"] as const);

export interface StageTeller {
  readonly stage: Stage;
  readonly name: string;
  readonly tell: (one: Case) => string;
}

/** The stages up to the NAT. */
export const ARRIVAL: readonly StageTeller[] = freezeRows([
  { stage: "source", name: "source", tell: tellSource },
  { stage: "destination", name: "for", tell: tellDestination },
  { stage: "port", name: "port", tell: tellPort },
  { stage: "passage", name: "size, TTL", tell: tellPassage },
  { stage: "rule", name: "firewall", tell: tellLocalRule },
]);

/** The stages at the NAT, of one way through it. */
export const TRANSLATION: readonly StageTeller[] = freezeRows([
  { stage: "session", name: "session", tell: tellSession },
  { stage: "filter", name: "filter", tell: tellFilter },
  { stage: "rule", name: "firewall", tell: tellRule },
  { stage: "ends", name: "mapping", tell: tellMapping },
  { stage: "room", name: "room", tell: tellRoom },
]);

export const SENDING: readonly StageTeller[] = freezeRows([
  { stage: "sending", name: "next hop", tell: tellNextHop },
  { stage: "sending", name: "flow cache", tell: tellFlowCache },
]);

export function sideName(index: number): string {
  return index === LAN ? "LAN" : "WAN";
}

function networkOf({ address, mask, prefixLength }: Interface): string {
  return formatPrefix({ address: address & mask, length: prefixLength });
}

function tellSource({ gateway, packet, stop }: Case): string {
  const { lan, wan } = gateway;
  const { source, interfaceIndex } = packet;
  const text = formatAddress(source);
  const own = interfaceIndex === LAN ? lan : wan;
  if (own.address === 0) return `the ${sideName(interfaceIndex)} has no address yet`;
  if (stop !== "source") return interfaceIndex === LAN ? `${text} is of the LAN` : `${text} may come from the WAN`;
  if (source === lan.address || source === wan.address) return `${text} is Porter's own address`;
  if (lan.isOnLink(source) === (interfaceIndex === LAN)) return `${text} is no host's address`;
  if (interfaceIndex === WAN) return `${text} is of the LAN, and cannot come from the WAN`;
  return `${text} is not of the LAN ${networkOf(lan)}`;
}

function tellDestination({ gateway, packet, decision, stop }: Case): string {
  const { lan, wan } = gateway;
  const { destination, interfaceIndex } = packet;
  const text = formatAddress(destination);
  if (destination === wan.address) return "Porter's WAN address";
  if (destination === lan.address) {
    return interfaceIndex === WAN ? "Porter's LAN address, which is not for the WAN" : "Porter's LAN address";
  }
  if (gateway.interfaces[interfaceIndex]?.isBroadcast(destination))
    return `all stations of the ${sideName(interfaceIndex)}`;
  if (interfaceIndex === WAN) return `${text}, which is none of Porter's addresses`;
  if (lan.isOnLink(destination)) return `${text}, which is on the LAN itself`;
  if (wan.address === 0) return `${text}, but the WAN has no address yet`;
  if (stop === "destination" && decision.way === "none") {
    return wan.nextHop(destination) === 0
      ? `${text}, but the WAN has no gateway`
      : `${text}, which no router forwards to`;
  }
  return wan.isOnLink(destination)
    ? `${text}, on the WAN itself`
    : `${text}, by the gateway ${formatAddress(wan.gateway)}`;
}

/** Whose port of ours it is that the packet is for. */
function tellPort({ gateway, packet, decision }: Case): string {
  const { protocol, destination, destinationPort, interfaceIndex } = packet;
  const isForUs = destination === gateway.wan.address || (interfaceIndex === LAN && decision.way === "local");
  if (!isForUs) return "";
  if (isEchoRequest(packet)) return "Porter answers pings itself";
  const identifier = identifierOf(packet);
  if (protocol === PROTOCOL_ICMP && identifier === Entry.NONE) return "";
  if (protocol !== PROTOCOL_ICMP && protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) return "";
  const port = identifier === Entry.NONE ? destinationPort : identifier;
  return `${protocolName(protocol)} ${port} belongs to ${gateway.describeOwner(protocol, port)}`;
}

function tellPassage({ gateway, packet, decision, stop }: Case): string {
  if (decision.way === "local" || decision.way === "none") return "";
  const out = decision.way === "outward" ? gateway.wan : gateway.lan;
  const { ttl, totalBytes } = packet;
  // A stranger is not told: the filter comes first for him.
  if (ttl <= 1) return stop === "passage" ? `a TTL of ${ttl} ends here` : "";
  const size = `${totalBytes} bytes, the ${sideName(out.index)}'s MTU is ${out.mtuBytes}`;
  return totalBytes > out.mtuBytes && stop !== "passage"
    ? `${size}: in fragments`
    : `${size}; a TTL of ${ttl} is enough`;
}

function tellSession({ gateway, packet, decision, stop }: Case): string {
  const { session, finished } = decision;
  if (session < 0) {
    const isTcp = packet.protocol === PROTOCOL_TCP && stop !== "segment";
    const opens = isTcp && isOpening(tcpFlags(packet.frame.view, packet.transportAt)) ? ", a SYN may open one" : "";
    return finished >= 0 ? `one that is over${opens}` : `none yet${opens}`;
  }
  const { state, idleS, remoteAddress, remotePort } = gateway.nat.session(session);
  return `${stateWord(state)}, with ${end(remoteAddress, remotePort)}, idle for ${formatDuration(idleS)}`;
}

/** Whether the owner of the port wants the call. */
function tellFilter({ gateway, packet, decision, stop }: Case): string {
  if (decision.session >= 0 || (packet.interfaceIndex === LAN && packet.source !== gateway.nat.externalAddress))
    return "";
  const { protocol, source, destinationPort } = packet;
  const { ports, nat } = gateway;
  const identifier = identifierOf(packet);
  const port = identifier === Entry.NONE ? destinationPort : identifier;
  const id = ports.ownerId(protocol, port);
  if (ports.ownerKind(protocol, port) === "forward") return tellForward(nat.forwards.get(id));
  if (id < 0 && decision.way !== "local")
    return `the DMZ host ${formatAddress(nat.settings.dmzAddress)} admits everybody`;
  if (ports.ownerKind(protocol, port) !== "mapping") return "";
  const inside = nat.mapping(id);
  const owner = end(inside.insideAddress, inside.insidePort);
  if (stop === "filter") return `${owner} has not talked to ${formatAddress(source)}`;
  if (nat.settings.filtering === "endpointIndependent") return "everybody may send to a mapping";
  return `${owner} talks to ${formatAddress(source)} already`;
}

function tellLocalRule(one: Case): string {
  return one.decision.way === "local" ? tellRule(one) : "";
}

/** Conversations under way need no rule. */
function tellRule({ gateway, decision, stop }: Case): string {
  const { rules } = gateway.firewall;
  if (decision.rule >= 0) return tellRuleAt(decision.rule + 1, (rules.list()[decision.rule] as RuleInfo).rule);
  if (stop === "rule") return "pings of the WAN address are not to be answered";
  return rules.count === 0 || decision.session >= 0 ? "" : `none of ${count(rules.count, "rule")} is about it`;
}

function tellRuleAt(place: number, rule: Rule): string {
  return `rule ${place}: ${formatRule(rule)}`;
}

export function tellForward(forward: Forward | undefined): string {
  if (forward === undefined) return "";
  const text = `"${formatForward(forward)}"`;
  if (!forward.isEnabled) return `the forward ${text} is switched off`;
  return forward.source === undefined
    ? `the forward admits everybody`
    : `the forward admits ${formatPrefix(forward.source)} only`;
}

function tellMapping(one: Case): string {
  const { gateway, packet, decision, stop } = one;
  const { nat } = gateway;
  const { session, mapping, port } = decision;
  if (packet.protocol === PROTOCOL_ICMP && port === Entry.NONE) return "of the packet that the error is about";
  if (stop === "ends") return "the two ends talk through another external port already";
  if (session >= 0) {
    const { insideAddress, insidePort, externalPort: external } = nat.session(session);
    return `${end(insideAddress, insidePort)} is ${end(nat.externalAddress, external)} outside`;
  }
  const isOutward = packet.interfaceIndex === LAN && packet.source !== nat.externalAddress;
  const inside = isOutward ? end(packet.source, port) : end(decision.insideAddress, port);
  const external = isOutward ? externalPort(gateway, packet, decision) : packet.destinationPort;
  const kind = packet.protocol === PROTOCOL_ICMP ? "identifier" : "port";
  if (external === 0) return `a new one: ${inside} gets a new ${kind} outside`;
  return `${mapping < 0 ? "a new one: " : ""}${inside} is ${end(nat.externalAddress, external)} outside`;
}

function tellRoom({ gateway, decision, stop, verdict }: Case): string {
  if (decision.session >= 0) return "";
  const { flows } = gateway.nat;
  const inUse = `${flows.count} of ${count(flows.capacity, "session")} in use`;
  if (stop === "room" && NOT_FULL.includes(verdict)) return inUse;
  if (stop === "room") return `${inUse}, ${count(gateway.nat.mappingCount, "mapping")}; nothing makes way`;
  const victim = decision.victim >= 0 ? decision.victim : decision.halfOpenVictim;
  if (victim < 0) return inUse;
  const { protocol, insideAddress, insidePort, remoteAddress, remotePort } = gateway.nat.session(victim);
  const ends = `${end(insideAddress, insidePort)} with ${end(remoteAddress, remotePort)}`;
  return `${inUse}; ${protocolName(protocol)} ${ends} makes way`;
}

function tellNextHop({ gateway, packet, decision, stop }: Case): string {
  const out = decision.way === "outward" ? gateway.wan : gateway.lan;
  const { nextHop } = decision;
  const text = formatAddress(nextHop);
  if (nextHop === 0 || out.isBroadcast(nextHop)) return `there is no host to send to on the ${sideName(out.index)}`;
  if (nextHop === out.address) return `${text} is Porter itself, where nothing waits`;
  const known = gateway.neighbours
    .entries()
    .find((one) => one.address === nextHop && one.interfaceName === out.name && one.state !== "incomplete");
  if (known !== undefined) return `${text}, station ${formatMac(known.mac)}`;
  if (stop === "sending") return `${text}, whose station is not known`;
  const isCut = packet.totalBytes > out.mtuBytes ? ", while one fragment waits" : "";
  return `${text}, whose station is asked for first${isCut}`;
}

function tellFlowCache({ gateway, packet, decision, stop }: Case): string {
  if (stop !== undefined) return "";
  if (packet.protocol === PROTOCOL_ICMP) return "does not carry ICMP";
  if (decision.way === "hairpin" || decision.way === "back") return "does not carry what returns to the LAN";
  const isCarried = decision.session >= 0 && gateway.nat.session(decision.session).isCarried;
  if (isCarried) return "carries the session: its packets come no further than there";
  return packet.protocol === PROTOCOL_TCP ? "carries the connection once it is established" : "carries what follows";
}

/** What the two halves of a hairpin have between them. */
export function tellReturn(one: Case, hasNewPort: boolean): string {
  const { packet } = one;
  const { source } = packet;
  const seen = describeOutcome({ ...endsOf(packet), source, side: "lan", hasNewPort });
  return `back in, as ${seen}`;
}
