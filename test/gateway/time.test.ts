import { describe, expect, it } from "vitest";
import { decodeTcp, decodeUdp, expectFrame } from "../support/expectFrame.js";
import { arpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  GatewayBench,
  ISP_ADDRESS,
  ISP_MAC,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_W1,
  L2_MAC,
  W1_TO_US,
} from "../support/gatewayBench.js";

const DAY_MS = 86_400_000;

/** A conversation by UDP and an established one by TCP; `use` sends a packet each way on both. */
function conversations(bench: GatewayBench) {
  const udpPort = decodeUdp(bench.out(udpFrame(L1_TO_W1)).subarray(14)).sourcePort;
  const tcpPort = decodeTcp(bench.out(tcpFrame({ ...L1_TO_W1, sequence: 1000 })).subarray(14)).sourcePort;
  const server = { ...W1_TO_US, sourcePort: 80, destinationPort: tcpPort };
  bench.in(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" }));
  const use = (mac: string = L1_MAC, destination: string = mac) => {
    bench.out(udpFrame({ ...L1_TO_W1, sourceMac: mac }));
    bench.out(tcpFrame({ ...L1_TO_W1, sourceMac: mac, sequence: 1001, acknowledgement: 9001, flags: "ACK" }));
    for (const inward of [
      udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: udpPort }),
      tcpFrame({ ...server, sequence: 9001, acknowledgement: 1001, flags: "ACK" }),
    ]) {
      expectFrame(bench.in(inward)).ethernet({ destination }).ipv4({ destination: L1_ADDRESS });
    }
  };
  use();
  return { use, udpPort };
}

describe("time", () => {
  it("past 2^31 ms: sessions live and end as before", () => {
    const bench = new GatewayBench();
    bench.advance(2 ** 31 - 100_000);
    const { use } = conversations(bench);
    for (let i = 0; i < 10; i++) {
      bench.advance(30_000);
      use();
    }
    expect(bench.now).toBeGreaterThan(2 ** 31);
    bench.advance(301_000 + 1000);
    expect(bench.gateway.nat.sessions().map((one) => one.protocol)).toEqual([6]);
    bench.advance(7_440_000);
    expect(bench.gateway.nat.sessionCount).toBe(0);
    expect(bench.drops()).toEqual({});
  });

  it("two days across 2^31 ms, a packet every four minutes: no session is lost, nothing piles up", () => {
    const bench = new GatewayBench();
    bench.advance(2 ** 31 - DAY_MS);
    const { use, udpPort } = conversations(bench);
    for (let elapsedMs = 0; elapsedMs < 2 * DAY_MS; elapsedMs += 240_000) {
      bench.advance(240_000);
      use();
    }
    expect(bench.gateway.nat.sessions().map((one) => one.externalPort)).toContain(udpPort);
    expect(bench.gateway.nat.sessionCount).toBe(2);
    expect(bench.drops()).toEqual({});
  });

  it("asks to be polled neither too late nor for nothing", () => {
    const bench = new GatewayBench();
    conversations(bench);
    let polls = 0;
    while (bench.gateway.nextDeadline() !== Number.POSITIVE_INFINITY && polls < 1000) {
      const deadline = bench.gateway.nextDeadline();
      expect(deadline).toBeGreaterThanOrEqual(bench.now);
      bench.gateway.poll(deadline);
      polls++;
    }
    expect(bench.gateway.nat.sessionCount).toBe(0);
    expect(polls).toBeLessThan(50);
  });
});

describe("neighbours", () => {
  it("RFC1122 2.3.2.1: their ageing under traffic loses no packet and asks seldom", () => {
    const bench = new GatewayBench();
    const { use } = conversations(bench);
    bench.arp();
    for (let i = 0; i < 600; i++) {
      bench.advance(1000);
      use();
    }
    expect(bench.drops()).toEqual({});
    // Ten minutes, two neighbours, one question a minute each.
    expect(bench.arp().length).toBeLessThanOrEqual(22);
    expect(bench.arp().length).toBe(0);
  });

  it("RFC1122 2.3.2.1: a LAN host that announces a new station address gets its packets there at once", () => {
    const bench = new GatewayBench();
    const { use } = conversations(bench);
    bench.stations.set(L1_ADDRESS, L2_MAC);
    bench.fromLan(arpFrame({ senderMac: L2_MAC, senderAddress: L1_ADDRESS, targetAddress: L1_ADDRESS }));
    bench.drops();
    use(L2_MAC);
    use(L2_MAC);
  });

  it("RFC1122 2.3.2.1: one that changes it in silence is found again within 65 s", () => {
    const bench = new GatewayBench();
    const { use } = conversations(bench);
    bench.stations.set(L1_ADDRESS, L2_MAC);
    // The old station does not answer for the address any more: only a broadcast finds the new one.
    bench.absent.add(L1_ADDRESS);
    for (let i = 0; i < 62; i++) {
      bench.advance(1000);
      use(L2_MAC, L1_MAC);
    }
    bench.absent.delete(L1_ADDRESS);
    bench.advance(3000);
    use(L2_MAC);
    expect(bench.drops()).toEqual({});
  });

  it("RFC5227 2.4: an address conflict is counted and answered by one announcement in 10 s", () => {
    const bench = new GatewayBench();
    for (let i = 0; i < 10; i++) {
      bench.fromLan(arpFrame({ senderMac: "02:00:00:00:00:66", senderAddress: "192.168.1.1" }));
      bench.advance(1000);
    }
    expect(bench.arp().length).toBe(1);
    expect(bench.drops()).toEqual({ arpConflict: 10 });
    expect(bench.gateway.lan.conflicts).toBe(10);
    bench.fromWan(arpFrame({ senderMac: ISP_MAC, senderAddress: ISP_ADDRESS, targetAddress: "203.0.113.2" }));
    expect(bench.gateway.wan.conflicts).toBe(0);
  });

  it("a scan of the LAN's empty addresses from inside costs a conversation nothing", () => {
    const bench = new GatewayBench({ capacity: { neighbours: 8, pendingFrames: 2 } });
    const { use } = conversations(bench);
    bench.gateway.nat.forwards.add({
      protocol: "udp",
      ports: { first: 7000, last: 7000 },
      insideAddress: (0xc0a801c8 | 0) as number,
      insidePort: 7000,
    });
    for (let i = 0; i < 100; i++) {
      bench.fromWan(udpFrame({ ...W1_TO_US, sourcePort: 1 + i, destinationPort: 7000 }));
      bench.drops();
      use();
      bench.advance(100);
      bench.wan();
      bench.drops();
    }
  });
});
