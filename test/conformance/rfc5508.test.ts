import { describe, expect, it } from "vitest";
import {
  answered,
  between,
  decodeUdp,
  expectFrame,
  GatewayBench,
  icmpErrorFrame,
  icmpFrame,
  identifierOf,
  L1_ADDRESS,
  L1_TO_W1,
  L1_TO_W2,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_TO_W1,
  L2_TO_WAN_ADDRESS,
  mapped,
  naiveChecksum,
  tcpFrame,
  udpFrame,
  W1_ADDRESS,
  W1_TO_US,
  W2_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

/** All types and codes of errors that a NAT translates. */
const ERRORS = [...Array.from({ length: 16 }, (_, code) => [3, code] as const), [11, 0], [11, 1], [12, 0]] as const;

describe("RFC 5508: queries", () => {
  it("RFC5508 REQ-1: echo and timestamp, there and back", () => {
    const bench = new GatewayBench();
    for (const [query, reply] of [
      [8, 0],
      [13, 14],
    ] as const) {
      for (let sequence = 1; sequence < 4; sequence++) {
        const sent = bench.out(icmpFrame({ ...L1_TO_W1, type: query, identifier: 7, sequence }));
        expectFrame(sent).ipv4({ source: WAN_ADDRESS }).icmp({ type: query, sequence }).payload("abcdefghijklmnop");
        const answer = icmpFrame({ ...W1_TO_US, type: reply, identifier: identifierOf(sent), sequence });
        expectFrame(bench.in(answer))
          .ipv4({ source: W1_ADDRESS, destination: L1_ADDRESS })
          .icmp({ type: reply, identifier: 7, sequence })
          .payload("abcdefghijklmnop");
      }
    }
  });

  it("RFC5508 REQ-1a, T4: one identifier for all targets; two hosts with the same get different ones", () => {
    const bench = new GatewayBench();
    const one = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })));
    const two = identifierOf(bench.out(icmpFrame({ ...L2_TO_W1, identifier: 7 })));
    expect(identifierOf(bench.out(icmpFrame({ ...L1_TO_W2, identifier: 7 })))).toBe(one);
    expect(two).not.toBe(one);
    for (const [identifier, destination] of [
      [one, L1_ADDRESS],
      [two, L2_ADDRESS],
    ] as const) {
      expectFrame(bench.in(icmpFrame({ ...W1_TO_US, type: 0, identifier })))
        .ipv4({ destination })
        .icmp({ identifier: 7 });
    }
    bench.in(icmpFrame({ ...W2_TO_US, type: 0, identifier: one }));
    bench.expectSilence("wan", icmpFrame({ ...W2_TO_US, type: 0, identifier: two }), { natFiltered: 1 });
  });

  it("carries the identifiers 0 and 65535 as well", () => {
    const bench = new GatewayBench();
    for (const identifier of [0, 65535]) {
      const external = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier })));
      expectFrame(bench.in(icmpFrame({ ...W1_TO_US, type: 0, identifier: external })))
        .ipv4()
        .icmp({ identifier });
    }
  });

  it("RFC5508 REQ-2: a query session lives 59 s, and no more than 61", () => {
    const bench = new GatewayBench();
    const identifier = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })));
    const reply = icmpFrame({ ...W1_TO_US, type: 0, identifier });
    bench.advance(59_000);
    bench.in(reply);
    bench.advance(62_000);
    bench.expectSilence("wan", reply, { icmpIgnored: 1 });
    expect(bench.gateway.nat.mappingCount).toBe(0);
  });

  it("never lets a query from outside in", () => {
    const bench = new GatewayBench();
    const identifier = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })));
    bench.fromWan(icmpFrame({ ...W1_TO_US, type: 8, identifier }));
    expect(bench.lan()).toEqual([]);
    // It was answered by the gateway itself.
    expectFrame(bench.wan()[0]).ipv4({ source: WAN_ADDRESS }).icmp({ type: 0, identifier });
    bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, type: 13, identifier }), { icmpTypeUnknown: 1 });
  });
});

