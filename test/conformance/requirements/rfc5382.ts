import type { RequirementList } from "../requirement.js";

export const RFC5382: RequirementList = {
  title: "RFC5382: NAT behaviour for TCP",
  rows: [
    {
      id: "RFC5382 REQ-1",
      strength: "MUST",
      text: "An inside address and port has the same external address and port for every destination",
    },
    {
      id: "RFC5382 REQ-2",
      strength: "MUST",
      text: "Every valid sequence of TCP segments passes, for connections from inside and, where permitted, from outside",
    },
    { id: "RFC5382 REQ-2a", strength: "MUST", text: "A simultaneous open reaches the established state" },
    {
      id: "RFC5382 REQ-3",
      strength: "SHOULD",
      text: "Filtering is endpoint-independent for transparency, or address-dependent to be stricter",
    },
    { id: "RFC5382 REQ-3a", strength: "MAY", text: "The administrator may choose the filtering" },
    {
      id: "RFC5382 REQ-3b",
      strength: "MAY",
      text: "The filtering may differ from UDP's",
      missing: "one setting serves both",
    },
    { id: "RFC5382 REQ-4", strength: "MUST", text: "An unsolicited inbound SYN is not answered for 6 s" },
    {
      id: "RFC5382 REQ-4 (own SYN)",
      strength: "MUST",
      text: "When the inside sends a SYN for that connection within the 6 s, the inbound one is dropped in silence",
    },
    {
      id: "RFC5382 REQ-4 (answer)",
      strength: "SHOULD",
      text: "Otherwise the inbound SYN is answered with port unreachable",
    },
    {
      id: "RFC5382 REQ-4a",
      strength: "MUST",
      text: "Where an answer would violate the security policy, the SYN is dropped in silence",
    },
    {
      id: "RFC5382 REQ-5 (established)",
      strength: "MUST",
      text: "An established connection, half-closed or not, lives at least 2 h 4 min of silence",
    },
    {
      id: "RFC5382 REQ-5 (transitory)",
      strength: "MUST",
      text: "A connection in opening or closing lives at least 4 min of silence",
    },
    { id: "RFC5382 REQ-5a", strength: "MAY", text: "The timers may be configurable" },
    { id: "RFC5382 REQ-6", strength: "SHOULD", text: "Payloads pass as they are: application gateways are off" },
    { id: "RFC5382 REQ-7", strength: "MUST", text: "Two inside endpoints never share an external port" },
    { id: "RFC5382 REQ-8", strength: "MUST", text: "Inside hosts reach each other by their external endpoints" },
    {
      id: "RFC5382 REQ-8a",
      strength: "MUST",
      text: "A hairpinned segment comes from the sender's external address and port",
    },
    { id: "RFC5382 REQ-9", strength: "SHOULD", text: "Destination unreachable messages about TCP are translated" },
    { id: "RFC5382 REQ-10", strength: "MUST", text: "No ICMP message ends a mapping or a connection" },
  ],
};
