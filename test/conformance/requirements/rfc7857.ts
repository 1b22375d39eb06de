import type { RequirementList } from "../requirement.js";

export const RFC7857: RequirementList = {
  title: "RFC7857: updates of the three",
  rows: [
    {
      id: "RFC7857 §2",
      strength: "SHOULD",
      text: "TCP is tracked by the states CLOSED, INIT, ESTABLISHED, C-FIN, S-FIN, C+S-FIN and TRANS",
    },
    {
      id: "RFC7857 §2 (time-out)",
      strength: "SHOULD",
      text: "An established connection whose timer runs out is kept as TRANS for another 4 min",
      deviation:
        "it goes at once, as RFC 5382 REQ-5 allows: the 4 min are for the answer to a probe, and Porter sends none",
    },
    {
      id: "RFC7857 §2.1 (separate)",
      strength: "SHOULD",
      text: "Connections in opening and in closing have timers that are set apart",
    },
    { id: "RFC7857 §2.1 (shorter)", strength: "MAY", text: "These timers may be set below 4 min" },
    { id: "RFC7857 §2.1 (default)", strength: "SHOULD", text: "These timers are at least 4 min by default" },
    { id: "RFC7857 §2.2a", strength: "MUST", text: "A reset that matches a mapping is translated and forwarded" },
    {
      id: "RFC7857 §2.2b",
      strength: "SHOULD",
      text: "After a reset the session goes when 4 min pass in silence; a packet in between keeps it",
    },
    {
      id: "RFC7857 §2.2c",
      strength: "text",
      text: "Whether a reset belongs to the connection is verified",
    },
    {
      id: "RFC7857 §3",
      strength: "MAY",
      text: "Inside endpoints may share an external port while their destinations differ",
      missing: "it would break the endpoint-independent mapping of whatever they send later",
    },
    {
      id: "RFC7857 §4",
      strength: "SHOULD",
      text: "With paired pooling, new flows are dropped when their external address has no port left",
      notApplicable: "Porter has one external address",
    },
    { id: "RFC7857 §5", strength: "SHOULD", text: "Endpoint-independent mappings are of one protocol" },
    {
      id: "RFC7857 §5 (default)",
      strength: "MUST",
      text: "Where that can be switched, it is so by default",
      notApplicable: "it cannot be switched",
    },
    { id: "RFC7857 §6", strength: "SHOULD", text: "Endpoint-independent filtering is of one protocol" },
    {
      id: "RFC7857 §6 (default)",
      strength: "MUST",
      text: "Where that can be switched, it is so by default",
      notApplicable: "it cannot be switched",
    },
    { id: "RFC7857 §7", strength: "SHOULD", text: "Inbound packets that are refused do not refresh a mapping" },
    {
      id: "RFC7857 §7.1",
      strength: "SHOULD",
      text: "Outbound errors and resets that answer inbound packets do not refresh a mapping",
    },
    {
      id: "RFC7857 §8 (off)",
      strength: "MAY",
      text: "The parity of ports may be given up",
      missing: "it is kept while a port of that parity is free",
    },
    {
      id: "RFC7857 §8 (request)",
      strength: "SHOULD",
      text: "Parity can be asked for explicitly",
      notApplicable: "it is kept without asking",
    },
    {
      id: "RFC7857 §9",
      strength: "SHOULD",
      text: "External ports that differ from the inside ones are obfuscated (RFC 6056 section 4)",
    },
    {
      id: "RFC7857 §10",
      strength: "SHOULD",
      text: "The IP identification of translated packets is handled as RFC 6864 section 5.3.1 has it",
    },
    { id: "RFC7857 §11", strength: "MAY", text: "The mapping of a query identifier may go with its last session" },
    {
      id: "RFC7857 §12",
      strength: "text",
      text: "The NAT can find the inside endpoint behind an external one, for hairpinned errors",
    },
  ],
};
