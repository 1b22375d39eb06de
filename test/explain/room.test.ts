import { expect, it } from "vitest";
import { decodeUdp } from "../support/expectFrame.js";
import { udpFrame } from "../support/frames.js";
import { GatewayBench, L1_TO_W1, L2_TO_W1, L2_TO_WAN_ADDRESS } from "../support/gatewayBench.js";
import { explained } from "./fixture.js";

it("blames no full table where it is a port that is wanting", () => {
  const bench = new GatewayBench({ nat: { ports: { first: 2000, last: 2000 } } });
  bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000 }));
  const { steps, verdict } = explained(bench, udpFrame({ ...L2_TO_W1, sourcePort: 5000 }));
  expect(verdict).toBe("natNoPort");
  expect(steps.find(({ name }) => name === "room")?.text).toBe("1 of 1024 sessions in use");
});

it("foresees that a hairpin's way out takes the place of the mapping that it would come back to", () => {
  const bench = new GatewayBench({ capacity: { sessions: 4, mappings: 3 } });
  const target = decodeUdp(bench.out(udpFrame({ ...L2_TO_W1, sourcePort: 5000 })).subarray(14)).sourcePort;
  for (const sourcePort of [5000, 5001]) bench.out(udpFrame({ ...L1_TO_W1, sourcePort }));
  const bytes = udpFrame({ ...L2_TO_WAN_ADDRESS, sourcePort: 6000, destinationPort: target });
  const { steps, verdict } = explained(bench, bytes);
  expect(verdict).toBe("wanUnsolicited");
  expect(steps.at(-1)).toEqual({ name: "hairpin", text: "back in, to a port whose mapping has made way" });
  bench.expectSilence("lan", bytes, { wanUnsolicited: 1 });
});
