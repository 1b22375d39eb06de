import { DEVICE_LAN, L1, L2, type Station } from "../addresses.js";
import { fail, pass } from "../outcome.js";
import type { Packet } from "../packet.js";
import type { Probe } from "../probe.js";
import type { Stage } from "../stage.js";
import { at } from "./common.js";

/**
 * Linux maps ports below 512 into themselves, so that one host can take all that there are towards one destination; Porter
 * has room for 512 mappings. Established connections, for neither may cut those to make room.
 */
const CLASS = 511;
const FLOWS = 1023;

export const EXHAUSTION_PROBES: readonly Probe[] = [
  {
    id: "RFC5508 REQ-8",
    strength: "SHOULD",
    title: "a flow for which there is no room is refused by ICMP 3/13; others go on",
    isLast: true,
    async run(stage) {
      const other = await stage.connect(L2, stage.port, at(stage.w1, 80));
      let refused: Awaited<ReturnType<typeof refusal>>;
      for (let port = 1; port <= FLOWS && refused === undefined; port++) {
        refused = await refusal(stage, L1, port);
        // Where L1 got them all, there is none left for L2.
        if (port === CLASS) refused ??= await refusal(stage, L2, 100);
      }
      if (refused === undefined) return { verdict: "not applicable", observation: "room for all of them" };
      if (!(await other.carries())) return fail("another host's connection was lost");
      return refused === "silence" ? fail("lost silently") : pass("3/13, and another host's connection goes on");
    },
  },
];

/** Connects to W1, and returns how that failed; undefined when it did not. */
async function refusal(stage: Stage, from: Station, port: number): Promise<"silence" | "3/13" | undefined> {
  const peer = at(stage.w1, 80);
  const sequence = stage.sequence();
  const syn = await stage.tcpOut(from, port, peer, { flags: "SYN", sequence });
  if (syn === undefined) {
    const isIts = ({ source, icmpType, icmpCode, quote }: Packet): boolean =>
      source === DEVICE_LAN && icmpType === 3 && icmpCode === 13 && quote?.sequence === (sequence | 0);
    return (await stage.wire.next("lan", isIts, 0)) === undefined ? "silence" : "3/13";
  }
  const yours = stage.sequence();
  const synAck = { flags: "SYN ACK", sequence: yours, acknowledgement: sequence + 1 };
  if ((await stage.tcpIn(peer, syn.sourcePort, synAck)) === undefined) return "silence";
  const ack = { flags: "ACK", sequence: sequence + 1, acknowledgement: yours + 1 };
  return (await stage.tcpOut(from, port, peer, ack)) === undefined ? "silence" : undefined;
}
