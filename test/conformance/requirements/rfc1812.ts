import type { RequirementList } from "../requirement.js";

export const RFC1812: RequirementList = {
  title: "RFC1812: IPv4 routers, with RFC 2644, 3021, 6633 and 6918",
  rows: [
    {
      id: "RFC1812 §4.2.2.3",
      strength: "MUST",
      text: "The reserved bits of the header are not set in own packets, and no reason to drop others'",
    },
    { id: "RFC1812 §4.2.2.7", strength: "MUST", text: "A packet that is too big and may be fragmented is fragmented" },
    { id: "RFC1812 §4.2.2.7 (fewest)", strength: "SHOULD", text: "It is cut into as few fragments as possible" },
    { id: "RFC1812 §4.2.2.7 (order)", strength: "SHOULD", text: "The fragments leave in order" },
    {
      id: "RFC1812 §4.2.2.9",
      strength: "MUST",
      text: "A packet for the router itself is received whatever its time to live, 0 and 1 among them",
    },
    {
      id: "RFC1812 §4.2.2.9 (configurable)",
      strength: "MUST",
      text: "Where the time to live of own packets is fixed, it is configurable",
      deviation:
        "it is 64, as the assigned numbers recommend and every other system sends; a firmware that needs another has one constant to change",
    },
    {
      id: "RFC1812 §4.2.2.11",
      strength: "MUST",
      text: "A packet whose source is of net 0 or 127, a broadcast, a multicast or class E is dropped in silence",
    },
    {
      id: "RFC1812 §4.2.3.1 (zeros)",
      strength: "SHOULD",
      text: "Packets to 0.0.0.0 and to a link's all-zeros address are dropped in silence",
    },
    { id: "RFC1812 §4.3.2.1", strength: "MUST", text: "ICMP messages of unknown types are dropped in silence" },
    {
      id: "RFC1812 §4.3.2.2",
      strength: "MUST",
      text: "The time to live of an ICMP message is its own, and not that of the packet it answers",
    },
    {
      id: "RFC1812 §4.3.2.3",
      strength: "MUST",
      text: "An ICMP error quotes header and data as they came",
    },
    {
      id: "RFC1812 §4.3.2.3 (size)",
      strength: "SHOULD",
      text: "An ICMP error quotes as much as fits into 576 bytes",
    },
    {
      id: "RFC1812 §4.3.2.4",
      strength: "MUST",
      text: "An ICMP error comes from an address of the side that it leaves by",
    },
    {
      id: "RFC1812 §4.3.2.5 (errors)",
      strength: "SHOULD",
      text: "ICMP errors have precedence 6 or 7",
      deviation: "they have the DS field of the packet they are about, as RFC 5508 REQ-10d asks of a NAT",
    },
    {
      id: "RFC1812 §4.3.2.5 (replies)",
      strength: "MUST",
      text: "An echo reply has the precedence of its request",
    },
    {
      id: "RFC1812 §4.3.2.7",
      strength: "MUST",
      text: "No error is sent about errors, invalid headers, broadcasts, multicasts, invalid sources and later fragments",
    },
    { id: "RFC1812 §4.3.2.8", strength: "SHOULD", text: "The rate of ICMP errors is limited" },
    {
      id: "RFC1812 §4.3.2.8 (settable)",
      strength: "SHOULD",
      text: "The limits are set by configuration",
      deviation:
        "50 at once and 50 a second on each side, one redirect a second: enough for a traceroute, too few for a flood, and nothing that a household would tune",
    },
    {
      id: "RFC1812 §4.3.3.1",
      strength: "MUST",
      text: "A packet for which there is no route is answered with net unreachable",
    },
    {
      id: "RFC1812 §4.3.3.1 (host)",
      strength: "MUST",
      text: "A packet whose last hop does not answer is answered with host unreachable",
    },
    {
      id: "RFC1812 §4.3.3.5",
      strength: "MUST",
      text: "An error that no other message covers is answered with a parameter problem",
      deviation:
        "malformed packets are dropped in silence; RFC 5508 REQ-10b leaves parameter problems to a NAT's choice",
    },
    {
      id: "RFC1812 §4.3.3.6",
      strength: "MUST",
      text: "Echo requests are answered with all their data, up to the MTU at least, from fragments, too",
    },
    { id: "RFC1812 §4.3.3.6 (source)", strength: "MUST", text: "An echo reply comes from the address that was asked" },
    {
      id: "RFC1812 §4.3.3.6 (record)",
      strength: "SHOULD",
      text: "Record route and timestamp options of an echo request are updated in the reply",
      deviation: "they come back as they came: RFC 7126 would have such packets dropped",
    },
    {
      id: "RFC1812 §4.3.3.6 (switch)",
      strength: "SHOULD",
      text: "A switch, off by default, has echo requests ignored",
    },
    { id: "RFC1812 §4.3.3.7", strength: "SHOULD", text: "Information requests are neither sent nor answered" },
    {
      id: "RFC1812 §5.2.2",
      strength: "MUST",
      text: "A header that is cut off, has a wrong checksum, version or length is dropped in silence, and no switch permits it",
    },
    { id: "RFC1812 §5.2.2 (truncated)", strength: "MUST", text: "A packet that is shorter than it says is dropped" },
    {
      id: "RFC1812 §5.2.2 (answer)",
      strength: "SHOULD",
      text: "A packet that is shorter than it says is answered with a parameter problem",
      deviation: "nobody who forged it shall hear of it, and Ethernet truncates nothing",
    },
    { id: "RFC1812 §5.2.5", strength: "MUST", text: "Reserved bits pass unchanged, into each fragment" },
    {
      id: "RFC1812 §5.2.6",
      strength: "MUST",
      text: "Datagrams that are not translated are not put together before they are forwarded",
    },
    {
      id: "RFC1812 §5.2.7.1 (MTU)",
      strength: "MUST",
      text: "A packet that is too big and must not be fragmented is answered with fragmentation needed in the form of RFC 1191",
    },
    {
      id: "RFC1812 §5.2.7.2",
      strength: "MUST",
      text: "A host that has a better first hop is told so by a host redirect, and by no network redirect",
    },
    {
      id: "RFC1812 §5.2.7.3",
      strength: "MUST",
      text: "A packet whose time to live runs out is answered with time exceeded",
    },
    {
      id: "RFC1812 §5.3.1",
      strength: "MUST",
      text: "A forwarded packet loses one hop; one without a hop left is dropped, and none leaves with 0",
    },
    {
      id: "RFC1812 §5.3.4",
      strength: "MUST",
      text: "What came in a broadcast or multicast frame is not forwarded to a unicast address",
    },
    { id: "RFC1812 §5.3.4 (drop)", strength: "SHOULD", text: "It is dropped in silence" },
    {
      id: "RFC1812 §5.3.5.1",
      strength: "MUST",
      text: "Limited broadcasts are received, and not forwarded",
    },
    {
      id: "RFC1812 §5.3.7 (source)",
      strength: "SHOULD",
      text: "Packets with invalid sources, of net 0 and 127 are not forwarded",
    },
    {
      id: "RFC1812 §5.3.7 (destination)",
      strength: "SHOULD",
      text: "Packets to invalid destinations, net 0 and 127 are not forwarded",
    },
    {
      id: "RFC1812 §5.3.8",
      strength: "SHOULD",
      text: "A source that is not behind the side it came by is dropped in silence",
    },
    {
      id: "RFC1812 §5.3.8 (default)",
      strength: "MUST",
      text: "This check is off by default",
      deviation: "a gateway is the edge of one network, where RFC 2827 and 3704 (BCP 38 and 84) want it on",
    },
    {
      id: "RFC1812 §5.3.9",
      strength: "SHOULD",
      text: "Packets are filtered by prefixes, in silence or with administratively prohibited, and counted",
    },
    { id: "RFC1812 §5.3.13.1", strength: "MUST", text: "Unknown options pass unchanged" },
    { id: "RFC1812 §5.3.13.3", strength: "MUST", text: "A stream identifier option passes unchanged" },
    {
      id: "RFC1812 §5.3.13.4",
      strength: "MUST",
      text: "Source routes are supported",
      deviation:
        "packets with one are dropped, as RFC 7126 sections 4.3 and 4.4 advise: they let a stranger choose the way in",
    },
    {
      id: "RFC1812 §5.3.13.5",
      strength: "MUST",
      text: "The record route option is supported in forwarded packets",
      deviation:
        "packets with one are dropped, as RFC 7126 section 4.5 advises: they tell the outside inside addresses",
    },
    {
      id: "RFC1812 §5.3.13.6",
      strength: "MUST",
      text: "The timestamp option is supported in forwarded packets",
      deviation:
        "packets with one are dropped, as RFC 7126 section 4.7 advises: they tell the outside inside addresses",
    },
    {
      id: "RFC2644 §3",
      strength: "MUST",
      text: "Directed broadcasts are neither received nor forwarded by default",
    },
    { id: "RFC3021 §2.2", strength: "MUST", text: "A link of two addresses (/31) has no directed broadcast" },
    {
      id: "RFC6633 §3",
      strength: "MUST",
      text: "Source quench is ignored",
    },
    { id: "RFC6918 §3", strength: "text", text: "Obsolete ICMP types are not answered" },
  ],
};
