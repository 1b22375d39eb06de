import type { RequirementList } from "../requirement.js";

export const RFC1122: RequirementList = {
  title: "RFC1122: hosts, with RFC 791, 815, 1624, 1858 and 3128",
  rows: [
    { id: "RFC1122 §3.1", strength: "MUST", text: "Nothing is forwarded before both sides have an address" },
    {
      id: "RFC1122 §3.2.1.3",
      strength: "MUST",
      text: "A packet that is not for us and cannot be forwarded is dropped in silence",
    },
    { id: "RFC1122 §3.2.1.3 (source)", strength: "MUST", text: "Own packets come from an own address" },
    {
      id: "RFC1122 §3.2.2.1 (protocol)",
      strength: "SHOULD",
      text: "An unknown protocol is answered with protocol unreachable",
    },
    { id: "RFC1122 §3.2.2.1 (port)", strength: "SHOULD", text: "A closed UDP port is answered with port unreachable" },
    { id: "RFC1122 §3.2.2.1 (report)", strength: "MUST", text: "A destination unreachable reaches the transport" },
    {
      id: "RFC1122 §3.2.2.1 (hint)",
      strength: "MUST",
      text: "Net, host and source route unreachable are hints, and no proof",
    },
    { id: "RFC1122 §3.3.2", strength: "MUST", text: "Fragments are put together, up to 576 bytes at least" },
    { id: "RFC1122 §3.3.2 (EMTU_R)", strength: "SHOULD", text: "And up to the MTU at least" },
    { id: "RFC1122 §3.3.2 (timeout)", strength: "SHOULD", text: "The rest is waited for a fixed time of 60 to 120 s" },
    {
      id: "RFC1122 §3.3.2 (error)",
      strength: "MUST",
      text: "Then the parts are given up, and time exceeded is sent if the first one came",
    },
    {
      id: "RFC1122 §3.3.6",
      strength: "SHOULD",
      text: "A packet in a broadcast frame that is for no broadcast or multicast address is dropped in silence",
    },
    { id: "RFC1122 §4.1.3.4", strength: "MUST", text: "UDP checksums are sent and verified; 0 stands for none" },
    { id: "RFC1122 §4.1.3.4 (zero)", strength: "MUST", text: "A checksum that comes out as 0 is sent as 0xffff" },
    {
      id: "RFC1122 §4.1.3.5",
      strength: "MUST",
      text: "A service learns which address a datagram was for, and can answer from it",
    },
    { id: "RFC1122 §4.1.3.6", strength: "MUST", text: "Own datagrams come from an own address" },
    { id: "RFC791 §3.2 (68)", strength: "MUST", text: "A packet of 68 bytes is never cut" },
    {
      id: "RFC791 §3.2 (reassembly)",
      strength: "text",
      text: "Fragments belong together by source, destination, protocol and identification",
    },
    {
      id: "RFC815",
      strength: "text",
      text: "Fragments may come in any order, more than once, and of several datagrams",
    },
    {
      id: "RFC815 (bounds)",
      strength: "text",
      text: "Nothing beyond 65,535 bytes is kept, and overlaps do not change what was there",
    },
    { id: "RFC1624 §3", strength: "text", text: "Checksums that are brought up to date are those of a full sum" },
    {
      id: "RFC1858 §3",
      strength: "text",
      text: "A first TCP fragment without a whole header, and one that could overlap it, are dropped",
    },
    { id: "RFC3128 §2", strength: "text", text: "So are they in transit" },
  ],
};
