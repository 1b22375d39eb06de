import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { WAN } from "../../src/gateway.js";
import {
  between,
  decodeIpv4,
  decodeUdp,
  expectFrame,
  FRAGMENT_ORDERS,
  fragmentsOf,
  GatewayBench,
  ISP_ADDRESS,
  icmpErrorFrame,
  icmpFrame,
  identifierOf,
  ipv4Frame,
  L1_ADDRESS,
  L1_TO_W1,
  L1_TO_W2,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_TO_W1,
  L2_TO_WAN_ADDRESS,
  LAN_ADDRESS,
  lanHosts,
  mapped,
  naiveChecksum,
  packetOf,
  patternBytes,
  reassembled,
  tcpFrame,
  udpFrame,
  udpPortOf,
  W1_ADDRESS,
  W1_TO_US,
  W2_ADDRESS,
  W2_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

/** For thousands of packets: seconds where many tests run at once. */
const SLOW_MS = 60_000;

describe("RFC 4787: UDP", () => {
  it("RFC4787 REQ-1, T1: an inside endpoint has the same external port for every destination", () => {
    const bench = new GatewayBench();
    udpPortOf(bench, { ...L2_TO_W1, sourcePort: 5000 });
    const first = udpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000, destinationPort: 1 });
    expect(udpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000, destinationPort: 2 })).toBe(first);
    expect(udpPortOf(bench, { ...L1_TO_W2, sourcePort: 5000, destinationPort: 1 })).toBe(first);
    expect(bench.gateway.nat.mappingCount).toBe(2);
    // Each of the peers can answer.
    for (const [addresses, sourcePort] of [
      [W1_TO_US, 1],
      [W1_TO_US, 2],
      [W2_TO_US, 1],
    ] as const) {
      expectFrame(bench.in(udpFrame({ ...addresses, sourcePort, destinationPort: first })))
        .ipv4({ source: addresses.source, destination: L1_ADDRESS })
        .udp({ sourcePort, destinationPort: 5000 });
    }
  });

  it("RFC4787 REQ-3: two hosts with the same port and destination get different external ports, and each its answers", () => {
    const bench = new GatewayBench();
    for (let port = 5000; port < 5100; port++) {
      const one = udpPortOf(bench, { ...L1_TO_W1, sourcePort: port });
      const two = udpPortOf(bench, { ...L2_TO_W1, sourcePort: port });
      expect(two).not.toBe(one);
      for (const [destinationPort, destination] of [
        [one, L1_ADDRESS],
        [two, L2_ADDRESS],
      ] as const) {
        expectFrame(bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort })))
          .ipv4({ destination })
          .udp({ destinationPort: port });
      }
    }
  });

  it("RFC4787 REQ-3a, REQ-4, T2: source ports below 1024 map below 1024, others above, with two hosts on each", () => {
    const bench = new GatewayBench();
    for (const port of [1, 123, 500, 1023, 1024, 5000, 49151, 49152, 65535]) {
      for (const [addresses, destination] of [
        [L1_TO_W1, L1_ADDRESS],
        [L2_TO_W1, L2_ADDRESS],
      ] as const) {
        const external = udpPortOf(bench, { ...addresses, sourcePort: port });
        expect(external < 1024).toBe(port < 1024);
        expect(external & 1).toBe(port & 1);
        expectFrame(bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: external })))
          .ipv4({ destination })
          .udp({ destinationPort: port });
      }
    }
  });

  it("RFC4787 REQ-4: the parity of the port is kept for 200 mappings, half of them with a source port that is taken", () => {
    const bench = new GatewayBench();
    const ports: number[] = [];
    for (let i = 0; i < 200; i++) {
      const external = udpPortOf(bench, { ...(i < 100 ? L1_TO_W1 : L2_TO_W1), sourcePort: 6000 + (i % 100) });
      expect(external & 1).toBe(i & 1);
      ports.push(external);
    }
    expect(new Set(ports).size).toBe(200);
    const steps = new Set(ports.map((port, i) => port - (ports[i - 1] ?? 0)));
    expect(steps.size).toBeGreaterThan(190);
  });

  it("RFC4787 REQ-5, REQ-5c: a mapping is there 300 s after its last packet, and gone at 302 s", () => {
    for (const packets of [1, 3]) {
      const { bench, inward, outward } = mapped();
      for (let i = 1; i < packets; i++) {
        bench.in(inward());
        bench.out(outward);
      }
      bench.advance(300_000);
      bench.in(inward());
      bench.advance(300_000);
      bench.in(inward());
      bench.advance(302_000);
      bench.expectSilence("wan", inward(), { wanUnsolicited: 1 });
      expect(bench.gateway.nat.mappingCount).toBe(0);
      expect(bench.gateway.ports.count).toBe(0);
    }
  });

  it("RFC4787 REQ-6: outbound packets alone keep the mapping, whether the flow cache carries them or not", () => {
    const { bench, external, outward, inward } = mapped();
    for (let i = 0; i < 6; i++) {
      bench.advance(250_000);
      expectFrame(bench.out(outward)).ipv4().udp({ sourcePort: external });
    }
    bench.in(inward());
    for (let i = 0; i < 40; i++) {
      bench.advance(100_000);
      expectFrame(bench.out(outward)).ipv4().udp({ sourcePort: external });
    }
    bench.in(inward());
  });

  it("RFC4787 REQ-6a: inbound packets alone keep it, too: always, not only now and then", () => {
    const { bench, inward } = mapped();
    for (let i = 0; i < 20; i++) {
      bench.advance(100_000);
      bench.in(inward());
    }
  });

  it("RFC4787 REQ-8: address-dependent filtering by default: any port of a known host, no other host", () => {
    const { bench, external, inward } = mapped();
    bench.in(inward());
    bench.in(inward({ sourcePort: 54 }));
    bench.in(inward({ sourcePort: 65535 }));
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, sourcePort: 53, destinationPort: external }), {
      natFiltered: 1,
    });
    udpPortOf(bench, { ...L1_TO_W2, sourcePort: 5000 });
    bench.in(udpFrame({ ...W2_TO_US, sourcePort: 9, destinationPort: external }));
  });

  it("RFC4787 REQ-8: another host's mapping with a peer lets that peer into no other mapping", () => {
    const { bench, external } = mapped();
    udpPortOf(bench, { ...L2_TO_W1, sourcePort: 5000, destination: W2_ADDRESS });
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: external }), { natFiltered: 1 });
  });

  it("RFC4787 REQ-8a: endpoint-independent filtering on request: anyone, on that protocol", () => {
    const { bench, external } = mapped({ nat: { filtering: "endpointIndependent" } });
    bench.in(udpFrame({ ...W2_TO_US, destinationPort: external }));
    // RFC 7857 section 6: per protocol.
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, destinationPort: external }), { wanUnsolicited: 1 });
  });

  it("RFC4787 REQ-9, REQ-9a: hairpin between two mapped hosts; each sees the other's external endpoint", () => {
    const { bench, external } = mapped();
    const other = udpPortOf(bench, { ...L2_TO_W1, sourcePort: 5000 });
    for (let i = 0; i < 4; i++) {
      expectFrame(bench.back(udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: other })))
        .ethernet({ destination: between(L2_ADDRESS, "").sourceMac })
        .ipv4({ source: WAN_ADDRESS, destination: L2_ADDRESS, ttl: 63 })
        .udp({ sourcePort: external, destinationPort: 5000 })
        .payload("hello");
      expectFrame(bench.back(udpFrame({ ...L2_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: external })))
        .ipv4({ source: WAN_ADDRESS, destination: L1_ADDRESS })
        .udp({ sourcePort: other, destinationPort: 5000 });
    }
  });

  it("RFC4787 REQ-9: hairpin to oneself, and from a host without a mapping yet", () => {
    const { bench, external } = mapped();
    expectFrame(bench.back(udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: external })))
      .ipv4({ source: WAN_ADDRESS, destination: L1_ADDRESS })
      .udp({ sourcePort: external, destinationPort: 5000 });
    expectFrame(bench.back(udpFrame({ ...L2_TO_WAN_ADDRESS, sourcePort: 7, destinationPort: external })))
      .ipv4({ source: WAN_ADDRESS, destination: L1_ADDRESS })
      .udp({ destinationPort: 5000 });
  });

  it("RFC4787 REQ-10: payloads that name inside addresses pass as they are, both ways, new and established", () => {
    const bench = new GatewayBench();
    for (const [port, payload] of [
      [5060, "INVITE sip:x SIP/2.0\r\nContact: <sip:me@192.168.1.10:5060>\r\nc=IN IP4 192.168.1.10\r\n"],
      [69, "\0\x01file\0octet\0"],
      [53, `192.168.1.10 203.0.113.2 ${L1_ADDRESS}`],
      [137, Uint8Array.of(192, 168, 1, 10, 5060 >> 8, 5060 & 255)],
    ] as const) {
      for (let i = 0; i < 3; i++) {
        const sent = bench.out(udpFrame({ ...L1_TO_W1, sourcePort: port, destinationPort: port, payload }));
        expectFrame(sent).ipv4().udp().payload(payload);
        const destinationPort = decodeUdp(packetOf(sent)).sourcePort;
        expectFrame(bench.in(udpFrame({ ...W1_TO_US, sourcePort: port, destinationPort, payload })))
          .ipv4()
          .udp()
          .payload(payload);
      }
    }
  });

  it("RFC4787 REQ-12: no ICMP message ends or prolongs a mapping", () => {
    const { bench, external, inward } = mapped();
    const about = udpFrame({
      source: WAN_ADDRESS,
      destination: W1_ADDRESS,
      sourcePort: external,
      destinationPort: 53,
    });
    for (let code = 0; code < 16; code++) bench.in(icmpErrorFrame({ ...W1_TO_US, type: 3, code, about }));
    for (const type of [11, 12]) bench.in(icmpErrorFrame({ ...W1_TO_US, type, code: 0, about }));
    for (const type of [4, 5]) {
      bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, type, code: 0, about }), { icmpTypeUnknown: 1 });
    }
    bench.in(inward());
    bench.advance(200_000);
    bench.in(icmpErrorFrame({ ...W1_TO_US, about }));
    bench.advance(102_000);
    bench.expectSilence("wan", inward(), { wanUnsolicited: 1 });
  });

  it("RFC4787 REQ-12a, REQ-12b: an error by any router on the way reaches the host, whole", () => {
    const { bench, external } = mapped();
    const about = udpFrame({ source: WAN_ADDRESS, destination: W1_ADDRESS, sourcePort: external, destinationPort: 53 });
    for (const router of ["198.51.100.1", ISP_ADDRESS, "10.9.8.7"]) {
      expectFrame(bench.in(icmpErrorFrame({ ...between(router, WAN_ADDRESS), code: 3, about })))
        .ipv4({ source: router, destination: L1_ADDRESS })
        .icmp({ type: 3, code: 3 })
        .quote()
        .ipv4({ source: L1_ADDRESS, destination: W1_ADDRESS })
        .udp({ sourcePort: 5000, destinationPort: 53 })
        .payload("hello");
    }
  });
});

