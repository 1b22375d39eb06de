/**
 * Decides about packets at a gateway: whom they are for, whether they may pass, and which way. Each step only looks; what it
 * finds out goes into the `Decision`, and `GatewayForwarding` carries it out.
 */
import { isTransitAddress } from "./core/address.js";
import type { Verdict } from "./core/drops.js";
import type { FirewallEffects } from "./firewall/effects.js";
import { Firewall } from "./firewall/firewall.js";
import { ZONE_SELF } from "./firewall/rule.js";
import type { createFlowCache } from "./flow/cache.js";
import type { FlowMemory } from "./flow/memory.js";
import { FragmentForwarder } from "./fragmentForwarder.js";
import type { HostOptions } from "./host.js";
import type { Interface } from "./link/interface.js";
import { type Decision, Entry, type Way } from "./nat/decision.js";
import { Nat } from "./nat/nat.js";
import type { NatSettings } from "./nat/settings.js";
import type { LinkPorts } from "./platform/linkPorts.js";
import type { PortOwnerKind, PortSpace } from "./transport/portSpace.js";
import { readQuote } from "./transport/quote.js";
import type { SocketTable } from "./transport/socketTable.js";
import { IcmpErrorQuote } from "./transport/transport.js";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_BYTES,
  ICMP_TIMESTAMP_REPLY,
  icmpIdentifier,
  icmpType,
  isIcmpError,
} from "./wire/icmp.js";
import { Ip, Ipv4At } from "./wire/inlined.js";
import { IP_DONT_FRAGMENT, ipFragmentField, recordsAddresses } from "./wire/ipv4.js";
import type { Packet } from "./wire/packet.js";

/** Interface indices of a gateway. */
export const LAN = 0;
export const WAN = 1;

export interface GatewayOptions extends HostOptions {
  /** The NAT's settings where they differ from the defaults. */
  readonly nat?: NatSettings;
  /** Makes the flow cache of the gateway's flow table: createFlowCache, or a twin of it. */
  readonly flowCache?: typeof createFlowCache;
  /** Memory for the flow table that a driver's tasks read, `flowTableBytes` long; without it, it has its own. */
  readonly flowMemory?: FlowMemory;
  /** The device's ports, where interfaces can be attached to others than at the start. */
  readonly links?: LinkPorts;
}

export abstract class GatewayJudge extends FragmentForwarder implements FirewallEffects {
  readonly lan: Interface;
  readonly wan: Interface;
  readonly nat: Nat;
  readonly firewall: Firewall;
  readonly #quote = new IcmpErrorQuote();

  /** `options.interfaces` are the LAN and the WAN, in this order. */
  constructor(options: GatewayOptions) {
    super(options);
    this.lan = this.interfaces[LAN] as Interface;
    this.wan = this.interfaces[WAN] as Interface;
    const { capacity, random } = options;
    this.firewall = new Firewall(capacity, random, this);
    const { rules } = this.firewall;
    this.nat = new Nat(this.clock, this.ports, random, capacity, rules, options.nat, options.flowMemory);
  }

  abstract rulesChanged(): void;

  abstract stationsChanged(): void;

  /**
   * As a host does, with ingress filtering (BCP 38, RFC 2827) on both sides: a LAN source must be of the LAN, a WAN source
   * must not. And what comes by the WAN must not be for our address on the LAN.
   */
  protected override judgeArrival(source: Interface, packet: Packet): Verdict {
    const lan = this.lan;
    const wan = this.wan;
    const ours = source.address;
    const sender = packet.source;
    const destination = packet.destination;
    if (ours === 0) return "interfaceDown";
    // Without calls of `isUnicastSource`, `isBroadcast`, `isOnLink`, and of what `Host` does: on XS they were half of it all.
    const first = (sender >> 24) & 255;
    if (first === 0 || first === 127 || first >= 224) return "ipSourceMartian";
    if (sender === source.directedBroadcast || sender === source.zerosBroadcast) return "ipSourceMartian";
    const isOfLan = ((sender ^ lan.address) & lan.mask) === 0 && lan.address !== 0;
    if (source === lan) {
      if (!isOfLan) return "ipSourceSpoofed";
    } else {
      if (isOfLan) return "ipSourceSpoofed";
      // A strong host (RFC 1122 section 3.3.4.2); said here, before a fragment is kept.
      if (destination === lan.address) return "wanUnsolicited";
    }
    if (sender === ours || sender === wan.address) return "ipSourceSpoofed";
    if (packet.isLinkBroadcast) return this.locate(source, packet);
    if (destination === ours || (destination === wan.address && destination !== 0)) {
      packet.isForOthers = false;
      return "ok";
    }
    const isRemote = ((destination ^ lan.address) & lan.mask) !== 0 && ((destination ^ wan.address) & wan.mask) !== 0;
    if (!isRemote || destination === Ip.BROADCAST) return this.locate(source, packet);
    packet.isRemote = true;
    packet.isForOthers = true;
    return "ok";
  }

