import type { RequirementList } from "../requirement.js";

export const RFC5508: RequirementList = {
  title: "RFC5508: NAT behaviour for ICMP",
  rows: [
    {
      id: "RFC5508 REQ-1",
      strength: "MUST",
      text: "Queries from inside pass, and so do their replies, unless a policy forbids it",
    },
    {
      id: "RFC5508 REQ-1a",
      strength: "SHOULD",
      text: "An inside identifier has the same external identifier for every destination",
    },
    { id: "RFC5508 REQ-2", strength: "MUST", text: "A query session lives at least 60 s" },
    { id: "RFC5508 REQ-2a", strength: "SHOULD", text: "The query timer is configurable" },
    { id: "RFC5508 REQ-3", strength: "SHOULD", text: "An error with a wrong ICMP checksum is dropped in silence" },
    {
      id: "RFC5508 REQ-3a",
      strength: "SHOULD",
      text: "An error whose quoted IP header has a wrong checksum is dropped in silence",
    },
    { id: "RFC5508 REQ-3b", strength: "MUST", text: "IP options in the quoted header are skipped to find the ports" },
    { id: "RFC5508 REQ-3c", strength: "SHOULD", text: "The quoted transport checksum is not verified" },
    {
      id: "RFC5508 REQ-3d",
      strength: "MUST",
      text: "Extensions behind the quote, and the padding before them, do not count for the quoted transport checksum",
    },
    {
      id: "RFC5508 REQ-4",
      strength: "SHOULD",
      text: "An error from outside about an unknown packet is dropped in silence",
    },
    {
      id: "RFC5508 REQ-4a",
      strength: "MUST",
      text: "An error from outside quotes the packet as the inside host sent it",
    },
    { id: "RFC5508 REQ-4b", strength: "MUST", text: "An error from outside keeps its type and code" },
    {
      id: "RFC5508 REQ-4c",
      strength: "MUST",
      text: "An error from outside goes to the quoted packet's source, as it is after translation",
    },
    {
      id: "RFC5508 REQ-5",
      strength: "SHOULD",
      text: "An error from inside about an unknown packet is dropped in silence",
    },
    {
      id: "RFC5508 REQ-5a",
      strength: "MUST",
      text: "An error from inside quotes the packet as the outside host sent it",
    },
    { id: "RFC5508 REQ-5b", strength: "MUST", text: "An error from inside keeps its type and code" },
    {
      id: "RFC5508 REQ-5c",
      strength: "MUST",
      text: "An error from inside comes from the NAT's external address, whichever inside address sent it",
    },
    {
      id: "RFC5508 REQ-6",
      strength: "MUST",
      text: "An error about a query neither refreshes nor deletes the query's session",
    },
    {
      id: "RFC5508 REQ-7 (queries)",
      strength: "MUST",
      text: "A Basic NAT carries hairpinned queries",
      notApplicable: "Porter translates ports and identifiers (NAPT), which the rule leaves out",
    },
    { id: "RFC5508 REQ-7 (errors)", strength: "MUST", text: "Hairpinned errors pass" },
    {
      id: "RFC5508 REQ-7a",
      strength: "MUST",
      text: "A hairpinned error goes to the quoted packet's source, as it is after translation",
    },
    {
      id: "RFC5508 REQ-8",
      strength: "SHOULD",
      text: "A flow that gets no session for want of room is answered with administratively prohibited",
    },
    {
      id: "RFC5508 REQ-8 (policy)",
      strength: "SHOULD",
      text: "So is one that gets no session by policy",
      deviation:
        "a rule that rejects answers TCP with a reset, which ends the attempt at once where many a TCP only takes note of an ICMP error; and one that denies is meant to be silent. So is the limit of new sessions a second: sent again a little later, the packet passes, and an error might end the attempt. And a stranger whose call finds no room hears as little as at a closed port",
    },
    {
      id: "RFC5508 REQ-9",
      strength: "MAY",
      text: "A policy may keep ICMP messages from being made towards an interface",
    },
    {
      id: "RFC5508 REQ-10a1",
      strength: "MUST",
      text: "Destination unreachable is made and forwarded; fragmentation needed says the next hop's MTU",
    },
    {
      id: "RFC5508 REQ-10a2",
      strength: "MUST",
      text: "A packet whose time to live runs out is answered with time exceeded",
    },
    { id: "RFC5508 REQ-10a3", strength: "MUST", text: "Echo requests to the NAT itself are answered" },
    {
      id: "RFC5508 REQ-10b1",
      strength: "MAY",
      text: "Redirects may be sent",
    },
    {
      id: "RFC5508 REQ-10b2",
      strength: "MAY",
      text: "Timestamp requests may be answered",
      missing: "RFC 1122 leaves it open, and the answer tells a stranger the clock",
    },
    {
      id: "RFC5508 REQ-10b3",
      strength: "MAY",
      text: "Source routes may be supported",
      missing: "they are dropped: they let a stranger choose the way in",
    },
    {
      id: "RFC5508 §7.3",
      strength: "SHOULD",
      text: "Without support for source routes, outbound ICMP with one, outside or in the quote, is not forwarded",
    },
    {
      id: "RFC5508 REQ-10b4",
      strength: "MAY",
      text: "Address mask requests may be answered",
      missing: "obsolete (RFC 6918)",
    },
    {
      id: "RFC5508 REQ-10b5",
      strength: "MAY",
      text: "Parameter problems may be sent",
      missing: "malformed packets are dropped in silence",
    },
    {
      id: "RFC5508 REQ-10b6",
      strength: "MAY",
      text: "Router discovery may be supported",
      missing: "hosts are told their gateway by configuration",
    },
    { id: "RFC5508 REQ-10c1", strength: "SHOULD", text: "Source quench is not supported" },
    { id: "RFC5508 REQ-10c2", strength: "SHOULD", text: "Information requests and replies are not supported" },
    { id: "RFC5508 REQ-10d", strength: "SHOULD", text: "An error has the DS field of the packet that it is about" },
    {
      id: "RFC5508 REQ-10e",
      strength: "SHOULD",
      text: "No error is sent about errors, broadcasts, later fragments, and sources that are no single host",
    },
    { id: "RFC5508 REQ-10f", strength: "SHOULD", text: "The rate of errors is limited" },
    {
      id: "RFC5508 REQ-11",
      strength: "MAY",
      text: "ICMP messages that are neither query nor error may be dropped",
    },
  ],
};