describe("UDP checksums", () => {
  it("a datagram without one passes without one, in both directions, new and established", () => {
    const { bench, outward, inward } = mapped();
    const without = udpFrame({ ...L1_TO_W1, sourcePort: 5000, checksum: 0 });
    for (let i = 0; i < 4; i++) {
      expectFrame(bench.out(without)).ipv4().udp({ checksum: 0 });
      expectFrame(bench.in(inward({ checksum: 0 })))
        .ipv4()
        .udp({ checksum: 0 });
    }
    expect(decodeUdp(bench.out(outward).subarray(14)).checksum).not.toBe(0);
  });

  it("a wrong one stays wrong, and is the receiver's to find (RFC 5382 section 8)", () => {
    const { bench } = mapped();
    bench.fromLan(udpFrame({ ...L1_TO_W1, sourcePort: 5000, checksum: 0x1234 }));
    const sent = bench.wan()[0] as Uint8Array;
    expect(() => expectFrame(sent)).toThrow("wrong UDP checksum");
    expect(naiveChecksum(sent.subarray(14, 34))).toBe(0);
  });

  it(
    "RFC1624 §3: are right for a thousand packets of random ends and contents, both ways",
    () => {
      const bench = new GatewayBench({ nat: { hostRate: 0, totalRate: 0 } });
      for (let i = 0; i < 1000; i++) {
        bench.advance(100);
        const destination = `198.51.${(i * 37) & 255}.${1 + ((i * 101) % 254)}`;
        const payload = patternBytes(i % 40);
        const sourcePort = 1024 + ((i * 7919) % 60000);
        const sent = bench.out(udpFrame({ ...L1_TO_W1, destination, sourcePort, payload }));
        expectFrame(sent).ipv4({ ttl: 63 }).udp().payload(payload);
        const destinationPort = decodeUdp(sent.subarray(14)).sourcePort;
        const back = bench.in(
          udpFrame({ ...between(destination, WAN_ADDRESS), sourcePort: 53, destinationPort, payload }),
        );
        expectFrame(back).ipv4({ ttl: 63 }).udp({ destinationPort: sourcePort }).payload(payload);
        expect(decodeIpv4(back.subarray(14)).destination).toBe(L1_ADDRESS);
      }
    },
    SLOW_MS,
  );
});

