import { expect, it } from "vitest";
import { explain } from "../../src/explain/explain.js";
import { LAN } from "../../src/gateway.js";
import { Packet } from "../../src/wire/packet.js";
import { loadFrame, udpFrame } from "../support/frames.js";
import { between, GatewayBench, L1_ADDRESS, L1_TO_W1, WAN_ADDRESS } from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

/** What is advised about a datagram from L1. */
function remedy(bench: GatewayBench, bytes: Uint8Array) {
  const packet = new Packet(loadFrame(bytes));
  packet.read(packet.frame, LAN, false);
  const { verdict, remedy } = explain(bench.gateway, packet);
  return { verdict, remedy };
}

it("asks for the WAN's gateway where that is wanting, and not where a forward leads off the LAN", () => {
  const bench = new GatewayBench();
  const ports = { first: 6000, last: 6000 };
  bench.gateway.nat.forwards.add({ protocol: "udp", ports, insideAddress: ip("10.9.9.9"), insidePort: 6000 });
  const hairpin = udpFrame({ ...between(L1_ADDRESS, WAN_ADDRESS), destinationPort: 6000 });
  expect(remedy(bench, hairpin)).toEqual({ verdict: "ipNoRoute", remedy: "" });
  bench.gateway.setGateway(1, 0);
  expect(remedy(bench, udpFrame(L1_TO_W1)).remedy).toBe("name the next hop: set wan gateway ADDRESS");
});
