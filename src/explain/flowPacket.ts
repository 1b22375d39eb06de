/** The packet that `explain` asks about, in a frame of its own: nothing of the packet path is touched. */
import { isMulticast } from "../core/address.js";
import { ETHERNET_HEADER_BYTES, Frame, NETWORK_AT, TRANSPORT_AT } from "../core/frame.js";
import { type Gateway, LAN, WAN } from "../gateway.js";
import { Decision } from "../nat/decision.js";
import { ICMP_ECHO_REQUEST, ICMP_HEADER_BYTES, writeIcmp } from "../wire/icmp.js";
import {
  DEFAULT_TTL,
  IP_DONT_FRAGMENT,
  IPV4_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  writeIpv4,
} from "../wire/ipv4.js";
import { Packet } from "../wire/packet.js";
import { TCP_ACK, TCP_HEADER_BYTES, TCP_SYN, writeTcp } from "../wire/tcp.js";
import { UDP_HEADER_BYTES, writeUdp } from "../wire/udp.js";
import type { Ends } from "./explanation.js";

/** Of the ping: any will do. */
const IDENTIFIER = 1;
const WINDOW = 0xffff;

/** The side that a packet with this source comes from if nobody says so. */
export function sideOf(gateway: Gateway, source: number): typeof LAN | typeof WAN {
  return gateway.lan.isOnLink(source) ? LAN : WAN;
}

/**
 * The first packet of a conversation between these ends, as it comes in by an interface: of TCP a SYN, of ICMP an echo
 * request. Where there is a TCP session already it is an acknowledgement.
 */
export function packetOf(gateway: Gateway, side: number, ends: Ends): Packet {
  if (ends.protocol !== PROTOCOL_TCP) return writePacket(gateway, side, ends, 0);
  const later = writePacket(gateway, side, ends, TCP_ACK);
  const decision = new Decision();
  const verdict = gateway.judge(later, decision);
  const isOfSession =
    decision.session >= 0 || (verdict === "ok" && decision.way === "local" && hasConnection(gateway, ends));
  return isOfSession ? later : writePacket(gateway, side, ends, TCP_SYN);
}

function hasConnection({ sockets }: Gateway, ends: Ends): boolean {
  const { source, sourcePort, destination, destinationPort } = ends;
  return sockets.find(PROTOCOL_TCP, destination, destinationPort, source, sourcePort) !== undefined;
}

function writePacket(gateway: Gateway, side: number, ends: Ends, tcpFlags: number): Packet {
  const { protocol, source, sourcePort, destination, destinationPort } = ends;
  const isTcp = protocol === PROTOCOL_TCP;
  const isIcmp = protocol === PROTOCOL_ICMP;
  const payloadBytes = isTcp ? TCP_HEADER_BYTES : isIcmp ? ICMP_HEADER_BYTES : UDP_HEADER_BYTES;
  const totalBytes = IPV4_HEADER_BYTES + payloadBytes;
  const frame = new Frame(ETHERNET_HEADER_BYTES + totalBytes);
  const { view } = frame;
  writeIpv4(view, NETWORK_AT, 0, totalBytes, 0, IP_DONT_FRAGMENT, DEFAULT_TTL, protocol, source, destination);
  if (isIcmp) {
    writeIcmp(view, TRANSPORT_AT, ICMP_ECHO_REQUEST, 0, IDENTIFIER << 16, payloadBytes);
  } else if (isTcp) {
    writeTcp(
      view,
      TRANSPORT_AT,
      sourcePort,
      destinationPort,
      0,
      0,
      TCP_HEADER_BYTES,
      tcpFlags,
      WINDOW,
      payloadBytes,
      source,
      destination,
    );
  } else {
    writeUdp(view, TRANSPORT_AT, sourcePort, destinationPort, payloadBytes, source, destination);
  }
  const packet = new Packet(frame);
  const isToGroup = isMulticast(destination) || gateway.interfaces[side]?.isBroadcast(destination) === true;
  packet.take(frame, totalBytes, side, isToGroup);
  return packet;
}
