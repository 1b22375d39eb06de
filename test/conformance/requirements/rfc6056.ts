import type { RequirementList } from "../requirement.js";

export const RFC6056: RequirementList = {
  title: "RFC6056: port randomisation",
  rows: [
    {
      id: "RFC6056 §3.2a",
      strength: "SHOULD",
      text: "Ports are drawn from the largest possible range",
      deviation:
        "NAT draws from 1024-49151, Porter's own sockets from 49152-65535: apart from each other, neither can take the other's port, and a port tells whose it is",
    },
    {
      id: "RFC6056 §3.2b",
      strength: "SHOULD",
      text: "Ports that services are offered on are not drawn, and no others are left out",
    },
    { id: "RFC6056 §3.3", strength: "SHOULD", text: "The ports of own sockets cannot be foretold" },
    {
      id: "RFC6056 §4",
      strength: "SHOULD",
      text: "A NAT without port preservation obfuscates each port that it changes",
    },
    {
      id: "RFC6056 §4 (preserving)",
      strength: "SHOULD",
      text: "A NAT with port preservation obfuscates a port only when it is in use already",
      notApplicable: "Porter does not preserve ports, which would tell an outsider what to spoof",
    },
    {
      id: "RFC6056 §4 (parity)",
      strength: "SHOULD",
      text: "A NAT that keeps parity obfuscates the other bits",
    },
    {
      id: "RFC6056 §5",
      strength: "MUST",
      text: "Where many ports are unavailable, the next free one after a random one is not taken (algorithm 1)",
    },
  ],
};
