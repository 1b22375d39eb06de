/** RFC 6864 section 5.3.1, as RFC 7857 section 10 asks of a NAT: what shares our address on the WAN shares its identifications. */
import { describe, expect, it } from "vitest";
import { loadNativeFlowCache } from "../../host-sim/nativeFlowCache.js";
import { createFlowCache } from "../../src/flow/cache.js";
import { canBuild } from "../flow/native/build.js";
import { decodeIpv4, decodeUdp } from "../support/expectFrame.js";
import { icmpErrorFrame, icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  GatewayBench,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  L2_TO_W1,
  L2_TO_WAN_ADDRESS,
  W1_ADDRESS,
  W1_TO_US,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

const DNS = { sourcePort: 5000, destinationPort: 53 };

const identificationOf = (frame: Uint8Array) => decodeIpv4(frame.subarray(14)).identification;
const sourcePortOf = (frame: Uint8Array) => decodeUdp(frame.subarray(14)).sourcePort;

describe("identifications of what shares our address", () => {
  it("RFC6864 §5.3.1, RFC7857 §10: differ where two hosts use the same one towards the same remote", () => {
    const bench = new GatewayBench();
    const seen: number[] = [];
    for (let n = 0; n < 3; n++) {
      for (const ends of [L1_TO_W1, L2_TO_W1]) {
        seen.push(identificationOf(bench.out(udpFrame({ ...ends, ...DNS, identification: 77 }))));
        seen.push(identificationOf(bench.out(icmpFrame({ ...ends, identifier: 9, identification: 77 }))));
        seen.push(identificationOf(bench.out(tcpFrame({ ...ends, identification: 77 }))));
      }
    }
    expect(new Set(seen).size).toBe(18);
  });

  it("RFC6864 §4.1: stay as they are in packets that must not be fragmented", () => {
    const bench = new GatewayBench();
    const fixed = { identification: 77, dontFragment: true };
    for (let n = 0; n < 3; n++) {
      expect(identificationOf(bench.out(udpFrame({ ...L1_TO_W1, ...DNS, ...fixed })))).toBe(77);
      expect(identificationOf(bench.out(icmpFrame({ ...L1_TO_W1, ...fixed })))).toBe(77);
    }
  });

  it("RFC6864 §5.3.1: stay as they are inbound, where the remote numbers for our address alone", () => {
    const bench = new GatewayBench();
    const external = sourcePortOf(bench.out(udpFrame({ ...L1_TO_W1, ...DNS })));
    const answer = { ...W1_TO_US, sourcePort: 53, destinationPort: external, identification: 77 };
    for (let n = 0; n < 3; n++) expect(identificationOf(bench.in(udpFrame(answer)))).toBe(77);
  });

  it("RFC6864 §5.3.1: differ in ICMP errors and hairpins, too", () => {
    const bench = new GatewayBench();
    const external = sourcePortOf(bench.out(udpFrame({ ...L1_TO_W1, ...DNS })));
    const arrived = bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: external }));
    const game = { ports: { first: 7000, last: 7000 }, insideAddress: ip("192.168.1.50"), insidePort: 7001 };
    expect(bench.gateway.nat.forwards.add({ ...game, protocol: "udp" })).toBeUndefined();
    const errors: number[] = [];
    const hairpins: number[] = [];
    for (let n = 0; n < 3; n++) {
      const error = { ...L1_TO_W1, type: 3, code: 3, about: arrived, identification: 77 };
      errors.push(identificationOf(bench.out(icmpErrorFrame(error))));
      const call = { ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: 7000, identification: 77 };
      const called = bench.back(udpFrame(call));
      hairpins.push(identificationOf(called));
      const reply = { ...L2_TO_WAN_ADDRESS, sourcePort: 7001, destinationPort: sourcePortOf(called) };
      bench.back(udpFrame({ ...reply, identification: 77 }));
    }
    expect(new Set([...errors, 77]).size).toBe(4);
    expect(new Set([...hairpins, 77]).size).toBe(4);
  });

  it("RFC6864 §4.3a: are none of our own datagrams' either", () => {
    const bench = new GatewayBench();
    const socket = bench.gateway.udp.bind();
    const seen = new Set<number>();
    for (let n = 0; n < 1000; n++) {
      seen.add(identificationOf(bench.out(udpFrame({ ...L1_TO_W1, ...DNS, identification: n & 7 }))));
      bench.clear();
      socket.send(new Uint8Array(4), ip(W1_ADDRESS), 53);
      seen.add(identificationOf(bench.wan()[0] as Uint8Array));
    }
    expect(seen.size).toBe(2000);
  });

  it.runIf(canBuild())("RFC6864 §5.3.1: are never the same on the fast path in C and elsewhere", () => {
    // As they are counted, the lowest bit says whose they are.
    const [ours, drivers] = [createFlowCache, loadNativeFlowCache()].map((flowCache) => {
      const bench = new GatewayBench({ flowCache });
      const opening = bench.out(udpFrame({ ...L1_TO_W1, ...DNS }));
      bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: sourcePortOf(opening) }));
      const seen = Array.from({ length: 1000 }, () => bench.out(udpFrame({ ...L1_TO_W1, ...DNS }))).map(
        identificationOf,
      );
      expect(new Set(seen).size).toBe(1000);
      return new Set(seen.map((identification) => (identification >> 8) & 1));
    });
    expect([ours, drivers]).toEqual([new Set([1]), new Set([0])]);
  });
});