  /**
   * What `receive` would do with a packet that has come in by its interface, and why: `decision` says where it stopped, or
   * which way it would go. The same steps in the same order, and changes nothing. Of a hairpin the way out alone: the way
   * back in is for `judgeInward`. What becomes of a packet for the gateway itself is for its transport to say.
   */
  judge(packet: Packet, decision: Decision): Verdict {
    const source = this.interfaces[packet.interfaceIndex] as Interface;
    decision.way = "none" as Way;
    const arrival = this.judgeArrival(source, packet);
    if (arrival !== "ok") return arrival;
    if (packet.isFragment && !this.isBetweenLanHosts(packet)) {
      const known = this.judgeFragment(packet);
      if (known !== undefined) return known;
      if (packet.fragmentOffset !== 0) return packet.isForOthers ? this.judgeForward(packet, decision) : "ok";
    }
    const verdict = packet.isForOthers ? this.judgeForward(packet, decision) : this.judgeDelivery(packet, decision);
    if (verdict !== "ok" || decision.way === "local") return verdict;
    if (decision.way === "back") return this.judgeSending(this.lan, decision.nextHop);
    if (decision.way === "inward") return this.judgeInward(packet, decision);
    const refusal = this.nat.judgeOutbound(packet, decision);
    if (refusal !== "ok" || decision.way === "hairpin") return refusal;
    return this.judgeSending(this.wan, decision.nextHop);
  }

  /** As `judge`, of a packet to a host behind us: one from the LAN has been translated outbound. */
  judgeInward(packet: Packet, decision: Decision): Verdict {
    const refusal = this.nat.judgeInbound(packet, decision);
    if (refusal !== "ok") return refusal;
    const { lan } = this;
    const { session } = decision;
    const target = session >= 0 ? this.nat.flows.insideAddress(session) : decision.insideAddress;
    if (lan.isBroadcast(target)) return "ipDestinationMartian";
    decision.nextHop = lan.nextHop(target);
    return this.judgeSending(lan, decision.nextHop);
  }

  /** As `IpOutput.emit`, which is asked last. */
  private judgeSending(out: Interface, nextHop: number): Verdict {
    return nextHop === 0 || nextHop === out.address ? "ipNoRoute" : this.neighbours.judge(out, nextHop);
  }

  protected isBetweenLanHosts(packet: Packet): boolean {
    const isLocal = packet.interfaceIndex === LAN && packet.isForOthers && !packet.isRemote;
    return isLocal && this.lan.isOnLink(packet.destination);
  }

  protected judgeForward(packet: Packet, decision: Decision): Verdict {
    decision.way = "none";
    if (packet.interfaceIndex === WAN) return "wanUnsolicited";
    const destination = packet.destination;
    const wan = this.wan;
    // What no router forwards (RFC 1812 section 5.3.7, RFC 6890). As `isUnicastSource`, without its call.
    const first = (destination >> 24) & 255;
    if (first === 0 || first === 127 || first >= 224) return "ipDestinationMartian";
    if ((first === 169 || first === 192) && !isTransitAddress(destination)) return "ipDestinationMartian";
    let nextHop = 0;
    if (packet.isRemote) {
      if (wan.address === 0) return "wanNotReady";
      nextHop = wan.gateway;
    } else {
      if (wan.isBroadcast(destination)) return "ipDestinationMartian";
      if (this.lan.isOnLink(destination)) {
        if (packet.source === destination) return "ipNotForUs";
        decision.way = "back";
        decision.nextHop = destination;
        return this.judgePassage(packet, this.lan);
      }
      if (wan.address === 0) return "wanNotReady";
      nextHop = wan.nextHop(destination);
    }
    if (nextHop === 0) return "ipNoRoute";
    decision.nextHop = nextHop;
    decision.way = "outward";
    // Most need no closer look.
    const isUsual = packet.ttl > 1 && packet.totalBytes <= wan.mtuBytes && packet.transportAt === Ipv4At.TRANSPORT;
    return isUsual ? "ok" : this.judgePassage(packet, wan);
  }

