/**
 * The gateway: a host with a LAN and a WAN side that forwards between them through NAT.
 *
 * A packet's way: established conversations are rewritten by the flow cache and leave at once; everything else comes
 * through `Host.receive` to `forward` (for others) or `deliver` (for our addresses, behind which a mapping or a port
 * forward may stand).
 */
import {
  BROADCAST_ADDRESS,
  formatAddress,
  formatPrefix,
  isTransitAddress,
  macHead,
  macTail,
  prefixMask,
} from "./core/address.js";
import type { Verdict } from "./core/drops.js";
import { ETHERNET_HEADER_BYTES, type Frame, NETWORK_AT, TRANSPORT_AT } from "./core/frame.js";
import type { ClosedPorts } from "./firewall/closedPorts.js";
import type { FirewallEffects } from "./firewall/effects.js";
import { Firewall } from "./firewall/firewall.js";
import { ZONE_SELF } from "./firewall/rule.js";
import { createFlowCache, type FlowCache, type Forward } from "./flow/cache.js";
import type { FlowMemory } from "./flow/memory.js";
import type { FlowTable } from "./flow/table.js";
import { FragmentForwarder } from "./fragmentForwarder.js";
import type { HostOptions } from "./host.js";
import { checkBindings } from "./link/bindings.js";
import type { Interface } from "./link/interface.js";
import { type Decision, NONE, type Way } from "./nat/decision.js";
import { formatForward } from "./nat/forwards.js";
import { judgeShape } from "./nat/judge.js";
import { Nat } from "./nat/nat.js";
import { Refusal } from "./nat/refusal.js";
import { setLabel } from "./nat/rewrite.js";
import type { NatSettings } from "./nat/settings.js";
import { isOpening } from "./nat/tcpState.js";
import type { LinkBinding, LinkPorts } from "./platform/linkPorts.js";
import { NAT_PORTS, type PortOwnerKind, type PortRange, type PortSpace } from "./transport/portSpace.js";
import { readQuote } from "./transport/quote.js";
import type { SocketTable } from "./transport/socketTable.js";
import { IcmpErrorQuote } from "./transport/transport.js";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_BYTES,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP_REPLY,
  ICMP_UNREACHABLE,
  icmpIdentifier,
  icmpType,
  isIcmpError,
  REDIRECT_HOST,
  TIME_EXCEEDED_TTL,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_NET,
  UNREACHABLE_PORT,
  UNREACHABLE_PROHIBITED,
} from "./wire/icmp.js";
import {
  IP_DONT_FRAGMENT,
  IP_FRAGMENT_BITS,
  IP_TTL_OFFSET,
  ipFragmentField,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  recordsAddresses,
  writeIpChecksum,
} from "./wire/ipv4.js";
import type { Packet } from "./wire/packet.js";
import { TCP_ACK, TCP_RST, TCP_SYN, tcpFlags } from "./wire/tcp.js";

/** Interface indices of a gateway. */
export const LAN = 0;
export const WAN = 1;

/** RFC 1812 section 4.3.2.8: a host that takes no advice is not given more of it than this. */
const REDIRECT_INTERVAL_MS = 1000;

/** How long after a start a TCP connection from before may show itself: two or three retransmissions (RFC 6298). */
const FORGETFUL_MS = 300_000;

export interface GatewayOptions extends HostOptions {
  /** The NAT's settings where they differ from the defaults. */
  readonly nat?: NatSettings;
  /** Makes the flow cache of the gateway's flow table: createFlowCache, or a twin of it. */
  readonly flowCache?: (flows: FlowTable, wan: Interface) => FlowCache;
  /** Memory for the flow table that a driver's tasks read, `flowTableBytes` long; without it, it has its own. */
  readonly flowMemory?: FlowMemory;
  /** The device's ports, where interfaces can be attached to others than at the start. */
  readonly links?: LinkPorts;
}

/** One of the two ways through the gateway. */
interface Passage {
  readonly carry: Forward;
  readonly source: Interface;
  readonly out: Interface;
}