describe("RFC 4787: timers and determinism", () => {
  it("RFC4787 REQ-5b: the timer is what the administrator sets", () => {
    const { bench, inward } = mapped({ nat: { udpTimeoutS: 30 } });
    bench.advance(30_000);
    bench.in(inward());
    bench.advance(32_000);
    bench.expectSilence("wan", inward(), { wanUnsolicited: 1 });
  });

  it(
    "RFC4787 REQ-11: mapping and filtering are the same with an empty, a half-full and a full session table",
    () => {
      for (const sessions of [0, 512, 1024]) {
        const bench = new GatewayBench();
        fill(bench, sessions);
        expectUsualBehaviour(bench);
      }
    },
    SLOW_MS,
  );

  it("RFC4787 REQ-11: and when nearly all ports of the range are taken, and after collisions", () => {
    const bench = new GatewayBench({ nat: { ports: { first: 2000, last: 2127 } } });
    fill(bench, 120);
    expectUsualBehaviour(bench);
    // L2 with L1's very port and peers.
    udpPortOf(bench, { ...L2_TO_W1, sourcePort: 5000, destinationPort: 1 });
    expectUsualBehaviour(bench);
  });

  /** Takes that many sessions for other hosts, each with an answer. */
  function fill(bench: GatewayBench, sessions: number): void {
    const hosts = lanHosts(bench, 16);
    for (let i = 0; i < sessions; i++) {
      const source = hosts[i % hosts.length] as string;
      const fields = { ...between(source, W2_ADDRESS), sourcePort: 6000 + (i >> 6), destinationPort: 7000 + i };
      const destinationPort = udpPortOf(bench, fields);
      bench.in(udpFrame({ ...W2_TO_US, sourcePort: 7000 + i, destinationPort }));
      bench.advance(100);
    }
    expect(bench.gateway.nat.sessionCount).toBe(sessions);
  }

  /** One port for all destinations, any port of a known peer may answer, and no stranger. */
  function expectUsualBehaviour(bench: GatewayBench): void {
    let external = 0;
    for (const [there, back, port] of [
      [L1_TO_W1, W1_TO_US, 1],
      [L1_TO_W1, W1_TO_US, 2],
      [L1_TO_W2, W2_TO_US, 1],
    ] as const) {
      const drawn = udpPortOf(bench, { ...there, sourcePort: 5000, destinationPort: port });
      external ||= drawn;
      expect(drawn).toBe(external);
      // A session without an answer may make way for the next one.
      bench.in(udpFrame({ ...back, sourcePort: port, destinationPort: external }));
    }
    for (const addresses of [W1_TO_US, W2_TO_US]) {
      for (const sourcePort of [1, 2, 999]) {
        expectFrame(bench.in(udpFrame({ ...addresses, sourcePort, destinationPort: external })))
          .ipv4({ source: addresses.source, destination: L1_ADDRESS })
          .udp({ sourcePort, destinationPort: 5000 });
      }
    }
    const stranger = between("198.51.100.99", WAN_ADDRESS);
    bench.expectSilence("wan", udpFrame({ ...stranger, sourcePort: 1, destinationPort: external }), { natFiltered: 1 });
  }
});

