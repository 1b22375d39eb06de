import { describe, expect, it } from "vitest";
import { parseRule } from "../../src/firewall/rule.js";
import { LAN, WAN } from "../../src/gateway.js";
import { decodeUdp, expectFrame } from "../support/expectFrame.js";
import { BROADCAST, icmpFrame, ipv4Frame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_ADDRESS,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L2_ADDRESS,
  LAN_ADDRESS,
  NEAR_ADDRESS,
  NEAR_MAC,
  W1_ADDRESS,
  W1_TO_US,
  W2_ADDRESS,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

const BUILDERS = [udpFrame, tcpFrame, icmpFrame];

/** A bench in which L1:40000 talks to W1:53, and ports 7000-7001 lead to L2; the external port of L1's mapping. */
function busyBench() {
  const bench = new GatewayBench();
  const external = decodeUdp(bench.out(udpFrame(L1_TO_W1)).subarray(14)).sourcePort;
  bench.gateway.nat.forwards.add({
    protocol: "both",
    ports: { first: 7000, last: 7001 },
    insideAddress: ip(L2_ADDRESS),
    insidePort: 7000,
  });
  return { bench, external };
}

describe("sources", () => {
  const martians = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5", "239.255.255.255", "240.0.0.1", "255.255.255.255"];
  for (const source of martians) {
    it(`RFC1812 §4.2.2.11, §5.3.7 (source), RFC6890 §2.2.2 (source): drops ${source} from both sides, in transit and for the gateway itself`, () => {
      const { bench, external } = busyBench();
      for (const build of BUILDERS) {
        bench.expectSilence("lan", build({ ...L1_TO_W1, source }), { ipSourceMartian: 1 });
        bench.expectSilence("lan", build({ ...L1_TO_LAN_ADDRESS, source }), { ipSourceMartian: 1 });
        bench.expectSilence("wan", build({ ...W1_TO_US, source }), { ipSourceMartian: 1 });
      }
      bench.expectSilence("wan", udpFrame({ ...W1_TO_US, source, sourcePort: 53, destinationPort: external }), {
        ipSourceMartian: 1,
      });
    });
  }

  it("RFC1812 §4.2.2.11, §5.3.7 (source): drops a broadcast address of the link as source", () => {
    const { bench } = busyBench();
    for (const source of ["192.168.1.255", "192.168.1.0"]) {
      bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, source }), { ipSourceMartian: 1 });
    }
    for (const source of ["203.0.113.255", "203.0.113.0"]) {
      bench.expectSilence("wan", udpFrame({ ...W1_TO_US, source, destinationPort: 7000 }), { ipSourceMartian: 1 });
    }
  });

  it("RFC2827 §3, T18: drops a LAN packet whose source is not of the LAN", () => {
    const { bench } = busyBench();
    for (const source of ["198.51.100.7", W1_ADDRESS, "192.168.2.10", "10.0.0.1", NEAR_ADDRESS]) {
      for (const build of BUILDERS) {
        bench.expectSilence("lan", build({ ...L1_TO_W1, source }), { ipSourceSpoofed: 1 });
        bench.expectSilence("lan", build({ ...L1_TO_LAN_ADDRESS, source }), { ipSourceSpoofed: 1 });
      }
    }
  });

  it("RFC3704 §2.2, RFC1812 §5.3.8, §5.3.8 (default): drops a WAN packet with a source of the LAN, also on an established session and a forward", () => {
    const { bench, external } = busyBench();
    for (const destinationPort of [external, 7000, 9]) {
      bench.expectSilence("wan", udpFrame({ ...W1_TO_US, source: L2_ADDRESS, destinationPort }), {
        ipSourceSpoofed: 1,
      });
    }
    bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, source: L1_ADDRESS }), { ipSourceSpoofed: 1 });
  });

  for (const source of ["169.254.1.1", "192.0.0.8", "192.0.0.170"]) {
    it(`RFC6890 §2.2.2 (source): ${source} reaches no host behind the gateway`, () => {
      const { bench } = busyBench();
      for (const build of [udpFrame, tcpFrame]) {
        bench.expectSilence("wan", build({ ...W1_TO_US, source, destinationPort: 7000 }), { ipSourceMartian: 1 });
      }
    });
  }

  it("RFC6890 §2.2.2 (source), §2.2.2 (documentation): blocks that may be a source pass, and the documentation's, too", () => {
    const { bench } = busyBench();
    for (const source of ["10.1.2.3", "100.64.0.1", "198.18.0.1", "192.0.0.1", "192.0.0.10", "192.0.2.1", W2_ADDRESS]) {
      expectFrame(bench.in(udpFrame({ ...W1_TO_US, source, destinationPort: 7000 }))).ipv4({ source });
    }
    for (const destination of ["192.0.2.1", W2_ADDRESS]) bench.out(udpFrame({ ...L1_TO_W1, destination }));
  });

  it("drops its own addresses as source, from both sides", () => {
    const { bench } = busyBench();
    for (const source of [LAN_ADDRESS, WAN_ADDRESS]) {
      bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, source }), { ipSourceSpoofed: 1 });
      bench.expectSilence("wan", udpFrame({ ...W1_TO_US, source, destinationPort: 7000 }), { ipSourceSpoofed: 1 });
    }
  });
});

