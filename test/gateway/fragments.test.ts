/** Fragments through the gateway, each by itself; the far end puts them together. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LAN, WAN } from "../../src/gateway.js";
import { wholeFrames } from "../support/endHost.js";
import { decodeIpv4, decodeTcp, decodeUdp, expectFrame } from "../support/expectFrame.js";
import {
  FRAGMENT_ORDERS,
  fragmentsOf,
  type Ipv4Fields,
  icmpErrorFrame,
  icmpFrame,
  ipv4Frame,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "../support/frames.js";
import {
  type BenchOptions,
  GatewayBench,
  L1_ADDRESS,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_TO_W1,
  LAN_ADDRESS,
  W1_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

const FORWARDED = 25565;

/** One way through the gateway. */
interface Way {
  readonly name: string;
  /** Opens what has to be open, and says what a datagram with this payload looks like. */
  readonly prepare: (bench: GatewayBench) => (payload: Uint8Array, identification?: number) => Uint8Array;
  readonly from: "lan" | "wan";
  readonly to: "lan" | "wan";
}

function udpPort(frame: Uint8Array): number {
  return decodeUdp(frame.subarray(14)).sourcePort;
}

function addForward(bench: GatewayBench): void {
  bench.gateway.nat.forwards.add({
    protocol: "udp",
    ports: { first: FORWARDED, last: FORWARDED },
    insideAddress: ip(L2_ADDRESS),
    insidePort: FORWARDED,
  });
}

/** A connection of L1:40000 to W1:80; its external port. */
function connect(bench: GatewayBench): number {
  const syn = bench.out(tcpFrame({ ...L1_TO_W1, flags: "SYN", sequence: 1000 }));
  const external = decodeTcp(syn.subarray(14)).sourcePort;
  const ends = { sourcePort: 80, destinationPort: external };
  bench.in(tcpFrame({ ...W1_TO_US, ...ends, flags: "SYN ACK", sequence: 5000, acknowledgement: 1001 }));
  bench.out(tcpFrame({ ...L1_TO_W1, flags: "ACK", sequence: 1001, acknowledgement: 5001 }));
  return external;
}

const WAYS: readonly Way[] = [
  {
    name: "UDP outward",
    prepare:
      () =>
      (payload, identification = 7) =>
        udpFrame({ ...L1_TO_W1, payload, identification }),
    from: "lan",
    to: "wan",
  },
  {
    name: "UDP inward",
    prepare: (bench) => {
      const destinationPort = udpPort(bench.out(udpFrame(L1_TO_W1)));
      return (payload, identification = 7) =>
        udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort, payload, identification });
    },
    from: "wan",
    to: "lan",
  },
  {
    name: "UDP to a port forward",
    prepare: (bench) => {
      addForward(bench);
      return (payload, identification = 7) =>
        udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: FORWARDED, payload, identification });
    },
    from: "wan",
    to: "lan",
  },
  {
    name: "UDP by hairpin",
    prepare: (bench) => {
      addForward(bench);
      return (payload, identification = 7) =>
        udpFrame({ ...L1_TO_WAN_ADDRESS, destinationPort: FORWARDED, payload, identification });
    },
    from: "lan",
    to: "lan",
  },
  {
    name: "TCP outward",
    prepare: (bench) => {
      connect(bench);
      const fields = { ...L1_TO_W1, flags: "PSH ACK", sequence: 1001, acknowledgement: 5001 };
      return (payload, identification = 7) => tcpFrame({ ...fields, payload, identification });
    },
    from: "lan",
    to: "wan",
  },
  {
    name: "TCP inward",
    prepare: (bench) => {
      const ends = { ...W1_TO_US, sourcePort: 80, destinationPort: connect(bench) };
      const fields = { ...ends, flags: "PSH ACK", sequence: 5001, acknowledgement: 1001 };
      return (payload, identification = 7) => tcpFrame({ ...fields, payload, identification });
    },
    from: "wan",
    to: "lan",
  },
  {
    name: "a ping outward",
    prepare:
      () =>
      (payload, identification = 7) =>
        icmpFrame({ ...L1_TO_W1, payload, identification }),
    from: "lan",
    to: "wan",
  },
  {
    name: "a ping's answer inward",
    prepare: (bench) => {
      const request = bench.out(icmpFrame(L1_TO_W1));
      const identifier = (request[38] as number) * 256 + (request[39] as number);
      return (payload, identification = 7) => icmpFrame({ ...W1_TO_US, type: 0, identifier, payload, identification });
    },
    from: "wan",
    to: "lan",
  },
];

