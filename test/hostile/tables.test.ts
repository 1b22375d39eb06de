import { describe, expect, it, vi } from "vitest";
import { Sessions } from "../../src/nat/sessions.js";
import { decodeTcp } from "../support/expectFrame.js";
import { icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  type Ends,
  GatewayBench,
  L1_TO_W1,
  L1_TO_W2,
  L2_ADDRESS,
  L2_TO_W1,
  W1_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

/** One host fills the table, and in no time. */
const ALL_AT_ONCE = { hostMappings: 512, hostSessions: 1024, hostRate: 0, totalRate: 0 };

/** L2 opens a connection to W1, while `meanwhile` happens after each of its steps. Tells whether it succeeded. */
function connects(bench: GatewayBench, sourcePort: number, meanwhile: () => void): boolean {
  const client = { ...L2_TO_W1, sourcePort, destinationPort: 80 };
  bench.clear();
  bench.fromLan(tcpFrame({ ...client, sequence: 1000 }));
  const [syn] = bench.wan();
  if (syn === undefined) return false;
  meanwhile();
  bench.clear();
  const server = { ...W1_TO_US, sourcePort: 80, destinationPort: decodeTcp(syn.subarray(14)).sourcePort };
  bench.fromWan(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" }));
  if (bench.lan().length === 0) return false;
  meanwhile();
  bench.clear();
  bench.fromLan(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK" }));
  return bench.wan().length === 1;
}

function benchWithForward(): GatewayBench {
  const bench = new GatewayBench();
  const ports = { first: 25565, last: 25565 };
  const problem = bench.gateway.nat.forwards.add({
    protocol: "both",
    ports,
    insideAddress: ip(L2_ADDRESS),
    insidePort: 25565,
  });
  expect(problem).toBeUndefined();
  return bench;
}

/** A forged sender on the WAN, another for each number. */
function stranger(number: number): Ends {
  return between(`198.18.${(number >> 8) & 255}.${number & 255}`, WAN_ADDRESS);
}

describe("with the session table full of a flood, another host still opens connections", () => {
  it("from a LAN host's datagrams and pings", () => {
    const bench = new GatewayBench();
    let sent = 0;
    const flood = (count: number) => {
      for (let i = 0; i < count; i++, sent++) {
        bench.fromLan(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 1 + (sent % 60_000) }));
        bench.fromLan(icmpFrame({ ...L1_TO_W1, identifier: sent % 60_000 }));
      }
    };
    flood(1500);
    for (let i = 0; i < 4; i++) expect(connects(bench, 9000 + i, () => flood(1500))).toBe(true);
  });

  it("from datagrams of forged senders to a port forward", () => {
    const bench = benchWithForward();
    let sent = 0;
    const flood = (count: number) => {
      for (let i = 0; i < count; i++) bench.fromWan(udpFrame({ ...stranger(sent++), destinationPort: 25565 }));
    };
    flood(1100);
    for (let i = 0; i < 4; i++) expect(connects(bench, 9000 + i, () => flood(1100))).toBe(true);
  });

  it("from SYNs of forged senders to a port forward, which the inside host answers", () => {
    const bench = benchWithForward();
    let sent = 0;
    const flood = (count: number) => {
      for (let i = 0; i < count; i++) {
        const from = stranger(sent++);
        bench.fromWan(tcpFrame({ ...from, sourcePort: 40000, destinationPort: 25565, sequence: 1 }));
        const answer = { sourcePort: 25565, destinationPort: 40000, sequence: 7, acknowledgement: 2, flags: "SYN ACK" };
        bench.fromLan(tcpFrame({ ...between(L2_ADDRESS, from.source), ...answer }));
      }
    };
    flood(1100);
    for (let i = 0; i < 4; i++) expect(connects(bench, 9000 + i, () => flood(1100))).toBe(true);
  });
});

describe("with the mapping table full of one host's mappings, each with several sessions, another host still gets one", () => {
  it("when they are UDP", () => {
    const bench = new GatewayBench({ nat: ALL_AT_ONCE });
    for (const ends of [L1_TO_W1, L1_TO_W2]) {
      for (let i = 0; i < 512; i++) bench.fromLan(udpFrame({ ...ends, sourcePort: 5000 + i, destinationPort: 53 }));
    }
    bench.clear();
    for (let i = 0; i < 100; i++) bench.out(udpFrame({ ...L2_TO_W1, sourcePort: 9000 + i, destinationPort: 53 }));
  });

  it("when they are half-open TCP connections", () => {
    const bench = new GatewayBench({ nat: ALL_AT_ONCE });
    for (const ends of [L1_TO_W1, L1_TO_W2]) {
      for (let i = 0; i < 512; i++) bench.fromLan(tcpFrame({ ...ends, sourcePort: 5000 + i }));
    }
    bench.clear();
    for (let i = 0; i < 100; i++) expect(connects(bench, 9000 + i, () => {})).toBe(true);
  });

  it("and each session that goes with one is counted", () => {
    const bench = new GatewayBench({ capacity: { mappings: 1 } });
    for (const ends of [L1_TO_W1, L1_TO_W2]) bench.out(udpFrame(ends));
    bench.out(udpFrame(L2_TO_W1));
    expect(bench.gateway.nat.use.classes).toMatchObject({ unanswered: { evicted: 2 }, answered: { evicted: 0 } });
  });

  it("who holds all he may makes the gateway look through all sessions once a second at most", () => {
    const looks = vi.spyOn(Sessions.prototype, "hasEstablished");
    const bench = new GatewayBench({ capacity: { mappings: 8 } });
    for (let i = 0; i < 4; i++) {
      expect(connects(bench, 9000 + i, () => {})).toBe(true);
      bench.fromLan(tcpFrame({ ...L2_TO_W1, sourcePort: 9000 + i, destinationPort: 81 }));
    }
    for (let second = 1; second <= 3; second++) {
      for (let i = 0; i < 200; i++) bench.fromLan(udpFrame({ ...L2_TO_W1, sourcePort: 5000 + i }));
      expect(looks).toHaveBeenCalledTimes(second);
      bench.advance(1000);
    }
    expect(bench.drops()).toMatchObject({ natHostQuota: 600 });
    looks.mockRestore();
  });

  it("but no established connection goes with a mapping", () => {
    const bench = new GatewayBench({ capacity: { mappings: 1 } });
    expect(connects(bench, 9000, () => {})).toBe(true);
    bench.fromLan(tcpFrame({ ...L2_TO_W1, sourcePort: 9000, destinationPort: 81 }));
    bench.clear();
    bench.complaint("lan", udpFrame(L1_TO_W1), "natNoMapping");
    expect(bench.gateway.nat.sessionCount).toBe(2);
  });
});