describe("RFC 4787: packets larger than a link", () => {
  it("RFC4787 REQ-13, RFC5508 REQ-10a1: with DF they come back as fragmentation needed, with the packet as it was sent", () => {
    for (const frame of [
      udpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(1472) }),
      tcpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(1460) }),
      icmpFrame({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(1472) }),
    ]) {
      const bench = new GatewayBench();
      bench.gateway.setMtu(WAN, 1400);
      const error = bench.complaint("lan", frame, "ipTooBig");
      expectFrame(error)
        .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
        .icmp({ type: 3, code: 4, identifier: 0, nextHopMtu: 1400 })
        .payload(frame.subarray(14, 14 + 548));
      // Nothing was translated, so nothing was mapped.
      expect(bench.gateway.nat.mappingCount).toBe(0);
    }
  });

  it("RFC4787 REQ-13: so they do in a conversation that is under way; one byte less than too many passes", () => {
    const { bench, inward } = mapped();
    bench.gateway.setMtu(WAN, 1400);
    for (let i = 0; i < 3; i++) {
      bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, dontFragment: true, payload: patternBytes(1372) }));
      bench.in(inward());
      const tooBig = udpFrame({ ...L1_TO_W1, sourcePort: 5000, dontFragment: true, payload: patternBytes(1373) });
      expectFrame(bench.complaint("lan", tooBig, "ipTooBig"))
        .ipv4()
        .icmp({ type: 3, code: 4, nextHopMtu: 1400 });
    }
  });

  it("RFC4787 REQ-13a, REQ-13a (order): without DF they leave in fragments, in order, and whole", () => {
    const { bench, external } = mapped();
    bench.gateway.setMtu(WAN, 600);
    const payload = patternBytes(1400);
    for (let i = 0; i < 3; i++) {
      bench.fromLan(udpFrame({ ...L1_TO_W1, sourcePort: 5000, identification: 77 + i, payload }));
      const fragments = bench.wan();
      expect(fragments.map((one) => decodeIpv4(packetOf(one)).fragmentOffset)).toEqual([0, 576, 1152]);
      const expected = udpFrame({ source: WAN_ADDRESS, destination: W1_ADDRESS, sourcePort: external, payload });
      expect(reassembled(fragments, { source: WAN_ADDRESS, destination: W1_ADDRESS })).toEqual([
        ...expected.subarray(34),
      ]);
    }
    expect(bench.drops()).toEqual({});
  });
});

