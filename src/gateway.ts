/**
 * The gateway: a host with a LAN and a WAN side that forwards between them through NAT. Here stand its settings, its time,
 * and the frame's first step.
 *
 * A packet's way: established conversations are rewritten by the flow cache and leave at once; everything else comes
 * through `Host.receive` to `forward` (for others) or `deliver` (for our addresses, behind which a mapping or a port
 * forward may stand), in `GatewayForwarding`.
 */
import { formatAddress, formatPrefix, macHead, macTail, prefixMask } from "./core/address.js";
import type { Frame } from "./core/frame.js";
import { ZONE_SELF } from "./firewall/rule.js";
import { createFlowCache, type Forward } from "./flow/cache.js";
import { GatewayForwarding } from "./gatewayForwarding.js";
import { type GatewayOptions, LAN, WAN } from "./gatewayJudge.js";
import { checkBindings } from "./link/bindings.js";
import type { Interface } from "./link/interface.js";
import { formatForward } from "./nat/forwards.js";
import type { LinkBinding, LinkPorts } from "./platform/linkPorts.js";
import { NAT_PORTS, type PortRange } from "./transport/portSpace.js";
import { ICMP_UNREACHABLE, UNREACHABLE_PORT } from "./wire/icmp.js";
import { PROTOCOL_TCP } from "./wire/ipv4.js";

export { type GatewayOptions, LAN, WAN };

/** One of the two ways through the gateway. */
interface Passage {
  readonly carry: Forward;
  readonly source: Interface;
  readonly out: Interface;
}

export class Gateway extends GatewayForwarding {
  /** As the console shows it; without meaning to the stack. */
  hostname = "porter";
  readonly links: LinkPorts | undefined;
  /** Where the LAN and the WAN are attached; empty where that is fixed. */
  bindings: readonly LinkBinding[];
  readonly #outward: Passage;
  readonly #inward: Passage;

  /** `options.interfaces` are the LAN and the WAN, in this order. */
  constructor(options: GatewayOptions) {
    super(options);
    this.links = options.links;
    this.bindings = options.links?.defaults ?? [];
    const flows = this.nat.flows;
    const { wan } = this;
    const makeFlowCache = options.flowCache ?? createFlowCache;
    const { outbound, inbound, nextIdentification } = makeFlowCache(flows, wan.nextIdentification());
    // Where it counts in a variable of its own, all that leaves by the WAN is counted there.
    if (nextIdentification !== undefined) wan.nextIdentification = nextIdentification;
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
    // LAN; by its name, a captured variable, it would cost XS 33 instructions for each carried packet.
    const passage = index === 0 ? this.#outward : this.#inward;
    const sentBytes = passage.carry(frame.words, length);
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
      this.countRefused(out, index);
    }
  }

  private countRefused(out: Interface, index: number): void {
    out.txRefused++;
    this.drops.count("portFull", index);
  }

  override describeOwner(protocol: number, port: number): string {
    const kind = this.ports.ownerKind(protocol, port);
    const forward = kind === "forward" ? this.nat.forwards.get(this.ports.ownerId(protocol, port)) : undefined;
    if (forward !== undefined) return `the forward "${formatForward(forward)}"`;
    if (kind !== "mapping") return super.describeOwner(protocol, port);
    const { insideAddress } = this.nat.mapping(this.ports.ownerId(protocol, port));
    return `the NAT mapping of ${formatAddress(insideAddress)}`;
  }
}

function isSamePlace(one: LinkBinding | undefined, other: LinkBinding | undefined): boolean {
  return one?.port === other?.port && one?.vlan === other?.vlan;
}
