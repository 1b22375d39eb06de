import { describe, expect, it } from "vitest";
import { arpFrame, icmpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_TO_W1,
  L2_TO_W1,
  LAN_ADDRESS,
  NEAR_ADDRESS,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";

/** `count` stations beside ours on a link, that ask for our address. */
function askUnderManyNames(bench: GatewayBench, side: "lan" | "wan", count: number): void {
  const [network, targetAddress] = side === "lan" ? ["192.168.1.", LAN_ADDRESS] : ["203.0.113.", WAN_ADDRESS];
  for (let i = 0; i < count; i++) {
    const senderMac = 0x020000000900 + i;
    const request = arpFrame({ senderAddress: `${network}${100 + i}`, senderMac, targetAddress });
    if (side === "lan") bench.fromLan(request);
    else bench.fromWan(request);
  }
}

/** Addresses that the gateway has to ask for when L1 and L2 send to W1. */
function askedFor(bench: GatewayBench): number {
  bench.clear();
  bench.fromLan(udpFrame(L1_TO_W1), udpFrame(L2_TO_W1));
  expect(bench.wan()).toHaveLength(2);
  return bench.arp().length;
}

function knownOn(bench: GatewayBench, name: string): number {
  return bench.gateway.neighbours.entries().filter((entry) => entry.interfaceName === name && entry.state === "fresh")
    .length;
}

describe("a flood of ARP requests under ever new addresses", () => {
  it("on the WAN costs no LAN host its entry, and the WAN's gateway keeps its own", () => {
    const bench = new GatewayBench();
    askUnderManyNames(bench, "wan", 150);
    expect(knownOn(bench, "lan")).toBe(2);
    expect(knownOn(bench, "wan")).toBe(30);
    expect(askedFor(bench)).toBe(0);
  });

  it("on the LAN leaves the WAN's gateway known", () => {
    const bench = new GatewayBench();
    askUnderManyNames(bench, "lan", 150);
    expect(askedFor(bench)).toBe(0);
  });

  it("that came first makes way for the other link's stations, up to half of the table", () => {
    const bench = new GatewayBench({ resolved: false });
    askUnderManyNames(bench, "wan", 150);
    askUnderManyNames(bench, "lan", 150);
    expect(knownOn(bench, "lan")).toBe(16);
    expect(knownOn(bench, "wan")).toBe(16);
  });
});

describe("pings from forged neighbours on the WAN", () => {
  it("make the gateway ask for each, but cost neither the LAN nor the WAN's gateway anything", () => {
    const bench = new GatewayBench();
    for (let i = 0; i < 150; i++) bench.fromWan(icmpFrame(between(`203.0.113.${100 + i}`, WAN_ADDRESS)));
    expect(askedFor(bench)).toBe(0);
  });
});

describe("forged ARP", () => {
  it("on one link says nothing about the other link's stations", () => {
    const bench = new GatewayBench();
    const claim = { senderMac: "02:00:00:00:06:66", targetAddress: LAN_ADDRESS };
    bench.fromLan(arpFrame({ ...claim, senderAddress: "203.0.113.1" }));
    bench.fromWan(arpFrame({ ...claim, senderAddress: "192.168.1.50", targetAddress: WAN_ADDRESS }));
    expect(bench.drops()).toEqual({ arpMalformed: 2 });
    expect(bench.gateway.neighbours.entries().map((entry) => entry.mac)).not.toContain(0x020000000666);
  });

  it("does not make us doubt our own address, and is contradicted once in ten seconds at most", () => {
    const bench = new GatewayBench();
    const claim = arpFrame({ senderAddress: WAN_ADDRESS, senderMac: "02:00:00:00:06:66", targetAddress: NEAR_ADDRESS });
    for (let i = 0; i < 1000; i++) bench.fromWan(claim);
    expect(bench.drops()).toEqual({ arpConflict: 1000 });
    expect(bench.arp()).toHaveLength(1);
    expect(askedFor(bench)).toBe(0);
  });
});
