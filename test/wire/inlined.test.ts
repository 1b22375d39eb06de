import { describe, expect, it } from "vitest";
import { BROADCAST_ADDRESS } from "../../src/core/address.js";
import { ETHERNET_AT, ETHERNET_HEADER_BYTES, MAX_FRAME_BYTES, NETWORK_AT, TRANSPORT_AT } from "../../src/core/frame.js";
import { ETHERTYPE_AT, ETHERTYPE_IPV4, GROUP_BIT, SOURCE_AT } from "../../src/wire/ethernet.js";
import { ICMP_CHECKSUM_OFFSET, ICMP_HEADER_BYTES, ICMP_IDENTIFIER_OFFSET } from "../../src/wire/icmp.js";
import { Ethernet, EthernetAt, Icmp, Ip, Ipv4At, Tcp, Udp } from "../../src/wire/inlined.js";
import {
  IP_DESTINATION_OFFSET,
  IP_DONT_FRAGMENT,
  IP_MORE_FRAGMENTS,
  IP_OFFSET_MASK,
  IP_SOURCE_OFFSET,
  IP_TTL_OFFSET,
  IPV4_HEADER_BYTES,
  ipIdentification,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../src/wire/ipv4.js";
import { TCP_CHECKSUM_OFFSET, TCP_HEADER_BYTES, tcpFlags, tcpHeaderBytes } from "../../src/wire/tcp.js";
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_BYTES, udpBytes } from "../../src/wire/udp.js";

/** Each byte tells where it is. */
const view = new DataView(Uint8Array.from({ length: 64 }, (_, at) => at).buffer);

describe("the numbers that the compiler writes where they are used", () => {
  it("are where the IPv4 header has its fields", () => {
    expect([Ipv4At.NETWORK, Ipv4At.TTL, Ipv4At.SOURCE, Ipv4At.DESTINATION, Ipv4At.TRANSPORT]).toEqual([
      NETWORK_AT,
      NETWORK_AT + IP_TTL_OFFSET,
      NETWORK_AT + IP_SOURCE_OFFSET,
      NETWORK_AT + IP_DESTINATION_OFFSET,
      TRANSPORT_AT,
    ]);
    expect(view.getUint16(Ipv4At.FRAGMENT)).toBe(ipIdentification(view, NETWORK_AT));
  });

  it("are where the Ethernet header has its fields", () => {
    expect([EthernetAt.DESTINATION, EthernetAt.SOURCE, EthernetAt.TYPE]).toEqual([
      ETHERNET_AT,
      SOURCE_AT,
      ETHERTYPE_AT,
    ]);
    expect([Ethernet.GROUP_BIT, Ethernet.MAX_FRAME_BYTES, Ethernet.IPV4]).toEqual([
      GROUP_BIT,
      MAX_FRAME_BYTES,
      ETHERTYPE_IPV4,
    ]);
  });

  it("are where the transports' headers have theirs", () => {
    expect([Icmp.CHECKSUM, Icmp.IDENTIFIER]).toEqual([ICMP_CHECKSUM_OFFSET, ICMP_IDENTIFIER_OFFSET]);
    expect([Udp.CHECKSUM, Tcp.CHECKSUM]).toEqual([UDP_CHECKSUM_OFFSET, TCP_CHECKSUM_OFFSET]);
    expect(view.getUint16(Udp.LENGTH)).toBe(udpBytes(view, 0));
    const word = view.getUint16(Tcp.FLAGS_WORD);
    expect([word & 0xff, (word >> 10) & 60]).toEqual([tcpFlags(view, 0), tcpHeaderBytes(view, 0)]);
  });

  it("mean the same as the constants", () => {
    expect([Ip.ICMP, Ip.TCP, Ip.UDP]).toEqual([PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP]);
    expect(Ip.BROADCAST).toBe(BROADCAST_ADDRESS);
    expect([Ip.OFFSET_MASK, Ip.MORE_FRAGMENTS, Ip.DONT_FRAGMENT, Ip.ANY_FRAGMENT, Ip.FRAGMENT_BITS]).toEqual([
      IP_OFFSET_MASK,
      IP_MORE_FRAGMENTS,
      IP_DONT_FRAGMENT,
      IP_MORE_FRAGMENTS | IP_OFFSET_MASK,
      IP_DONT_FRAGMENT | IP_MORE_FRAGMENTS | IP_OFFSET_MASK,
    ]);
    expect([Ip.HEADER_BYTES, Icmp.HEADER_BYTES, Udp.HEADER_BYTES, Tcp.HEADER_BYTES, Ethernet.HEADER_BYTES]).toEqual([
      IPV4_HEADER_BYTES,
      ICMP_HEADER_BYTES,
      UDP_HEADER_BYTES,
      TCP_HEADER_BYTES,
      ETHERNET_HEADER_BYTES,
    ]);
  });
});