export class Gateway extends FragmentForwarder implements FirewallEffects {
  readonly lan: Interface;
  readonly wan: Interface;
  readonly firewall: Firewall;
  readonly nat: Nat;
  /** About the packet that was refused last. */
  readonly refusal = new Refusal();
  /** As the console shows it; without meaning to the stack. */
  hostname = "porter";
  readonly links: LinkPorts | undefined;
  /** Where the LAN and the WAN are attached; empty where that is fixed. */
  bindings: readonly LinkBinding[];
  readonly #outward: Passage;
  readonly #inward: Passage;
  readonly #quote = new IcmpErrorQuote();
  /** See `disownForgotten`. */
  #forgetfulUntilMs = 0;
  #redirectedAtMs = Number.NEGATIVE_INFINITY;

  /** `options.interfaces` are the LAN and the WAN, in this order. */
  constructor(options: GatewayOptions) {
    super(options);
    this.lan = this.interfaces[LAN] as Interface;
    this.wan = this.interfaces[WAN] as Interface;
    this.links = options.links;
    this.bindings = options.links?.defaults ?? [];
    const { capacity, random } = options;
    this.firewall = new Firewall(capacity, random, this);
    const { rules } = this.firewall;
    this.nat = new Nat(this.clock, this.ports, random, capacity, rules, options.nat, options.flowMemory);
    const flows = this.nat.flows;
    const { outbound, inbound } = (options.flowCache ?? createFlowCache)(flows, this.wan);
    this.#outward = { carry: outbound, source: this.lan, out: this.wan };
    this.#inward = { carry: inbound, source: this.wan, out: this.lan };
    for (const one of this.interfaces) flows.setInterface(one.index, one.mac, one.mtuBytes);
    this.neighbours.listener = {
      neighbourKnown: (index, mac, out) => flows.setNeighbour(index, mac, out.mac),
      neighbourLost: (index) => flows.clearNeighbour(index),
    };
  }

  /**
   * As `Host.setAddress`. The two networks must not overlap. A changed address ends the NAT's sessions, whose ends know
   * the old one; port forwards hold for the new one at once.
   */
  override setAddress(index: number, address: number, prefixLength: number): void {
    const one = this.interfaces[index] as Interface;
    const other = this.interfaces[LAN + WAN - index] as Interface;
    const sharedMask = prefixMask(Math.min(prefixLength, other.prefixLength));
    if (address !== 0 && other.address !== 0 && ((address ^ other.address) & sharedMask) === 0) {
      const mine = formatPrefix({ address, length: prefixLength });
      const theirs = formatPrefix({ address: other.address, length: other.prefixLength });
      throw new Error(`${mine} overlaps the ${other.name} network ${theirs}; the two sides need different networks`);
    }
    const isSame = address === one.address && prefixLength === one.prefixLength;
    super.setAddress(index, address, prefixLength);
    if (isSame) return;
    for (const { index } of this.interfaces) this.forgetFragments(index);
    if (index === WAN) this.nat.setExternalAddress(address);
    else this.nat.clear();
  }

  /**
   * Attaches the LAN and the WAN to ports of the device. Behind another port or VLAN are other stations, whatever their
   * addresses: neighbours of a side that moves are forgotten, and all NAT sessions end. Throws an Error, and changes
   * nothing, when a side cannot be there.
   */
  attach(lan: LinkBinding, wan: LinkBinding): void {
    const links = this.links;
    if (links === undefined) throw new Error("this device's ports are fixed; no other can be chosen");
    const names = this.interfaces.map((one) => one.name);
    const bindings = checkBindings(links.ports, names, [lan, wan]);
    const moved = this.interfaces.filter(({ index }) => !isSamePlace(bindings[index], this.bindings[index]));
    if (moved.length === 0) return;
    // While both are where they were: whoever waits for a neighbour hears that it is gone.
    for (const one of moved) this.leaveLink(one);
    for (const { index } of this.interfaces) this.forgetFragments(index);
    this.nat.clear();
    links.attach(bindings);
    this.bindings = bindings;
    for (const one of moved) {
      const port = links.ports.find(({ name }) => name === bindings[one.index]?.port);
      one.setMac(port?.mac ?? one.mac);
      this.nat.flows.setInterface(one.index, one.mac, one.mtuBytes);
      // The same address once more: it is announced on the new link, and conflicts on the old one are past.
      super.setAddress(one.index, one.address, one.prefixLength);
    }
  }

