/** What tries to get past the firewall's rules. */
import { describe, expect, it } from "vitest";
import { formatRule, parseRule } from "../../src/firewall/rule.js";
import { BROADCAST, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_ADDRESS,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  NEAR_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

describe("a rule's text", () => {
  for (const word of ["constructor", "__proto__", "__defineGetter__", "hasownproperty"]) {
    it(`is refused where it names ${word}, which every object has, as a protocol`, () => {
      expect(() => formatRule(parseRule(["deny", word]))).toThrow("does not belong there");
    });
  }
});

describe("a hairpin that was allowed", () => {
  it("does not reach the port's next owner, whom a rule keeps from it", () => {
    const bench = new GatewayBench();
    const { forwards } = bench.gateway.nat;
    const { rules } = bench.gateway.firewall;
    bench.stations.set("192.168.1.77", "02:00:00:00:00:77");
    rules.insert(0, parseRule(`deny from ${L1_ADDRESS} to ${L2_ADDRESS}`.split(" ")));
    rules.insert(1, parseRule(["allow", "from", L1_ADDRESS]));
    const forward = { protocol: "udp", ports: { first: 7000, last: 7000 }, insidePort: 9 } as const;
    forwards.add({ ...forward, insideAddress: ip("192.168.1.77") });
    const packet = () => udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: 7000 });
    bench.back(packet());
    expect(rules.list().map(({ hits }) => hits)).toEqual([0, 1]);
    forwards.remove(0);
    forwards.add({ ...forward, insideAddress: ip(L2_ADDRESS) });
    bench.expectSilence("lan", packet(), { firewallDenied: 1 });
    expect(rules.list().map(({ hits }) => hits)).toEqual([1, 1]);
  });
});

describe("a rule that rejects", () => {
  for (const destination of ["203.0.113.255", "203.0.113.0", "255.255.255.255"]) {
    it(`answers no segment to ${destination}: nobody speaks from a broadcast address`, () => {
      const bench = new GatewayBench();
      bench.gateway.firewall.rules.insert(0, parseRule(["reject"]));
      const isLimited = destination === "255.255.255.255";
      const stranger = { ...between(NEAR_ADDRESS, destination), ...(isLimited ? { destinationMac: BROADCAST } : {}) };
      // A directed broadcast is not even received (RFC 2644 section 3).
      const drops = isLimited ? { firewallRejected: 1 } : { ipDestinationMartian: 1 };
      for (const build of [tcpFrame, udpFrame]) {
        bench.expectSilence("wan", build({ ...stranger, sourcePort: 4000, destinationPort: 80 }), drops);
      }
    });
  }
});