describe("destinations", () => {
  const martians = [
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "169.254.1.1",
    "192.0.0.8",
    "192.0.0.170",
    "224.0.0.5",
    "239.255.255.250",
    "240.0.0.1",
    "203.0.113.255",
    "203.0.113.0",
  ];
  for (const destination of martians) {
    it(`RFC1812 §5.3.7 (destination), RFC6890 §2.2.2 (destination): never forwards to ${destination}, and never says so`, () => {
      const bench = new GatewayBench();
      for (const build of BUILDERS) {
        bench.expectSilence("lan", build({ ...L1_TO_W1, destination }), { ipDestinationMartian: 1 });
        bench.expectSilence("lan", build({ ...L1_TO_W1, destination, ttl: 1 }), { ipDestinationMartian: 1 });
      }
    });
  }

  for (const destination of [
    "10.1.2.3",
    "172.16.0.9",
    "192.168.77.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.0.1",
    "192.0.0.9",
  ]) {
    it(`RFC6890 §2.2.2 (private): forwards to ${destination}, for a private upstream is legal`, () => {
      const bench = new GatewayBench();
      expectFrame(bench.out(udpFrame({ ...L1_TO_W1, destination }))).ipv4({ source: WAN_ADDRESS, destination });
    });
  }

  it("RFC1812 §5.3.5.1: never forwards a limited broadcast, and does not answer one", () => {
    const bench = new GatewayBench();
    const fields = { ...L1_TO_W1, destination: "255.255.255.255", destinationMac: BROADCAST };
    bench.expectSilence("lan", udpFrame(fields), { udpPortClosed: 1 });
    bench.expectSilence("lan", icmpFrame(fields), { icmpIgnored: 1 });
    bench.expectSilence("lan", ipv4Frame({ ...fields, protocol: 254 }), { ipProtocolUnknown: 1 });
    const socket = bench.gateway.udp.bind({ port: 67 });
    bench.expectSilence("lan", udpFrame({ ...fields, destinationPort: 67 }), {});
    expect(socket.nextBytes).toBe(5);
  });

  it("RFC2644 §3, RFC1812 §4.2.3.1 (zeros): a directed broadcast on the LAN is neither received nor forwarded", () => {
    const bench = new GatewayBench();
    for (const destination of ["192.168.1.255", "192.168.1.0"]) {
      for (const destinationMac of [BROADCAST, L1_TO_W1.destinationMac]) {
        for (const build of BUILDERS) {
          bench.expectSilence("lan", build({ ...L1_TO_W1, destination, destinationMac }), { ipDestinationMartian: 1 });
        }
      }
    }
  });

  it("RFC2644 §3: a directed broadcast to the LAN does not enter it", () => {
    const { bench } = busyBench();
    for (const destination of ["192.168.1.255", "192.168.1.0"]) {
      bench.expectSilence("wan", udpFrame({ ...W1_TO_US, destination, destinationPort: 7000 }), { wanUnsolicited: 1 });
      bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, destination }), { wanUnsolicited: 1 });
    }
  });

  it("RFC2644 §3, RFC1812 §4.2.3.1 (zeros): a broadcast on the WAN link goes to no mapping and no forward", () => {
    const { bench, external } = busyBench();
    for (const destination of ["203.0.113.255", "203.0.113.0", "255.255.255.255"]) {
      for (const source of [W1_ADDRESS, NEAR_ADDRESS]) {
        for (const destinationMac of [BROADCAST, W1_TO_US.destinationMac]) {
          const fields = { ...between(source, destination), destinationMac };
          const isLimited = destination === "255.255.255.255";
          const unsolicited = isLimited ? { wanUnsolicited: 1 } : { ipDestinationMartian: 1 };
          for (const destinationPort of [7000, external]) {
            bench.expectSilence("wan", udpFrame({ ...fields, sourcePort: 53, destinationPort }), unsolicited);
          }
          bench.expectSilence("wan", tcpFrame({ ...fields, destinationPort: 7000 }), unsolicited);
          bench.expectSilence("wan", icmpFrame(fields), isLimited ? { icmpIgnored: 1 } : { ipDestinationMartian: 1 });
        }
      }
    }
  });

  it("T16d: from the WAN straight to a LAN address passes nothing, whatever ports are open", () => {
    const { bench, external } = busyBench();
    for (const destination of [L1_ADDRESS, L2_ADDRESS, "192.168.1.77"]) {
      for (const source of [W1_ADDRESS, NEAR_ADDRESS]) {
        const fields = between(source, destination);
        for (const destinationPort of [40000, 7000, external]) {
          bench.expectSilence("wan", udpFrame({ ...fields, sourcePort: 53, destinationPort }), { wanUnsolicited: 1 });
          bench.expectSilence("wan", tcpFrame({ ...fields, destinationPort }), { wanUnsolicited: 1 });
        }
        bench.expectSilence("wan", icmpFrame(fields), { wanUnsolicited: 1 });
      }
    }
  });

  it("T16d: the gateway's LAN address is no way in from the WAN: no forward, no mapping, no socket, no ping", () => {
    const { bench, external } = busyBench();
    const socket = bench.gateway.udp.bind({ port: 5353 });
    for (const source of [W1_ADDRESS, NEAR_ADDRESS]) {
      const fields = between(source, LAN_ADDRESS);
      for (const destinationPort of [7000, external, 5353, 9]) {
        bench.expectSilence("wan", udpFrame({ ...fields, sourcePort: 53, destinationPort }), { wanUnsolicited: 1 });
      }
      bench.expectSilence("wan", tcpFrame({ ...fields, destinationPort: 7000 }), { wanUnsolicited: 1 });
      bench.expectSilence("wan", icmpFrame(fields), { wanUnsolicited: 1 });
      bench.expectSilence("wan", ipv4Frame({ ...fields, protocol: 47 }), { wanUnsolicited: 1 });
    }
    const fields = between(W1_ADDRESS, LAN_ADDRESS);
    const fragment = ipv4Frame({ ...fields, protocol: 17, moreFragments: true, payload: "12345678" });
    bench.expectSilence("wan", fragment, { wanUnsolicited: 1 });
    bench.advance(61_000);
    expect(bench.wan()).toEqual([]);
    expect(socket.nextBytes).toBe(-1);
  });

  it("RFC1812 §5.3.4, §5.3.4 (drop), RFC1122 §3.3.6: drops a unicast packet in a broadcast or multicast frame, on both sides", () => {
    const { bench, external } = busyBench();
    for (const destinationMac of [BROADCAST, "01:00:5e:00:00:01"]) {
      for (const build of BUILDERS) {
        bench.expectSilence("lan", build({ ...L1_TO_W1, destinationMac }), { ipBroadcastMismatch: 1 });
        bench.expectSilence("lan", build({ ...L1_TO_LAN_ADDRESS, destinationMac }), { ipBroadcastMismatch: 1 });
        bench.expectSilence("wan", build({ ...W1_TO_US, destinationMac }), { ipBroadcastMismatch: 1 });
      }
      bench.expectSilence("wan", udpFrame({ ...W1_TO_US, destinationMac, sourcePort: 53, destinationPort: external }), {
        ipBroadcastMismatch: 1,
      });
    }
  });
});