describe("RFC 4787: fragments", () => {
  const payload = patternBytes(3000);
  const out = { source: WAN_ADDRESS, destination: W1_ADDRESS };
  const back = { source: W1_ADDRESS, destination: L1_ADDRESS };

  it("RFC4787 REQ-14, T7: in each order, both ways, they arrive translated and whole", () => {
    const { bench, external, inward } = mapped();
    const left = udpFrame({ ...out, sourcePort: external, payload });
    const entered = udpFrame({ ...back, sourcePort: 53, destinationPort: 5000, payload });
    for (const [index, order] of FRAGMENT_ORDERS.entries()) {
      const identification = 1000 + index;
      const outward = fragmentsOf(udpFrame({ ...L1_TO_W1, sourcePort: 5000, identification, payload }), 1008);
      for (const i of order) bench.fromLan(outward[i] as Uint8Array);
      expect(reassembled(bench.wan(), out)).toEqual([...left.subarray(34)]);
      const answer = fragmentsOf(inward({ identification, payload }), 1008);
      for (const i of order) bench.fromWan(answer[i] as Uint8Array);
      expect(reassembled(bench.lan(), back)).toEqual([...entered.subarray(34)]);
    }
    expect(bench.drops()).toEqual({});
  });

  it("RFC4787 REQ-14a: a thousand orphans a second on both sides for 3 s harm neither whole packets nor datagrams in order", () => {
    const { bench, inward } = mapped();
    const random = new SeededRandom(1);
    const echo = { ...L1_TO_W1, identifier: 7 };
    for (let tenths = 0; tenths < 30; tenths++) {
      for (let i = 0; i < 100; i++) {
        const orphan = { protocol: 17, fragmentOffset: 8 * random.below(180), moreFragments: random.chance(0.5) };
        const fields = { ...orphan, payload: "12345678" };
        bench.fromLan(ipv4Frame({ ...L2_TO_W1, ...fields, identification: random.below(65536) }));
        bench.fromWan(ipv4Frame({ ...W2_TO_US, ...fields, identification: random.below(65536) }));
      }
      bench.lan();
      bench.wan();
      bench.drops();
      bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000 }));
      bench.in(inward());
      const sent = bench.out(icmpFrame({ ...echo, sequence: tenths }));
      bench.in(icmpFrame({ ...W1_TO_US, type: 0, identifier: identifierOf(sent), sequence: tenths }));
      const identification = 2000 + tenths;
      bench.fromLan(...fragmentsOf(udpFrame({ ...L1_TO_W1, sourcePort: 5000, identification, payload }), 1008));
      expect(reassembled(bench.wan(), out).slice(8)).toEqual([...payload]);
      bench.fromWan(...fragmentsOf(inward({ identification, payload }), 1008));
      expect(reassembled(bench.lan(), back).slice(8)).toEqual([...payload]);
      bench.drops();
      bench.advance(100);
      bench.clear();
    }
  });
});
