/** What an administrator, or the hosts, could do to let a dropped packet pass. */
import { formatAddress } from "../core/address.js";
import type { DropReason } from "../core/drops.js";
import { WAN } from "../gateway.js";
import type { Forward } from "../nat/forwards.js";
import { protocolName } from "../nat/names.js";
import type { PortOwnerKind } from "../transport/portSpace.js";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";

/** What the remedy depends on. */
export interface Refused {
  /** 0 for none. */
  readonly wanAddress: number;
  readonly packet: Packet;
  readonly owner: PortOwnerKind | undefined;
  readonly forward: Forward | undefined;
  /** A firewall rule decided. */
  readonly hasRule: boolean;
}

/** "" where there is nothing to be done. */
export function remedyOf({ packet, owner, forward, hasRule, wanAddress }: Refused, reason: DropReason): string {
  const { protocol, source, destination, destinationPort, interfaceIndex } = packet;
  const port = `${protocolName(protocol)} ${destinationPort}`;
  const name = forward === undefined ? "" : `${forward.protocol} ${forward.ports.first}`;
  switch (reason) {
    case "wanUnsolicited":
      if ((protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) || destinationPort === 0) return "";
      if (destination !== wanAddress)
        return `forwards are of the WAN address alone: send to ${formatAddress(wanAddress)}`;
      if (owner === "socket" || owner === "listener") return "the port is Porter's own, and not for the WAN";
      return `a forward would let it in: forward add ${port} ADDRESS`;
    case "forwardDisabled":
      return `switch the forward on: forward enable ${name}`;
    case "forwardSourceRefused":
      return `the forward would have to admit ${formatAddress(source)}: remove ${name}, and add it anew`;
    case "firewallDenied":
    case "firewallRejected":
      return hasRule ? "an allow rule before that one would let it pass: rule insert N allow ..." : "";
    case "natFiltered":
      return "the inside host has to send to it first; or: set nat filtering endpoint-independent";
    case "natTcpState":
      return "the connection has to begin anew, with a SYN";
    case "interfaceDown":
      return `give the ${interfaceIndex === WAN ? "WAN" : "LAN"} its address: set ${interfaceIndex === WAN ? "wan" : "lan"} address ADDRESS/LENGTH`;
    case "wanNotReady":
      return "give the WAN its address: set wan address ADDRESS/LENGTH";
    case "ipNoRoute":
      // Of a packet to a port of ours it is the LAN that has no such host.
      return interfaceIndex === WAN || owner !== undefined ? "" : "name the next hop: set wan gateway ADDRESS";
    case "ipTooBig":
      return "the sender is told the MTU, and has to send less at a time";
    case "natNoMapping":
    case "natNoSession":
      return "something has to end first; show sessions tells what there is";
    case "natHostQuota":
      return "the host holds all that one may: show top; set nat limit sessions N gives each more";
    case "natReserve":
      return "what is left is for hosts that hold little: show top";
    case "natHalfOpen":
      return "too many connections are being opened; sent again, it may pass";
    case "natRateLimited":
      return "sent again a little later, it passes; set nat rate changes the pace";
    case "natBusy":
      return "sent again, it passes";
    case "neighbourUnresolved":
      return "the host does not answer ARP: is it on, and is that its address?";
    default:
      return "";
  }
}
