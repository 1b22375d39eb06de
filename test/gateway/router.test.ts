import { describe, expect, it } from "vitest";
import { LAN, WAN } from "../../src/gateway.js";
import { decodeIpv4, decodeUdp, expectFrame } from "../support/expectFrame.js";
import {
  type Ipv4Fields,
  icmpFrame,
  ipv4Frame,
  paddedTo60,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "../support/frames.js";
import {
  GatewayBench,
  ISP_MAC,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  LAN_ADDRESS,
  W1_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { LAN_MAC, WAN_MAC } from "../support/stackFixture.js";

const KINDS = [
  { kind: "UDP", build: (fields: Ipv4Fields) => udpFrame(fields) },
  { kind: "TCP", build: (fields: Ipv4Fields) => tcpFrame(fields) },
  { kind: "ICMP echo", build: (fields: Ipv4Fields) => icmpFrame(fields) },
];

/** The IPv4 packet that a frame carries, without padding. */
function packetOf(frame: Uint8Array): number[] {
  return [...frame.subarray(14, 14 + decodeIpv4(frame.subarray(14)).totalBytes)];
}

/** A UDP conversation of L1 with W1; the external port and the frames of both directions. */
function conversation(bench: GatewayBench) {
  const external = decodeUdp(bench.out(udpFrame(L1_TO_W1)).subarray(14)).sourcePort;
  const inward = (fields: Ipv4Fields = {}) =>
    udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: external, ...fields });
  bench.in(inward());
  return { external, inward };
}

describe("TTL", () => {
  for (const { kind, build } of KINDS) {
    for (const ttl of [0, 1]) {
      it(`RFC1812 5.3.1, RFC5508 REQ-10a2: ${kind} with TTL ${ttl} from the LAN comes back as time exceeded`, () => {
        const bench = new GatewayBench();
        const frame = build({ ...L1_TO_W1, ttl, tos: 0xb9 });
        const error = bench.complaint("lan", frame, "ipTtlExceeded");
        expectFrame(error)
          .ethernet({ source: LAN_MAC, destination: L1_MAC })
          // RFC 5508 REQ-10d: the DSCP of the packet, without its ECN bits.
          .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS, protocol: 1, ttl: 64, tos: 0xb8 })
          .icmp({ type: 11, code: 0 })
          .payload(Uint8Array.from(packetOf(frame)));
        expect(bench.gateway.nat.sessionCount).toBe(0);
      });
    }

    it(`RFC1812 5.3.1: ${kind} with TTL 2 leaves with 1`, () => {
      const bench = new GatewayBench();
      expectFrame(bench.out(build({ ...L1_TO_W1, ttl: 2 })))
        .ethernet({ source: WAN_MAC, destination: ISP_MAC })
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS, ttl: 1 });
    });
  }

  for (const ttl of [0, 1]) {
    it(`RFC1812 5.3.1: an answer with TTL ${ttl} from the WAN goes back as time exceeded`, () => {
      const bench = new GatewayBench();
      const { inward } = conversation(bench);
      const frame = inward({ ttl });
      const error = bench.complaint("wan", frame, "ipTtlExceeded");
      expectFrame(error)
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
        .icmp({ type: 11, code: 0 })
        .payload(Uint8Array.from(packetOf(frame)));
    });
  }

  it("RFC1812 5.3.1: an answer with TTL 2 from the WAN enters with 1", () => {
    const bench = new GatewayBench();
    const { inward } = conversation(bench);
    expectFrame(bench.in(inward({ ttl: 2 }))).ipv4({ ttl: 1, destination: L1_ADDRESS });
  });

  for (const ttl of [0, 1]) {
    it(`RFC1812 5.3.1b: TTL ${ttl} is enough for the gateway's own addresses`, () => {
      const bench = new GatewayBench();
      expectFrame(bench.back(icmpFrame({ ...L1_TO_LAN_ADDRESS, ttl })))
        .ipv4()
        .icmp({ type: 0 });
      expectFrame(bench.back(icmpFrame({ ...L1_TO_WAN_ADDRESS, ttl })))
        .ipv4()
        .icmp({ type: 0 });
      bench.fromWan(icmpFrame({ ...W1_TO_US, ttl }));
      expectFrame(bench.wan()[0]).ipv4().icmp({ type: 0 });
      expect(bench.drops()).toEqual({});
    });
  }

  it("quotes as much of a large packet as fits into 576 bytes (RFC1812 4.3.2.3)", () => {
    const bench = new GatewayBench();
    const frame = udpFrame({ ...L1_TO_W1, ttl: 1, payload: patternBytes(1400) });
    const error = bench.complaint("lan", frame, "ipTtlExceeded");
    expectFrame(error)
      .ipv4({ totalBytes: 576 })
      .icmp({ type: 11, code: 0 })
      .payload(frame.subarray(14, 14 + 548));
  });
});

