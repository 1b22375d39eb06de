/** The gateway on XS and on Node: what its packets cost, and a fixed set of frames that must come out equal. */
import { CARRIED_CASES, OTHER_CASES, SLOW_CASES } from "./gatewayCases.js";
import { replayFixedFrames } from "./gatewayReplay.js";
import { entryOf } from "./packetCase.js";

export const { listCases, prepare, run, replay } = entryOf(
  [...CARRIED_CASES, ...SLOW_CASES, ...OTHER_CASES],
  replayFixedFrames,
);
