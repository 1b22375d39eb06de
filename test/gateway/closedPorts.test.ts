import { describe, expect, it } from "vitest";
import { parseRule } from "../../src/firewall/rule.js";
import { decodeTcp, expectFrame } from "../support/expectFrame.js";
import { tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_TO_W1,
  L2_ADDRESS,
  NEAR_ADDRESS,
  W1_ADDRESS,
  W1_TO_US,
  W2_ADDRESS,
  W2_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

function rejecting(): GatewayBench {
  const bench = new GatewayBench();
  bench.gateway.firewall.rejectsClosedPorts = true;
  return bench;
}

const syn = (destinationPort: number, sourcePort = 80) =>
  tcpFrame({ ...W1_TO_US, sourcePort, destinationPort, flags: "SYN", sequence: 1000 });

const SILENT = { wanUnsolicited: 1 } as const;
const UDP_PROBE = udpFrame({ ...W1_TO_US, destinationPort: 5000 });

describe("closed ports of the WAN address", () => {
  it("are silent unless told", () => {
    const bench = new GatewayBench();
    for (const frame of [syn(20000), syn(60000), UDP_PROBE]) bench.expectSilence("wan", frame, SILENT);
    bench.advance(30_000);
    expect(bench.wan()).toEqual([]);
  });

  it("answer a datagram with port unreachable at once", () => {
    const error = rejecting().complaint("wan", UDP_PROBE, "wanUnsolicited");
    const inner = expectFrame(error).ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS }).icmp({ type: 3, code: 3 });
    expect([...inner.quote().packet]).toEqual([...UDP_PROBE.subarray(14)]);
  });

  it("answer a SYN with a reset at once where no inside host can get a port", () => {
    const bench = rejecting();
    expectFrame(bench.complaint("wan", syn(60000), "wanUnsolicited"))
      .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
      .tcp({ sourcePort: 60000, destinationPort: 80, flags: "RST ACK", sequence: 0, acknowledgement: 1001 });
    bench.advance(2000);
    expect(bench.gateway.nextDeadline()).toBeGreaterThan(6000);
  });

  it("answer a SYN to a port of NAT's after 6 s, with its header and 8 bytes", () => {
    for (const port of [1, 1023, 1024, 20000, 49151]) {
      const bench = rejecting();
      const probe = syn(port);
      bench.expectSilence("wan", probe, SILENT);
      bench.advance(5999);
      expect(bench.wan()).toEqual([]);
      bench.advance(1);
      const [error, ...more] = bench.wan();
      expect(more).toEqual([]);
      const inner = expectFrame(error)
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
        .icmp({ type: 3, code: 3 });
      expect([...inner.quote().packet]).toEqual([...probe.subarray(14, 42)]);
      bench.advance(30_000);
      expect([bench.wan(), bench.drops()]).toEqual([[], {}]);
    }
  });

  it("answer a SYN that is sent again once", () => {
    const bench = rejecting();
    for (const ms of [1000, 2000, 4000, 23_000]) {
      bench.fromWan(syn(20000));
      bench.advance(ms);
      if (ms === 2000) expect(bench.wan()).toEqual([]);
    }
    // At 6 s for those of 0, 1 and 3 s; the one of 7 s begins anew.
    expect(bench.wan().length).toBe(2);
  });

  it("say nothing when an inside host has opened the other half meanwhile", () => {
    const bench = rejecting();
    const other = decodeTcp(
      bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 79, flags: "SYN" })).subarray(14),
    );
    const call = tcpFrame({ ...W2_TO_US, sourcePort: 80, destinationPort: other.sourcePort, flags: "SYN" });
    bench.expectSilence("wan", call, { natFiltered: 1 });
    bench.advance(3000);
    const own = { ...between("192.168.1.10", W2_ADDRESS), sourcePort: 5000, destinationPort: 80, flags: "SYN" };
    bench.out(tcpFrame(own));
    bench.advance(30_000);
    expect(bench.wan()).toEqual([]);
    // The SYN sent again gets through: both open at once.
    expectFrame(bench.in(call)).ipv4().tcp({ destinationPort: 5000 });
  });

  it("look the same to a stranger whether they are closed or another's", () => {
    const bench = rejecting();
    const { nat, tcp } = bench.gateway;
    const mapped = decodeTcp(
      bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 79, flags: "SYN" })).subarray(14),
    );
    const udpMapped = bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 79 }));
    const udpPort = ((udpMapped[34] as number) << 8) | (udpMapped[35] as number);
    const ports = { first: 8000, last: 8001 };
    const source = { address: ip(W1_ADDRESS), length: 32 };
    nat.forwards.add({ protocol: "both", ports, insideAddress: ip(L2_ADDRESS), insidePort: 8000, source });
    tcp.listen({ port: 2323, onConnection: () => {} });
    for (const destinationPort of [mapped.sourcePort, 8000, 2323, 20000]) {
      bench.fromWan(tcpFrame({ ...W2_TO_US, sourcePort: 80, destinationPort, flags: "SYN" }));
      expect(bench.wan()).toEqual([]);
      bench.advance(6000);
      const [error, ...more] = bench.wan();
      expect(more).toEqual([]);
      expectFrame(error).ipv4({ destination: W2_ADDRESS }).icmp({ type: 3, code: 3 });
    }
    for (const destinationPort of [udpPort, 8000, 20001]) {
      bench.fromWan(udpFrame({ ...W2_TO_US, destinationPort }));
      expectFrame(bench.wan()[0]).ipv4({ destination: W2_ADDRESS }).icmp({ type: 3, code: 3 });
    }
  });

  it("look the same to who acknowledges something soon after a start, silent or not", () => {
    for (const rejectsClosedPorts of [false, true]) {
      const bench = new GatewayBench();
      const { firewall, nat, tcp } = bench.gateway;
      firewall.rejectsClosedPorts = rejectsClosedPorts;
      const mapped = decodeTcp(bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000, flags: "SYN" })).subarray(14));
      const source = { address: ip(W1_ADDRESS), length: 32 };
      const inside = { insideAddress: ip(L2_ADDRESS), insidePort: 8000 };
      nat.forwards.add({ protocol: "tcp", ports: { first: 8000, last: 8000 }, ...inside, source });
      nat.forwards.add({ protocol: "tcp", ports: { first: 8001, last: 8001 }, ...inside });
      nat.forwards.setEnabled(1, false);
      tcp.listen({ port: 2323, onConnection: () => {} });
      bench.gateway.disownForgotten();
      for (const destinationPort of [mapped.sourcePort, 8000, 8001, 2323, 20000]) {
        const ends = { sourcePort: 80, destinationPort };
        bench.fromWan(tcpFrame({ ...W2_TO_US, ...ends, flags: "ACK", acknowledgement: 77 }));
        const [reset, ...more] = bench.wan();
        expect(more).toEqual([]);
        expectFrame(reset).ipv4({ destination: W2_ADDRESS }).tcp({ flags: "RST", sequence: 77 });
      }
    }
  });

  it("hear no answer to what is no SYN where NAT has its ports", () => {
    const bench = rejecting();
    for (const flags of ["ACK", "SYN ACK", "RST", "FIN", ""]) {
      bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, destinationPort: 20000, flags }), SILENT);
    }
    bench.advance(30_000);
    expect(bench.wan()).toEqual([]);
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, destinationPort: 60000, flags: "RST" }), SILENT);
  });

  it("are answered no more often than ICMP errors are, whatever is scanned", () => {
    const bench = rejecting();
    for (let i = 0; i < 1000; i++) {
      bench.fromWan(syn(50000 + i), syn(20000 + i), udpFrame({ ...W1_TO_US, destinationPort: 1000 + i }));
    }
    // Of the 50 that there are, each takes one or two.
    const answers = bench.wan().length;
    expect(answers).toBeGreaterThan(24);
    expect(answers).toBeLessThan(50);
    const { closedPorts } = bench.gateway.firewall;
    expect([closedPorts?.count, closedPorts?.forgotten]).toEqual([8, 992]);
    bench.clear();
    bench.advance(60_000);
    expect(bench.wan().length).toBe(8);
  });

  it("answer nobody any more once they are silent again, or the WAN has another address", () => {
    const quiet = rejecting();
    quiet.fromWan(syn(20000));
    quiet.gateway.firewall.rejectsClosedPorts = false;
    const moved = rejecting();
    moved.fromWan(syn(20000));
    moved.gateway.setAddress(1, ip("203.0.113.3"), 24);
    for (const bench of [quiet, moved]) {
      bench.advance(30_000);
      expect(bench.wan()).toEqual([]);
    }
  });

  it("leave what a rule denies in silence, and answer what it rejects at once", () => {
    const bench = rejecting();
    const { rules } = bench.gateway.firewall;
    rules.insert(0, parseRule(["deny", "from", W1_ADDRESS]));
    rules.insert(1, parseRule(["reject", "tcp", "to", "self:20000"]));
    for (const frame of [syn(20000), syn(60000), UDP_PROBE]) bench.expectSilence("wan", frame, { firewallDenied: 1 });
    const own = tcpFrame({
      ...between(NEAR_ADDRESS, WAN_ADDRESS),
      destinationPort: 20000,
      flags: "SYN",
      sequence: 1000,
    });
    expectFrame(bench.complaint("wan", own, "firewallRejected"))
      .ipv4()
      .tcp({ flags: "RST ACK" });
    bench.advance(30_000);
    expect(bench.wan()).toEqual([]);
  });

  it("say nothing about packets that are for nobody here, broadcast, damaged or cut off", () => {
    const bench = rejecting();
    bench.fromWan(
      udpFrame({ ...between(NEAR_ADDRESS, "203.0.113.255"), destinationMac: "ff:ff:ff:ff:ff:ff", destinationPort: 9 }),
      udpFrame({ ...between(W1_ADDRESS, "192.168.1.10"), destinationPort: 9 }),
      udpFrame({ ...between(W1_ADDRESS, "192.168.1.1"), destinationPort: 9 }),
      tcpFrame({ ...W1_TO_US, destinationPort: 60000, flags: "SYN", checksum: 1 }),
      tcpFrame({ ...W1_TO_US, destinationPort: 20000, flags: "SYN", totalBytes: 24 }),
    );
    bench.advance(30_000);
    expect(bench.wan()).toEqual([]);
  });
});