  /** For us, or an ICMP error: that is translated only if its checksum over the whole is right (RFC 5508 REQ-3). */
  protected override isNeededWhole(packet: Packet): boolean {
    if (packet.protocol === Ip.ICMP && isIcmpError(icmpType(packet.frame.view, packet.transportAt))) return true;
    const decision = this.nat.decision;
    return !packet.isForOthers && this.judgeDelivery(packet, decision) === "ok" && decision.way === "local";
  }

  protected override judgeWaiting(packet: Packet): Verdict {
    return packet.isForOthers ? this.judgeForward(packet, this.nat.decision) : "ok";
  }

  protected override judgeNext(packet: Packet, newDestination: number): Verdict {
    return this.judgePassage(packet, newDestination === packet.destination ? this.wan : this.lan);
  }

  protected judgeDelivery(packet: Packet, decision: Decision): Verdict {
    decision.way = "local";
    decision.rule = Entry.NONE;
    const isFromLan = packet.interfaceIndex === LAN;
    const destination = packet.destination;
    const isForWan = destination === this.wan.address;
    if (!isForWan) {
      decision.owner = undefined;
      // A router receives no directed broadcast (RFC 2644 section 3).
      if (destination !== this.lan.address && destination !== Ip.BROADCAST) return "ipDestinationMartian";
      if (isFromLan) return this.judgeLocal(packet, decision, "ok");
    }
    const { protocol } = packet;
    const hasPorts = protocol === Ip.UDP || protocol === Ip.TCP;
    const owner = hasPorts ? this.ports.ownerKind(protocol, packet.destinationPort) : this.ownerOfOther(packet);
    decision.owner = owner;
    let isForHost = owner === "mapping" || owner === "forward";
    if (owner === undefined && hasPorts) {
      if (this.nat.dmzAddress !== 0) isForHost = true;
      // The most frequent packet from outside. No rule opens what is not there.
      else if (!isFromLan && this.firewall.rules.count === 0) return "wanUnsolicited";
    }
    // A broadcast on the WAN link concerns us, and nobody behind us.
    if (isForHost && isForWan) {
      decision.way = isFromLan ? "hairpin" : "inward";
      if (!isTransitAddress(packet.source)) return "ipSourceMartian";
      // Most need no closer look.
      const isUsual =
        packet.ttl > 1 && packet.totalBytes <= this.lan.mtuBytes && packet.transportAt === Ipv4At.TRANSPORT;
      return isUsual ? "ok" : this.judgePassage(packet, this.lan);
    }
    if (isFromLan || this.isExpected(packet, owner)) return this.judgeLocal(packet, decision, "ok");
    // What is left came from the WAN unasked. We answer pings, and listen to errors about our own packets.
    if (protocol === Ip.ICMP) {
      const isRefused = !this.firewall.answersPing && isEchoRequest(packet);
      return this.judgeLocal(packet, decision, isRefused ? "firewallDenied" : "ok");
    }
    if (!hasPorts) return "natProtocol";
    const verdict = this.judgeLocal(packet, decision, "wanUnsolicited");
    return verdict === "ok" && owner === undefined ? "wanUnsolicited" : verdict;
  }

