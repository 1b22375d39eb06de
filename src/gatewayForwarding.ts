import type { Verdict } from "./core/drops.js";
import type { ClosedPorts } from "./firewall/closedPorts.js";
import { GatewayJudge, LAN, WAN } from "./gatewayJudge.js";
import type { Interface } from "./link/interface.js";
import type { Decision } from "./nat/decision.js";
import { judgeShape } from "./nat/judge.js";
import { Refusal } from "./nat/refusal.js";
import { setLabel } from "./nat/rewrite.js";
import { isOpening } from "./nat/tcpState.js";
import {
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  REDIRECT_HOST,
  TIME_EXCEEDED_TTL,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_NET,
  UNREACHABLE_PORT,
  UNREACHABLE_PROHIBITED,
} from "./wire/icmp.js";
import { Ethernet, Ip, Ipv4At } from "./wire/inlined.js";
import { IP_TTL_OFFSET, recordsAddresses, writeIpChecksum } from "./wire/ipv4.js";
import type { Packet } from "./wire/packet.js";
import { TCP_ACK, TCP_RST, TCP_SYN, tcpFlags } from "./wire/tcp.js";

/** RFC 1812 section 4.3.2.8: a host that takes no advice is not given more of it than this. */
const REDIRECT_INTERVAL_MS = 1000;

/** How long after a start a TCP connection from before may show itself: two or three retransmissions (RFC 6298). */
const FORGETFUL_MS = 300_000;

export abstract class GatewayForwarding extends GatewayJudge {
  /** About the packet that was refused last. */
  readonly refusal = new Refusal();
  /** See `disownForgotten`. */
  #forgetfulUntilMs = 0;
  #redirectedAtMs = Number.NEGATIVE_INFINITY;

  /** What is not translated passes without what came before it (RFC 1812 section 5.2.6). */
  protected override receiveFragment(packet: Packet): Verdict {
    return this.isBetweenLanHosts(packet) ? this.forward(packet) : super.receiveFragment(packet);
  }

  /** A packet for somebody else: from the LAN it goes out translated; from the WAN nobody asked for it. */
  protected override forward(packet: Packet): Verdict {
    const decision = this.nat.decision;
    const refusal = this.judgeForward(packet, decision);
    if (refusal !== "ok") return this.refuse(packet, refusal, decision.way === "back" ? this.lan : this.wan);
    // What is remote does not go back, and most is: comparing words costs more.
    if (!packet.isRemote && decision.way === "back") return this.sendBack(packet);
    const wan = this.wan;
    packet.ttl--;
    // As `number`, whose call would cost XS 500 instructions.
    if ((packet.fragmentWord & Ip.FRAGMENT_BITS) !== Ip.DONT_FRAGMENT) packet.identification = wan.nextIdentification();
    const verdict = this.nat.outbound(packet);
    return verdict === "ok" ? this.send(packet, wan, decision.nextHop) : this.refuse(packet, verdict, wan);
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
    if (verdict !== "ok") {
      // A hairpin has been rewritten by now. Its sender is told of a shortage as any host is.
      const isAsItCame = packet.interfaceIndex === WAN || (isShortage(verdict) && this.nat.takeBack(packet));
      return isAsItCame ? this.refuse(packet, verdict, lan) : this.fail(packet, verdict);
    }
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
    frame.view.setUint8(Ipv4At.NETWORK + IP_TTL_OFFSET, packet.ttl - 1);
    writeIpChecksum(frame.view, Ipv4At.NETWORK, packet.transportAt - Ipv4At.NETWORK);
    return this.output.emit(this.lan, frame, packet.totalBytes);
  }

  /** Tells the sender of a packet, which is still as it came in, why it does not pass to `out`, where it may know. */
  private refuse(packet: Packet, verdict: Verdict, out: Interface): Verdict {
    this.note(packet, verdict);
    // RFC 5508 REQ-8: a host that gets no session is told so; a stranger is not.
    if (isShortage(verdict) && packet.interfaceIndex === LAN) {
      this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED);
      return verdict;
    }
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
    const isOurPort = way === "local" || way === "inward" || way === "hairpin";
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
    if (packet.protocol !== Ip.TCP) {
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
    if (this.clock.now >= this.#forgetfulUntilMs || packet.protocol !== Ip.TCP) return;
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
    if (packet.protocol !== Ip.TCP || !isNats) {
      this.reject(packet, UNREACHABLE_PORT);
    } else if (isOpening(this.nat.decision.tcpFlags)) {
      closedPorts.remember(packet, this.clock.now);
    } else {
      this.disown(packet);
    }
  }

  /** Many share our address: a receiver must be able to tell their datagrams apart (RFC 6864 section 5.3.1). */
  private number(packet: Packet, out: Interface): void {
    if ((packet.fragmentWord & Ip.FRAGMENT_BITS) !== Ip.DONT_FRAGMENT) packet.identification = out.nextIdentification();
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
    if (session >= 0) nat.flows.setHop(session, out.index, hop);
    const length = Ethernet.HEADER_BYTES + totalBytes;
    // As Interface.transmit; see `receive`.
    if (!out.port.send(frame, length)) {
      out.txRefused++;
      return this.fail(packet, "portFull");
    }
    out.txFrames++;
    out.txBytes += length;
    return "ok";
  }

  /**
   * For five minutes from now, TCP connections that we do not know are taken for ones from before a restart: their outside
   * ends hear a reset at the next segment that acknowledges something. Inside hosts hear one always.
   */
  disownForgotten(): void {
    this.#forgetfulUntilMs = this.clock.now + FORGETFUL_MS;
  }
}

/** Whether a packet is refused for want of something that others have. */
function isShortage(verdict: Verdict): boolean {
  switch (verdict) {
    case "natNoMapping":
    case "natNoSession":
    case "natHostQuota":
    case "natReserve":
    case "natHalfOpen":
    case "natNoPort":
      return true;
    default:
      return false;
  }
}

/**
 * Whether a stranger may hear about a closed port from us: only where a port in use would have let his packet as far as its
 * filter. Otherwise what is damaged, or may not pass anyhow, would tell the two apart.
 */
function isAnswerable(packet: Packet, decision: Decision): boolean {
  const { transportAt } = packet;
  const isRecording =
    transportAt !== Ipv4At.TRANSPORT &&
    recordsAddresses(packet.frame.view, Ipv4At.NETWORK, transportAt - Ipv4At.NETWORK);
  return !isRecording && judgeShape(packet, decision) === "ok";
}
