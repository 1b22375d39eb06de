import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TRANSPORT_AT } from "../../src/core/frame.js";
import { writeIcmp } from "../../src/wire/icmp.js";
import { IPV4_HEADER_BYTES, writeIpChecksum } from "../../src/wire/ipv4.js";
import { TCP_ACK, TCP_SYN } from "../../src/wire/tcp.js";
import { type Bench, makeBench, WAN_ADDRESS } from "./support/bench.js";
import { address, at, bytesOf, echo, expectSound, fromBytes, icmp, source, tcp, udp } from "./support/packets.js";

const L1 = at("192.168.1.10:5000");
const W1 = at("198.51.100.1:80");
const ROUTER = address("192.0.2.77");
const LAN_ROUTER = address("192.168.1.77");
const QUOTE_AT = TRANSPORT_AT + 8;

type Kind = "UDP" | "TCP" | "ICMP";

/** Sends a packet out; what the inside host sent and what the remote saw, as bytes. */
function send(bench: Bench, kind: Kind, data: readonly number[] = [1, 2, 3]): { sent: number[]; seen: number[] } {
  const packet =
    kind === "UDP"
      ? udp(L1, W1, data)
      : kind === "TCP"
        ? tcp(L1, W1, TCP_SYN, { sequence: 77 }, data)
        : echo(L1.address, W1.address, 8, 7);
  const sent = bytesOf(packet);
  return { sent, seen: bytesOf(bench.out(packet)) };
}

const KINDS: readonly Kind[] = ["UDP", "TCP", "ICMP"];

describe("ICMP errors from outside", () => {
  it.each(KINDS)("RFC5508 REQ-4a, 4b, 4c: restore the %s packet that the inside host sent, byte for byte", (kind) => {
    for (const [type, code] of [
      [3, 0],
      [3, 1],
      [3, 3],
      [3, 4],
      [3, 13],
      [11, 0],
      [11, 1],
      [12, 0],
    ] as const) {
      const bench = makeBench();
      const { sent, seen } = send(bench, kind);
      const error = bench.in(icmp(ROUTER, WAN_ADDRESS, type, code, 1400, seen));
      expectSound(error);
      expect(error.destination).toBe(L1.address);
      expect(error.source).toBe(ROUTER);
      expect(bytesOf(error, 28).slice(20, 22)).toEqual([type, code]);
      expect(bytesOf(error).slice(28)).toEqual(sent);
    }
  });

  it.each(KINDS)("RFC5508 REQ-4a: restore a quote of eight transport bytes (%s)", (kind) => {
    const bench = makeBench();
    const { sent, seen } = send(bench, kind);
    const error = bench.in(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, seen.slice(0, 28)));
    expectSound(error);
    expect(bytesOf(error).slice(28)).toEqual(sent.slice(0, 28));
  });

  it("RFC1624: restore quotes of random packets, checksums included", () => {
    const property = fc.property(
      fc.array(fc.nat(255), { maxLength: 100 }),
      fc.constantFrom<Kind>("UDP", "TCP"),
      fc.nat(120),
      fc.integer(),
      (data, kind, cut, seed) => {
        const bench = makeBench({}, {}, seed);
        const { sent, seen } = send(bench, kind, data);
        // Half a checksum cannot be put right.
        const length = Math.max(28, seen.length - cut === 37 ? 36 : seen.length - cut);
        const error = bench.in(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, seen.slice(0, length)));
        expectSound(error);
        expect(bytesOf(error).slice(28)).toEqual(sent.slice(0, length));
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("RFC5508 REQ-3: with a wrong ICMP checksum are dropped", () => {
    const bench = makeBench();
    const packet = icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, send(bench, "UDP").seen);
    packet.frame.view.setUint16(TRANSPORT_AT + 2, 1);
    expect(bench.nat.inbound(packet)).toBe("icmpChecksum");
  });

  it("RFC5508 REQ-3a: with a wrong checksum in the quoted header are dropped", () => {
    const bench = makeBench();
    const { seen } = send(bench, "UDP");
    seen[10] = (seen[10] as number) ^ 1;
    expect(bench.nat.inbound(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, seen))).toBe("icmpMalformed");
  });

  it("RFC5508 REQ-3b: are matched behind IP options in the quote", () => {
    const bench = makeBench();
    const { seen } = send(bench, "UDP");
    const quote = fromBytes([...seen.slice(0, 20), 1, 1, 1, 1, ...seen.slice(20)]);
    quote.frame.view.setUint8(16, 0x46);
    writeIpChecksum(quote.frame.view, 16, 24);
    const error = bench.in(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, bytesOf(quote, seen.length + 4)));
    expectSound(error);
    expect(error.frame.view.getInt32(QUOTE_AT + 12)).toBe(L1.address);
    expect(error.frame.view.getUint16(QUOTE_AT + 24)).toBe(L1.port);
  });

  it("RFC5508 REQ-3c: pass with a wrong quoted transport checksum", () => {
    const bench = makeBench();
    const { seen } = send(bench, "TCP");
    seen[36] = (seen[36] as number) ^ 0x55;
    expectSound(bench.in(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, seen)));
  });

  it("RFC5508 REQ-3d: pass with a padded quote and an extension, both untouched", () => {
    const bench = makeBench();
    const { sent, seen } = send(bench, "TCP");
    const extension = [0x20, 0, 0xdf, 0xff, 0, 8, 1, 1, 0, 1, 2, 3];
    const pad = new Array(100).fill(0);
    const error = bench.in(icmp(ROUTER, WAN_ADDRESS, 11, 0, 32 << 16, [...seen.slice(0, 28), ...pad, ...extension]));
    expectSound(error);
    expect(bytesOf(error).slice(28)).toEqual([...sent.slice(0, 28), ...pad, ...extension]);
  });

  it("leave a quoted UDP checksum of 0 alone", () => {
    const bench = makeBench();
    const packet = udp(L1, W1);
    packet.frame.view.setUint16(TRANSPORT_AT + 6, 0);
    const seen = bytesOf(bench.out(packet));
    const error = bench.in(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, seen));
    expectSound(error);
    expect(error.frame.view.getUint16(QUOTE_AT + IPV4_HEADER_BYTES + 6)).toBe(0);
  });

  it("RFC5508 REQ-4: about an unknown packet are dropped, and left as they were", () => {
    const bench = makeBench();
    const { seen } = send(bench, "UDP");
    const strangers: [string, number[]][] = [
      ["another port", bytesOf(udp({ address: WAN_ADDRESS, port: 9 }, W1))],
      ["another source", bytesOf(udp(L1, W1))],
      ["a later fragment", seen.with(7, 1)],
    ];
    for (const [name, quote] of strangers) {
      const fixed = fromBytes(quote);
      writeIpChecksum(fixed.frame.view, 16, 20);
      const packet = icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, bytesOf(fixed, quote.length));
      const before = bytesOf(packet);
      expect([name, bench.nat.inbound(packet)]).toEqual([name, "icmpErrorUnmatched"]);
      expect(bytesOf(packet)).toEqual(before);
    }
  });

  it("with a truncated quote are dropped", () => {
    const bench = makeBench();
    const { seen } = send(bench, "UDP");
    for (const length of [0, 19, 20, 27]) {
      expect(bench.nat.inbound(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, seen.slice(0, length)))).toBe("icmpMalformed");
    }
  });

  it("RFC4787 REQ-12, RFC5382 REQ-10, RFC5508 REQ-6: neither end nor prolong a session", () => {
    const bench = makeBench();
    const { seen } = send(bench, "UDP");
    bench.advance(290);
    bench.in(icmp(ROUTER, WAN_ADDRESS, 3, 3, 0, seen));
    expect(bench.nat.sessions()).toMatchObject([{ idleS: 290, expiresInS: 10 }]);
    expect(bench.nat.lastSession).toBe(-1);
  });
});

