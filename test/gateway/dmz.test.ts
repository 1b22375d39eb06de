import { describe, expect, it } from "vitest";
import { parseRule } from "../../src/firewall/rule.js";
import { decodeUdp, expectFrame } from "../support/expectFrame.js";
import { icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  GatewayBench,
  L1_ADDRESS,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_TO_W1,
  W1_ADDRESS,
  W1_TO_US,
  W2_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

function setDmz({ gateway: { nat } }: GatewayBench, address: number): void {
  nat.configure({ ...nat.settings, dmzAddress: address });
}

/** With L2 as its DMZ host. */
function dmzBench(): GatewayBench {
  const bench = new GatewayBench();
  setDmz(bench, ip(L2_ADDRESS));
  return bench;
}

const portOf = (frame: Uint8Array) => decodeUdp(frame.subarray(14)).sourcePort;

describe("the DMZ host", () => {
  it("gets what comes to ports of nobody, at the same port, and answers from there", () => {
    const bench = dmzBench();
    for (const port of [7, 5000, 60000]) {
      expectFrame(bench.in(udpFrame({ ...W1_TO_US, sourcePort: 999, destinationPort: port })))
        .ipv4({ source: W1_ADDRESS, destination: L2_ADDRESS, ttl: 63 })
        .udp({ sourcePort: 999, destinationPort: port });
      expectFrame(bench.out(udpFrame({ ...L2_TO_W1, sourcePort: port, destinationPort: 999 })))
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
        .udp({ sourcePort: port, destinationPort: 999 });
      expectFrame(bench.in(tcpFrame({ ...W2_TO_US, destinationPort: port, flags: "SYN" })))
        .ipv4({ destination: L2_ADDRESS })
        .tcp({ destinationPort: port });
    }
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, destinationPort: 81, flags: "ACK" }), { natTcpState: 1 });
  });

  it("may be called by everybody at a port where somebody has called already", () => {
    const bench = dmzBench();
    bench.in(udpFrame({ ...W1_TO_US, destinationPort: 5000 }));
    bench.in(udpFrame({ ...W2_TO_US, destinationPort: 5000 }));
    expect(bench.gateway.nat.mappings()).toMatchObject([{ externalPort: 5000, sessions: 2, isStatic: false }]);
  });

  it("keeps its ports when it speaks first; other hosts' are random", () => {
    const bench = dmzBench();
    expect(portOf(bench.out(udpFrame({ ...L2_TO_W1, sourcePort: 5000, destinationPort: 53 })))).toBe(5000);
    bench.in(udpFrame({ ...W2_TO_US, destinationPort: 5000 }));
    expect(portOf(bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5001, destinationPort: 53 })))).not.toBe(5001);
  });

  it("does not get what belongs to others: forwards, mappings, services of our own", () => {
    const bench = dmzBench();
    const { gateway } = bench;
    const ports = { first: 80, last: 80 };
    gateway.nat.forwards.add({ protocol: "udp", ports, insideAddress: ip(L1_ADDRESS), insidePort: 80 });
    gateway.tcp.listen({ port: 2323, onConnection: () => {} });
    const port = portOf(bench.out(udpFrame({ ...L1_TO_W1, destinationPort: 53 })));
    expectFrame(bench.in(udpFrame({ ...W2_TO_US, destinationPort: 80 }))).ipv4({ destination: L1_ADDRESS });
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: port }), { natFiltered: 1 });
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, destinationPort: 2323, flags: "SYN" }), { wanUnsolicited: 1 });
    expectFrame(bench.in(tcpFrame({ ...W2_TO_US, destinationPort: 80, flags: "SYN" }))).ipv4({
      destination: L2_ADDRESS,
    });
  });

  it("has one port for each of its own: one whose number another has got is not led to it as well", () => {
    const bench = new GatewayBench();
    const port = portOf(bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 })));
    setDmz(bench, ip(L2_ADDRESS));
    const own = portOf(bench.out(udpFrame({ ...L2_TO_W1, sourcePort: port, destinationPort: 53 })));
    expect(own).not.toBe(port);
    bench.gateway.nat.endHost(ip(L1_ADDRESS));
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: port }), { wanUnsolicited: 1 });
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: own }), { natFiltered: 1 });
  });

  it("leaves pings to the gateway, and gets no other protocol", () => {
    const bench = dmzBench();
    bench.fromWan(icmpFrame({ ...W1_TO_US, type: 8 }));
    expect([bench.wan().length, bench.lan().length]).toEqual([1, 0]);
  });

  it("is reached from the LAN by the WAN address", () => {
    const bench = dmzBench();
    expectFrame(bench.back(tcpFrame({ ...L1_TO_WAN_ADDRESS, destinationPort: 8080, flags: "SYN" })))
      .ipv4({ source: WAN_ADDRESS, destination: L2_ADDRESS })
      .tcp({ destinationPort: 8080 });
  });

  it("is behind the rules, by its own address", () => {
    const bench = dmzBench();
    const { rules } = bench.gateway.firewall;
    rules.insert(0, parseRule("allow tcp to 192.168.1.50:80-443 in wan".split(" ")));
    rules.insert(1, parseRule("deny to 192.168.1.50 in wan".split(" ")));
    bench.in(tcpFrame({ ...W1_TO_US, destinationPort: 443, flags: "SYN" }));
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, destinationPort: 444, flags: "SYN" }), { firewallDenied: 1 });
    expect(rules.list().map((one) => one.hits)).toEqual([1, 1]);
    expect(bench.gateway.nat.mappingCount).toBe(1);
  });

  it("that is none any more loses who called it, and keeps what it began", () => {
    const bench = dmzBench();
    const own = udpFrame({ ...L2_TO_W1, sourcePort: 5000, destinationPort: 53 });
    bench.out(own);
    bench.in(udpFrame({ ...W2_TO_US, destinationPort: 5000 }));
    bench.in(udpFrame({ ...W2_TO_US, destinationPort: 5001 }));
    bench.in(tcpFrame({ ...W2_TO_US, destinationPort: 5001, flags: "SYN" }));
    setDmz(bench, 0);
    expect(bench.gateway.nat.sessions()).toMatchObject([{ insidePort: 5000, remotePort: 53 }]);
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: 5001 }), { wanUnsolicited: 1 });
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: 5000 }), { natFiltered: 1 });
    expect(portOf(bench.out(own))).toBe(5000);
  });

  it("gives the port back with the last session", () => {
    const bench = dmzBench();
    bench.in(udpFrame({ ...W1_TO_US, destinationPort: 5000 }));
    const { ports } = bench.gateway;
    expect(ports.ownerKind(17, 5000)).toBe("mapping");
    bench.advance(301_000);
    expect([ports.ownerKind(17, 5000), ports.count]).toEqual([undefined, 0]);
  });

  it("makes closed ports open, also where they are to be rejected", () => {
    const bench = dmzBench();
    bench.gateway.firewall.rejectsClosedPorts = true;
    bench.in(tcpFrame({ ...W1_TO_US, destinationPort: 20000, flags: "SYN" }));
    bench.advance(10_000);
    expect(bench.wan()).toEqual([]);
  });
});
