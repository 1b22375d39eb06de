/**
 * A host's TCP/IP stack: interfaces, ARP, IPv4, ICMP, UDP and TCP, without any I/O of its own.
 *
 * Its owner moves time with `poll(now)`, hands in frames with `receive`, and calls `poll` again no later than
 * `nextDeadline`. Frames leave through the interfaces' ports. A run is a pure function of these calls and of `random`.
 */
import {
  BROADCAST_ADDRESS,
  formatAddress,
  formatPrefix,
  isMulticast,
  isUnicastSource,
  prefixMask,
} from "./core/address.js";
import type { Capacity } from "./core/capacity.js";
import { Clock } from "./core/clock.js";
import { type DropReason, Drops, isFrameReason, type Verdict } from "./core/drops.js";
import type { Frame } from "./core/frame.js";
import type { Random } from "./core/random.js";
import { Icmp } from "./ip/icmp.js";
import { IpOutput } from "./ip/output.js";
import { Reassembly } from "./ip/reassembly.js";
import { receiveArp } from "./link/arp.js";
import { DEFAULT_MTU_BYTES, Interface, MINIMUM_MTU_BYTES } from "./link/interface.js";
import { Neighbours } from "./link/neighbours.js";
import type { FramePort } from "./platform/framePort.js";
import { EchoClient, MAX_REQUESTS } from "./transport/echo.js";
import { PortSpace } from "./transport/portSpace.js";
import { readQuote } from "./transport/quote.js";
import { SocketTable } from "./transport/socketTable.js";
import { Tcp } from "./transport/tcp/tcp.js";
import { IcmpErrorQuote } from "./transport/transport.js";
import { Udp } from "./transport/udp.js";
import { ETHERTYPE_ARP, ETHERTYPE_AT } from "./wire/ethernet.js";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  icmpType,
  isIcmpError,
  TIME_EXCEEDED_REASSEMBLY,
  UNREACHABLE_HOST,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
  validateIcmp,
} from "./wire/icmp.js";
import { Ethernet, EthernetAt } from "./wire/inlined.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "./wire/ipv4.js";
import { Packet } from "./wire/packet.js";

export interface InterfaceOptions {
  /** As the console names it. */
  readonly name: string;
  /** 48-bit station address. */
  readonly mac: number;
  readonly port: FramePort;
}

export interface HostOptions {
  readonly random: Random;
  readonly capacity: Capacity;
  /** In the order of the interface indices. */
  readonly interfaces: readonly InterfaceOptions[];
}

export class Host {
  readonly clock = new Clock();
  readonly drops = new Drops();
  readonly interfaces: readonly Interface[];
  readonly neighbours: Neighbours;
  readonly output: IpOutput;
  readonly icmp: Icmp;
  readonly ports: PortSpace;
  readonly sockets: SocketTable;
  readonly udp: Udp;
  readonly tcp: Tcp;
  readonly echo: EchoClient;
  readonly #reassembly: Reassembly;
  #packet: Packet;
  /** The packet dropped last. */
  #dropped: Packet;
  readonly #quote = new IcmpErrorQuote();

  constructor(options: HostOptions) {
    const { random, capacity } = options;
    this.interfaces = options.interfaces.map((one, index) => new Interface(index, one.name, one.mac, one.port));
    this.neighbours = new Neighbours(
      this.clock,
      this.drops,
      random,
      this.interfaces,
      capacity.neighbours,
      capacity.pendingFrames,
    );
    this.output = new IpOutput(this.interfaces, this.neighbours, random, capacity.sentDatagramBytes);
    this.icmp = new Icmp(this.clock, this.drops, this.output, this.interfaces.length);
    this.#reassembly = new Reassembly(this.clock, this.drops, capacity.reassemblies, capacity.datagramBytes);
    this.ports = new PortSpace(
      random,
      capacity.sockets + capacity.listeners + capacity.mappings + MAX_REQUESTS,
      capacity.forwards * 2,
    );
    this.sockets = new SocketTable(capacity);
    const transport = {
      clock: this.clock,
      random,
      output: this.output,
      ports: this.ports,
      capacity,
      table: this.sockets,
      describeOwner: (protocol: number, port: number) => this.describeOwner(protocol, port),
    };
    this.udp = new Udp(transport);
    this.tcp = new Tcp(transport);
    this.echo = new EchoClient(this.clock, this.output, this.ports);
    this.#packet = new Packet(this.output.frame);
    this.#dropped = new Packet(this.output.frame);
    this.neighbours.onUnresolved = (out, frame, length) => this.#reportUnresolved(out, frame, length);
    this.#reassembly.onTimeout = (index, frame) => this.#reportTimeout(index, frame);
  }