  /** As `Host.setGateway`. Sessions under way take the new gateway at once. */
  override setGateway(index: number, gateway: number): void {
    const one = this.interfaces[index] as Interface;
    const isSame = gateway === one.gateway;
    super.setGateway(index, gateway);
    // The flow cache knows stations, not routes: it has to learn the way anew.
    if (!isSame) this.neighbours.flush(one);
  }

  override setMtu(index: number, mtuBytes: number): void {
    super.setMtu(index, mtuBytes);
    this.nat.flows.setInterface(index, (this.interfaces[index] as Interface).mac, mtuBytes);
  }

  /**
   * Sets which ports NAT and which our own sockets draw from; ports in use stay as they are. Throws an Error, and changes
   * nothing, when the two overlap, or when NAT would get ports below 1024, which stand for inside ports below 1024.
   */
  setPortRanges(nat: PortRange, sockets: PortRange): void {
    for (const { first, last } of [nat, sockets]) {
      if (first < 1 || last > 65535 || first > last)
        throw new Error(`${first}-${last} is not a range within ports 1 to 65535`);
    }
    if (nat.first < NAT_PORTS.first) {
      throw new Error(
        `NAT cannot draw from ports below ${NAT_PORTS.first}; choose a range within ${NAT_PORTS.first}-65535`,
      );
    }
    if (nat.first <= sockets.last && sockets.first <= nat.last) {
      const both = `${nat.first}-${nat.last} and ${sockets.first}-${sockets.last}`;
      throw new Error(`the ranges ${both} overlap; NAT and Porter's own sockets need ports apart from each other`);
    }
    this.ports.socketPorts = sockets;
    this.nat.configure({ ...this.nat.settings, ports: nat });
  }

  /**
   * For five minutes from now, TCP connections that we do not know are taken for ones from before a restart: their outside
   * ends hear a reset at the next segment that acknowledges something. Inside hosts hear one always.
   */
  disownForgotten(): void {
    this.#forgetfulUntilMs = this.clock.now + FORGETFUL_MS;
  }

  /** Enters what `Nat.keepSessions` gave before a planned restart, once everything is set as it was. Returns how many sessions. */
  restoreSessions(bytes: Uint8Array): number {
    return this.nat.restoreSessions(bytes, (address) => this.lan.isOnLink(address) && address !== this.lan.address);
  }

  /** The rules have changed: what they deny now ends. */
  rulesChanged(): void {
    const { lan } = this;
    const { rules } = this.firewall;
    this.nat.judgeAgain();
    this.tcp.abandonAccepted(({ remoteAddress, remotePort, localAddress, localPort }) => {
      const zone = lan.isOnLink(remoteAddress) ? LAN : WAN;
      const rule = rules.judge(PROTOCOL_TCP, zone, ZONE_SELF, remoteAddress, remotePort, localAddress, localPort);
      return rule < 0 ? zone === WAN : rules.verdict(rule) !== "ok";
    });
  }

  /**
   * The MAC lists have changed: stations that they refuse now are forgotten, and the sessions of their addresses end. Every
   * other station has to show itself once more before the flow cache goes on with its sessions.
   */
  stationsChanged(): void {
    const { stations } = this.firewall;
    const { lan, nat, neighbours } = this;
    lan.stationFilter = stations.count === 0 ? undefined : stations;
    if (stations.count === 0) return;
    for (const { address, interfaceName, mac, state } of neighbours.entries()) {
      const isOfLan = interfaceName === lan.name && state !== "incomplete";
      if (!isOfLan || !stations.refuses(macHead(mac), macTail(mac))) continue;
      neighbours.forget(lan, address);
      nat.endHost(address);
    }
    nat.flows.forgetHops();
  }

