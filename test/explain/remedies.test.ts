import { expect, it } from "vitest";
import { WAN } from "../../src/gateway.js";
import { udpFrame } from "../support/frames.js";
import { between, GatewayBench, L1_ADDRESS, L1_TO_W1, WAN_ADDRESS } from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";
import { explained } from "./fixture.js";

it("asks for the WAN's gateway where that is wanting, and not where a forward leads off the LAN", () => {
  const bench = new GatewayBench();
  const ports = { first: 6000, last: 6000 };
  bench.gateway.nat.forwards.add({ protocol: "udp", ports, insideAddress: ip("10.9.9.9"), insidePort: 6000 });
  const hairpin = udpFrame({ ...between(L1_ADDRESS, WAN_ADDRESS), destinationPort: 6000 });
  expect(explained(bench, hairpin)).toMatchObject({ verdict: "ipNoRoute", remedy: "" });
  bench.gateway.setGateway(WAN, 0);
  expect(explained(bench, udpFrame(L1_TO_W1)).remedy).toBe("name the next hop: set wan gateway ADDRESS");
});
