import type { RequirementList } from "../requirement.js";

export const RFC6864: RequirementList = {
  title: "RFC6864: the IPv4 identification",
  rows: [
    {
      id: "RFC6864 §4.1 (ignore)",
      strength: "MUST",
      text: "The identification of a whole packet that must not be fragmented is ignored",
    },
    {
      id: "RFC6864 §4.2",
      strength: "MUST",
      text: "A copy of an earlier packet that may be fragmented has another identification",
    },
    {
      id: "RFC6864 §4.3",
      strength: "MUST",
      text: "Own packets that may be fragmented do not repeat an identification within 2 min for the same source, destination and protocol",
    },
    { id: "RFC6864 §4.3 (DF)", strength: "MUST", text: "A packet with DF is not fragmented, and DF is never cleared" },
    {
      id: "RFC6864 §5.2",
      strength: "MUST",
      text: "Output that may be fragmented is limited in rate, so that identifications do not repeat too soon",
      deviation:
        "nothing is held back: a counter makes repeats as rare as the rate permits, and only what is fragmented on its way is harmed by one; beyond 273 packets a second by a side they come within 2 min",
    },
    {
      id: "RFC6864 §5.3.1",
      strength: "MUST",
      text: "Translated packets that may be fragmented have identifications as if they were our own",
    },
  ],
};