function send(bench: GatewayBench, way: Way, ...frames: Uint8Array[]): void {
  if (way.from === "lan") bench.fromLan(...frames);
  else bench.fromWan(...frames);
}

function received(bench: GatewayBench, way: Way): Uint8Array[] {
  const [frames, others] = way.to === "lan" ? [bench.lan(), bench.wan()] : [bench.wan(), bench.lan()];
  expect(others).toEqual([]);
  for (const frame of frames) expectFrame(frame);
  return frames;
}

/** The frame from its source address on: without the identification, and the checksum that goes with it. */
function withoutIdentification(frame: Uint8Array): number[] {
  return [...frame.subarray(0, 18), ...frame.subarray(20, 24), ...frame.subarray(26)];
}

/** What the far end gets when nothing is fragmented. */
function translatedWhole(way: Way, payload: Uint8Array): number[] {
  const bench = new GatewayBench();
  const build = way.prepare(bench);
  bench.clear();
  send(bench, way, build(payload));
  const [whole] = received(bench, way);
  return withoutIdentification(whole as Uint8Array);
}

/** The fragments of a frame, cut after these units of 8 bytes of its payload. */
function cutAt(frame: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const payload = frame.subarray(34);
  const edges = [0, ...new Set(cuts.map((cut) => 8 * cut)), payload.length].sort((a, b) => a - b);
  const { source, destination, protocol, identification, ttl } = decodeIpv4(frame.subarray(14));
  const ends = { source, destination, protocol, identification, ttl };
  return edges.slice(1).map((edge, i) =>
    withAddressesOf(
      frame,
      ipv4Frame({
        ...ends,
        fragmentOffset: edges[i] as number,
        moreFragments: edge < payload.length,
        payload: payload.slice(edges[i], edge),
      }),
    ),
  );
}

function withAddressesOf(frame: Uint8Array, fragment: Uint8Array): Uint8Array {
  fragment.set(frame.subarray(0, 12));
  return fragment;
}

const ROOMY: BenchOptions = { capacity: { heldFragments: 16 } };