describe("MTU", () => {
  it("RFC4787 REQ-13, RFC5508 REQ-10a1, RFC1191 4: too big with DF comes back as 3/4 with the next hop's MTU", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(WAN, 1400);
    const frame = udpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(1472) });
    const error = bench.complaint("lan", frame, "ipTooBig");
    expectFrame(error)
      .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
      .icmp({ type: 3, code: 4, identifier: 0, nextHopMtu: 1400 })
      .payload(frame.subarray(14, 14 + 548));
  });

  it("RFC4787 REQ-13: lets a packet of exactly the MTU pass with DF, and keeps DF", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(WAN, 1400);
    const frame = udpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(1372) });
    expectFrame(bench.out(frame)).ipv4({ dontFragment: true, totalBytes: 1400 }).udp().payload(patternBytes(1372));
  });

  it("RFC4787 REQ-13: says so towards the WAN when the LAN is the smaller one", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(LAN, 1000);
    const { inward } = conversation(bench);
    const frame = inward({ dontFragment: true, payload: patternBytes(1200) });
    const error = bench.complaint("wan", frame, "ipTooBig");
    expectFrame(error)
      .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
      .icmp({ type: 3, code: 4, nextHopMtu: 1000 })
      .payload(frame.subarray(14, 14 + 548));
  });

  it("RFC4787 REQ-13a, RFC1812 4.2.2.7: cuts a packet without DF into the fewest fragments, in order", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(WAN, 600);
    const whole = udpFrame({ ...L1_TO_W1, reservedFlag: true, payload: patternBytes(1400), ttl: 9 });
    bench.fromLan(whole);
    const fragments = bench.wan();
    // 1408 bytes of payload in pieces of 576.
    expect(fragments.map((one) => decodeIpv4(one.subarray(14)))).toMatchObject([
      { fragmentOffset: 0, moreFragments: true, totalBytes: 596, ttl: 8, source: WAN_ADDRESS },
      { fragmentOffset: 576, moreFragments: true, totalBytes: 596, ttl: 8, source: WAN_ADDRESS },
      { fragmentOffset: 1152, moreFragments: false, totalBytes: 276, ttl: 8, source: WAN_ADDRESS },
    ]);
    const data = fragments.flatMap((one) => [...expectFrame(one).bytes.subarray(34)]);
    expect(data.slice(8)).toEqual([...patternBytes(1400)]);
    // RFC 1812 section 4.2.2.3: reserved bits are passed on.
    expect(fragments.map((one) => (one[20] as number) >> 7)).toEqual([1, 1, 1]);
    expect(bench.drops()).toEqual({});
  });

  it("RFC791: forwards 68 bytes unfragmented by an interface of the least MTU", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(WAN, 68);
    expectFrame(bench.out(udpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(40) }))).ipv4({
      totalBytes: 68,
    });
    bench.complaint("lan", udpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(41) }), "ipTooBig");
  });
});

