import type { RequirementList } from "../requirement.js";

export const RFC5227: RequirementList = {
  title: "RFC5227, RFC826 and RFC1122 §2.3: ARP",
  rows: [
    {
      id: "RFC826",
      strength: "text",
      text: "A request for us is answered and its sender known; one that is known is taken at its word; the rest is ignored",
    },
    {
      id: "RFC826 (reply)",
      strength: "text",
      text: "Any packet for us makes its sender known",
      deviation: "a reply that nobody asked for does not: it would cost others their places in the table",
    },
    { id: "RFC1122 §2.3.2.1", strength: "MUST", text: "Entries out of date are found out" },
    {
      id: "RFC1122 §2.3.2.1 (timeout)",
      strength: "SHOULD",
      text: "The time for that is configurable",
      deviation:
        "it is the minute that the text suggests; the question goes to the station itself and disturbs no other",
    },
    { id: "RFC1122 §2.3.2.1 (rate)", strength: "MUST", text: "An address is asked for once a second at most" },
    { id: "RFC1122 §2.3.2.2", strength: "SHOULD", text: "The latest packet waits for the answer" },
    {
      id: "RFC5227 §2.1",
      strength: "MUST",
      text: "An address is probed before it is used, also when a link comes up",
      deviation:
        "it is probed beside its use: it is the administrator's choice and defended for ever, so that 4 to 7 s without a network after each power cut would gain nothing",
    },
    { id: "RFC5227 §2.1 (periodic)", strength: "MUST", text: "The probing is not repeated as a matter of course" },
    {
      id: "RFC5227 §2.1.1",
      strength: "MUST",
      text: "Three probes from 0.0.0.0 go out after 0 to 1 s, 1 to 2 s apart",
    },
    {
      id: "RFC5227 §2.1.1 (conflict)",
      strength: "MUST",
      text: "Who answers them, or says anything from that address, makes a conflict that the administrator hears of",
    },
    { id: "RFC5227 §2.1.1 (echo)", strength: "text", text: "Our own probe, sent back by a repeater, is no conflict" },
    {
      id: "RFC5227 §2.1.1 (rate)",
      strength: "MUST",
      text: "After ten conflicts a new address is tried once a minute at most",
    },
    { id: "RFC5227 §2.3", strength: "MUST", text: "A new address is announced twice, 2 s apart" },
    {
      id: "RFC5227 §2.4",
      strength: "MUST",
      text: "A conflict is answered by giving the address up, or by one announcement, for ever where it must stay",
    },
    { id: "RFC5227 §2.4 (rate)", strength: "MUST", text: "It is defended once in 10 s at most" },
    { id: "RFC5227 §2.5", strength: "MUST", text: "Requests and probes for the address are answered" },
    { id: "RFC5227 §2.6", strength: "SHOULD", text: "Replies are not broadcast" },
  ],
};