  /** What the rules say to a packet for the gateway itself; where they say nothing, `otherwise`. */
  private judgeLocal(packet: Packet, decision: Decision, otherwise: Verdict): Verdict {
    const { rules } = this.firewall;
    if (rules.count === 0 || isAnswer(packet, this.sockets, this.ports)) return otherwise;
    const { protocol, interfaceIndex, source, sourcePort, destination, destinationPort } = packet;
    const rule = rules.judge(protocol, interfaceIndex, ZONE_SELF, source, sourcePort, destination, destinationPort);
    decision.rule = rule;
    return rule < 0 ? otherwise : rules.verdict(rule);
  }

  /**
   * Whether one of our own sockets waits for a packet from the WAN. To a TCP port only the other end of a connection may
   * send: anybody else would hear from a reset that we have one. A listener is there for the LAN, but may share its port
   * with a connection that we opened ourselves.
   */
  private isExpected(packet: Packet, owner: PortOwnerKind | undefined): boolean {
    if (owner !== "socket" && owner !== "listener") return false;
    const { protocol, source, sourcePort, destination, destinationPort } = packet;
    if (protocol !== Ip.TCP) return owner === "socket";
    return this.sockets.find(protocol, destination, destinationPort, source, sourcePort) !== undefined;
  }

  /** Whose query identifier an ICMP packet for the WAN address is about, or port: an error is about the packet it quotes. */
  private ownerOfOther(packet: Packet): PortOwnerKind | undefined {
    if (packet.protocol !== Ip.ICMP) return undefined;
    if (packet.payloadBytes < ICMP_HEADER_BYTES) return undefined;
    const type = icmpType(packet.frame.view, packet.transportAt);
    if (type === ICMP_ECHO_REPLY || type === ICMP_TIMESTAMP_REPLY) {
      return this.ports.ownerKind(Ip.ICMP, icmpIdentifier(packet.frame.view, packet.transportAt));
    }
    if (!isIcmpError(type)) return undefined;
    const protocol = readQuote(packet, this.#quote);
    return protocol < 0 ? undefined : this.ports.ownerKind(protocol, this.#quote.sourcePort);
  }

  /** What a router looks at before it lets a packet pass to `out`. The packet is still as it came in. */
  private judgePassage(packet: Packet, out: Interface): Verdict {
    // As RFC 7126 sections 4.5 and 4.7 advise. Linux' "ping -R" begins the record with its own, inside address.
    const hasOptions = packet.transportAt !== Ipv4At.TRANSPORT;
    if (hasOptions && recordsAddresses(packet.frame.view, Ipv4At.NETWORK, packet.transportAt - Ipv4At.NETWORK)) {
      return "ipOptionRefused";
    }
    const isTooOld = packet.ttl <= 1;
    const isTooBig =
      packet.totalBytes > out.mtuBytes && (ipFragmentField(packet.frame.view, Ipv4At.NETWORK) & IP_DONT_FRAGMENT) !== 0;
    if (!isTooOld && !isTooBig) return "ok";
    // A stranger gets no answer: it would tell him a mapping from a closed port. Only a first fragment has ports, or an answer.
    const isStrange = packet.interfaceIndex === WAN && packet.fragmentOffset === 0;
    const admitted = isStrange ? this.nat.admit(packet) : "ok";
    if (admitted !== "ok") return admitted;
    return isTooOld ? "ipTtlExceeded" : "ipTooBig";
  }
}

/** Whether a packet for the gateway itself belongs to what has begun already: it needs no rule. */
function isAnswer(packet: Packet, sockets: SocketTable, ports: PortSpace): boolean {
  const { protocol, source, sourcePort, destination, destinationPort } = packet;
  if (protocol === Ip.ICMP) return !isEchoRequest(packet);
  if (protocol === Ip.TCP) {
    return sockets.find(protocol, destination, destinationPort, source, sourcePort) !== undefined;
  }
  if (protocol !== Ip.UDP) return false;
  // A socket that did not choose its port has asked somebody something.
  const { first, last } = ports.socketPorts;
  return destinationPort >= first && destinationPort <= last && ports.ownerKind(protocol, destinationPort) === "socket";
}

function isEchoRequest(packet: Packet): boolean {
  return packet.payloadBytes > 0 && icmpType(packet.frame.view, packet.transportAt) === ICMP_ECHO_REQUEST;
}
