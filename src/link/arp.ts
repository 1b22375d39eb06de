/** What we do about ARP packets that come in (RFC 826, RFC 5227). */
import { isGroupMac, isUnicastSource, macHead, macTail } from "../core/address.js";
import type { Clock } from "../core/clock.js";
import type { Verdict } from "../core/drops.js";
import { ETHERNET_HEADER_BYTES, type Frame } from "../core/frame.js";
import {
  ARP_REQUEST,
  arpOperation,
  arpSenderAddress,
  arpSenderMac,
  arpTargetAddress,
  isArpValid,
} from "../wire/arp.js";
import type { Interface } from "./interface.js";
import type { Neighbours } from "./neighbours.js";

/** RFC 5227 section 2.4 (c): a router defends its address for ever, but not more often than this. */
export const DEFEND_INTERVAL_MS = 10_000;

export function receiveArp(
  clock: Clock,
  neighbours: Neighbours,
  source: Interface,
  frame: Frame,
  length: number,
): Verdict {
  if (!isArpValid(frame, length - ETHERNET_HEADER_BYTES)) return "arpMalformed";
  const senderMac = arpSenderMac(frame);
  const senderAddress = arpSenderAddress(frame);
  const targetAddress = arpTargetAddress(frame);
  if (isGroupMac(senderMac) || senderMac === source.mac) return "arpMalformed";
  if (source.stationFilter?.refuses(macHead(senderMac), macTail(senderMac))) return "macRefused";
  if (source.address === 0) return "interfaceDown";

  const isForUs = targetAddress === source.address;
  const isQuestion = arpOperation(frame) === ARP_REQUEST;
  if (senderAddress === source.address) return defend(clock, neighbours, source, senderMac);
  if (senderAddress === 0) {
    // A probe: somebody asks whether he may use the address. It is answered and nothing is learnt from it.
    if (isForUs && isQuestion) neighbours.reply(source, senderMac, senderAddress);
    return "ok";
  }
  if (!isUnicastSource(senderAddress) || !source.isOnLink(senderAddress) || source.isBroadcast(senderAddress)) {
    return "arpMalformed";
  }
  neighbours.learn(source, senderAddress, senderMac, isForUs && isQuestion);
  if (isForUs && isQuestion) neighbours.reply(source, senderMac, senderAddress);
  return "ok";
}

function defend(clock: Clock, neighbours: Neighbours, source: Interface, mac: number): Verdict {
  source.conflicts++;
  source.conflictMac = mac;
  // What the claim was to find out is known, and its announcement would be a defence too many.
  source.endClaim();
  if (clock.now - source.defendedAtMs >= DEFEND_INTERVAL_MS) {
    source.defendedAtMs = clock.now;
    neighbours.announce(source);
  }
  return "arpConflict";
}
