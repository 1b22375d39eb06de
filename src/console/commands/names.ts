/** Names of protocols and endpoints. */
import { formatAddress } from "../../core/address.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../wire/ipv4.js";

export function protocolName(protocol: number): string {
  if (protocol === PROTOCOL_TCP) return "tcp";
  if (protocol === PROTOCOL_UDP) return "udp";
  return protocol === PROTOCOL_ICMP ? "icmp" : `${protocol}`;
}

/** `192.168.1.50:25565`, with `*` for "any". */
export function endpoint(address: number, port: number): string {
  return `${address === 0 ? "*" : formatAddress(address)}:${port === 0 ? "*" : port}`;
}
