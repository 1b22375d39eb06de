import { expect, it } from "vitest";
import { explain } from "../../src/explain/explain.js";
import { LAN } from "../../src/gateway.js";
import { Packet } from "../../src/wire/packet.js";
import { loadFrame, udpFrame } from "../support/frames.js";
import { GatewayBench, L1_TO_W1, L2_TO_W1 } from "../support/gatewayBench.js";

it("blames no full table where it is a port that is wanting", () => {
  const bench = new GatewayBench({ nat: { ports: { first: 2000, last: 2000 } } });
  bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000 }));
  const frame = loadFrame(udpFrame({ ...L2_TO_W1, sourcePort: 5000 }));
  const packet = new Packet(frame);
  packet.read(frame, LAN, false);
  const { steps, verdict } = explain(bench.gateway, packet);
  expect(verdict).toBe("natNoPort");
  expect(steps.find(({ name }) => name === "room")?.text).toBe("1 of 1024 sessions in use");
});
