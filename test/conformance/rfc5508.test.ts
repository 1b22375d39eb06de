import { describe, expect, it } from "vitest";
import type { DropReason } from "../../src/core/drops.js";
import { parseRule } from "../../src/firewall/rule.js";
import { LAN } from "../../src/gateway.js";
import {
  answered,
  BROADCAST,
  between,
  decodeIpv4,
  decodeUdp,
  expectFrame,
  forwardToL2,
  fragmentsOf,
  GatewayBench,
  icmpErrorFrame,
  icmpFrame,
  identifierOf,
  L1_ADDRESS,
  L1_TO_LAN_ADDRESS,
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
  payloadForNoSum,
  tcpFrame,
  tcpPortOf,
  udpFrame,
  W1_ADDRESS,
  W1_TO_US,
  W2_ADDRESS,
  W2_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

/** One packet of each protocol. */
const BUILDERS = [udpFrame, tcpFrame, icmpFrame];
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

  it("RFC5508 REQ-1: by policy, obsolete queries (RFC 6918) and extended echo (RFC 8335) pass in no direction", () => {
    const { bench } = mapped();
    for (const type of [15, 16, 17, 18, 37, 38, 42, 43]) {
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_W1, type, identifier: 7 }), { icmpTypeUnknown: 1 });
      bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, type, identifier: 7 }), { icmpTypeUnknown: 1 });
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

  it("RFC5508 REQ-2: a query session lives 60 s, and no more than 61", () => {
    const bench = new GatewayBench();
    const identifier = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })));
    const reply = icmpFrame({ ...W1_TO_US, type: 0, identifier });
    bench.advance(60_000);
    bench.in(reply);
    bench.advance(62_000);
    bench.expectSilence("wan", reply, { icmpIgnored: 1 });
    expect(bench.gateway.nat.mappingCount).toBe(0);
  });

  it("RFC5508 REQ-2a: the timer is what the administrator sets", () => {
    const bench = new GatewayBench({ nat: { icmpTimeoutS: 120 } });
    const identifier = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })));
    bench.advance(120_000);
    bench.in(icmpFrame({ ...W1_TO_US, type: 0, identifier }));
  });

  it("RFC7857 §11: the identifier's mapping goes with its last session", () => {
    const bench = new GatewayBench();
    const identifier = identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })));
    bench.advance(30_000);
    expect(identifierOf(bench.out(icmpFrame({ ...L1_TO_W2, identifier: 7 })))).toBe(identifier);
    bench.advance(32_000);
    // The first session is over; the other one holds the mapping.
    expect(identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })))).toBe(identifier);
    bench.advance(62_000);
    expect(bench.gateway.nat.mappingCount).toBe(0);
    expect(identifierOf(bench.out(icmpFrame({ ...L1_TO_W1, identifier: 7 })))).not.toBe(identifier);
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
      // A packet that may be fragmented leaves with an identification of the gateway's (RFC 6864 section 5.3.1).
      const fields = { ...L1_TO_W1, ttl: 2, dontFragment: true };
      const packets = [
        udpFrame({ ...fields, sourcePort: 5000 }),
        tcpFrame({ ...fields, sourcePort: 5001 }),
        icmpFrame({ ...fields, identifier: 7 }),
        udpFrame({ ...fields, sourcePort: 5002, checksum: 0 }),
        udpFrame({ ...fields, sourcePort: 5003, payload: payloadForNoSum({ ...fields, sourcePort: 5003 }) }),
      ];
      for (const original of packets) {
        const about = bench.out(original);
        const error = bench.in(
          icmpErrorFrame({ ...W1_TO_US, source: "198.51.100.1", type, code, about, nextHopMtu: 1280 }),
        );
        expectFrame(error).ipv4({ source: "198.51.100.1", destination: L1_ADDRESS }).icmp({ type, code }).quote();
        const expected = original.slice(14);
        // All but the TTL, the identification, which nobody keeps, and the header checksum with them is as L1 sent it.
        expected[8] = 1;
        const quoted = error.slice(42);
        quoted.set(expected.subarray(4, 6), 4);
        quoted.set(expected.subarray(10, 12), 10);
        expect([...quoted]).toEqual([...expected]);
      }
    }
  });

  it("RFC5508 REQ-4a, T5: a query quoted with checksum 0 gets its own back, as with any other", () => {
    const bench = new GatewayBench();
    const query = { ...L1_TO_W1, identifier: 7, sequence: 1, dontFragment: true };
    const checksumOf = (frame: Uint8Array) => frame.slice(36, 38);
    const lacking = checksumOf(bench.out(icmpFrame({ ...query, payload: [0, 0] })));
    const original = icmpFrame({ ...query, payload: lacking });
    const about = bench.out(original);
    expect([...checksumOf(about)]).toEqual([255, 255]);
    // The same to a sum; to UDP alone it means none.
    about.set([0, 0], 36);
    const error = bench.in(icmpErrorFrame({ ...W1_TO_US, type: 11, code: 0, about }));
    expect([...error.slice(42 + 20)]).toEqual([...original.slice(34)]);
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

describe("RFC 5508: errors of the NAT's own", () => {
  /** Of each protocol a packet from L1 to W1. */
  it("RFC5508 REQ-8: with all sessions taken by established connections, a newcomer is told, and nobody is harmed", () => {
    const bench = new GatewayBench({ capacity: { sessions: 8, mappings: 64 } });
    const uses = lanHosts(bench, 8).map((host) => connect(bench, host));
    expectProhibited(bench, L1_ADDRESS, "natNoSession");
    for (const use of uses) use();
  });

  it.each([
    ["sessions", { hostSessions: 4 }],
    ["mappings", { hostMappings: 4 }],
  ])("RFC5508 REQ-8: a host with all the %s that one may have is told, and another host is not held up", (_, nat) => {
    const bench = new GatewayBench({ nat });
    const uses = [9000, 9001, 9002, 9003].map((port) => connect(bench, L1_ADDRESS, port));
    expectProhibited(bench, L1_ADDRESS, "natHostQuota");
    for (const build of BUILDERS) bench.out(build(L2_TO_W1));
    for (const use of uses) use();
  });

  it.each([
    ["sessions", { sessions: 16, mappings: 64 }],
    ["mappings", { sessions: 64, mappings: 16 }],
  ])("RFC5508 REQ-8: who holds some is told that the last %s are for others, and these get them", (_, capacity) => {
    const bench = new GatewayBench({ capacity });
    const hosts = lanHosts(bench, 14);
    const uses = hosts.map((host) => connect(bench, host));
    for (const host of hosts) expectProhibited(bench, host, "natReserve");
    bench.out(udpFrame(L1_TO_W1));
    bench.out(tcpFrame(L2_TO_W1));
    for (const use of uses) use();
  });

  it("RFC5508 REQ-8: with as many handshakes under way as may be, the oldest makes way, and no host is told anything", () => {
    const bench = new GatewayBench({ capacity: { sessions: 64 } });
    const external = lanHosts(bench, 16).map((host) => tcpPortOf(bench, between(host, W1_ADDRESS)));
    bench.out(tcpFrame(L1_TO_W1));
    const [oldest, ...others] = external.map((destinationPort) =>
      tcpFrame({ ...W1_TO_US, sourcePort: 80, destinationPort, acknowledgement: 1001, flags: "SYN ACK" }),
    );
    bench.expectSilence("wan", oldest as Uint8Array, { wanUnsolicited: 1 });
    for (const answer of others) bench.in(answer);
  });

  it.each([false, true])(
    "RFC5508 REQ-8: a hairpin whose way back in finds no room is told about the packet that it sent (DF %s)",
    (dontFragment) => {
      const bench = new GatewayBench({ capacity: { sessions: 64 } });
      forwardToL2(bench, 7000);
      for (const host of lanHosts(bench, 16)) bench.out(tcpFrame(between(host, W1_ADDRESS)));
      const frame = tcpFrame({
        ...between(L1_ADDRESS, WAN_ADDRESS),
        destinationPort: 7000,
        identification: 0x1234,
        dontFragment,
      });
      expectFrame(bench.complaint("lan", frame, "natHalfOpen"))
        .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
        .icmp({ type: 3, code: 13 })
        .payload(packetOf(frame));
    },
  );

  it("RFC5508 REQ-8: with no external port left, a newcomer is told", () => {
    const bench = new GatewayBench({ nat: { ports: { first: 2000, last: 2003 } } });
    for (const host of lanHosts(bench, 4)) bench.out(udpFrame(between(host, W1_ADDRESS)));
    expectFrame(bench.complaint("lan", udpFrame(L1_TO_W1), "natNoPort"))
      .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
      .icmp({ type: 3, code: 13 })
      .payload(packetOf(udpFrame(L1_TO_W1)));
  });

  it("RFC5508 REQ-10a1: a packet that is too big for the LAN is reported to the WAN with the LAN's MTU", () => {
    const { bench, inward } = mapped();
    bench.gateway.setMtu(LAN, 1000);
    const frame = inward({ dontFragment: true, payload: patternBytes(1200) });
    expectFrame(bench.complaint("wan", frame, "ipTooBig"))
      .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
      .icmp({ type: 3, code: 4, nextHopMtu: 1000 })
      .payload(frame.subarray(14, 14 + 548));
  });

  it("RFC5508 REQ-10a1: fragmentation needed, from a router outside, reaches the host with its MTU", () => {
    const { bench, about } = mapped();
    expectFrame(bench.in(icmpErrorFrame({ ...W1_TO_US, code: 4, nextHopMtu: 1280, about })))
      .ipv4({ destination: L1_ADDRESS })
      .icmp({ type: 3, code: 4, nextHopMtu: 1280 })
      .quote()
      .ipv4({ source: L1_ADDRESS });
  });

  it("RFC5508 REQ-10a2, REQ-10d: a time to live that runs out is reported, for each protocol, with the packet's DS field", () => {
    const bench = new GatewayBench();
    for (const build of BUILDERS) {
      for (const ttl of [0, 1]) {
        // EF, and ECN's bits, which are not part of it.
        const frame = build({ ...L1_TO_W1, ttl, tos: 0xb9 });
        expectFrame(bench.complaint("lan", frame, "ipTtlExceeded"))
          .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS, tos: 0xb8 })
          .icmp({ type: 11, code: 0 })
          .payload(packetOf(frame));
      }
      expectFrame(bench.out(build({ ...L1_TO_W1, ttl: 2 }))).ipv4({ ttl: 1 });
    }
  });

  it("RFC5508 REQ-10a2, REQ-10d: and to the WAN, about an answer", () => {
    const { bench, inward } = mapped();
    for (let i = 0; i < 3; i++) {
      expectFrame(bench.complaint("wan", inward({ ttl: 1, tos: 0x28 }), "ipTtlExceeded"))
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS, tos: 0x28 })
        .icmp({ type: 11, code: 0 });
      bench.in(inward({ ttl: 2 }));
    }
  });

  it("RFC5508 REQ-10a3: both addresses answer the LAN's pings, and the WAN address the WAN's", () => {
    const bench = new GatewayBench();
    const echo = { identifier: 7, sequence: 9, payload: patternBytes(1000) };
    for (const destination of [LAN_ADDRESS, WAN_ADDRESS]) {
      expectFrame(bench.back(icmpFrame({ ...between(L1_ADDRESS, destination), ...echo })))
        .ipv4({ source: destination, destination: L1_ADDRESS })
        .icmp({ type: 0, code: 0, identifier: 7, sequence: 9 })
        .payload(echo.payload);
    }
    bench.fromWan(icmpFrame({ ...W1_TO_US, ...echo }));
    expectFrame(bench.wan()[0])
      .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
      .icmp({ type: 0, code: 0, identifier: 7, sequence: 9 })
      .payload(echo.payload);
  });

  it("RFC5508 REQ-9: on request pings from the WAN go unanswered, while those from the LAN are answered", () => {
    const bench = new GatewayBench();
    bench.gateway.firewall.answersPing = false;
    bench.fromWan(icmpFrame(W1_TO_US));
    expect(bench.wan()).toEqual([]);
    bench.drops();
    expectFrame(bench.back(icmpFrame(L1_TO_LAN_ADDRESS)))
      .ipv4()
      .icmp({ type: 0 });
    bench.back(icmpFrame(L1_TO_WAN_ADDRESS));
  });

  it("RFC5508 REQ-8 (policy): a rule that rejects answers with administratively prohibited, TCP with a reset; one that denies is silent", () => {
    const bench = new GatewayBench();
    const { rules } = bench.gateway.firewall;
    rules.insert(0, parseRule(["reject", "any", "to", W2_ADDRESS]));
    rules.insert(1, parseRule(["deny", "any", "to", "198.51.100.99"]));
    for (const build of BUILDERS) {
      const frame = build(L1_TO_W2);
      bench.fromLan(frame);
      const [answer, ...others] = bench.lan();
      expect([others, bench.wan()]).toEqual([[], []]);
      if (build === tcpFrame) {
        expectFrame(answer).ipv4({ source: W2_ADDRESS, destination: L1_ADDRESS }).tcp({ flags: "RST ACK" });
      } else {
        expectFrame(answer)
          .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
          .icmp({ type: 3, code: 13 })
          .payload(packetOf(frame));
      }
      bench.fromLan(build(between(L1_ADDRESS, "198.51.100.99")));
      expect([bench.lan(), bench.wan()]).toEqual([[], []]);
      bench.drops();
      bench.out(build(L1_TO_W1));
    }
  });

  it("RFC5508 REQ-8 (policy): a stranger whose call finds no room hears nothing, and the hosts' own calls go on", () => {
    const call = (sourcePort: number) => tcpFrame({ ...W2_TO_US, sourcePort, destinationPort: 7000, sequence: 1000 });
    const limited = new GatewayBench({ nat: { hostSessions: 1 } });
    forwardToL2(limited, 7000);
    limited.in(call(4000));
    const ends = { sourcePort: 7000, destinationPort: 4000, sequence: 9000, acknowledgement: 1001 };
    limited.out(tcpFrame({ ...between(L2_ADDRESS, W2_ADDRESS), ...ends, flags: "SYN ACK" }));
    const established = { sequence: 1001, acknowledgement: 9001, flags: "ACK" };
    limited.in(tcpFrame({ ...W2_TO_US, sourcePort: 4000, destinationPort: 7000, ...established }));
    limited.expectSilence("wan", call(4001), { natHostQuota: 1 });
    limited.out(tcpFrame(L1_TO_W1));

    const opening = new GatewayBench({ capacity: { sessions: 64 } });
    forwardToL2(opening, 7000);
    for (const host of lanHosts(opening, 16)) opening.out(tcpFrame(between(host, W1_ADDRESS)));
    opening.expectSilence("wan", call(4000), { natHalfOpen: 1 });
    opening.out(tcpFrame(L1_TO_W1));
  });

  it("RFC5508 REQ-8 (policy): a host that opens too many a second hears nothing, and a second later it may again", () => {
    const bench = new GatewayBench({ nat: { hostRate: 1, totalRate: 0 } });
    for (let i = 0; i < 512; i++) bench.out(udpFrame({ ...L1_TO_W1, destinationPort: 1000 + i }));
    for (const build of BUILDERS) bench.expectSilence("lan", build(L1_TO_W2), { natRateLimited: 1 });
    bench.out(udpFrame(L2_TO_W1));
    bench.advance(1000);
    bench.out(udpFrame(L1_TO_W2));
  });

  it("RFC5508 REQ-10e: no error about errors, broadcasts, multicasts, later fragments, and sources that are no host", () => {
    const bench = new GatewayBench();
    const about = udpFrame({ source: W1_ADDRESS, destination: L1_ADDRESS });
    const [, later] = fragmentsOf(udpFrame({ ...L1_TO_W1, ttl: 1, payload: patternBytes(1200) }), 608);
    const dying = { ...L1_TO_W1, ttl: 1 };
    bench.fromLan(
      ...[3, 4, 5, 11, 12].map((type) => icmpErrorFrame({ ...dying, type, about })),
      later as Uint8Array,
      udpFrame({ ...dying, destinationMac: BROADCAST }),
      ...["255.255.255.255", "192.168.1.255", "224.0.0.251", "203.0.113.255"].map((destination) =>
        udpFrame({ ...dying, destination, destinationPort: 9 }),
      ),
      ...["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.168.1.255"].map((source) =>
        udpFrame({ ...dying, source }),
      ),
    );
    expect(bench.lan()).toEqual([]);
    expect(bench.wan()).toEqual([]);
    bench.clear();
    // One that may be answered is.
    bench.complaint("lan", udpFrame(dying), "ipTtlExceeded");
  });

  it("RFC5508 REQ-10f: a thousand errors a second become at most 50 at once and 50 a second", () => {
    const bench = new GatewayBench();
    let sent = 0;
    for (let i = 0; i < 10_000; i++) {
      bench.fromLan(udpFrame({ ...L1_TO_W1, ttl: 1 }));
      sent += bench.lan().length;
      bench.advance(1);
    }
    // The bucket of 50, and what ten seconds refill.
    expect(sent).toBeGreaterThanOrEqual(50 + 498);
    expect(sent).toBeLessThanOrEqual(50 + 500);
  });
});

