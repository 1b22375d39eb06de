import { describe, expect, it } from "vitest";
import {
  between,
  decodeIpv4,
  expectFrame,
  GatewayBench,
  icmpFrame,
  ip,
  L1_ADDRESS,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L2_ADDRESS,
  mapped,
  packetOf,
  patternBytes,
  tcpFrame,
  udpFrame,
  W1_ADDRESS,
} from "./fixture.js";

describe("identifications of our own packets", () => {
  it("RFC6864 §4.3: none comes twice among 32,768 datagrams that may be fragmented", () => {
    const bench = new GatewayBench();
    const seen = new Set<number>();
    for (let i = 0; i < 32_768; i++) {
      bench.fromLan(icmpFrame(L1_TO_LAN_ADDRESS));
      seen.add(decodeIpv4(packetOf(bench.lan()[0] as Uint8Array)).identification);
    }
    expect(seen.size).toBe(32_768);
  });

  it("RFC6864 §4.2: a segment that is sent again may not be fragmented, so its identification says nothing", () => {
    const bench = new GatewayBench();
    bench.gateway.tcp.connect({ address: ip(W1_ADDRESS), port: 80 });
    bench.advance(10_000);
    const frames = bench.wan();
    expect(frames.length).toBeGreaterThan(2);
    for (const frame of frames) expectFrame(frame).ipv4({ dontFragment: true, identification: 0 });
  });

  it("RFC6864 §4.1 (ignore): of whole packets that must not be fragmented none is looked at, and all pass", () => {
    const { bench, inward } = mapped();
    for (const identification of [0, 1, 1, 0, 65_535]) {
      bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, dontFragment: true, identification }));
      bench.in(inward({ dontFragment: true, identification }));
      bench.back(icmpFrame({ ...L1_TO_LAN_ADDRESS, dontFragment: true, identification }));
    }
  });
});

describe("identifications of translated packets", () => {
  it("RFC6864 §5.3.1: are ours where they may be fragmented, though two hosts use the same ones", () => {
    const bench = new GatewayBench();
    const seen: number[] = [];
    for (let i = 0; i < 1000; i++) {
      for (const source of [L1_ADDRESS, L2_ADDRESS]) {
        const frame = udpFrame({ ...between(source, W1_ADDRESS), sourcePort: 5000, identification: i });
        seen.push(decodeIpv4(packetOf(bench.out(frame))).identification);
      }
    }
    expect(new Set(seen).size).toBe(2000);
  });
});

describe("don't fragment", () => {
  it("RFC6864 §4.3 (DF): is kept from end to end, and such a packet is never cut", () => {
    const { bench, inward } = mapped();
    for (let i = 0; i < 3; i++) {
      for (const dontFragment of [true, false]) {
        expectFrame(bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, dontFragment }))).ipv4({ dontFragment });
        expectFrame(bench.in(inward({ dontFragment }))).ipv4({ dontFragment, destination: L1_ADDRESS });
      }
    }
    bench.gateway.setMtu(1, 1000);
    for (const build of [udpFrame, tcpFrame]) {
      bench.complaint("lan", build({ ...L1_TO_W1, dontFragment: true, payload: patternBytes(1200) }), "ipTooBig");
    }
    bench.gateway.setMtu(0, 1000);
    bench.complaint("wan", inward({ dontFragment: true, payload: patternBytes(1200) }), "ipTooBig");
  });
});