describe.each(WAYS)("$name", (way) => {
  const payload = patternBytes(1200);

  it.each(FRAGMENT_ORDERS)("passes three fragments in the order %i, %i, %i", (...order) => {
    const bench = new GatewayBench();
    const build = way.prepare(bench);
    bench.clear();
    const fragments = fragmentsOf(build(payload), 408);
    for (const i of order) send(bench, way, fragments[i] as Uint8Array);
    const frames = received(bench, way);
    expect(frames).toHaveLength(3);
    expect(wholeFrames(frames).map(withoutIdentification)).toEqual([translatedWhole(way, payload)]);
    expect(bench.drops()).toEqual({});
  });

  it("passes each fragment at once when the first one has come, and those that came before it in their order", () => {
    const bench = new GatewayBench();
    const build = way.prepare(bench);
    bench.clear();
    const fragments = fragmentsOf(build(payload), 304);
    const offsets = [2, 1, 0, 3].map((i) => {
      send(bench, way, fragments[i] as Uint8Array);
      return received(bench, way).map((frame) => decodeIpv4(frame.subarray(14)).fragmentOffset);
    });
    expect(offsets).toEqual([[], [], [0, 608, 304], [912]]);
  });

  it("gives back the datagram for any fragments in any order, with duplicates", () => {
    const cases = fc
      .tuple(fc.integer({ min: 40, max: 1300 }), fc.array(fc.integer({ min: 3, max: 40 }), { maxLength: 7 }))
      .chain(([size, steps]) => {
        let cut = 0;
        const cuts = steps.map((step) => {
          cut += step;
          return cut;
        });
        return fc.record({
          size: fc.constant(size),
          cuts: fc.constant(cuts.filter((one) => 8 * one < size)),
          keys: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
          repeated: fc.nat(7),
        });
      });
    fc.assert(
      fc.property(cases, ({ size, cuts, keys, repeated }) => {
        const bench = new GatewayBench(ROOMY);
        const build = way.prepare(bench);
        bench.clear();
        const data = patternBytes(size);
        const fragments = cutAt(build(data), cuts);
        if (fragments.length < 2) return;
        const order = fragments.map((_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number));
        // Again before the last one, for with that one the datagram is over.
        const again = order[repeated % (order.length - 1)] as number;
        order.splice(order.length - 1, 0, again);
        for (const i of order) send(bench, way, fragments[i] as Uint8Array);
        expect(wholeFrames(received(bench, way)).map(withoutIdentification)).toEqual([translatedWhole(way, data)]);
        expect(bench.drops()).toEqual({ fragmentDuplicate: 1 });
        bench.advance(10_000);
        expect(bench.drops()).toEqual({});
      }),
      { numRuns: 60 },
    );
  });

  it("RFC1858: lets no overlap through, and nothing vanish without a reason", () => {
    const bad = fc.record({
      unit: fc.integer({ min: 3, max: 60 }),
      units: fc.integer({ min: 1, max: 20 }),
      more: fc.boolean(),
    });
    const cases = fc.record({
      bad: fc.array(bad, { minLength: 1, maxLength: 3 }),
      keys: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
    });
    fc.assert(
      fc.property(cases, (one) => {
        const bench = new GatewayBench(ROOMY);
        const build = way.prepare(bench);
        bench.clear();
        const frame = build(patternBytes(400));
        const header = translatedWhole(way, patternBytes(400)).slice(30, 34);
        const { source, destination, protocol, identification } = decodeIpv4(frame.subarray(14));
        const all = [
          ...fragmentsOf(frame, 104),
          ...one.bad.map(({ unit, units, more }) => {
            const place = { fragmentOffset: 8 * unit, moreFragments: more };
            const fields = { source, destination, protocol, identification, ...place };
            return withAddressesOf(frame, ipv4Frame({ ...fields, payload: new Uint8Array(8 * units).fill(0xee) }));
          }),
        ];
        const order = all.map((_, i) => i).sort((a, b) => (one.keys[a] ?? a) - (one.keys[b] ?? b));
        for (const i of order) send(bench, way, all[i] as Uint8Array);
        bench.advance(10_000);
        const frames = received(bench, way);
        const dropped = Object.values(bench.drops()).reduce((sum, count) => sum + count, 0);
        expect(frames.length + dropped).toBe(all.length);
        // An overlap throws here. The ports are those that were judged.
        for (const whole of wholeFrames(frames)) expect([...whole.subarray(34, 38)]).toEqual(header);
      }),
      { numRuns: 100 },
    );
  });

  it("checks and lowers the TTL of each fragment", () => {
    const bench = new GatewayBench();
    const build = way.prepare(bench);
    bench.clear();
    const fragments = fragmentsOf(build(payload), 408);
    send(bench, way, fragments[0] as Uint8Array);
    const old = fragments[1] as Uint8Array;
    const { source, destination, protocol, identification } = decodeIpv4(old.subarray(14));
    const fields = { source, destination, protocol, identification, fragmentOffset: 408, moreFragments: true, ttl: 1 };
    send(bench, way, withAddressesOf(old, ipv4Frame({ ...fields, payload: old.slice(34) })));
    expect(bench.drops()).toEqual({ ipTtlExceeded: 1 });
    // Nobody hears of it (RFC 1812 section 4.3.2.7), and the fragment is still missing.
    send(bench, way, ...fragments.slice(1));
    const frames = received(bench, way);
    expect(frames.map((frame) => decodeIpv4(frame.subarray(14)).ttl)).toEqual([63, 63, 63]);
    expect(wholeFrames(frames)).toHaveLength(1);
  });

  it("cuts a fragment again that is larger than the outgoing MTU", () => {
    const bench = new GatewayBench();
    const build = way.prepare(bench);
    bench.clear();
    bench.gateway.setMtu(way.to === "lan" ? LAN : WAN, 300);
    const fragments = fragmentsOf(build(payload), 408);
    for (const i of [2, 0, 1]) send(bench, way, fragments[i] as Uint8Array);
    const frames = received(bench, way);
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(314);
    expect(wholeFrames(frames).map(withoutIdentification)).toEqual([translatedWhole(way, payload)]);
    expect(bench.drops()).toEqual({});
  });

  it("loses nothing to orphans of others, 1000 a second for a minute on each side", { timeout: 60_000 }, () => {
    const bench = new GatewayBench();
    const build = way.prepare(bench);
    bench.clear();
    const expected = translatedWhole(way, payload);
    for (let ms = 0; ms < 60_000; ms++) {
      const orphan = { protocol: 17, identification: (ms * 7919) & 0xffff, fragmentOffset: 8, payload: "12345678" };
      bench.fromLan(ipv4Frame({ ...L2_TO_W1, ...orphan }));
      bench.fromWan(ipv4Frame({ ...W1_TO_US, source: `198.51.${ms & 127}.${1 + (ms % 200)}`, ...orphan }));
      if (ms % 500 === 0) {
        const fragments = fragmentsOf(build(payload, ms & 0xffff), 408);
        send(bench, way, fragments[0] as Uint8Array);
        bench.advance(1);
        send(bench, way, fragments[1] as Uint8Array, fragments[2] as Uint8Array);
        expect(wholeFrames(received(bench, way)).map(withoutIdentification)).toEqual([expected]);
      } else bench.advance(1);
    }
    const { fragmentTableFull = 0, fragmentTimeout = 0, ...others } = bench.drops();
    expect(fragmentTableFull + fragmentTimeout).toBeGreaterThan(119_000);
    expect(others).toEqual({});
  });
});

