import type { Probe } from "../probe.js";
import { EXHAUSTION_PROBES } from "./exhaustion.js";
import { FRAGMENT_PROBES } from "./fragments.js";
import { ICMP_PROBES } from "./icmp.js";
import { ROUTER_PROBES } from "./router.js";
import { TCP_PROBES } from "./tcp.js";
import { TIMED_PROBES } from "./timed.js";
import { UDP_PROBES } from "./udp.js";

/** All probes. The order gives each its ports and addresses. */
export const PROBES: readonly Probe[] = [
  ...UDP_PROBES,
  ...FRAGMENT_PROBES,
  ...TCP_PROBES,
  ...ICMP_PROBES,
  ...ROUTER_PROBES,
  ...TIMED_PROBES,
  ...EXHAUSTION_PROBES,
];
