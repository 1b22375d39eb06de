/** The ends of a packet, before and behind the NAT, and how they read. */
import { formatAddress } from "../core/address.js";
import type { Gateway } from "../gateway.js";
import { type Decision, Entry } from "../nat/decision.js";
import { endpoint, protocolName } from "../nat/names.js";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_BYTES,
  ICMP_TIMESTAMP_REPLY,
  ICMP_TIMESTAMP_REQUEST,
  icmpIdentifier,
  icmpType,
  isIcmpError,
} from "../wire/icmp.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { TCP_ACK, TCP_FIN, TCP_HEADER_BYTES, TCP_RST, TCP_SYN, tcpFlags } from "../wire/tcp.js";
import type { Ends, Outcome } from "./explanation.js";

export function endsOf(packet: Packet): Ends {
  const { protocol, source, destination } = packet;
  const identifier = protocol === PROTOCOL_ICMP ? identifierOf(packet) : Entry.NONE;
  const isReply = identifier !== Entry.NONE && !isRequest(packet);
  return {
    protocol,
    source,
    sourcePort: identifier === Entry.NONE ? packet.sourcePort : isReply ? 0 : identifier,
    destination,
    destinationPort: identifier === Entry.NONE ? packet.destinationPort : isReply ? identifier : 0,
  };
}

/** As what a packet leaves by the WAN that the judge lets out. */
export function outwardEnds(gateway: Gateway, packet: Packet, decision: Decision): Outcome {
  const ends = endsOf(packet);
  const source = gateway.nat.externalAddress;
  // An error about somebody's packet has no port of its own.
  const isError = ends.protocol === PROTOCOL_ICMP && decision.port === Entry.NONE;
  const sourcePort = isError ? 0 : externalPort(gateway, packet, decision);
  return { ...ends, source, sourcePort, side: "wan", hasNewPort: !isError && sourcePort === 0 };
}

/** As what a packet leaves by the LAN that the judge lets in. */
export function inwardEnds({ nat }: Gateway, packet: Packet, { session, insideAddress, port }: Decision): Outcome {
  const ends = endsOf(packet);
  if (session < 0) {
    return { ...ends, destination: insideAddress, destinationPort: port, side: "lan", hasNewPort: false };
  }
  const inside = nat.session(session);
  const hasPort = ends.destinationPort !== 0;
  return {
    ...ends,
    destination: inside.insideAddress,
    destinationPort: hasPort ? inside.insidePort : 0,
    side: "lan",
    hasNewPort: false,
  };
}

/** The external port that a packet from the inside gets; 0 for a new one. */
export function externalPort({ nat, ports }: Gateway, packet: Packet, decision: Decision): number {
  const { session, mapping, forward, port } = decision;
  if (session >= 0) return nat.session(session).externalPort;
  if (mapping >= 0) return nat.mapping(mapping).externalPort;
  if (forward >= 0) return nat.forwards.externalPort(forward, port);
  // The DMZ host keeps its own.
  const { protocol, source } = packet;
  const isKept = protocol !== PROTOCOL_ICMP && source === nat.settings.dmzAddress && ports.isFree(protocol, port);
  return isKept ? port : 0;
}

/** `198.51.100.7:4242`, without a port where there is none. */
export function end(address: number, port: number): string {
  return port === 0 ? formatAddress(address) : endpoint(address, port);
}

/** `tcp SYN 198.51.100.7:4242 to 203.0.113.2:25565` */
export function describePacket(packet: Packet, kind = kindOf(packet)): string {
  const { protocol, source, sourcePort, destination, destinationPort } = packet;
  const name = protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMP;
  const words = [name ? protocolName(protocol) : `protocol ${protocol}`, kind].filter((word) => word !== "");
  return `${words.join(" ")} ${end(source, sourcePort)} to ${end(destination, destinationPort)}`;
}

/** `tcp 203.0.113.2, a new port, to 1.1.1.1:443` */
export function describeOutcome({
  protocol,
  source,
  sourcePort,
  destination,
  destinationPort,
  ...rest
}: Outcome): string {
  const isIcmp = protocol === PROTOCOL_ICMP;
  const from = rest.hasNewPort
    ? `${formatAddress(source)} (${isIcmp ? "a new identifier" : "a new port"})`
    : end(source, isIcmp ? 0 : sourcePort);
  return `${protocolName(protocol)} ${from} to ${end(destination, isIcmp ? 0 : destinationPort)}`;
}

export function isEchoRequest(packet: Packet): boolean {
  return isIcmpOf(packet) && icmpType(packet.frame.view, packet.transportAt) === ICMP_ECHO_REQUEST;
}

/** Of an ICMP query or its answer; NONE of everything else. */
export function identifierOf(packet: Packet): number {
  if (!isIcmpOf(packet)) return Entry.NONE;
  const type = icmpType(packet.frame.view, packet.transportAt);
  const isReply = type === ICMP_ECHO_REPLY || type === ICMP_TIMESTAMP_REPLY;
  return isReply || isRequest(packet) ? icmpIdentifier(packet.frame.view, packet.transportAt) : Entry.NONE;
}

function isRequest(packet: Packet): boolean {
  const type = icmpType(packet.frame.view, packet.transportAt);
  return type === ICMP_ECHO_REQUEST || type === ICMP_TIMESTAMP_REQUEST;
}

function isIcmpOf({ protocol, payloadBytes }: Packet): boolean {
  return protocol === PROTOCOL_ICMP && payloadBytes >= ICMP_HEADER_BYTES;
}

/** `SYN`, `echo request`; of a packet that is still in its frame. */
function kindOf(packet: Packet): string {
  const { view } = packet.frame;
  if (packet.protocol === PROTOCOL_TCP && packet.payloadBytes >= TCP_HEADER_BYTES) {
    const flags = tcpFlags(view, packet.transportAt);
    const names = [
      flags & TCP_SYN ? "SYN" : "",
      flags & TCP_FIN ? "FIN" : "",
      flags & TCP_RST ? "RST" : "",
      flags & TCP_ACK ? "ACK" : "",
    ];
    return names.filter((name) => name !== "").join("+");
  }
  if (!isIcmpOf(packet)) return "";
  const type = icmpType(view, packet.transportAt);
  if (type === ICMP_ECHO_REQUEST) return "echo request";
  if (type === ICMP_ECHO_REPLY) return "echo reply";
  return isIcmpError(type) ? "error" : `type ${type}`;
}