  override poll(now: number): void {
    super.poll(now);
    this.nat.poll();
    const { closedPorts } = this.firewall;
    if (closedPorts === undefined) return;
    for (;;) {
      // A SYN that has waited long enough: its sender is told, unless somebody behind us has opened that connection.
      const packet = closedPorts.take(this.clock.now, WAN);
      if (packet === undefined) return;
      const { source, sourcePort, destination, destinationPort } = packet;
      if (destination !== this.wan.address) continue;
      if (this.nat.flows.findInbound(PROTOCOL_TCP, source, sourcePort, destinationPort) >= 0) continue;
      this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_PORT);
    }
  }

  override nextDeadline(): number {
    const earliest = Math.min(super.nextDeadline(), this.nat.nextDeadline());
    const { closedPorts } = this.firewall;
    return closedPorts === undefined ? earliest : Math.min(earliest, closedPorts.nextDeadline());
  }

  override receive(index: number, frame: Frame, length: number): void {
    const passage = index === LAN ? this.#outward : this.#inward;
    const sentBytes = passage.carry(frame, length);
    if (sentBytes < 0) {
      super.receive(index, frame, length);
      return;
    }
    const source = passage.source;
    source.rxFrames++;
    source.rxBytes += length;
    // As Interface.transmit, whose call would cost XS 700 instructions.
    const out = passage.out;
    if (out.port.send(frame, sentBytes)) {
      out.txFrames++;
      out.txBytes += sentBytes;
    } else {
      out.txRefused++;
      this.drops.count("portFull", index);
    }
  }

  override describeOwner(protocol: number, port: number): string {
    const kind = this.ports.ownerKind(protocol, port);
    const forward = kind === "forward" ? this.nat.forwards.get(this.ports.ownerId(protocol, port)) : undefined;
    if (forward !== undefined) return `the forward "${formatForward(forward)}"`;
    if (kind !== "mapping") return super.describeOwner(protocol, port);
    const { insideAddress } = this.nat.mapping(this.ports.ownerId(protocol, port));
    return `the NAT mapping of ${formatAddress(insideAddress)}`;
  }

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
    if (!isRemote || destination === BROADCAST_ADDRESS) return this.locate(source, packet);
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

  /** What is not translated passes without what came before it (RFC 1812 section 5.2.6). */
  protected override receiveFragment(packet: Packet): Verdict {
    return this.isBetweenLanHosts(packet) ? this.forward(packet) : super.receiveFragment(packet);
  }

  private isBetweenLanHosts(packet: Packet): boolean {
    const isLocal = packet.interfaceIndex === LAN && packet.isForOthers && !packet.isRemote;
    return isLocal && this.lan.isOnLink(packet.destination);
  }

  /** A packet for somebody else: from the LAN it goes out translated; from the WAN nobody asked for it. */
  protected override forward(packet: Packet): Verdict {
    const decision = this.nat.decision;
    const refusal = this.judgeForward(packet, decision);
    if (refusal !== "ok") return this.refuse(packet, refusal, decision.way === "back" ? this.lan : this.wan);
    if (decision.way === "back") return this.sendBack(packet);
    const wan = this.wan;
    packet.ttl--;
    // As `number` and `Interface.nextIdentification`, whose calls would cost XS 900 instructions.
    if ((packet.fragmentWord & IP_FRAGMENT_BITS) !== IP_DONT_FRAGMENT) {
      const next = (wan.identification + 2) & 0xffff;
      wan.identification = next;
      packet.identification = ((next & 0xff) << 8) | (next >> 8);
    }
    const verdict = this.nat.outbound(packet);
    return verdict === "ok" ? this.send(packet, wan, decision.nextHop) : this.refuse(packet, verdict, wan);
  }

  private judgeForward(packet: Packet, decision: Decision): Verdict {
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
    const isUsual = packet.ttl > 1 && packet.totalBytes <= wan.mtuBytes && packet.transportAt === TRANSPORT_AT;
    return isUsual ? "ok" : this.judgePassage(packet, wan);
  }

  /** For us, or an ICMP error: that is translated only if its checksum over the whole is right (RFC 5508 REQ-3). */
  protected override isNeededWhole(packet: Packet): boolean {
    if (packet.protocol === PROTOCOL_ICMP && isIcmpError(icmpType(packet.frame.view, packet.transportAt))) return true;
    const decision = this.nat.decision;
    return !packet.isForOthers && this.judgeDelivery(packet, decision) === "ok" && decision.way === "local";
  }

  protected override judgeWaiting(packet: Packet): Verdict {
    return packet.isForOthers ? this.judgeForward(packet, this.nat.decision) : "ok";
  }

  protected override judgeNext(packet: Packet, newDestination: number): Verdict {
    return this.judgePassage(packet, newDestination === packet.destination ? this.wan : this.lan);
  }

  protected override sendNext(packet: Packet, newDestination: number, identification: number): Verdict {
    const out = newDestination === packet.destination ? this.wan : this.lan;
    packet.ttl--;
    const { source, destination } = packet;
    setLabel(packet, packet.interfaceIndex === LAN ? this.nat.externalAddress : source, newDestination, identification);
    const verdict = this.output.emit(out, packet.frame, packet.totalBytes);
    if (verdict === "ok") return verdict;
    // As with `fail`.
    packet.source = source;
    packet.destination = destination;
    return verdict;
  }

  /** A packet for one of our addresses; the WAN address may stand for a host behind it. */
  protected override deliver(packet: Packet): Verdict {
    const decision = this.nat.decision;
    const refusal = this.judgeDelivery(packet, decision);
    // The most frequent refusal, and the one that nobody is told of unless that is wanted.
    if (refusal === "wanUnsolicited") {
      if (this.firewall.closedPorts !== undefined) this.rejectAtClosedPort(packet, this.firewall.closedPorts);
      else if (this.clock.now < this.#forgetfulUntilMs) this.disown(packet);
      return refusal;
    }
    if (decision.rule >= 0) {
      const { protocol, source, sourcePort, destination, destinationPort } = packet;
      this.firewall.rules.countHit(decision.rule, protocol, source, sourcePort, destination, destinationPort);
    }
    if (refusal !== "ok") return this.refuse(packet, refusal, this.lan);
    return decision.way === "local" ? super.deliver(packet) : this.sendInward(packet);
  }

  private judgeDelivery(packet: Packet, decision: Decision): Verdict {
    decision.way = "local";
    decision.rule = NONE;
    const isFromLan = packet.interfaceIndex === LAN;
    const destination = packet.destination;
    const isForWan = destination === this.wan.address;
    if (!isForWan) {
      decision.owner = undefined;
      // A router receives no directed broadcast (RFC 2644 section 3).
      if (destination !== this.lan.address && destination !== BROADCAST_ADDRESS) return "ipDestinationMartian";
      if (isFromLan) return this.judgeLocal(packet, decision, "ok");
    }
    const { protocol } = packet;
    const hasPorts = protocol === PROTOCOL_UDP || protocol === PROTOCOL_TCP;
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
      const isUsual = packet.ttl > 1 && packet.totalBytes <= this.lan.mtuBytes && packet.transportAt === TRANSPORT_AT;
      return isUsual ? "ok" : this.judgePassage(packet, this.lan);
    }
    if (isFromLan || this.isExpected(packet, owner)) return this.judgeLocal(packet, decision, "ok");
    // What is left came from the WAN unasked. We answer pings, and listen to errors about our own packets.
    if (protocol === PROTOCOL_ICMP) {
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
    if (protocol !== PROTOCOL_TCP) return owner === "socket";
    return this.sockets.find(protocol, destination, destinationPort, source, sourcePort) !== undefined;
  }

  /** Whose query identifier an ICMP packet for the WAN address is about, or port: an error is about the packet it quotes. */
  private ownerOfOther(packet: Packet): PortOwnerKind | undefined {
    if (packet.protocol !== PROTOCOL_ICMP) return undefined;
    if (packet.payloadBytes < ICMP_HEADER_BYTES) return undefined;
    const type = icmpType(packet.frame.view, packet.transportAt);
    if (type === ICMP_ECHO_REPLY || type === ICMP_TIMESTAMP_REPLY) {
      return this.ports.ownerKind(PROTOCOL_ICMP, icmpIdentifier(packet.frame.view, packet.transportAt));
    }
    if (!isIcmpError(type)) return undefined;
    const protocol = readQuote(packet, this.#quote);
    return protocol < 0 ? undefined : this.ports.ownerKind(protocol, this.#quote.sourcePort);
  }

  /** To a host behind us. A packet that came from the LAN itself takes the way out first, and so looks as from outside. */
  private sendInward(packet: Packet): Verdict {
    packet.ttl--;
    const lan = this.lan;
    if (packet.interfaceIndex === LAN) {
      this.number(packet, lan);
      const outward = this.nat.outbound(packet);
      if (outward !== "ok") return this.refuse(packet, outward, lan);
    }
    const verdict = this.nat.inbound(packet);
    // A hairpin has been rewritten by now.
    if (verdict !== "ok")
      return packet.interfaceIndex === WAN ? this.refuse(packet, verdict, lan) : this.fail(packet, verdict);
    // Where a port forward leads to the LAN's broadcast address.
    if (lan.isBroadcast(packet.destination)) return this.fail(packet, "ipDestinationMartian");
    return this.send(packet, lan, lan.nextHop(packet.destination));
  }

  /**
   * From one LAN host to another, as it came; only a host with a wrong netmask or none sends us that. It hears where it
   * should have sent it, and a router that did not carry it on would leave it without the other's answer.
   */
  private sendBack(packet: Packet): Verdict {
    const { frame, source, destination } = packet;
    const now = this.clock.now;
    // Advice is not worth a question for the sender's station, nor the room to wait for the answer.
    if (now - this.#redirectedAtMs >= REDIRECT_INTERVAL_MS && this.neighbours.knows(this.lan, source)) {
      this.#redirectedAtMs = now;
      this.complain(packet, ICMP_REDIRECT, REDIRECT_HOST, destination);
    }
    frame.view.setUint8(NETWORK_AT + IP_TTL_OFFSET, packet.ttl - 1);
    writeIpChecksum(frame.view, NETWORK_AT, packet.transportAt - NETWORK_AT);
    return this.output.emit(this.lan, frame, packet.totalBytes);
  }

  /** What a router looks at before it lets a packet pass to `out`. The packet is still as it came in. */
  private judgePassage(packet: Packet, out: Interface): Verdict {
    // As RFC 7126 sections 4.5 and 4.7 advise. Linux' "ping -R" begins the record with its own, inside address.
    const hasOptions = packet.transportAt !== TRANSPORT_AT;
    if (hasOptions && recordsAddresses(packet.frame.view, NETWORK_AT, packet.transportAt - NETWORK_AT)) {
      return "ipOptionRefused";
    }
    const isTooOld = packet.ttl <= 1;
    const isTooBig =
      packet.totalBytes > out.mtuBytes && (ipFragmentField(packet.frame.view, NETWORK_AT) & IP_DONT_FRAGMENT) !== 0;
    if (!isTooOld && !isTooBig) return "ok";
    // A stranger gets no answer: it would tell him a mapping from a closed port. Only a first fragment has ports, or an answer.
    const isStrange = packet.interfaceIndex === WAN && packet.fragmentOffset === 0;
    const admitted = isStrange ? this.nat.admit(packet) : "ok";
    if (admitted !== "ok") return admitted;
    return isTooOld ? "ipTtlExceeded" : "ipTooBig";
  }

  /** Tells the sender of a packet, which is still as it came in, why it does not pass to `out`, where it may know. */
  private refuse(packet: Packet, verdict: Verdict, out: Interface): Verdict {
    this.note(packet, verdict);
    switch (verdict) {
      case "ipTtlExceeded":
        this.complain(packet, ICMP_TIME_EXCEEDED, TIME_EXCEEDED_TTL);
        break;
      case "ipTooBig":
        this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED, out.mtuBytes);
        break;
      case "wanNotReady":
      case "ipNoRoute":
        this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_NET);
        break;
      case "natNoMapping":
      case "natNoSession":
      case "natHostQuota":
      case "natReserve":
      case "natHalfOpen":
      case "natNoPort":
        // RFC 5508 REQ-8: a host that gets no session is told so; a stranger is not.
        if (packet.interfaceIndex === LAN) this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED);
        break;
      case "natTcpState":
        // A connection from before our start, or past its time: a reset lets the host reconnect at once.
        if (packet.interfaceIndex === LAN) this.tcp.refuse(packet);
        else this.disown(packet);
        break;
      case "firewallRejected":
        this.reject(packet, UNREACHABLE_PROHIBITED);
        break;
      // To a stranger all these ports look the same, so that he does not learn which of them are in use.
      case "wanUnsolicited":
      case "natFiltered":
      case "forwardDisabled":
      case "forwardSourceRefused":
        if (this.firewall.closedPorts !== undefined) this.rejectAtClosedPort(packet, this.firewall.closedPorts);
        else this.disown(packet);
        break;
    }
    return verdict;
  }

  /** A packet that has been translated goes no further: it is remembered as it came in. */
  private fail(packet: Packet, verdict: Verdict): Verdict {
    this.nat.restore(packet);
    return this.note(packet, verdict);
  }

  /** Keeps what is known of a packet that is as it came in, and is dropped now. */
  private note(packet: Packet, verdict: Verdict): Verdict {
    const { refusal } = this;
    const { way, owner, rule } = this.nat.decision;
    const isByRule = rule >= 0 && (verdict === "firewallDenied" || verdict === "firewallRejected");
    const isOurPort = way !== "outward" && way !== "none";
    const isForwarded = isOurPort && owner === "forward";
    refusal.reason = verdict;
    if (verdict !== "ok") refusal.before = this.drops.counts[verdict];
    refusal.owner = isOurPort ? owner : undefined;
    refusal.forward = isForwarded
      ? this.nat.forwards.get(this.ports.ownerId(packet.protocol, packet.destinationPort))
      : undefined;
    refusal.rule = isByRule ? this.firewall.rules.list()[rule]?.rule : undefined;
    return verdict;
  }

  /** Resets a TCP segment's sender; others are told by ICMP, with this code. As many a second as ICMP errors. */
  private reject(packet: Packet, code: number): void {
    const { destination, interfaceIndex } = packet;
    if (interfaceIndex === WAN && this.firewall.isAnswerDear()) this.icmp.takeToken(WAN);
    if (packet.protocol !== PROTOCOL_TCP) {
      this.complain(packet, ICMP_UNREACHABLE, code);
      return;
    }
    // A reset comes from where the segment went, and no broadcast address sends anything (RFC 1122 section 4.2.3.10).
    if ((this.interfaces[interfaceIndex] as Interface).isBroadcast(destination)) return;
    if (this.icmp.takeToken(interfaceIndex)) this.tcp.refuse(packet);
  }

  /**
   * A segment from outside that belongs to no connection, soon after a start: it may be of one that we have forgotten. Its
   * sender is told, though ports are silent otherwise: a segment that acknowledges opens nothing, and who sent it knows us.
   */
  private disown(packet: Packet): void {
    if (this.clock.now >= this.#forgetfulUntilMs || packet.protocol !== PROTOCOL_TCP) return;
    if (packet.destination !== this.wan.address || !isAnswerable(packet, this.nat.decision)) return;
    const flags = tcpFlags(packet.frame.view, packet.transportAt);
    if ((flags & (TCP_ACK | TCP_SYN | TCP_RST)) === TCP_ACK) this.reject(packet, UNREACHABLE_PORT);
  }

  /**
   * Somebody from outside has come to a port of ours that is closed to him. Where NAT has its ports an inside host may be
   * about to call him from there: a SYN waits (RFC 5382 REQ-4), and all else of TCP hears nothing but what `disown` says.
   */
  private rejectAtClosedPort(packet: Packet, closedPorts: ClosedPorts): void {
    if (packet.destination !== this.wan.address || !isAnswerable(packet, this.nat.decision)) return;
    const { ports, lowPorts } = this.nat.settings;
    const port = packet.destinationPort;
    const isNats = (port >= ports.first && port <= ports.last) || (port >= lowPorts.first && port <= lowPorts.last);
    if (packet.protocol !== PROTOCOL_TCP || !isNats) {
      this.reject(packet, UNREACHABLE_PORT);
    } else if (isOpening(this.nat.decision.tcpFlags)) {
      closedPorts.remember(packet, this.clock.now);
    } else {
      this.disown(packet);
    }
  }

  /** Many share our address: a receiver must be able to tell their datagrams apart (RFC 6864 section 5.3.1). */
  private number(packet: Packet, out: Interface): void {
    if ((packet.fragmentWord & IP_FRAGMENT_BITS) !== IP_DONT_FRAGMENT) packet.identification = out.nextIdentification();
  }

  /** Sends a translated packet. The NAT learns the next hop: from then on the flow cache carries the conversation. */
  private send(packet: Packet, out: Interface, nextHop: number): Verdict {
    // Without destructuring, which costs XS twice as much as to read the properties one by one.
    const nat = this.nat;
    const frame = packet.frame;
    const totalBytes = packet.totalBytes;
    const neighbour = totalBytes > out.mtuBytes ? -1 : this.neighbours.ready(out, nextHop);
    const hop = neighbour < 0 ? undefined : nat.flows.nextHops.list[neighbour];
    if (hop === undefined || !hop.isKnown) {
      const verdict = this.output.emit(out, frame, totalBytes);
      if (verdict !== "ok") return this.fail(packet, verdict);
      nat.setNextHop(out.index, this.neighbours.lastIndex);
      return verdict;
    }
    // As the flow cache does it: what begins a frame to this station is at hand.
    frame.words.set(hop.words);
    const session = nat.lastSession;
    if (session >= 0) nat.flows.setNextHop(session, out.index, neighbour);
    const length = ETHERNET_HEADER_BYTES + totalBytes;
    // As Interface.transmit; see `receive`.
    if (!out.port.send(frame, length)) {
      out.txRefused++;
      return this.fail(packet, "portFull");
    }
    out.txFrames++;
    out.txBytes += length;
    return "ok";
  }
}