describe("the identification of fragments", () => {
  const payload = patternBytes(1200);

  it("RFC6864 §5.3.1: is ours where many share our address, whatever DF says, and stays inward", () => {
    const bench = new GatewayBench();
    const identifications = (frames: Uint8Array[]) =>
      new Set(frames.map((frame) => decodeIpv4(frame.subarray(14)).identification));
    const seen: number[] = [];
    for (const dontFragment of [false, true]) {
      for (let i = 0; i < 20; i++) {
        const fields = { ...L1_TO_W1, identification: 7, protocol: 17, dontFragment };
        const datagram = udpFrame({ ...fields, payload }).slice(34);
        bench.fromLan(
          ipv4Frame({ ...fields, moreFragments: true, payload: datagram.slice(0, 600) }),
          ipv4Frame({ ...fields, fragmentOffset: 600, payload: datagram.slice(600) }),
        );
        const frames = bench.wan();
        expect(wholeFrames(frames)).toHaveLength(1);
        expect(frames.every((frame) => decodeIpv4(frame.subarray(14)).dontFragment === dontFragment)).toBe(true);
        const [one, ...others] = identifications(frames);
        expect(others).toEqual([]);
        seen.push(one as number);
      }
    }
    expect(new Set(seen).size).toBe(40);
    const destinationPort = udpPort(bench.out(udpFrame(L1_TO_W1)));
    bench.fromWan(
      ...fragmentsOf(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort, payload, identification: 99 }), 608),
    );
    expect(identifications(bench.lan())).toEqual(new Set([99]));
  });

  it("RFC6864 §5.3.1, RFC7857 §10: two hosts' datagrams with one identification arrive whole, in between each other", () => {
    const bench = new GatewayBench();
    const datagrams = [L1_TO_W1, L2_TO_W1].map((ends, host) =>
      fragmentsOf(udpFrame({ ...ends, identification: 7, payload: new Uint8Array(1200).fill(host + 1) }), 408),
    );
    for (let i = 0; i < 3; i++) for (const fragments of datagrams) bench.fromLan(fragments[i] as Uint8Array);
    const wholes = wholeFrames(bench.wan());
    wholes.forEach((whole, host) => {
      expectFrame(whole)
        .ipv4({ source: WAN_ADDRESS })
        .udp()
        .payload(new Uint8Array(1200).fill(host + 1));
    });
    const identifications = wholes.map((whole) => decodeIpv4(whole.subarray(14)).identification);
    expect(new Set(identifications).size).toBe(2);
  });

  it("RFC4787 REQ-13: a fragment with DF that is too big comes back as fragmentation needed", () => {
    const bench = new GatewayBench();
    bench.gateway.setMtu(WAN, 600);
    const datagram = udpFrame({ ...L1_TO_W1, payload }).slice(34);
    const fields = { ...L1_TO_W1, protocol: 17, dontFragment: true };
    const first = ipv4Frame({ ...fields, moreFragments: true, payload: datagram.slice(0, 800) });
    expectFrame(bench.complaint("lan", first, "ipTooBig"))
      .ipv4()
      .icmp({ type: 3, code: 4 });
    bench.expectSilence("lan", ipv4Frame({ ...fields, fragmentOffset: 800, payload: datagram.slice(800) }), {
      fragmentRefused: 1,
    });
  });
});