describe("RFC 5508: what is not supported", () => {
  it("RFC5508 REQ-10c1: a flood brings no source quench", () => {
    const { bench, inward } = mapped();
    for (let i = 0; i < 3000; i++) {
      bench.fromLan(udpFrame({ ...L2_TO_W1, sourcePort: 2000 + i, ttl: 1 + (i & 1) }));
      bench.fromWan(inward({ ttl: 1 + (i & 1) }));
    }
    const sent = [...bench.lan(), ...bench.wan()].map((one) => decodeIpv4(packetOf(one)).protocol === 1 && one[34]);
    expect(sent.includes(11)).toBe(true);
    expect(sent.includes(4)).toBe(false);
  });

  it("RFC5508 §7.3: a source route lets no ICMP out, be it in the header or in the quote", () => {
    const { bench, received } = answered();
    // And neither does a record of the route, in the quote.
    for (const type of [131, 137, 7, 68]) {
      const options = [type, 11, 4, 192, 168, 1, 7, 192, 168, 1, 9, 0];
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_W1, options }), { ipOptionRefused: 1 });
      bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_W1, options, about: received }), { ipOptionRefused: 1 });
      const { sourcePort, destinationPort } = decodeUdp(packetOf(received));
      const fields = { source: W1_ADDRESS, destination: L1_ADDRESS, sourcePort, destinationPort };
      const about = udpFrame({ ...fields, options });
      bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_W1, about }), { ipOptionRefused: 1 });
    }
  });

  it("RFC5508 REQ-11: router advertisements and solicitations cross in no direction", () => {
    const bench = new GatewayBench();
    for (const type of [9, 10]) {
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_W1, type }), { icmpTypeUnknown: 1 });
      bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, type }), { icmpTypeUnknown: 1 });
    }
  });

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

/** An established connection to W1:80; what its two ends do with it. */
function connect(bench: GatewayBench, host: string, sourcePort = 9000): () => void {
  const client = { ...between(host, W1_ADDRESS), sourcePort, destinationPort: 80 };
  const destinationPort = tcpPortOf(bench, { ...client, sequence: 1000 });
  const server = { ...W1_TO_US, sourcePort: 80, destinationPort };
  bench.in(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" }));
  const use = () => {
    bench.out(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK" }));
    bench.in(tcpFrame({ ...server, sequence: 9001, acknowledgement: 1001, flags: "ACK" }));
  };
  use();
  return use;
}

/** Whatever new the host begins, it is told that this is prohibited. */
function expectProhibited(bench: GatewayBench, host: string, reason: DropReason): void {
  for (const build of BUILDERS) {
    const frame = build(between(host, W1_ADDRESS));
    expectFrame(bench.complaint("lan", frame, reason))
      .ipv4({ source: LAN_ADDRESS, destination: host })
      .icmp({ type: 3, code: 13 })
      .payload(packetOf(frame));
  }
}
