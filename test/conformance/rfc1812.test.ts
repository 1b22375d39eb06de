import { describe, expect, it } from "vitest";
import { LAN, WAN } from "../../src/gateway.js";
import { LAN_MAC, WAN_MAC } from "../support/stackFixture.js";
import {
  between,
  decodeIpv4,
  expectFrame,
  fragmentsOf,
  GatewayBench,
  type Ipv4Fields,
  ISP_MAC,
  icmpFrame,
  ipv4Frame,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_MAC,
  LAN_ADDRESS,
  mapped,
  packetOf,
  paddedTo60,
  patternBytes,
  tcpFrame,
  udpFrame,
  W1_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

const KINDS = [
  { kind: "UDP", build: (fields: Ipv4Fields) => udpFrame(fields) },
  { kind: "TCP", build: (fields: Ipv4Fields) => tcpFrame(fields) },
  { kind: "ICMP echo", build: (fields: Ipv4Fields) => icmpFrame(fields) },
];

describe("TTL", () => {
  for (const { kind, build } of KINDS) {
    for (const ttl of [0, 1]) {
      it(`RFC1812 §5.3.1, §5.2.7.3, §4.3.2.3, §4.3.2.4, §4.3.2.5 (errors): ${kind} with TTL ${ttl} from the LAN comes back as time exceeded`, () => {
        const bench = new GatewayBench();
        const frame = build({ ...L1_TO_W1, ttl, tos: 0xb9 });
        const error = bench.complaint("lan", frame, "ipTtlExceeded");
        expectFrame(error)
          .ethernet({ source: LAN_MAC, destination: L1_MAC })
          // RFC 5508 REQ-10d: the DSCP of the packet, without its ECN bits.
          .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS, protocol: 1, ttl: 64, tos: 0xb8 })
          .icmp({ type: 11, code: 0 })
          .payload(packetOf(frame));
        expect(bench.gateway.nat.sessionCount).toBe(0);
      });
    }

    it(`RFC1812 §5.3.1: ${kind} with TTL 2 leaves with 1`, () => {
      const bench = new GatewayBench();
      expectFrame(bench.out(build({ ...L1_TO_W1, ttl: 2 })))
        .ethernet({ source: WAN_MAC, destination: ISP_MAC })
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS, ttl: 1 });
    });
  }

  for (const ttl of [0, 1]) {
    it(`RFC1812 §5.3.1, §5.2.7.3, §4.3.2.4: an answer with TTL ${ttl} from the WAN goes back as time exceeded`, () => {
      const { bench, inward } = mapped();
      const frame = inward({ ttl });
      const error = bench.complaint("wan", frame, "ipTtlExceeded");
      expectFrame(error)
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
        .icmp({ type: 11, code: 0 })
        .payload(packetOf(frame));
    });
  }

  it("RFC1812 §5.3.1, §5.2.7.3: an answer with TTL 2 from the WAN enters with 1", () => {
    const { bench, inward } = mapped();
    expectFrame(bench.in(inward({ ttl: 2 }))).ipv4({ ttl: 1, destination: L1_ADDRESS });
  });

  for (const ttl of [0, 1]) {
    it(`RFC1812 §4.2.2.9: TTL ${ttl} is enough for the gateway's own addresses`, () => {
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

  it("RFC1812 §4.3.2.3 (size): quotes as much of a large packet as fits into 576 bytes", () => {
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
  it("RFC1191 §4, RFC1812 §5.2.7.1 (MTU): too big with DF comes back as 3/4 with the next hop's MTU", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(WAN, 1400);
    const frame = udpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(1472) });
    const error = bench.complaint("lan", frame, "ipTooBig");
    expectFrame(error)
      .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
      .icmp({ type: 3, code: 4, identifier: 0, nextHopMtu: 1400 })
      .payload(frame.subarray(14, 14 + 548));
  });

  it("RFC1812 §4.2.2.7, §4.2.2.7 (fewest), §4.2.2.7 (order), §5.2.5: cuts a packet without DF into the fewest fragments, in order", () => {
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

  it("RFC791 §3.2 (68): forwards 68 bytes unfragmented by an interface of the least MTU", () => {
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
    { name: "a total length below the header", reason: "ipMalformed", spoil: header(3, 19) },
    { name: "a cut-off header", reason: "ipMalformed", spoil: (frame) => frame.slice(0, 33) },
  ];
  for (const { name, reason, spoil } of rows) {
    it(`RFC1812 §5.2.2: drops ${name} in silence, from both sides, new and established`, () => {
      new GatewayBench().expectSilence("lan", spoil(udpFrame(L1_TO_W1)), { [reason]: 1 });
      const { bench, inward } = mapped();
      bench.expectSilence("lan", spoil(udpFrame(L1_TO_W1)), { [reason]: 1 });
      bench.expectSilence("wan", spoil(inward()), { [reason]: 1 });
      // The session is as it was.
      bench.in(inward());
      bench.out(udpFrame(L1_TO_W1));
    });
  }

  it("RFC1812 §5.2.2 (truncated), §5.2.2 (answer): drops a truncated packet in silence, from both sides", () => {
    const { bench, inward } = mapped();
    for (const spoil of [header(2, 0x40), (frame: Uint8Array) => frame.slice(0, -1)]) {
      bench.expectSilence("lan", spoil(udpFrame(L1_TO_W1)), { ipMalformed: 1 });
      bench.expectSilence("wan", spoil(inward()), { ipMalformed: 1 });
    }
  });

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
    it(`RFC1812 §5.3.13.4: refuses a source route, option ${type}, from both sides`, () => {
      const { bench, inward } = mapped();
      const options = [type, 7, 4, 198, 51, 100, 90, 0];
      bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options }), { ipOptionRefused: 1 });
      bench.expectSilence("wan", inward({ options }), { ipOptionRefused: 1 });
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_LAN_ADDRESS, options }), { ipOptionRefused: 1 });
    });
  }

  it("RFC1812 §4.3.3.5: refuses options that run over the header's end", () => {
    const bench = new GatewayBench();
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options: [7, 40, 4, 0] }), { ipOptionRefused: 1 });
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options: [7, 0, 4, 0] }), { ipOptionRefused: 1 });
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options: [1, 1, 1, 200] }), { ipOptionRefused: 1 });
  });

  for (const type of [7, 68]) {
    it(`RFC1812 §5.3.13.5, §5.3.13.6: refuses to carry what records addresses, option ${type}, from both sides`, () => {
      const { bench, inward } = mapped();
      const options = [type, 8, type === 7 ? 4 : 5, 0, 0, 0, 0, 0];
      bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options }), { ipOptionRefused: 1 });
      bench.expectSilence("wan", inward({ options }), { ipOptionRefused: 1 });
    });
  }

  it("RFC1812 §4.3.3.6 (record): echoes an option that records addresses as it came", () => {
    const options = [7, 7, 4, 0, 0, 0, 0, 0];
    const reply = new GatewayBench().back(icmpFrame({ ...L1_TO_LAN_ADDRESS, options, payload: "data" }));
    expectFrame(reply).ipv4({ headerBytes: 28 }).icmp({ type: 0 }).payload("data");
    expect([...reply.subarray(34, 42)]).toEqual(options);
  });

  it("RFC1812 §5.3.13.1, §5.3.13.3: passes unknown options unchanged, in both directions", () => {
    const { bench, inward } = mapped();
    for (const type of [200, 136]) {
      const options = [type, 4, 0xab, 0xcd];
      for (const frame of [bench.out(udpFrame({ ...L1_TO_W1, options })), bench.in(inward({ options }))]) {
        expectFrame(frame).ipv4({ headerBytes: 24 }).udp().payload("hello");
        expect([...frame.subarray(34, 38)]).toEqual(options);
      }
    }
  });
});