describe("a flood of first fragments that pass", () => {
  it.each([
    ["from one source", () => "198.51.100.90"],
    ["from many sources", (i: number) => `198.51.${i & 127}.${1 + (i % 200)}`],
  ])("%s ends no datagram that comes in order, on either link", (_, sourceOf) => {
    const bench = new GatewayBench();
    addForward(bench);
    for (let i = 0; i < 3000; i++) {
      const fields = { ...W1_TO_US, source: sourceOf(i), identification: i, destinationPort: FORWARDED };
      bench.fromWan(fragmentsOf(udpFrame({ ...fields, payload: patternBytes(100) }), 64)[0] as Uint8Array);
      bench.advance(1);
      if (i % 100 !== 0) continue;
      bench.clear();
      const inward = {
        ...W1_TO_US,
        sourcePort: 53,
        destinationPort: FORWARDED,
        identification: i,
        payload: "x".repeat(999),
      };
      for (const fragment of fragmentsOf(udpFrame(inward), 256)) {
        bench.fromWan(fragment);
        bench.fromWan(fragmentsOf(udpFrame({ ...fields, identification: ~i & 0xffff }), 8)[0] as Uint8Array);
        bench.advance(1);
      }
      expect(
        wholeFrames(bench.lan().filter((frame) => decodeIpv4(frame.subarray(14)).source === W1_ADDRESS)),
      ).toHaveLength(1);
      bench.fromLan(...fragmentsOf(udpFrame({ ...L1_TO_W1, identification: i, payload: "y".repeat(999) }), 256));
      expect(wholeFrames(bench.wan())).toHaveLength(1);
    }
  });
});

describe("a datagram whose first fragment is refused", () => {
  it("has its other fragments dropped, those before and those after", () => {
    const bench = new GatewayBench();
    const fields = { ...W1_TO_US, destinationPort: 4444, payload: patternBytes(1200) };
    const [one, two, three] = fragmentsOf(udpFrame(fields), 408) as [Uint8Array, Uint8Array, Uint8Array];
    bench.expectSilence("wan", two, {});
    bench.expectSilence("wan", one, { wanUnsolicited: 1, fragmentRefused: 1 });
    bench.expectSilence("wan", three, { fragmentRefused: 1 });
    // Nothing of it is left to wait for.
    bench.advance(10_000);
    expect(bench.drops()).toEqual({});
  });

  it("is answered as a whole one would be", () => {
    const bench = new GatewayBench();
    const [first, second] = fragmentsOf(udpFrame({ ...L1_TO_W1, ttl: 1, payload: patternBytes(1200) }), 608);
    expectFrame(bench.complaint("lan", first as Uint8Array, "ipTtlExceeded"))
      .ipv4()
      .icmp({ type: 11, code: 0 });
    bench.expectSilence("lan", second as Uint8Array, { fragmentRefused: 1 });
  });
});

describe("a datagram whose rest does not come", () => {
  it("RFC1122 3.3.2: is reported after 60 s if it was for us and its first fragment came", () => {
    const bench = new GatewayBench();
    const ping = fragmentsOf(icmpFrame({ ...L1_TO_LAN_ADDRESS, payload: patternBytes(1200) }), 608);
    bench.fromLan(ping[0] as Uint8Array);
    bench.advance(59_999);
    expect(bench.lan()).toEqual([]);
    bench.advance(1);
    const [error] = bench.lan();
    expectFrame(error).ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS }).icmp({ type: 11, code: 1 }).quote();
    expect(bench.drops()).toEqual({ fragmentTimeout: 1 });
    bench.fromLan(ping[1] as Uint8Array);
    bench.advance(60_000);
    expect(bench.lan()).toEqual([]);
    expect(bench.drops()).toEqual({ fragmentTimeout: 1 });
  });

  it("is the far end's to report, whose error comes back translated", () => {
    const bench = new GatewayBench();
    const fragments = fragmentsOf(udpFrame({ ...L1_TO_W1, payload: patternBytes(1200) }), 608);
    const about = bench.out(fragments[0] as Uint8Array);
    bench.advance(60_000);
    expect([bench.lan(), bench.wan(), bench.drops()]).toEqual([[], [], {}]);
    const error = bench.in(icmpErrorFrame({ ...W1_TO_US, about, type: 11, code: 1 }));
    expectFrame(error)
      .ipv4({ source: W1_ADDRESS, destination: L1_ADDRESS })
      .icmp({ type: 11, code: 1 })
      .quote()
      .ipv4({ source: L1_ADDRESS, destination: W1_ADDRESS });
  });

  it("is forgotten after 5 s, so that the next one with its identification passes", () => {
    const bench = new GatewayBench();
    const fragments = fragmentsOf(udpFrame({ ...L1_TO_W1, payload: patternBytes(1200) }), 608);
    bench.out(fragments[0] as Uint8Array);
    bench.advance(5000);
    bench.fromLan(...fragments);
    expect(wholeFrames(bench.wan())).toHaveLength(1);
  });

  it("is forgotten with the address that it left with", () => {
    const bench = new GatewayBench();
    const [first, second] = fragmentsOf(udpFrame({ ...L1_TO_W1, payload: patternBytes(1200) }), 608);
    bench.out(first as Uint8Array);
    bench.gateway.setAddress(WAN, ip("203.0.113.3"), 24);
    bench.advance(5000);
    bench.clear();
    bench.expectSilence("lan", second as Uint8Array, {});
  });
});

