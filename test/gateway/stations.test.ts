import { describe, expect, it } from "vitest";
import { decodeUdp, expectFrame } from "../support/expectFrame.js";
import { arpFrame, icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  GatewayBench,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L2_ADDRESS,
  L2_MAC,
  L2_TO_W1,
  LAN_ADDRESS,
  W1_TO_US,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

const number = (mac: string) => Number.parseInt(mac.replaceAll(":", ""), 16);
const L1 = number(L1_MAC);
const L2 = number(L2_MAC);
const ASKING = arpFrame({
  senderAddress: L1_ADDRESS,
  senderMac: L1_MAC,
  sourceMac: L1_MAC,
  targetAddress: LAN_ADDRESS,
});
const portOf = (frame: Uint8Array) => decodeUdp(frame.subarray(14)).sourcePort;
const addresses = (bench: GatewayBench) => bench.gateway.neighbours.entries().map((one) => one.address);

describe("a station that the MAC lists refuse", () => {
  it("gets nothing: no answer to ARP, to pings, no way out", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.gateway.firewall.stations.set(L1, false);
    bench.expectSilence("lan", ASKING, { macRefused: 1 });
    bench.expectSilence("lan", icmpFrame({ ...L1_TO_LAN_ADDRESS, type: 8 }), { macRefused: 1 });
    bench.expectSilence("lan", udpFrame(L1_TO_W1), { macRefused: 1 });
    expect([bench.arp(), addresses(bench)]).toEqual([[], []]);
    bench.introduce(L2_ADDRESS, L2_MAC);
    expect(bench.arp().length).toBe(1);
  });

  it("is not learnt from ARP that another station sends for it", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.gateway.firewall.stations.set(L1, false);
    const forged = arpFrame({
      senderAddress: L1_ADDRESS,
      senderMac: L1_MAC,
      sourceMac: L2_MAC,
      targetAddress: LAN_ADDRESS,
    });
    bench.expectSilence("lan", forged, { macRefused: 1 });
    expect(addresses(bench)).toEqual([]);
  });

  it("loses its sessions at once, those in the flow cache too; the others' go on", () => {
    const bench = new GatewayBench();
    const mine = udpFrame({ ...L1_TO_W1, destinationPort: 53 });
    const theirs = udpFrame({ ...L2_TO_W1, destinationPort: 53 });
    const [port, other] = [portOf(bench.out(mine)), portOf(bench.out(theirs))];
    const answer = udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: port });
    const otherAnswer = udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: other });
    bench.in(answer);
    bench.in(otherAnswer);
    expect(bench.gateway.nat.sessions().every((one) => one.isCarried)).toBe(true);

    bench.gateway.firewall.stations.set(L1, false);
    bench.expectSilence("lan", mine, { macRefused: 1 });
    bench.expectSilence("wan", answer, { wanUnsolicited: 1 });
    expect(addresses(bench)).not.toContain(ip(L1_ADDRESS));
    bench.in(otherAnswer);
    bench.out(theirs);
    expect(bench.gateway.nat.sessions()).toMatchObject([{ insideAddress: ip(L2_ADDRESS), isCarried: true }]);
  });

  it("does not live on in the flow cache when its neighbour entry was forgotten before", () => {
    const bench = new GatewayBench();
    const mine = udpFrame({ ...L1_TO_W1, destinationPort: 53 });
    bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: portOf(bench.out(mine)) }));
    bench.gateway.neighbours.forget(bench.gateway.lan, ip(L1_ADDRESS));
    bench.gateway.firewall.stations.set(L1, false);
    bench.expectSilence("lan", mine, { macRefused: 1 });
  });

  it("is not reached by a forward", () => {
    const bench = new GatewayBench();
    const ports = { first: 80, last: 80 };
    bench.gateway.nat.forwards.add({ protocol: "tcp", ports, insideAddress: ip(L1_ADDRESS), insidePort: 80 });
    bench.gateway.firewall.stations.set(L1, false);
    bench.fromWan(tcpFrame({ ...W1_TO_US, destinationPort: 80, flags: "SYN" }));
    bench.advance(5000);
    expect(bench.lan()).toEqual([]);
    expect(bench.drops()).toMatchObject({ macRefused: 3, neighbourUnresolved: 1 });
  });

  it("is welcome again once it is off the list", () => {
    const bench = new GatewayBench();
    const { stations } = bench.gateway.firewall;
    stations.set(L1, false);
    stations.remove(L1);
    bench.out(udpFrame(L1_TO_W1));
    expect(bench.gateway.lan.stationFilter).toBeUndefined();
  });
});

describe("the list of allowed stations", () => {
  it("keeps all others out, and says nothing about the WAN", () => {
    const bench = new GatewayBench();
    bench.gateway.firewall.stations.set(L2, true);
    bench.expectSilence("lan", udpFrame(L1_TO_W1), { macRefused: 1 });
    const port = portOf(bench.out(udpFrame({ ...L2_TO_W1, destinationPort: 53 })));
    expectFrame(bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: port }))).ipv4({
      destination: L2_ADDRESS,
    });
    bench.fromWan(icmpFrame({ ...W1_TO_US, type: 8 }));
    expect(bench.wan().length).toBe(1);
  });
});
