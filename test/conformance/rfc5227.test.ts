import { describe, expect, it } from "vitest";
import { LAN } from "../../src/gateway.js";
import { LAN_MAC } from "../support/stackFixture.js";
import {
  arpFrame,
  BROADCAST,
  decodeArp,
  decodeIpv4,
  expectFrame,
  GatewayBench,
  icmpFrame,
  ip,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  LAN_ADDRESS,
  mapped,
  packetOf,
  udpFrame,
  WAN_ADDRESS,
} from "./fixture.js";

const THIEF = "02:00:00:00:00:66";

/** When each ARP packet of a gateway left, in ms, and what it was, as long as `ms` pass. */
function claims(bench: GatewayBench, ms: number): { at: number; kind: string; address: string }[] {
  const seen: { at: number; kind: string; address: string }[] = [];
  const look = () => {
    for (const frame of bench.arp()) {
      const { operation, senderAddress, targetAddress, targetMac } = decodeArp(frame);
      expect(operation).toBe("request");
      expectFrame(frame).ethernet({ destination: BROADCAST });
      expect(targetMac).toBe("00:00:00:00:00:00");
      const kind = senderAddress === "0.0.0.0" ? "probe" : senderAddress === targetAddress ? "announcement" : "request";
      seen.push({ at: bench.now, kind, address: targetAddress });
    }
  };
  look();
  for (let passed = 0; passed < ms; passed++) {
    bench.advance(1);
    look();
  }
  return seen;
}

describe("an address that is new", () => {
  it.each([
    ["LAN", LAN_ADDRESS],
    ["WAN", WAN_ADDRESS],
  ])(
    "RFC5227 §2.1, §2.1 (periodic), §2.1.1: is probed for three times beside its use on the %s, never again",
    (_, address) => {
      const waits = new Set<number>();
      for (let seed = 1; seed <= 20; seed++) {
        const bench = new GatewayBench({ seed, claimed: false, resolved: false });
        const probes = claims(bench, 8000).filter((one) => one.kind === "probe" && one.address === address);
        expect(probes).toHaveLength(3);
        const [first, second, third] = probes.map(({ at }) => at) as [number, number, number];
        expect(first).toBeLessThanOrEqual(1000);
        for (const pause of [second - first, third - second]) {
          expect(pause).toBeGreaterThanOrEqual(1000);
          expect(pause).toBeLessThanOrEqual(2000);
        }
        waits
          .add(first)
          .add(second - first)
          .add(third - second);
        if (seed === 1) {
          bench.advance(3_600_000);
          expect(bench.arp()).toEqual([]);
        }
      }
      // Drawn, not fixed.
      expect(waits.size).toBeGreaterThan(50);
    },
  );

  it("RFC5227 §2.3: is announced twice, 2 s apart, and in use at once", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.gateway.setAddress(LAN, ip("192.168.1.3"), 24);
    bench.introduce(L1_ADDRESS, L1_MAC);
    const [first, ...others] = bench.arp();
    expectFrame(first)
      .ethernet({ source: LAN_MAC, destination: BROADCAST })
      .arp({ operation: "request", senderMac: LAN_MAC, senderAddress: "192.168.1.3", targetAddress: "192.168.1.3" });
    expect(others.map((frame) => decodeArp(frame).operation)).toEqual(["reply"]);
    expectFrame(bench.back(icmpFrame({ ...L1_TO_LAN_ADDRESS, destination: "192.168.1.3" }))).ipv4({
      source: "192.168.1.3",
    });
    const announced = claims(bench, 8000);
    expect(announced.filter(({ kind }) => kind === "announcement")).toEqual([
      { at: 2000, kind: "announcement", address: "192.168.1.3" },
    ]);
  });

  it.each([
    ["a reply to the probe", { operation: "reply", targetMac: LAN_MAC, targetAddress: "0.0.0.0" }],
    ["any packet of a station that has it", { targetAddress: L1_ADDRESS }],
  ] as const)("RFC5227 §2.1.1 (conflict): %s ends the probes, is counted and shown", (_, fields) => {
    const bench = new GatewayBench({ claimed: false, resolved: false });
    bench.arp();
    bench.advance(1500);
    bench.arp();
    bench.fromLan(arpFrame({ ...fields, senderMac: THIEF, senderAddress: LAN_ADDRESS }));
    expect(bench.drops()).toEqual({ arpConflict: 1 });
    expect(bench.gateway.lan).toMatchObject({ conflicts: 1, conflictMac: 0x020000000066 });
    const later = claims(bench, 8000).filter(({ address }) => address === LAN_ADDRESS);
    // The one of the defence.
    expect(later.map(({ kind }) => kind)).toEqual(["announcement"]);
  });

  it("RFC5227 §2.1.1 (echo): is no conflict with our own probe that a repeater sends back", () => {
    const bench = new GatewayBench({ claimed: false, resolved: false });
    bench.advance(1000);
    const probe = bench.arp().find((frame) => decodeArp(frame).senderMac === "02:00:00:00:00:01");
    bench.drops();
    bench.fromLan(probe as Uint8Array);
    expect(bench.gateway.lan.conflicts).toBe(0);
    expect(bench.arp()).toEqual([]);
  });

  it("RFC5227 §2.1.1 (rate): however many conflicts there are, no other address is tried", () => {
    const bench = new GatewayBench({ claimed: false });
    for (let i = 0; i < 100; i++) {
      bench.fromLan(arpFrame({ senderMac: THIEF, senderAddress: LAN_ADDRESS, targetAddress: LAN_ADDRESS }));
      bench.advance(1000);
    }
    expect(bench.gateway.lan.conflicts).toBe(100);
    const own = bench.arp().map((frame) => decodeArp(frame).targetAddress);
    expect(new Set(own)).toEqual(new Set([LAN_ADDRESS, WAN_ADDRESS]));
    expect(bench.gateway.lan.address).toBe(ip(LAN_ADDRESS));
  });
});