  /**
   * Gives an interface its address and claims it on the link (RFC 5227); 0 takes the address away. A next hop that is
   * no longer on-link is forgotten. Throws an Error, and changes nothing, when the address is no host's.
   */
  setAddress(index: number, address: number, prefixLength: number): void {
    const one = this.interfaces[index] as Interface;
    const text = formatPrefix({ address, length: prefixLength });
    if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > 32) {
      throw new Error(`${text} is impossible: a prefix has 0 to 32 bits`);
    }
    if (address !== 0 && !isUnicastSource(address)) {
      throw new Error(`${text} cannot be a host's address; use a unicast address such as 192.168.1.1/24`);
    }
    const host = address & ~prefixMask(prefixLength);
    if (address !== 0 && prefixLength < 31 && (host === 0 || host === ~prefixMask(prefixLength))) {
      throw new Error(`${text} is the network's own or its broadcast address; use an address between the two`);
    }
    one.setAddress(address, prefixLength);
    if (!canBeGateway(one, one.gateway)) one.gateway = 0;
    this.neighbours.flush(one);
    if (address !== 0) this.neighbours.claim(one);
  }

  /** Sets the next hop for everything off-link; 0 for none. Throws an Error when it is not a neighbour of ours. */
  setGateway(index: number, gateway: number): void {
    const one = this.interfaces[index] as Interface;
    if (gateway !== 0 && !canBeGateway(one, gateway)) {
      const network =
        one.address === 0
          ? `${one.name} has no address yet; set that first`
          : `it must be another host of ${formatPrefix({ address: one.address & one.mask, length: one.prefixLength })}`;
      throw new Error(`${formatAddress(gateway)} cannot be the gateway: ${network}`);
    }
    one.gateway = gateway;
  }

  /** Sets the largest packet an interface sends, in bytes. Throws an Error outside 68..1500. */
  setMtu(index: number, mtuBytes: number): void {
    if (!Number.isInteger(mtuBytes) || mtuBytes < MINIMUM_MTU_BYTES || mtuBytes > DEFAULT_MTU_BYTES) {
      throw new Error(`an MTU of ${mtuBytes} is out of range; use ${MINIMUM_MTU_BYTES} to ${DEFAULT_MTU_BYTES} bytes`);
    }
    (this.interfaces[index] as Interface).mtuBytes = mtuBytes;
  }

  /** Ends what was learnt from and begun with hosts on an interface's link: other hosts will be there. */
  protected leaveLink(one: Interface): void {
    this.neighbours.flush(one);
    this.#reassembly.forget(one.index);
    if (one.address !== 0) this.tcp.abandonAll(one.address);
  }

  /** Moves time to `now` (ms, never backwards) and carries out what is due. */
  poll(now: number): void {
    if (now > this.clock.now) {
      if (this.drops.last !== "ok") this.drops.note(this.clock.now);
      this.clock.now = now;
    }
    this.neighbours.poll();
    this.#reassembly.poll();
    this.udp.poll();
    this.tcp.poll();
    this.echo.poll();
  }

  /** The instant, in ms, by which `poll` wants to be called; `NEVER` if it has nothing to do. */
  nextDeadline(): number {
    return Math.min(
      this.neighbours.nextDeadline(),
      this.#reassembly.nextDeadline(),
      this.udp.nextDeadline(),
      this.tcp.nextDeadline(),
      this.echo.nextDeadline(),
    );
  }

  /**
   * Takes a frame of `length` bytes that came in by an interface. The frame may be rewritten and sent on in place; the
   * caller has it back when this returns. Never throws, whatever the frame holds.
   */
  receive(index: number, frame: Frame, length: number): void {
    const source = this.interfaces[index] as Interface;
    source.rxFrames++;
    source.rxBytes += length;
    // Here and not by calls: they are as dear as the reading itself, and every frame pays them.
    const view = frame.view;
    const head = view.getUint16(EthernetAt.DESTINATION);
    const isGroup = (head & Ethernet.GROUP_BIT) !== 0;
    let verdict: Verdict = "ok";
    if (length < Ethernet.HEADER_BYTES) {
      verdict = "frameTooShort";
    } else if (length > Ethernet.MAX_FRAME_BYTES) {
      verdict = "frameTooLong";
    } else if ((head !== source.macHead || view.getInt32(EthernetAt.DESTINATION + 2) !== source.macTail) && !isGroup) {
      verdict = "frameNotForUs";
    } else if (source.stationFilter?.refuses(view.getUint16(EthernetAt.SOURCE), view.getInt32(EthernetAt.SOURCE + 2))) {
      verdict = "macRefused";
    } else if (view.getUint16(EthernetAt.TYPE) !== Ethernet.IPV4) {
      verdict = this.#receiveOther(source, frame, length);
    } else {
      const packet = this.#packet;
      verdict = packet.take(frame, length - Ethernet.HEADER_BYTES, index, isGroup);
      if (verdict === "ok") {
        verdict = this.judgeArrival(source, packet);
        if (verdict === "ok") {
          if (packet.isFragment) verdict = this.receiveFragment(packet);
          else verdict = packet.isForOthers ? this.forward(packet) : this.deliver(packet);
        }
      } else {
        packet.totalBytes = 0;
      }
    }
    if (verdict !== "ok") this.#drop(verdict, index);
  }

  /** Counts the drop of what has just come in, and keeps its packet: it changes places with the one kept before. */
  #drop(reason: DropReason, index: number): void {
    // As Drops.count, without its call.
    const drops = this.drops;
    drops.counts[reason]++;
    drops.last = reason;
    const packet = this.#packet;
    this.#packet = this.#dropped;
    this.#dropped = packet;
    if (drops.listener !== undefined) drops.listener(reason, index);
  }

  /**
   * The packet of the last drop, until the next one: as it was then, so that what a translation had changed is changed.
   * undefined when there is none: the frame's was not read, or something else was dropped than what had just come in.
   */
  get droppedPacket(): Packet | undefined {
    const { drops } = this;
    const wasRead = drops.latest !== "ok" && !isFrameReason(drops.latest) && this.#dropped.totalBytes > 0;
    return wasRead && drops.asideInterface === undefined ? this.#dropped : undefined;
  }

  /** Who owns a port, as an error message names it. */
  describeOwner(protocol: number, port: number): string {
    const kind = this.ports.ownerKind(protocol, port);
    return kind === undefined ? "nobody" : `a ${kind} of this host`;
  }

  /** A packet for somebody else. A host does not forward (RFC 1122 section 3.1). */
  protected forward(_packet: Packet): Verdict {
    return "ipNotForUs";
  }

  /** A packet for us, fragments put together: to the transport it belongs to. */
  protected deliver(packet: Packet): Verdict {
    if (packet.protocol === PROTOCOL_TCP) return this.tcp.receive(packet);
    if (packet.protocol === PROTOCOL_UDP) {
      const verdict = this.udp.receive(packet);
      if (verdict === "udpPortClosed") this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_PORT);
      return verdict;
    }
    if (packet.protocol === PROTOCOL_ICMP) return this.#receiveIcmp(packet);
    this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_PROTOCOL);
    return "ipProtocolUnknown";
  }

  /** Sends an ICMP error about `packet`, which must be as it came in, back to where it came from. */
  protected complain(packet: Packet, type: number, code: number, rest = 0): void {
    this.icmp.sendError(packet, this.interfaces[packet.interfaceIndex] as Interface, type, code, rest);
  }

  /**
   * Puts a fragment with the others. True when `packet` now holds the whole datagram; otherwise `held` says what became of
   * the fragment: "ok" while the rest is awaited.
   */
  protected gather(packet: Packet): boolean {
    this.held = this.#reassembly.add(packet);
    const whole = this.#reassembly.whole;
    if (this.held !== "ok" || whole === undefined) return false;
    packet.read(whole, packet.interfaceIndex, packet.isLinkBroadcast);
    return true;
  }

  protected held: Verdict = "ok";

  /** Whether other fragments of the packet's datagram wait to be put together. */
  protected isGathering(packet: Packet): boolean {
    return this.#reassembly.has(packet);
  }

  /** A frame that carries something else than IPv4. */
  #receiveOther(source: Interface, frame: Frame, length: number): Verdict {
    this.#packet.totalBytes = 0;
    if (frame.view.getUint16(ETHERTYPE_AT) !== ETHERTYPE_ARP) return "etherTypeUnknown";
    return receiveArp(this.clock, this.neighbours, source, frame, length);
  }

  /** Whether a packet may have come in by `source` at all, and whom it is for, which the packet notes; changes nothing. */
  protected judgeArrival(source: Interface, packet: Packet): Verdict {
    if (source.address === 0) return "interfaceDown";
    if (!isUnicastSource(packet.source) || source.isBroadcast(packet.source)) return "ipSourceMartian";
    if (this.output.isOurs(packet.source)) return "ipSourceSpoofed";
    return this.locate(source, packet);
  }

  /** Notes whom a packet is for that came in by `source`. */
  protected locate(source: Interface, packet: Packet): Verdict {
    const { destination } = packet;
    // RFC 1122 section 3.3.6: what hides a unicast packet in a broadcast frame means no good.
    if (packet.isLinkBroadcast && !isMulticast(destination) && !source.isBroadcast(destination)) {
      return "ipBroadcastMismatch";
    }
    let isRemote = destination !== BROADCAST_ADDRESS;
    const interfaces = this.interfaces;
    for (let i = interfaces.length - 1; i >= 0; i--) {
      const one = interfaces[i] as Interface;
      if (((destination ^ one.address) & one.mask) === 0) isRemote = false;
    }
    packet.isRemote = isRemote;
    packet.isForOthers = isRemote || (!source.isBroadcast(destination) && !this.output.isOurs(destination));
    return "ok";
  }

  /** A fragment, for us or for others. */
  protected receiveFragment(packet: Packet): Verdict {
    if (packet.isForOthers) return this.forward(packet);
    return this.gather(packet) ? this.deliver(packet) : this.held;
  }

  #receiveIcmp(packet: Packet): Verdict {
    const valid = validateIcmp(packet.frame.view, packet.transportAt, packet.payloadBytes);
    if (valid !== "ok") return valid;
    const type = icmpType(packet.frame.view, packet.transportAt);
    if (type === ICMP_ECHO_REQUEST) {
      // RFC 1122 section 3.2.2.6 lets a broadcast ping go unanswered; answering feeds amplification attacks.
      return this.output.isOurs(packet.destination) ? this.icmp.sendEchoReply(packet) : "icmpIgnored";
    }
    if (type === ICMP_ECHO_REPLY) return this.echo.receiveReply(packet);
    // RFC 6633: source quench is ignored. A gateway takes no redirects (RFC 1812 section 5.2.7.2).
    if (type === ICMP_SOURCE_QUENCH || type === ICMP_REDIRECT) return "icmpIgnored";
    return isIcmpError(type) ? this.#receiveIcmpError(packet) : "icmpTypeUnknown";
  }

  #receiveIcmpError(packet: Packet): Verdict {
    const protocol = readQuote(packet, this.#quote);
    if (protocol < 0) return "icmpMalformed";
    if (!this.output.isOurs(this.#quote.source)) return "icmpErrorUnmatched";
    if (protocol === PROTOCOL_TCP) return this.tcp.receiveError(this.#quote);
    if (protocol === PROTOCOL_UDP) return this.udp.receiveError(this.#quote);
    if (protocol === PROTOCOL_ICMP) return this.echo.receiveError(this.#quote);
    return "icmpErrorUnmatched";
  }

  /**
   * The next hop did not answer ARP, so the packet's sender is told "host unreachable". The packet may be our own, or
   * translated: the error is built as `out` would send it and takes the way of any other packet from there.
   */
  #reportUnresolved(out: Interface, frame: Frame, length: number): void {
    if (length <= Ethernet.HEADER_BYTES || out.address === 0) return;
    const lost = this.#dropped;
    lost.read(frame, out.index, false);
    this.drops.forgetAside();
    if (!this.icmp.buildError(lost, out, ICMP_UNREACHABLE, UNREACHABLE_HOST)) return;
    // No other is in hand: neighbours are given up between packets.
    const error = this.#packet;
    error.read(this.output.frame, out.index, false);
    this.locate(out, error);
    const verdict = error.isForOthers ? this.forward(error) : this.deliver(error);
    if (verdict !== "ok") this.drops.count(verdict, out.index);
  }

  #reportTimeout(index: number, frame: Frame): void {
    const packet = this.#dropped;
    packet.read(frame, index, false);
    this.drops.forgetAside();
    this.complain(packet, ICMP_TIME_EXCEEDED, TIME_EXCEEDED_REASSEMBLY);
  }
}

/** Another host on the interface's network. */
function canBeGateway(one: Interface, gateway: number): boolean {
  return one.isOnLink(gateway) && !one.isBroadcast(gateway) && gateway !== one.address;
}
