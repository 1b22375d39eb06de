import { udpFrame } from "../../support/frames.js";
import { DEVICE_LAN, L1, L2 } from "../addresses.js";
import { control, fail, pass } from "../outcome.js";
import type { Packet } from "../packet.js";
import type { Probe } from "../probe.js";
import { endsWith } from "../wire.js";
import { at } from "./common.js";

/**
 * Ports below 512 map into themselves with Linux, so that one host can take all that there are towards one destination; and
 * Porter's tables hold fewer mappings for one host.
 */
const FLOWS = 511;

export const EXHAUSTION_PROBES: readonly Probe[] = [
  {
    id: "RFC5508 REQ-8",
    strength: "SHOULD",
    title: "a flow for which there is no room is refused by ICMP 3/13; others go on",
    isLast: true,
    async run(stage) {
      const peer = at(stage.w1, 7000);
      const other = await stage.mapUdp(L2, stage.port, peer);
      const isRefusal = (packet: Packet): boolean =>
        packet.source === DEVICE_LAN && packet.icmpType === 3 && packet.icmpCode === 13 && packet.quote !== undefined;
      // L1 takes what it can, then L2 wants one of the same ports.
      let refused = 0;
      let lost = 0;
      for (let port = 1; port <= FLOWS; port++) {
        const out = await stage.udpOut(L1, port, peer);
        if (out !== undefined) continue;
        if (await stage.wire.next("lan", isRefusal, 0)) refused++;
        else lost++;
        if (refused + lost > 3) break;
      }
      if (refused + lost === 0) {
        const payload = stage.text();
        const ports = { sourcePort: 100, destinationPort: peer.port, payload };
        stage.send("lan", udpFrame({ ...stage.ends(L2.address, stage.w1), ...ports }));
        const out = await stage.wire.arrives("wan", (packet) => endsWith(packet, payload));
        if (out !== undefined) return { verdict: "not applicable", observation: "room for all of them" };
        if (await stage.wire.next("lan", isRefusal, 0)) refused++;
        else lost++;
      }
      control(await stage.udpIn(peer, other.sourcePort), "another host's flow was lost");
      return refused > 0 ? pass("3/13, and another host's flow goes on") : fail("dropped silently");
    },
  },
];