describe("IP protocols without ports", () => {
  for (const protocol of [0, 2, 4, 41, 47, 50, 51, 89, 132, 136, 254]) {
    it(`RFC2827 §3 (private): protocol ${protocol} is dropped, never leaked: neither outward nor inward`, () => {
      const { bench } = busyBench();
      bench.expectSilence("lan", ipv4Frame({ ...L1_TO_W1, protocol, payload: "12345678" }), { natProtocol: 1 });
      bench.expectSilence("wan", ipv4Frame({ ...W1_TO_US, protocol, payload: "12345678" }), { natProtocol: 1 });
      expect(bench.gateway.nat.mappingCount).toBe(1);
    });
  }

  it("RFC1122 §3.2.2.1 (protocol): is told so when it asks the gateway itself", () => {
    const bench = new GatewayBench();
    const frame = ipv4Frame({ ...L1_TO_LAN_ADDRESS, protocol: 254, payload: "12345678" });
    const error = bench.complaint("lan", frame, "ipProtocolUnknown");
    expectFrame(error).ipv4({ source: LAN_ADDRESS }).icmp({ type: 3, code: 2 }).payload(frame.subarray(14));
  });

  it("RFC2827 §3 (private): ICMP that a NAT cannot translate does not leave either", () => {
    const bench = new GatewayBench();
    for (const type of [9, 10, 15, 16, 17, 18, 30, 42, 200]) {
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_W1, type }), { icmpTypeUnknown: 1 });
    }
  });
});

