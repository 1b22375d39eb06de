import { beforeAll, describe, expect, it } from "vitest";
import {
  between,
  CHI_SQUARE_BINS,
  CHI_SQUARE_LIMIT,
  chiSquare,
  decodeUdp,
  forwardToL2,
  GatewayBench,
  ip,
  L1_TO_W1,
  L2_ADDRESS,
  lanHosts,
  packetOf,
  serialCorrelation,
  tcpPortOf,
  udpFrame,
  udpPortOf,
  W1_ADDRESS,
} from "./fixture.js";

/** Part of the name that a failure prints; the tests hold for other seeds, too. */
const SEED = 6056;

/** The external ports of as many flows of L1, each from its own source port, a few seconds apart: some hundred live at a time. */
function drawnPorts(count: number, seed: number): number[] {
  const bench = new GatewayBench({ seed });
  return Array.from({ length: count }, (_, i) => {
    bench.advance(3000);
    return udpPortOf(bench, { ...L1_TO_W1, sourcePort: 1024 + (i % 60_000) });
  });
}

function expectUnpredictable(ports: readonly number[], first: number, last: number): void {
  expect(chiSquare(ports, first, last, CHI_SQUARE_BINS)).toBeLessThan(CHI_SQUARE_LIMIT);
  expect(Math.abs(serialCorrelation(ports))).toBeLessThan(0.05);
}

describe(`RFC 6056 (seed ${SEED})`, () => {
  let ports: number[] = [];
  beforeAll(() => {
    ports = drawnPorts(8000, SEED);
  });

  it("RFC6056 §3.2a: mappings draw from all of 1024-49151, own sockets from all of 49152-65535", () => {
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
    expect(Math.min(...ports)).toBeLessThan(1100);
    expect(Math.max(...ports)).toBeGreaterThan(49_075);
    expect(Math.max(...ports)).toBeLessThanOrEqual(49_151);
    const own = ownPorts(2000);
    expect(Math.min(...own)).toBeGreaterThanOrEqual(49_152);
    expect(Math.min(...own)).toBeLessThan(49_250);
    expect(Math.max(...own)).toBeGreaterThan(65_437);
  });

  it("RFC6056 §3.2b: ports of forwards and sockets are never drawn, all others are", () => {
    const bench = new GatewayBench({ seed: SEED, nat: { ports: { first: 2000, last: 2015 } } });
    forwardToL2(bench, 2003, 80, "udp");
    bench.gateway.udp.bind({ port: 2010 });
    const drawn = lanHosts(bench, 14).map((host) => udpPortOf(bench, between(host, W1_ADDRESS)));
    const free = Array.from({ length: 16 }, (_, i) => 2000 + i).filter((port) => port !== 2003 && port !== 2010);
    expect(drawn.toSorted((one, other) => one - other)).toEqual(free);
    bench.complaint("lan", udpFrame(L1_TO_W1), "natNoPort");
    // What TCP offers is another matter.
    const tcp = lanHosts(bench, 16).map((host) => tcpPortOf(bench, between(host, W1_ADDRESS)));
    expect(new Set(tcp).size).toBe(16);
  });

  /** The ports that Porter's own sockets speak from. */
  function ownPorts(count: number): number[] {
    const bench = new GatewayBench({ seed: SEED });
    return Array.from({ length: count }, () => {
      const socket = bench.gateway.udp.bind();
      socket.send(new Uint8Array(1), ip(W1_ADDRESS), 53);
      socket.close();
      return decodeUdp(packetOf(bench.wan()[0] as Uint8Array)).sourcePort;
    });
  }

  it("RFC6056 §3.3: the ports of 2000 own sockets are even in their range and do not follow each other", () => {
    expectUnpredictable(ownPorts(2000), 49_152, 65_535);
  });

  it("RFC6056 §4, RFC7857 §9: 8000 external ports are even in their range, follow neither each other nor the inside port", () => {
    expectUnpredictable(ports, 1024, 49_151);
    const offsets = ports.map((port, i) => (port - 1024 - i + 48_128) % 48_128);
    expect(chiSquare(offsets, 0, 48_127, CHI_SQUARE_BINS)).toBeLessThan(CHI_SQUARE_LIMIT);
    // The same flows of a gateway with another secret.
    const others = drawnPorts(500, SEED + 1);
    expect(others.filter((port, i) => port === ports[i]).length).toBeLessThan(5);
  });

  it("RFC6056 §4 (parity): with parity kept, even and odd ports are each even in the range", () => {
    for (const parity of [0, 1]) {
      const half = ports.filter((_, i) => (i & 1) === parity);
      expect(half.every((port) => (port & 1) === parity)).toBe(true);
      expectUnpredictable(half, 1024, 49_151);
    }
  });

  it("RFC6056 §5: with seven eighths of the range taken, in one block, no free port is drawn 1.5 times as often as the mean", () => {
    const nat = { ports: { first: 2000, last: 2255 }, udpTimeoutS: 1 };
    const bench = new GatewayBench({ seed: SEED, nat });
    bench.gateway.nat.forwards.add({
      protocol: "udp",
      ports: { first: 2000, last: 2223 },
      insideAddress: ip(L2_ADDRESS),
      insidePort: 2000,
    });
    const times = new Map<number, number>();
    for (let i = 0; i < 3200; i++) {
      const port = udpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000 + (i & 1) });
      times.set(port, (times.get(port) ?? 0) + 1);
      bench.advance(3000);
    }
    expect(times.size).toBe(32);
    // 100 on average, with a standard deviation of 10.
    expect(Math.max(...times.values())).toBeLessThan(150);
    expect(Math.min(...times.values())).toBeGreaterThan(50);
  });
});
