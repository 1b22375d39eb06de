/**
 * What Porter's own transports make of a packet that is for Porter itself. Only who gets it: what a connection then makes of
 * a segment is its own affair.
 */
import type { Verdict } from "../core/drops.js";
import type { Gateway } from "../gateway.js";
import { protocolName } from "../nat/names.js";
import { validateIcmp } from "../wire/icmp.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { validateTcp } from "../wire/tcp.js";
import { validateUdp } from "../wire/udp.js";
import { isEchoRequest } from "./ends.js";

export interface LocalAnswer {
  readonly text: string;
  readonly verdict: Verdict;
}

export function judgeLocal({ sockets, output }: Gateway, packet: Packet): LocalAnswer {
  const shape = validate(packet);
  if (shape !== "ok") return { text: "does not take a damaged packet", verdict: shape };
  const { protocol, source, sourcePort, destination, destinationPort } = packet;
  if (protocol === PROTOCOL_ICMP) {
    if (!isEchoRequest(packet)) return { text: "looks whether the message is about its own packets", verdict: "ok" };
    if (!output.isOurs(destination)) return { text: "does not answer broadcast pings", verdict: "icmpIgnored" };
    return { text: "answers the ping", verdict: "ok" };
  }
  const place = `${protocolName(protocol)} port ${destinationPort}`;
  if (protocol === PROTOCOL_UDP) {
    return sockets.find(protocol, destination, destinationPort, 0, 0) === undefined
      ? { text: `has no socket at ${place}, and says so`, verdict: "udpPortClosed" }
      : { text: `has a socket at ${place}`, verdict: "ok" };
  }
  if (protocol !== PROTOCOL_TCP) return { text: `does not speak protocol ${protocol}`, verdict: "ipProtocolUnknown" };
  if (!output.isOurs(destination)) return { text: "speaks TCP to single hosts only", verdict: "tcpUnacceptable" };
  if (sockets.find(protocol, destination, destinationPort, source, sourcePort) !== undefined) {
    return { text: `has this connection at ${place}`, verdict: "ok" };
  }
  return sockets.findListener(destination, destinationPort) === undefined
    ? { text: `does not listen at ${place}, and says so`, verdict: "tcpPortClosed" }
    : { text: `listens at ${place}`, verdict: "ok" };
}

function validate({ protocol, frame, transportAt, payloadBytes, source, destination }: Packet): Verdict {
  const { view } = frame;
  if (protocol === PROTOCOL_ICMP) return validateIcmp(view, transportAt, payloadBytes);
  if (protocol === PROTOCOL_UDP) return validateUdp(view, transportAt, payloadBytes, source, destination);
  return protocol === PROTOCOL_TCP ? validateTcp(view, transportAt, payloadBytes, source, destination) : "ok";
}