describe("ICMP errors from inside", () => {
  it.each(["UDP", "TCP"] as const)("RFC5508 REQ-5a, 5b: quote the %s packet as the remote host sent it", (kind) => {
    const bench = makeBench();
    send(bench, kind);
    const port = bench.nat.mappings()[0]?.externalPort ?? 0;
    const external = { address: WAN_ADDRESS, port };
    const arriving =
      kind === "UDP"
        ? udp(W1, external)
        : tcp(W1, external, TCP_SYN | TCP_ACK, { sequence: 5, acknowledgement: 78 }, [1, 2]);
    const sent = bytesOf(arriving);
    const delivered = bytesOf(bench.in(arriving));
    const error = bench.out(icmp(L1.address, W1.address, 3, 3, 0, delivered));
    expectSound(error);
    expect(error.source).toBe(WAN_ADDRESS);
    expect(error.destination).toBe(W1.address);
    expect(bytesOf(error).slice(28)).toEqual(sent);
  });

  it("RFC5508 REQ-5c: of an inside router seem to come from us", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    const delivered = bytesOf(bench.in(udp(W1, external)));
    expect(bench.out(icmp(LAN_ROUTER, W1.address, 11, 0, 0, delivered)).source).toBe(WAN_ADDRESS);
  });

  it("RFC5508 REQ-5: about an unknown packet are dropped", () => {
    const bench = makeBench();
    expect(bench.nat.outbound(icmp(L1.address, W1.address, 3, 3, 0, bytesOf(udp(W1, L1))))).toBe("icmpErrorUnmatched");
  });

  it("that are not addressed to the quoted packet's sender are dropped", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    const delivered = bytesOf(bench.in(udp(W1, external)));
    expect(bench.nat.outbound(icmp(L1.address, ROUTER, 3, 3, 0, delivered))).toBe("icmpErrorUnmatched");
  });
});

describe("an ICMP error about an error", () => {
  it("is dropped", () => {
    const bench = makeBench();
    const inner = icmp(WAN_ADDRESS, W1.address, 3, 3, 0, bytesOf(udp(W1, L1)));
    writeIcmp(inner.frame.view, inner.transportAt, 3, 3, 0, inner.payloadBytes);
    expect(bench.nat.inbound(icmp(ROUTER, WAN_ADDRESS, 11, 0, 0, bytesOf(inner)))).toBe("icmpErrorUnmatched");
  });
});
