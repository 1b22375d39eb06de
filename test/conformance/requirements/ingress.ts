import type { RequirementList } from "../requirement.js";

export const INGRESS: RequirementList = {
  title: "RFC2827, RFC3704 and RFC6890: forged and special addresses",
  rows: [
    { id: "RFC2827 §3", strength: "text", text: "A LAN packet whose source is not of the LAN is dropped" },
    { id: "RFC2827 §3 (private)", strength: "text", text: "Nothing leaves by the WAN with an inside address" },
    { id: "RFC3704 §2.2", strength: "text", text: "A packet is dropped when its source is behind another side" },
    {
      id: "RFC6890 §2.2.2 (source)",
      strength: "text",
      text: "A source of a block that is never one does not pass",
    },
    {
      id: "RFC6890 §2.2.2 (destination)",
      strength: "text",
      text: "Nothing passes to a block that is never forwarded to",
    },
    { id: "RFC6890 §2.2.2 (private)", strength: "text", text: "Private, shared and benchmark networks may be outside" },
    {
      id: "RFC6890 §2.2.2 (documentation)",
      strength: "text",
      text: "The three networks for documentation are neither source nor destination",
      deviation: "they pass: nobody routes them, and every example, simulation and test is set in them",
    },
  ],
};
