import type { RequirementList } from "../requirement.js";

export const RFC1191: RequirementList = {
  title: "RFC1191: path MTU discovery",
  rows: [
    { id: "RFC1191 §3", strength: "MUST", text: "The path's MTU is lowered to what a router says" },
    { id: "RFC1191 §3 (converge)", strength: "MUST", text: "Further messages are avoided" },
    { id: "RFC1191 §3 (old)", strength: "MUST", text: "A message that does not say the MTU is coped with" },
    { id: "RFC1191 §3 (68)", strength: "MUST", text: "The path's MTU never goes below 68 bytes" },
    { id: "RFC1191 §3 (raise)", strength: "MUST", text: "No message raises it" },
    {
      id: "RFC1191 §3.1",
      strength: "MUST",
      text: "A larger one is not tried sooner than 5 min after a message, or 1 min after a success",
    },
    {
      id: "RFC1191 §4",
      strength: "MUST",
      text: "A router's fragmentation needed has the next hop's MTU in its low 16 bits, and 0 in the high ones",
    },
  ],
};