describe("without a WAN", () => {
  it("RFC1812 §4.3.3.1, RFC1122 §3.1: a packet to the outside comes back as net unreachable while the WAN has no address", () => {
    const bench = new GatewayBench({ wan: false });
    for (const build of BUILDERS) {
      const frame = build(L1_TO_W1);
      const error = bench.complaint("lan", frame, "wanNotReady");
      expectFrame(error)
        .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
        .icmp({ type: 3, code: 0 })
        .payload(frame.subarray(14));
    }
    bench.expectSilence("wan", icmpFrame(W1_TO_US), { interfaceDown: 1 });
  });

  it("RFC1812 §4.3.3.1: and while it has no gateway; its own network can be reached", () => {
    const bench = new GatewayBench();
    bench.gateway.setGateway(WAN, 0);
    expectFrame(bench.complaint("lan", udpFrame(L1_TO_W1), "ipNoRoute"))
      .ipv4()
      .icmp({ type: 3, code: 0 });
    expectFrame(bench.out(udpFrame({ ...L1_TO_W1, destination: NEAR_ADDRESS }))).ipv4({ destination: NEAR_ADDRESS });
  });

  it("an established session is told so as well when the WAN goes, and works again when it comes back", () => {
    const bench = new GatewayBench();
    for (let i = 0; i < 3; i++) bench.out(udpFrame(L1_TO_W1));
    bench.gateway.setAddress(WAN, 0, 0);
    bench.clear();
    expectFrame(bench.complaint("lan", udpFrame(L1_TO_W1), "wanNotReady"))
      .ipv4()
      .icmp({ type: 3, code: 0 });
    expect(bench.gateway.nat.sessionCount).toBe(0);
    bench.gateway.setAddress(WAN, ip(WAN_ADDRESS), 24);
    bench.gateway.setGateway(WAN, ip("203.0.113.1"));
    bench.clear();
    bench.out(udpFrame(L1_TO_W1));
  });

  it("carries nothing while the LAN has no address", () => {
    const bench = new GatewayBench();
    for (let i = 0; i < 3; i++) bench.out(udpFrame(L1_TO_W1));
    bench.gateway.setAddress(LAN, 0, 0);
    bench.clear();
    bench.expectSilence("lan", udpFrame(L1_TO_W1), { interfaceDown: 1 });
  });

  it("RFC3021 §2.2: the WAN on a /31 has no directed broadcast", () => {
    const bench = new GatewayBench();
    bench.gateway.setAddress(WAN, ip("203.0.113.3"), 31);
    bench.gateway.setGateway(WAN, ip("203.0.113.2"));
    bench.stations.set("203.0.113.2", "02:00:00:00:01:31");
    bench.clear();
    bench.fromLan(udpFrame(L1_TO_W1));
    expectFrame(bench.wan()[0]).ipv4({ source: "203.0.113.3", destination: W1_ADDRESS });
    expectFrame(bench.out(udpFrame({ ...L1_TO_W1, destination: "203.0.113.2" }))).ipv4({ destination: "203.0.113.2" });
    expectFrame(bench.out(udpFrame({ ...L1_TO_W1, destination: W2_ADDRESS }))).ipv4({ destination: W2_ADDRESS });
  });
});