describe("header validation", () => {
  const header = (offset: number, value: number) => (frame: Uint8Array) => {
    const changed = frame.slice();
    changed[14 + offset] = value;
    return changed;
  };
  const rows: { name: string; reason: "ipMalformed" | "ipChecksum"; spoil: (frame: Uint8Array) => Uint8Array }[] = [
    { name: "a wrong header checksum", reason: "ipChecksum", spoil: header(10, 0xaa) },
    { name: "version 6", reason: "ipMalformed", spoil: header(0, 0x65) },
    { name: "version 0", reason: "ipMalformed", spoil: header(0, 0x05) },
    { name: "IHL 4", reason: "ipMalformed", spoil: header(0, 0x44) },
    { name: "IHL beyond the frame", reason: "ipMalformed", spoil: header(0, 0x4f) },
    { name: "a total length beyond the frame", reason: "ipMalformed", spoil: header(2, 0x40) },
    { name: "a total length below the header", reason: "ipMalformed", spoil: header(3, 19) },
    { name: "a cut-off header", reason: "ipMalformed", spoil: (frame) => frame.slice(0, 33) },
    { name: "a cut-off packet", reason: "ipMalformed", spoil: (frame) => frame.slice(0, -1) },
  ];
  for (const { name, reason, spoil } of rows) {
    it(`RFC1812 5.2.2: drops ${name} in silence, from both sides, new and established`, () => {
      const bench = new GatewayBench();
      bench.expectSilence("lan", spoil(udpFrame(L1_TO_W1)), { [reason]: 1 });
      const { inward } = conversation(bench);
      bench.expectSilence("lan", spoil(udpFrame(L1_TO_W1)), { [reason]: 1 });
      bench.expectSilence("wan", spoil(inward()), { [reason]: 1 });
      // The session is as it was.
      bench.in(inward());
      bench.out(udpFrame(L1_TO_W1));
    });
  }

  it("takes Ethernet's padding off a short packet", () => {
    const bench = new GatewayBench();
    const frame = udpFrame({ ...L1_TO_W1, payload: "x" });
    for (let i = 0; i < 3; i++)
      expectFrame(bench.out(paddedTo60(frame)))
        .ipv4({ totalBytes: 29 })
        .udp()
        .payload("x");
  });

  it("drops a frame that is not addressed to its station, and what is neither IPv4 nor ARP", () => {
    const bench = new GatewayBench();
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, destinationMac: "02:00:00:00:00:99" }), { frameNotForUs: 1 });
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, destinationMac: WAN_MAC }), { frameNotForUs: 1 });
    const ipv6 = udpFrame(L1_TO_W1);
    ipv6.set([0x86, 0xdd], 12);
    bench.expectSilence("lan", ipv6, { etherTypeUnknown: 1 });
    bench.expectSilence("wan", ipv6.slice(0, 13), { frameTooShort: 1 });
    bench.expectSilence("lan", new Uint8Array(0), { frameTooShort: 1 });
  });
});

describe("options", () => {
  for (const type of [131, 137]) {
    it(`refuses a source route, option ${type}, from both sides`, () => {
      const bench = new GatewayBench();
      const options = [type, 7, 4, 198, 51, 100, 90, 0];
      bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options }), { ipOptionRefused: 1 });
      const { inward } = conversation(bench);
      bench.expectSilence("wan", inward({ options }), { ipOptionRefused: 1 });
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_LAN_ADDRESS, options }), { ipOptionRefused: 1 });
    });
  }

  it("refuses options that run over the header's end", () => {
    const bench = new GatewayBench();
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options: [7, 40, 4, 0] }), { ipOptionRefused: 1 });
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options: [7, 0, 4, 0] }), { ipOptionRefused: 1 });
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options: [1, 1, 1, 200] }), { ipOptionRefused: 1 });
  });

  it("RFC1812 5.3.13: passes unknown options unchanged, in both directions", () => {
    const bench = new GatewayBench();
    const options = [200, 4, 0xab, 0xcd];
    const { inward } = conversation(bench);
    for (const frame of [bench.out(udpFrame({ ...L1_TO_W1, options })), bench.in(inward({ options }))]) {
      expectFrame(frame).ipv4({ headerBytes: 24 }).udp().payload("hello");
      expect([...frame.subarray(34, 38)]).toEqual(options);
    }
  });
});

describe("fragments", () => {
  it("RFC1858, RFC3128: tiny and overlapping TCP fragments are refused", () => {
    const bench = new GatewayBench();
    bench.expectSilence(
      "lan",
      ipv4Frame({ ...L1_TO_W1, protocol: 6, moreFragments: true, payload: patternBytes(16) }),
      { fragmentMalformed: 1 },
    );
    const within = { ...L1_TO_W1, protocol: 6, fragmentOffset: 8, payload: "12345678" };
    bench.expectSilence("lan", ipv4Frame(within), { fragmentRefused: 1 });
    bench.expectSilence("lan", ipv4Frame({ ...within, identification: 1 }), { fragmentMalformed: 1 });
    expect(bench.gateway.nat.sessionCount).toBe(0);
  });
});