describe("a datagram that is needed whole", () => {
  const payload = patternBytes(2000);

  it.each(FRAGMENT_ORDERS)("is put together for us in the order %i, %i, %i", (...order) => {
    for (const [ends, from] of [
      [L1_TO_LAN_ADDRESS, "lan"],
      [W1_TO_US, "wan"],
    ] as const) {
      const bench = new GatewayBench();
      const fragments = fragmentsOf(icmpFrame({ ...ends, payload }), 808);
      for (const i of order) {
        if (from === "lan") bench.fromLan(fragments[i] as Uint8Array);
        else bench.fromWan(fragments[i] as Uint8Array);
      }
      const [answer, ...others] = wholeFrames(from === "lan" ? bench.lan() : bench.wan());
      expectFrame(answer).ipv4().icmp({ type: 0 }).payload(payload);
      expect(others).toEqual([]);
      expect(bench.drops()).toEqual({});
    }
  });

  it("is an ICMP error in fragments, whose checksum over the whole must be right (RFC 5508 REQ-3)", () => {
    for (const isRight of [true, false]) {
      const bench = new GatewayBench();
      const about = bench.out(udpFrame({ ...L1_TO_W1, payload: patternBytes(900) }));
      const wrong = isRight ? {} : { checksum: 0x1234 };
      const error = icmpErrorFrame({ ...W1_TO_US, about, quoteBytes: 700, ...wrong });
      bench.fromWan(...fragmentsOf(error, 304).reverse());
      expect(bench.lan().map((frame) => decodeIpv4(frame.subarray(14)).destination)).toEqual(
        isRight ? [L1_ADDRESS] : [],
      );
      expect(bench.drops()).toEqual(isRight ? {} : { icmpChecksum: 1 });
      bench.advance(10_000);
      expect(bench.drops()).toEqual({});
    }
  });

  it("keeps nobody out who sends us fragments later, or on the other link", () => {
    const bench = new GatewayBench();
    const echo = (fields: Ipv4Fields) => fragmentsOf(icmpFrame({ ...fields, payload }), 1480);
    for (let i = 0; i < 200; i++) {
      const [first] = echo({ ...W1_TO_US, source: `198.51.100.${1 + i}`, identification: i });
      bench.fromWan(first as Uint8Array);
      bench.advance(1);
      if (i % 40 !== 39) continue;
      bench.fromLan(...echo({ ...L1_TO_LAN_ADDRESS, identification: i }));
      expect(wholeFrames(bench.lan())).toHaveLength(1);
    }
  });
});

describe("judging a fragment", () => {
  it("says what would happen to it, and changes nothing", async () => {
    const { Decision } = await import("../../src/nat/decision.js");
    const { Packet } = await import("../../src/wire/packet.js");
    const { loadFrame } = await import("../support/frames.js");
    const bench = new GatewayBench();
    const fragments = fragmentsOf(udpFrame({ ...L1_TO_W1, payload: patternBytes(1200) }), 408);
    const judge = (frame: Uint8Array) => {
      const packet = new Packet(loadFrame(frame));
      packet.read(loadFrame(frame), LAN, false);
      return bench.gateway.judge(packet, new Decision());
    };
    const [first, second, third] = fragments as [Uint8Array, Uint8Array, Uint8Array];
    expect(judge(second)).toBe("ok");
    expect(judge(first)).toBe("ok");
    expect([bench.wan(), bench.gateway.nat.sessionCount]).toEqual([[], 0]);
    bench.out(first);
    expect([judge(first), judge(second), judge(third)]).toEqual(["fragmentDuplicate", "ok", "ok"]);
    bench.out(second);
    expect(judge(second)).toBe("fragmentDuplicate");
    expect(decodeIpv4(bench.out(third).subarray(14)).source).toBe(WAN_ADDRESS);
  });
});
