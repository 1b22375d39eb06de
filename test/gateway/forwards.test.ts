import { describe, expect, it } from "vitest";
import { WAN } from "../../src/gateway.js";
import type { ForwardSpec } from "../../src/nat/forwards.js";
import { decodeTcp, expectFrame } from "../support/expectFrame.js";
import { tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  ISP_ADDRESS,
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

const GAME: ForwardSpec = {
  protocol: "tcp",
  ports: { first: 25565, last: 25565 },
  insideAddress: ip(L2_ADDRESS),
  insidePort: 25565,
};

function benchWith(...specs: Partial<ForwardSpec>[]): GatewayBench {
  const bench = new GatewayBench();
  for (const spec of specs) expect(bench.gateway.nat.forwards.add({ ...GAME, ...spec })).toBeUndefined();
  return bench;
}

const SYN = tcpFrame({ ...W1_TO_US, sourcePort: 40000, destinationPort: 25565 });
const DATAGRAM = udpFrame({ ...W1_TO_US, sourcePort: 40000, destinationPort: 25565 });

describe("port forwards", () => {
  it("lead from the WAN address to the inside host, with the caller's own address", () => {
    const bench = benchWith({ protocol: "both" });
    for (const frame of [SYN, DATAGRAM]) {
      expectFrame(bench.in(frame)).ipv4({ source: W1_ADDRESS, destination: L2_ADDRESS, ttl: 63 });
    }
    expect(bench.gateway.nat.forwards.list()).toMatchObject([{ hits: 2 }]);
  });

  it("carry only their own protocol", () => {
    const bench = benchWith({ protocol: "tcp" });
    bench.in(SYN);
    bench.expectSilence("wan", DATAGRAM, { wanUnsolicited: 1 });
    const other = benchWith({ protocol: "udp" });
    other.in(DATAGRAM);
    other.expectSilence("wan", SYN, { wanUnsolicited: 1 });
  });

  it("lead ranges to other inside ports, in order; the ports beside them stay shut", () => {
    const bench = benchWith({ ports: { first: 7000, last: 7009 }, insidePort: 8000 });
    for (let i = 0; i < 10; i++) {
      const call = tcpFrame({ ...W1_TO_US, sourcePort: 40000, destinationPort: 7000 + i });
      expectFrame(bench.in(call))
        .ipv4({ destination: L2_ADDRESS })
        .tcp({ destinationPort: 8000 + i });
      const answer = { ...L2_TO_W1, sourcePort: 8000 + i, destinationPort: 40000, flags: "SYN ACK" };
      expectFrame(bench.out(tcpFrame({ ...answer, sequence: 1, acknowledgement: 1001 })))
        .ipv4({ source: WAN_ADDRESS })
        .tcp({ sourcePort: 7000 + i });
    }
    for (const destinationPort of [6999, 7010, 8000, 8009]) {
      bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, destinationPort }), { wanUnsolicited: 1 });
    }
  });

  it("admit only their source prefix", () => {
    const bench = benchWith({ source: { address: ip("198.51.100.80"), length: 29 } });
    bench.in(SYN);
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, destinationPort: 25565 }), { forwardSourceRefused: 1 });
  });

  it("can be disabled and enabled: sessions end with them, the port stays theirs", () => {
    const bench = benchWith({});
    bench.in(SYN);
    bench.gateway.nat.forwards.setEnabled(0, false);
    expect(bench.gateway.nat.sessionCount).toBe(0);
    bench.expectSilence("wan", SYN, { forwardDisabled: 1 });
    expect(bench.gateway.nat.forwards.add({ ...GAME, insideAddress: ip("192.168.1.9") })).toBe(
      "tcp port 25565 is taken by the forward to 192.168.1.50; remove that first, or choose another port",
    );
    bench.gateway.nat.forwards.setEnabled(0, true);
    bench.in(SYN);
  });

  it("end an established connection when they are removed, even one that the flow cache carries", () => {
    const bench = benchWith({});
    bench.in(SYN);
    const server = { ...L2_TO_W1, sourcePort: 25565, destinationPort: 40000 };
    bench.out(tcpFrame({ ...server, sequence: 1, acknowledgement: 1001, flags: "SYN ACK" }));
    const friend = { ...W1_TO_US, sourcePort: 40000, destinationPort: 25565, flags: "ACK", sequence: 1001 };
    for (let i = 0; i < 3; i++) bench.in(tcpFrame({ ...friend, acknowledgement: 2 }));
    bench.gateway.nat.forwards.remove(0);
    bench.expectSilence("wan", tcpFrame({ ...friend, acknowledgement: 2 }), { wanUnsolicited: 1 });
    bench.complaint("lan", tcpFrame({ ...server, sequence: 2, acknowledgement: 1001, flags: "ACK" }), "natTcpState");
    expect(bench.gateway.ports.claims()).toEqual([]);
  });

  it("hold for the new WAN address at once, and no longer for the old one", () => {
    const bench = benchWith({ protocol: "both" });
    bench.in(SYN);
    bench.gateway.setAddress(WAN, ip("203.0.113.66"), 24);
    bench.clear();
    bench.expectSilence("wan", SYN, { wanUnsolicited: 1 });
    const call = tcpFrame({ ...between(W1_ADDRESS, "203.0.113.66"), sourcePort: 40000, destinationPort: 25565 });
    bench.introduce(ISP_ADDRESS, between(ISP_ADDRESS, "").sourceMac);
    expectFrame(bench.in(call)).ipv4({ destination: L2_ADDRESS });
    const server = { ...L2_TO_W1, sourcePort: 25565, destinationPort: 40000, flags: "SYN ACK", acknowledgement: 1001 };
    expectFrame(bench.out(tcpFrame(server)))
      .ipv4({ source: "203.0.113.66" })
      .tcp({ sourcePort: 25565 });
  });

  it("show the server with its public port when it calls out itself", () => {
    const bench = benchWith({ ports: { first: 8080, last: 8080 }, insidePort: 80 });
    expectFrame(bench.out(tcpFrame({ ...L2_TO_W1, sourcePort: 80, destinationPort: 9 })))
      .ipv4()
      .tcp({ sourcePort: 8080 });
  });

  it("are reached from the LAN by the WAN address; a disabled or refusing one does not leak to the inside", () => {
    const bench = benchWith(
      {},
      { ports: { first: 7000, last: 7000 }, source: { address: ip(W1_ADDRESS), length: 32 } },
    );
    const call = { ...L1_TO_WAN_ADDRESS, sourcePort: 5000 };
    expectFrame(bench.back(tcpFrame({ ...call, destinationPort: 25565 }))).ipv4({ destination: L2_ADDRESS });
    bench.expectSilence("lan", tcpFrame({ ...call, destinationPort: 7000 }), { forwardSourceRefused: 1 });
    bench.gateway.nat.forwards.setEnabled(0, false);
    bench.expectSilence("lan", tcpFrame({ ...call, destinationPort: 25565 }), { forwardDisabled: 1 });
  });

  it("take their port from a mapping that happens to have it, and never share it", () => {
    const bench = new GatewayBench();
    const external = decodeTcp(bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000 })).subarray(14)).sourcePort;
    bench.gateway.nat.forwards.add({ ...GAME, ports: { first: external, last: external } });
    const call = tcpFrame({ ...W1_TO_US, sourcePort: 80, destinationPort: external });
    expectFrame(bench.in(call)).ipv4({ destination: L2_ADDRESS }).tcp({ destinationPort: 25565 });
    expect(decodeTcp(bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000 })).subarray(14)).sourcePort).not.toBe(
      external,
    );
  });

  it("are refused for a port of the gateway itself, and the gateway is refused a port of theirs, by name", () => {
    const bench = benchWith({ protocol: "udp", ports: { first: 6000, last: 6010 }, insidePort: 6000 });
    bench.gateway.udp.bind({ port: 5353 });
    expect(bench.gateway.nat.forwards.add({ ...GAME, protocol: "both", ports: { first: 5350, last: 5360 } })).toBe(
      "udp port 5353 is taken by a socket of Porter itself; choose another port",
    );
    expect(bench.gateway.ports.claims().length).toBe(2);
    expect(() => bench.gateway.udp.bind({ port: 6005 })).toThrow("UDP port 6005 is taken by the forward");
  });

  it("never send anything to a broadcast address of the LAN", () => {
    const bench = benchWith({ insideAddress: ip("192.168.1.255") });
    bench.expectSilence("wan", SYN, { ipDestinationMartian: 1 });
  });

  it("lead nowhere but into the LAN", () => {
    const bench = benchWith({ insideAddress: ip("198.51.100.99") });
    bench.expectSilence("wan", SYN, { ipNoRoute: 1 });
  });
});

describe("from a LAN host to a port of the gateway's WAN address that nobody owns", () => {
  it("is answered like any closed port of the gateway", () => {
    const bench = new GatewayBench();
    bench.complaint("lan", tcpFrame({ ...L1_TO_WAN_ADDRESS, destinationPort: 25565 }), "tcpPortClosed");
    bench.complaint("lan", udpFrame({ ...L1_TO_WAN_ADDRESS, destinationPort: 25565 }), "udpPortClosed");
  });
});