/**
 * Whether a stranger may hear about a closed port from us: only where a port in use would have let his packet as far as its
 * filter. Otherwise what is damaged, or may not pass anyhow, would tell the two apart.
 */
function isAnswerable(packet: Packet, decision: Decision): boolean {
  const { transportAt } = packet;
  const isRecording =
    transportAt !== TRANSPORT_AT && recordsAddresses(packet.frame.view, NETWORK_AT, transportAt - NETWORK_AT);
  return !isRecording && judgeShape(packet, decision) === "ok";
}

/** Whether a packet for the gateway itself belongs to what has begun already: it needs no rule. */
function isAnswer(packet: Packet, sockets: SocketTable, ports: PortSpace): boolean {
  const { protocol, source, sourcePort, destination, destinationPort } = packet;
  if (protocol === PROTOCOL_ICMP) return !isEchoRequest(packet);
  if (protocol === PROTOCOL_TCP) {
    return sockets.find(protocol, destination, destinationPort, source, sourcePort) !== undefined;
  }
  if (protocol !== PROTOCOL_UDP) return false;
  // A socket that did not choose its port has asked somebody something.
  const { first, last } = ports.socketPorts;
  return destinationPort >= first && destinationPort <= last && ports.ownerKind(protocol, destinationPort) === "socket";
}

function isEchoRequest(packet: Packet): boolean {
  return packet.payloadBytes > 0 && icmpType(packet.frame.view, packet.transportAt) === ICMP_ECHO_REQUEST;
}

function isSamePlace(one: LinkBinding | undefined, other: LinkBinding | undefined): boolean {
  return one?.port === other?.port && one?.vlan === other?.vlan;
}