describe("an address in use", () => {
  it("RFC5227 §2.4, §2.4 (rate): is kept and defended by one announcement in 10 s, whatever the thief sends", () => {
    const bench = new GatewayBench();
    const defences: number[] = [];
    for (let second = 0; second <= 30; second++) {
      for (const operation of ["request", "reply"] as const) {
        bench.fromLan(arpFrame({ operation, senderMac: THIEF, senderAddress: LAN_ADDRESS, targetAddress: L1_ADDRESS }));
      }
      for (const frame of bench.arp()) {
        expectFrame(frame)
          .ethernet({ source: LAN_MAC, destination: BROADCAST })
          .arp({ operation: "request", senderMac: LAN_MAC, senderAddress: LAN_ADDRESS, targetAddress: LAN_ADDRESS });
        defences.push(second);
      }
      bench.advance(1000);
    }
    expect(defences).toEqual([0, 10, 20, 30]);
    expect(bench.drops()).toEqual({ arpConflict: 62 });
    expect(bench.gateway.lan).toMatchObject({ conflicts: 62, conflictMac: 0x020000000066 });
    expect(bench.gateway.wan.conflicts).toBe(0);
    expectFrame(bench.back(icmpFrame(L1_TO_LAN_ADDRESS)))
      .ipv4({ source: LAN_ADDRESS })
      .icmp({ type: 0 });
  });

  it("RFC5227 §2.5, §2.6: answers probes for it, too, to the station that asks and to nobody else", () => {
    const bench = new GatewayBench();
    for (const senderAddress of [L1_ADDRESS, "0.0.0.0"]) {
      bench.fromLan(arpFrame({ senderMac: THIEF, senderAddress, targetAddress: LAN_ADDRESS }));
      const [reply, ...others] = bench.arp();
      expect(others).toEqual([]);
      expectFrame(reply).ethernet({ source: LAN_MAC, destination: THIEF }).arp({
        operation: "reply",
        senderMac: LAN_MAC,
        senderAddress: LAN_ADDRESS,
        targetMac: THIEF,
        targetAddress: senderAddress,
      });
    }
    bench.fromLan(arpFrame({ senderMac: THIEF, senderAddress: "0.0.0.0", targetAddress: "192.168.1.77" }));
    expect(bench.arp()).toEqual([]);
    expect(bench.gateway.lan.conflicts).toBe(0);
  });
});

