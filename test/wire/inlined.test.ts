import { describe, expect, it } from "vitest";
import { BROADCAST_ADDRESS } from "../../src/core/address.js";
import { ETHERNET_AT, ETHERNET_HEADER_BYTES, MAX_FRAME_BYTES, NETWORK_AT, TRANSPORT_AT } from "../../src/core/frame.js";
import { ETHERTYPE_AT, ETHERTYPE_IPV4, GROUP_BIT, SOURCE_AT } from "../../src/wire/ethernet.js";
import { ICMP_CHECKSUM_OFFSET, ICMP_HEADER_BYTES, ICMP_IDENTIFIER_OFFSET } from "../../src/wire/icmp.js";
import { Ethernet, EthernetAt, Icmp, Ip, Ipv4At, Tcp, Udp } from "../../src/wire/inlined.js";
import {
  IP_DESTINATION_OFFSET,
  IP_DONT_FRAGMENT,
  IP_FRAGMENT_BITS,
  IP_IDENTIFICATION_OFFSET,
  IP_MORE_FRAGMENTS,
  IP_OFFSET_MASK,
  IP_SOURCE_OFFSET,
  IP_TTL_OFFSET,
  IPV4_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../src/wire/ipv4.js";
import { TCP_CHECKSUM_OFFSET, TCP_FLAGS_OFFSET, TCP_HEADER_BYTES } from "../../src/wire/tcp.js";
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_BYTES, UDP_LENGTH_OFFSET } from "../../src/wire/udp.js";

describe("the numbers that the compiler writes where they are used", () => {
  it("are where the IPv4 header has its fields", () => {
    expect([Ipv4At.NETWORK, Ipv4At.FRAGMENT, Ipv4At.TTL, Ipv4At.SOURCE, Ipv4At.DESTINATION, Ipv4At.TRANSPORT]).toEqual([
      NETWORK_AT,
      NETWORK_AT + IP_IDENTIFICATION_OFFSET,
      NETWORK_AT + IP_TTL_OFFSET,
      NETWORK_AT + IP_SOURCE_OFFSET,
      NETWORK_AT + IP_DESTINATION_OFFSET,
      TRANSPORT_AT,
    ]);
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
    expect([Udp.LENGTH, Udp.CHECKSUM, Tcp.FLAGS_WORD, Tcp.CHECKSUM]).toEqual([
      UDP_LENGTH_OFFSET,
      UDP_CHECKSUM_OFFSET,
      TCP_FLAGS_OFFSET - 1,
      TCP_CHECKSUM_OFFSET,
    ]);
  });

  it("mean the same as the constants", () => {
    expect([Ip.ICMP, Ip.TCP, Ip.UDP]).toEqual([PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP]);
    expect(Ip.BROADCAST).toBe(BROADCAST_ADDRESS);
    expect([Ip.OFFSET_MASK, Ip.MORE_FRAGMENTS, Ip.DONT_FRAGMENT, Ip.FRAGMENT_BITS]).toEqual([
      IP_OFFSET_MASK,
      IP_MORE_FRAGMENTS,
      IP_DONT_FRAGMENT,
      IP_FRAGMENT_BITS,
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
