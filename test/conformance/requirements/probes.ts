import type { RequirementList } from "../requirement.js";

/** What the NAT engine that other ESP32 routers share (lwIP's NAPT) gets wrong, each observed on it. */
export const PROBES: RequirementList = {
  title: "Probes on which lwIP's NAPT fails",
  rows: [
    { id: "T1", strength: "probe", text: "One UDP socket that talks to two peers hears from both" },
    { id: "T2", strength: "probe", text: "UDP from a source port below 1024 is translated" },
    { id: "T3", strength: "probe", text: "TCP from a source port below 1024 is translated" },
    {
      id: "T4",
      strength: "probe",
      text: "Two hosts that ping one target with the same identifier get their own replies",
    },
    { id: "T5", strength: "probe", text: "ICMP errors from the WAN about a translated flow reach the host" },
    { id: "T6", strength: "probe", text: "Other protocols do not leave with an inside source address" },
    { id: "T7", strength: "probe", text: "Fragmented UDP arrives as it was sent" },
    { id: "T8", strength: "probe", text: "A forward that was added twice and removed once is gone" },
    { id: "T9b", strength: "probe", text: "A LAN host reaches a forward by the WAN address" },
    { id: "T10", strength: "probe", text: "A UDP reply after 3 s of silence arrives" },
    { id: "T11", strength: "probe", text: "A second TCP connection from the same source port leaves the first alive" },
    {
      id: "T12",
      strength: "probe",
      text: "A tuple used again 5 s after its close gives a connection that lives as long as any",
    },
    { id: "T12b", strength: "probe", text: "A TCP connection survives 31 min of silence" },
    { id: "T13", strength: "probe", text: "One host's 600 UDP flows take nobody's TCP connection" },
    {
      id: "T14",
      strength: "probe",
      text: "A segment of a connection that is unknown after a restart is reset at once",
    },
    { id: "T15", strength: "probe", text: "An unsolicited SYN to a closed WAN port is not answered" },
    { id: "T16d", strength: "probe", text: "UDP from the WAN straight to a LAN address does not pass" },
    { id: "T16e", strength: "probe", text: "Ping and TCP from the WAN straight to a LAN address do not pass" },
    { id: "T17", strength: "probe", text: "Finding a session costs the same in a full table as in an empty one" },
    { id: "T18", strength: "probe", text: "A LAN packet with a forged source is dropped" },
    { id: "T19", strength: "probe", text: "A UDP checksum that translation makes 0 leaves as 0xffff" },
    { id: "T20", strength: "probe", text: "A UDP datagram shorter than its header is dropped" },
    { id: "T22", strength: "probe", text: "A blind reset changes nothing" },
  ],
};
