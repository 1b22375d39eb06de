/** A plain router, as the internet is made of: forwards between its interfaces, and translates nothing. */
import type { Verdict } from "../../src/core/drops.js";
import { NETWORK_AT } from "../../src/core/frame.js";
import { Host } from "../../src/host.js";
import {
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  TIME_EXCEEDED_TTL,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_NET,
} from "../../src/wire/icmp.js";
import { IP_DONT_FRAGMENT, ipFragmentField, ipHeaderBytes, writeIpChecksum } from "../../src/wire/ipv4.js";
import type { Packet } from "../../src/wire/packet.js";

const TTL_OFFSET = 8;

export class Router extends Host {
  protected override forward(packet: Packet): Verdict {
    const out = this.output.route(packet.destination);
    if (out === undefined || out.index === packet.interfaceIndex) {
      this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_NET);
      return "ipNoRoute";
    }
    if (packet.ttl <= 1) {
      this.complain(packet, ICMP_TIME_EXCEEDED, TIME_EXCEEDED_TTL);
      return "ipTtlExceeded";
    }
    const { view } = packet.frame;
    const mustNotFragment = (ipFragmentField(view, NETWORK_AT) & IP_DONT_FRAGMENT) !== 0;
    if (packet.totalBytes > out.mtuBytes && mustNotFragment) {
      this.complain(packet, ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED, out.mtuBytes);
      return "ipTooBig";
    }
    view.setUint8(NETWORK_AT + TTL_OFFSET, packet.ttl - 1);
    writeIpChecksum(view, NETWORK_AT, ipHeaderBytes(view, NETWORK_AT));
    return this.output.emit(out, packet.frame, packet.totalBytes);
  }
}