describe("neighbours", () => {
  /** Stations that the gateway would send to without asking. */
  const known = (bench: GatewayBench) => bench.gateway.neighbours.entries().map(({ address }) => address);

  it("RFC826: a request for us is answered, and the asker known", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.fromLan(arpFrame({ senderMac: L1_MAC, senderAddress: L1_ADDRESS, targetAddress: LAN_ADDRESS }));
    expectFrame(bench.arp()[0])
      .ethernet({ destination: L1_MAC })
      .arp({ operation: "reply", targetAddress: L1_ADDRESS });
    bench.back(icmpFrame(L1_TO_LAN_ADDRESS));
    expect(bench.arp()).toEqual([]);
  });

  it("RFC826, RFC826 (reply): what is not asked of us makes nobody known, nor does a reply that we did not ask for", () => {
    const bench = new GatewayBench({ resolved: false });
    for (const fields of [
      { targetAddress: "192.168.1.77" },
      { targetAddress: L1_ADDRESS },
      { operation: "reply", targetAddress: "192.168.1.77" },
      { operation: "reply", targetAddress: LAN_ADDRESS },
    ] as const) {
      bench.fromLan(arpFrame({ ...fields, senderMac: L1_MAC, senderAddress: L1_ADDRESS }));
    }
    expect(known(bench)).toEqual([]);
    expect(bench.arp()).toEqual([]);
  });

  it("RFC826: one that is known is taken at its word, whoever it talks to", () => {
    const { bench, inward } = mapped();
    bench.fromLan(arpFrame({ senderMac: THIEF, senderAddress: L1_ADDRESS, targetAddress: "192.168.1.77" }));
    for (let i = 0; i < 3; i++) expectFrame(bench.in(inward())).ethernet({ destination: THIEF });
  });

  it.each([
    ["hardware", 15],
    ["protocol", 16],
    ["hardware address length", 18],
    ["protocol address length", 19],
    ["operation", 21],
  ])("RFC826: another %s is none of ours", (_, at) => {
    const bench = new GatewayBench({ resolved: false });
    const frame = arpFrame();
    frame[at] = 9;
    bench.fromLan(frame);
    expect([bench.arp(), known(bench), bench.drops()]).toEqual([[], [], { arpMalformed: 1 }]);
  });

  it("RFC1122 §2.3.2.1, §2.3.2.1 (timeout): a host that moves in silence is found again", () => {
    const { bench, inward } = mapped();
    bench.stations.set(L1_ADDRESS, THIEF);
    // The old station does not answer for the address any more: only a broadcast finds the new one.
    bench.absent.add(L1_ADDRESS);
    for (let second = 0; second < 62; second++) {
      bench.advance(1000);
      expectFrame(bench.in(inward())).ethernet({ destination: L1_MAC });
    }
    bench.absent.delete(L1_ADDRESS);
    bench.advance(3000);
    expectFrame(bench.in(inward())).ethernet({ destination: THIEF });
    expect(bench.drops()).toEqual({});
  });

  it("RFC1122 §2.3.2.1 (rate): an address is asked for once a second at most, however often it is used", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.absent.add("203.0.113.1");
    const times: number[] = [];
    for (let i = 0; i < 1000; i++) {
      bench.fromLan(udpFrame({ ...L1_TO_W1, sourcePort: 1024 + (i % 8) }));
      for (const frame of bench.arp()) {
        if (decodeArp(frame).targetAddress === "203.0.113.1") times.push(bench.now);
      }
      bench.advance(10);
      for (const frame of bench.arp()) {
        if (decodeArp(frame).targetAddress === "203.0.113.1") times.push(bench.now);
      }
    }
    expect(times.length).toBeGreaterThanOrEqual(9);
    for (let i = 1; i < times.length; i++) {
      expect((times[i] as number) - (times[i - 1] as number)).toBeGreaterThanOrEqual(1000);
    }
  });

  it("RFC1122 §2.3.2.2: the first ping after a long silence is answered", () => {
    const bench = new GatewayBench();
    bench.advance(600_000);
    bench.absent.add(L1_ADDRESS);
    bench.fromLan(icmpFrame({ ...L1_TO_LAN_ADDRESS, sequence: 1 }), icmpFrame({ ...L1_TO_LAN_ADDRESS, sequence: 2 }));
    expect(bench.lan()).toEqual([]);
    bench.absent.delete(L1_ADDRESS);
    bench.advance(1000);
    const [reply, ...others] = bench.lan();
    expectFrame(reply).ipv4({ destination: L1_ADDRESS }).icmp({ type: 0, sequence: 2 });
    expect(others).toEqual([]);
    expect(decodeIpv4(packetOf(reply as Uint8Array)).source).toBe(LAN_ADDRESS);
  });
});