describe("a changed WAN gateway", () => {
  it("holds for sessions under way, which the flow cache may carry, at once", () => {
    const bench = new GatewayBench();
    const external = decodeUdp(bench.out(udpFrame(L1_TO_W1)).subarray(14)).sourcePort;
    for (let i = 0; i < 3; i++) {
      bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: external }));
      bench.out(udpFrame(L1_TO_W1));
    }
    bench.gateway.setGateway(WAN, ip(NEAR_ADDRESS));
    bench.clear();
    for (let i = 0; i < 3; i++) {
      expectFrame(bench.out(udpFrame(L1_TO_W1)))
        .ethernet({ destination: NEAR_MAC })
        .ipv4()
        .udp({ sourcePort: external });
    }
    bench.gateway.setGateway(WAN, 0);
    bench.clear();
    bench.complaint("lan", udpFrame(L1_TO_W1), "ipNoRoute");
  });
});

describe("filters of the administrator", () => {
  it("RFC1812 §5.3.9: drop by prefixes, in silence or with administratively prohibited, and count", () => {
    const bench = new GatewayBench();
    const { rules } = bench.gateway.firewall;
    rules.insert(0, parseRule("deny udp from 192.168.1.0/28 to 198.51.100.80".split(" ")));
    rules.insert(1, parseRule("reject udp to 198.51.100.0/24".split(" ")));
    bench.expectSilence("lan", udpFrame(L1_TO_W1), { firewallDenied: 1 });
    for (const fields of [between(L2_ADDRESS, W1_ADDRESS), between(L1_ADDRESS, W2_ADDRESS)]) {
      expectFrame(bench.complaint("lan", udpFrame(fields), "firewallRejected"))
        .ipv4()
        .icmp({ type: 3, code: 13 });
    }
    expect(rules.list().map((one) => one.hits)).toEqual([1, 2]);
    bench.out(udpFrame({ ...L1_TO_W1, destination: "192.0.2.1" }));
  });

  it("RFC1812 §4.3.3.6 (switch): have the outside's pings ignored when asked, and only then", () => {
    const bench = new GatewayBench();
    bench.fromWan(icmpFrame(W1_TO_US));
    expect(bench.wan()).toHaveLength(1);
    bench.gateway.firewall.answersPing = false;
    bench.expectSilence("wan", icmpFrame(W1_TO_US), { firewallDenied: 1 });
  });
});