describe("reserved bits", () => {
  it("RFC1812 §4.2.2.3, §5.2.5: are no reason to drop, pass unchanged, and are not set in what we say ourselves", () => {
    const { bench, inward } = mapped();
    for (let i = 0; i < 3; i++) {
      for (const frame of [
        bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, reservedFlag: true, tos: 0x03 })),
        bench.in(inward({ reservedFlag: true, tos: 0x03 })),
      ]) {
        expectFrame(frame).ipv4({ tos: 0x03 });
        expect((frame[20] as number) >> 7).toBe(1);
      }
    }
    const error = bench.complaint(
      "lan",
      udpFrame({ ...L1_TO_W1, ttl: 1, reservedFlag: true, tos: 0x01 }),
      "ipTtlExceeded",
    );
    expectFrame(error).ipv4({ tos: 0 });
    expect((error[20] as number) >> 7).toBe(0);
    const reply = bench.back(icmpFrame({ ...L1_TO_LAN_ADDRESS, reservedFlag: true }));
    expect((reply[20] as number) >> 7).toBe(0);
  });
});

describe("from one LAN host to another by way of the gateway", () => {
  const L1_TO_L2 = between(L1_ADDRESS, L2_ADDRESS);

  it("RFC1812 §5.2.7.2, RFC5508 REQ-10b1: a host redirect to the other, and the packet itself, one hop older", () => {
    const bench = new GatewayBench();
    for (const { build } of KINDS) {
      bench.advance(1000);
      const frame = build({ ...L1_TO_L2, ttl: 9 });
      bench.fromLan(frame);
      const [redirect, passed, ...others] = bench.lan();
      expectFrame(redirect)
        .ethernet({ destination: L1_MAC })
        .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS, ttl: 64 })
        .icmp({ type: 5, code: 1, identifier: 0xc0a8, sequence: 0x0132 })
        .payload(packetOf(frame));
      expectFrame(passed)
        .ethernet({ source: LAN_MAC, destination: L2_MAC })
        .ipv4({ source: L1_ADDRESS, destination: L2_ADDRESS, ttl: 8 });
      expect(packetOf(passed as Uint8Array).subarray(12)).toEqual(packetOf(frame).subarray(12));
      expect([others, bench.wan(), bench.drops()]).toEqual([[], [], {}]);
    }
    expect(bench.gateway.nat.sessionCount).toBe(0);
  });

  it("RFC1812 §4.3.2.8: one redirect a second, whoever asks for it", () => {
    const bench = new GatewayBench();
    for (let i = 0; i < 1000; i++) bench.fromLan(udpFrame(i % 2 === 0 ? L1_TO_L2 : between(L2_ADDRESS, L1_ADDRESS)));
    expect(bench.lan().filter((frame) => decodeIpv4(packetOf(frame)).protocol === 1)).toHaveLength(1);
    bench.complaint("lan", udpFrame({ ...L1_TO_W1, ttl: 1 }), "ipTtlExceeded");
  });

  it("RFC1812 §5.2.6: fragments pass one by one, in whatever order, and alone", () => {
    const bench = new GatewayBench();
    const fragments = fragmentsOf(udpFrame({ ...L1_TO_L2, payload: patternBytes(3000) }), 1008).reverse();
    bench.fromLan(...fragments);
    const passed = bench.lan().filter((frame) => decodeIpv4(packetOf(frame)).protocol === 17);
    expect(passed.map((frame) => frame.subarray(34))).toEqual(fragments.map((frame) => frame.subarray(34)));
    expect(passed.map((frame) => frame.subarray(18, 22))).toEqual(fragments.map((frame) => frame.subarray(18, 22)));
    bench.fromLan(ipv4Frame({ ...L1_TO_L2, protocol: 17, fragmentOffset: 800, payload: "12345678" }));
    expect(bench.lan()).toHaveLength(1);
    bench.advance(120_000);
    expect([bench.lan(), bench.drops()]).toEqual([[], {}]);
  });

  it("RFC1812 §5.3.1, §5.2.7.1 (MTU): not with its last hop, and not when it is too big", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(LAN, 1000);
    expectFrame(bench.complaint("lan", udpFrame({ ...L1_TO_L2, ttl: 1 }), "ipTtlExceeded"))
      .ipv4()
      .icmp({ type: 11, code: 0 });
    const large = udpFrame({ ...L1_TO_L2, dontFragment: true, payload: patternBytes(1200) });
    expectFrame(bench.complaint("lan", large, "ipTooBig"))
      .ipv4()
      .icmp({ type: 3, code: 4, nextHopMtu: 1000 });
    bench.fromLan(udpFrame({ ...L1_TO_L2, payload: patternBytes(1200) }));
    expect(bench.lan().map((frame) => decodeIpv4(packetOf(frame)).totalBytes)).toEqual([576, 996, 252]);
  });

  it("RFC1812 §4.3.2.7: no error about a fragment other than the first", () => {
    const bench = new GatewayBench();
    const [first, second] = fragmentsOf(udpFrame({ ...L1_TO_L2, ttl: 1, payload: patternBytes(1200) }), 608);
    bench.expectSilence("lan", second as Uint8Array, { ipTtlExceeded: 1 });
    bench.complaint("lan", first as Uint8Array, "ipTtlExceeded");
  });

  it("RFC1812 §4.3.3.1 (host): to an absent one comes back as host unreachable", () => {
    const bench = new GatewayBench();
    const frame = udpFrame(between(L1_ADDRESS, "192.168.1.200"));
    bench.fromLan(frame);
    bench.lan();
    bench.advance(3000);
    const [error, ...others] = bench.lan();
    expectFrame(error).ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS }).icmp({ type: 3, code: 1 });
    expect(others).toEqual([]);
    expect(bench.drops()).toEqual({ neighbourUnresolved: 1 });
  });

  it("not from a host to itself, which nobody sends in earnest", () => {
    new GatewayBench().expectSilence("lan", udpFrame(between(L1_ADDRESS, L1_ADDRESS)), { ipNotForUs: 1 });
  });

  it("no redirect to a host whose station would have to be asked for", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.fromLan(udpFrame(L1_TO_L2));
    expect(bench.lan().map((frame) => decodeIpv4(packetOf(frame)).protocol)).toEqual([17]);
  });

  it("not with options that record addresses, nor to the LAN from the WAN", () => {
    const bench = new GatewayBench();
    bench.expectSilence("lan", udpFrame({ ...L1_TO_L2, options: [7, 7, 4, 0, 0, 0, 0] }), { ipOptionRefused: 1 });
    bench.expectSilence("wan", udpFrame(between(W1_ADDRESS, L2_ADDRESS)), { wanUnsolicited: 1 });
  });
});
