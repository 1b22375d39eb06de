/** Ports that nobody should have. */
import { expect, it } from "vitest";
import { checkTables } from "../fuzz/checkTables.js";
import { decodeUdp } from "../support/expectFrame.js";
import { udpFrame } from "../support/frames.js";
import { GatewayBench, L2_ADDRESS, L2_TO_W1 } from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

it("a datagram of the DMZ host from port 0 gets a port, and leaves no claim behind", () => {
  const bench = new GatewayBench();
  const { nat, ports } = bench.gateway;
  nat.configure({ ...nat.settings, dmzAddress: ip(L2_ADDRESS) });
  const sent = bench.out(udpFrame({ ...L2_TO_W1, sourcePort: 0, destinationPort: 53 }));
  expect(decodeUdp(sent.subarray(14)).sourcePort).not.toBe(0);
  checkTables(bench.gateway);
  nat.clear();
  expect(ports.count).toBe(0);
});