describe("RFC 5508: errors from outside", () => {
  it("RFC5508 REQ-3: dropped with a wrong ICMP checksum", () => {
    const { bench, about } = mapped();
    const wrong = icmpErrorFrame({ ...W1_TO_US, about });
    wrong[36] = (wrong[36] as number) ^ 1;
    bench.expectSilence("wan", wrong, { icmpChecksum: 1 });
  });

  it("RFC5508 REQ-3a: dropped with a wrong checksum in the quoted IP header", () => {
    const { bench, about } = mapped();
    const wrong = about.slice();
    wrong[22] = 1;
    bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, about: wrong }), { icmpMalformed: 1 });
  });

  it("RFC5508 REQ-3b: options in the quoted header are skipped", () => {
    const { bench, external } = mapped();
    const about = udpFrame({
      source: WAN_ADDRESS,
      destination: W1_ADDRESS,
      sourcePort: external,
      options: [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    });
    expectFrame(bench.in(icmpErrorFrame({ ...W1_TO_US, about })))
      .ipv4({ destination: L1_ADDRESS })
      .icmp({ type: 3, code: 3 })
      .quote()
      .ipv4({ source: L1_ADDRESS, headerBytes: 32 })
      .udp({ sourcePort: 5000 });
  });

  it("RFC5508 REQ-3c: a wrong transport checksum in the quote is no reason to drop", () => {
    const { bench, external } = mapped();
    const about = udpFrame({ source: WAN_ADDRESS, destination: W1_ADDRESS, sourcePort: external, checksum: 0x1234 });
    bench.fromWan(icmpErrorFrame({ ...W1_TO_US, about }));
    expect(bench.lan().length).toBe(1);
    expect(bench.drops()).toEqual({});
  });

  it("RFC5508 REQ-3d: an extension behind a padded quote passes untouched, the checksums right", () => {
    const { bench, about } = mapped();
    const quote = about.subarray(14);
    // RFC 4884: the quote padded to 128 bytes, then version 2, checksum, and one object.
    const extension = [0x20, 0, 0, 0, 0, 8, 1, 1, 0xde, 0xad, 0xbe, 0xef];
    const sum = naiveChecksum(Uint8Array.from(extension));
    extension[2] = sum >> 8;
    extension[3] = sum & 255;
    const payload = [...quote, ...new Uint8Array(128 - quote.length), ...extension];
    const error = bench.in(icmpFrame({ ...W1_TO_US, type: 11, code: 0, identifier: 32, sequence: 0, payload }));
    expectFrame(error)
      .ipv4({ destination: L1_ADDRESS })
      .icmp({ type: 11, code: 0, identifier: 32 })
      .quote()
      .ipv4({ source: L1_ADDRESS })
      .udp({ sourcePort: 5000 });
    expect([...error.subarray(42 + 128)]).toEqual(extension);
  });

  it("RFC5508 REQ-4: dropped without a mapping", () => {
    const { bench, external } = mapped();
    for (const about of [
      udpFrame({ source: WAN_ADDRESS, destination: W1_ADDRESS, sourcePort: external ^ 1 }),
      udpFrame({ source: WAN_ADDRESS, destination: "198.51.100.99", sourcePort: external }),
      udpFrame({ source: WAN_ADDRESS, destination: W1_ADDRESS, sourcePort: external, destinationPort: 54 }),
      udpFrame({ source: "203.0.113.9", destination: W1_ADDRESS, sourcePort: external }),
      tcpFrame({ source: WAN_ADDRESS, destination: W1_ADDRESS, sourcePort: external }),
      icmpFrame({ source: WAN_ADDRESS, destination: W1_ADDRESS, identifier: external }),
    ]) {
      bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, about }), { icmpErrorUnmatched: 1 });
    }
  });

  it("RFC5508 REQ-4: dropped when truncated before the ports", () => {
    const { bench, about } = mapped();
    for (const quoteBytes of [0, 8, 19, 20, 27]) {
      bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, about, quoteBytes }), { icmpMalformed: 1 });
    }
  });

  it("RFC5508 REQ-4a, REQ-4b, REQ-4c, T5: errors of all types arrive with the packet that the host sent", () => {
    for (const [type, code] of ERRORS) {
      const bench = new GatewayBench();
      const packets = [
        udpFrame({ ...L1_TO_W1, sourcePort: 5000, ttl: 2 }),
        tcpFrame({ ...L1_TO_W1, sourcePort: 5001, ttl: 2 }),
        icmpFrame({ ...L1_TO_W1, identifier: 7, ttl: 2 }),
        udpFrame({ ...L1_TO_W1, sourcePort: 5002, ttl: 2, checksum: 0 }),
      ];
      for (const original of packets) {
        const about = bench.out(original);
        const error = bench.in(
          icmpErrorFrame({ ...W1_TO_US, source: "198.51.100.1", type, code, about, nextHopMtu: 1280 }),
        );
        expectFrame(error).ipv4({ source: "198.51.100.1", destination: L1_ADDRESS }).icmp({ type, code }).quote();
        const expected = original.slice(14);
        // All but the TTL, and the header checksum with it, is as L1 sent it.
        expected[8] = 1;
        const quoted = error.slice(42);
        quoted.set(expected.subarray(10, 12), 10);
        expect([...quoted]).toEqual([...expected]);
      }
    }
  });

  it("RFC5508 REQ-6: errors about a query neither prolong nor end its session", () => {
    const bench = new GatewayBench();
    const about = bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 }));
    const reply = icmpFrame({ ...W1_TO_US, type: 0, identifier: identifierOf(about) });
    for (let i = 0; i < 5; i++) {
      bench.advance(10_000);
      bench.in(icmpErrorFrame({ ...W1_TO_US, type: 11, code: 0, about }));
    }
    bench.advance(9_000);
    bench.in(reply);
    for (let i = 0; i < 6; i++) {
      bench.advance(10_000);
      bench.in(icmpErrorFrame({ ...W1_TO_US, type: 11, code: 0, about }));
    }
    bench.advance(2_000);
    bench.expectSilence("wan", reply, { icmpIgnored: 1 });
  });
});

