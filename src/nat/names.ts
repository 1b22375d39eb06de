/** How protocols, endpoints and states read. */
import { formatAddress } from "../core/address.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";

const STATE_WORDS: Readonly<Record<string, string>> = Object.freeze({
  OPEN: "open",
  INIT: "opening",
  ESTABLISHED: "established",
  "C-FIN": "half-closed",
  "S-FIN": "half-closed",
  "C+S-FIN": "closing",
  TRANS: "reset",
});

export function protocolName(protocol: number): string {
  if (protocol === PROTOCOL_TCP) return "tcp";
  if (protocol === PROTOCOL_UDP) return "udp";
  return protocol === PROTOCOL_ICMP ? "icmp" : `${protocol}`;
}

/** What the NAT knows of a session, in words for those who have not read RFC 7857. */
export function stateWord(state: string): string {
  return STATE_WORDS[state] ?? state.toLowerCase();
}

/** `192.168.1.50:25565`, with `*` for "any". */
export function endpoint(address: number, port: number): string {
  return `${address === 0 ? "*" : formatAddress(address)}:${port === 0 ? "*" : port}`;
}