describe("RFC 5508: errors from inside", () => {
  it("RFC5508 REQ-5, REQ-5a, REQ-5b: reach the sender with the packet that it sent", () => {
    const { bench, original, received } = answered();
    for (const [type, code] of [
      [3, 3],
      [3, 4],
      [11, 1],
      [12, 0],
    ] as const) {
      const error = bench.out(icmpErrorFrame({ ...L1_TO_W1, type, code, about: received }));
      expectFrame(error)
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
        .icmp({ type, code })
        .quote()
        .ipv4({ source: W1_ADDRESS, destination: WAN_ADDRESS })
        .udp()
        .payload("answer");
      expect([...error.subarray(42 + 12)]).toEqual([...original.subarray(14 + 12)]);
    }
  });

  it("RFC5508 REQ-5c: also when another inside address sends them", () => {
    const { bench, received } = answered();
    expectFrame(bench.out(icmpErrorFrame({ ...L2_TO_W1, about: received }))).ipv4({ source: WAN_ADDRESS });
  });

  it("RFC5508 REQ-5: are dropped without a mapping, or on the way to somebody else", () => {
    const { bench, received } = answered();
    const unknown = udpFrame({ source: W1_ADDRESS, destination: L1_ADDRESS, sourcePort: 53, destinationPort: 5001 });
    bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_W1, about: unknown }), { icmpErrorUnmatched: 1 });
    bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_W2, about: received }), { icmpErrorUnmatched: 1 });
  });

  it("RFC5508 REQ-7 (errors), REQ-7a, RFC7857 §12: an error about a hairpinned packet goes back through the hairpin", () => {
    const { bench, external } = mapped();
    const other = decodeUdp(bench.out(udpFrame({ ...L2_TO_W1, sourcePort: 5000 })).subarray(14)).sourcePort;
    const original = udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: other });
    const received = bench.back(original);
    const error = bench.back(icmpErrorFrame({ ...L2_TO_WAN_ADDRESS, about: received }));
    expectFrame(error)
      .ipv4({ source: WAN_ADDRESS, destination: L1_ADDRESS })
      .icmp({ type: 3, code: 3 })
      .quote()
      .ipv4({ source: L1_ADDRESS, destination: WAN_ADDRESS })
      .udp({ sourcePort: 5000, destinationPort: other });
    expect(external).not.toBe(other);
  });
});

describe("RFC 5508: what is not supported", () => {
  it("RFC5508 REQ-10c1, REQ-10c2: neither source quench nor information requests, in any direction", () => {
    const { bench, about } = mapped();
    bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, type: 4, about }), { icmpTypeUnknown: 1 });
    for (const type of [4, 5]) {
      const inside = udpFrame({ source: W1_ADDRESS, destination: L1_ADDRESS, sourcePort: 53, destinationPort: 5000 });
      bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_W1, type, about: inside }), { icmpTypeUnknown: 1 });
    }
    for (const type of [15, 16, 17, 18]) {
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_W1, type }), { icmpTypeUnknown: 1 });
      bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, type }), { icmpTypeUnknown: 1 });
    }
  });

  it("a query with a wrong checksum goes its way, still wrong", () => {
    const bench = new GatewayBench();
    bench.fromLan(icmpFrame({ ...L1_TO_W1, checksum: 0x1234 }));
    expect(() => expectFrame(bench.wan()[0])).toThrow("wrong ICMP checksum");
  });

  it("a stranger's reply to a known identifier is dropped", () => {
    const bench = new GatewayBench();
    const identifier = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })));
    bench.expectSilence("wan", icmpFrame({ ...between("198.51.100.99", WAN_ADDRESS), type: 0, identifier }), {
      natFiltered: 1,
    });
  });
});
