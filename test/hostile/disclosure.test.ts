import { describe, expect, it } from "vitest";
import { decodeIpv4, decodeTcp } from "../support/expectFrame.js";
import { icmpFrame, patternBytes, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_ADDRESS,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  W1_ADDRESS,
  W1_TO_US,
  W2_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

describe("a stranger on the WAN", () => {
  it("hears nothing from the port of a connection of our own, nor from a mapping's, nor from a closed one", () => {
    const bench = new GatewayBench();
    bench.gateway.tcp.connect({ address: ip(W1_ADDRESS), port: 80, localPort: 50000 });
    bench.wan();
    const mapped = decodeTcp(bench.out(tcpFrame(L1_TO_W1)).subarray(14)).sourcePort;
    for (const destinationPort of [50000, mapped, 50001]) {
      for (const flags of ["SYN", "ACK", "SYN ACK", "FIN ACK", "RST", ""]) {
        bench.fromWan(tcpFrame({ ...W2_TO_US, destinationPort, flags }));
        bench.fromWan(tcpFrame({ ...W2_TO_US, destinationPort, flags, ttl: 1 }));
      }
      bench.fromWan(udpFrame({ ...W2_TO_US, destinationPort }));
    }
    expect({ lan: bench.lan(), wan: bench.wan() }).toEqual({ lan: [], wan: [] });
  });

  it("does not learn from identifications how much the gateway sends to the LAN, or in its connections", () => {
    const bench = new GatewayBench();
    const identification = () => {
      bench.fromWan(icmpFrame(W2_TO_US));
      const { identification: bigEndian } = decodeIpv4((bench.wan()[0] as Uint8Array).subarray(14));
      // As it is counted: its bytes the other way round, and every other one.
      return ((bigEndian & 0xff) << 8) | (bigEndian >> 8);
    };
    const first = identification();
    for (let i = 0; i < 10; i++) bench.fromLan(icmpFrame(L1_TO_LAN_ADDRESS));
    bench.gateway.tcp.connect({ address: ip(W1_ADDRESS), port: 80 });
    bench.clear();
    expect(identification()).toBe((first + 2) & 0xffff);
  });
});

describe("what leaves by the WAN", () => {
  const inside = ip(L1_ADDRESS);
  const bytesOf = (address: number) => [24, 16, 8, 0].map((shift) => (address >> shift) & 255);

  it("has no address that a LAN host had recorded in IP options", () => {
    const bench = new GatewayBench();
    const recordRoute = [7, 11, 8, ...bytesOf(inside), 0, 0, 0, 0, 0];
    const timestamps = [68, 12, 13, 1, ...bytesOf(inside), 0, 0, 0, 1];
    for (const options of [recordRoute, timestamps]) {
      bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, options }), { ipOptionRefused: 1 });
    }
  });

  it("has none of the bytes that padded a short frame", () => {
    const bench = new GatewayBench();
    const padded = new Uint8Array(60).fill(0x53);
    padded.set(udpFrame({ ...L1_TO_W1, payload: "x" }));
    for (let i = 0; i < 3; i++) {
      const sent = bench.out(padded);
      expect(sent.subarray(43).includes(0x53)).toBe(false);
      const external = sent.subarray(34, 36);
      const answer = new Uint8Array(60).fill(0x54);
      answer.set(
        udpFrame({
          ...W1_TO_US,
          sourcePort: 53,
          destinationPort: (external[0] as number) * 256 + (external[1] as number),
        }),
      );
      bench.fromWan(answer);
      for (const frame of bench.lan()) expect(frame.includes(0x54)).toBe(false);
      bench.clear();
    }
  });

  it("has nothing of the LAN's in an error about a packet that never left", () => {
    const bench = new GatewayBench();
    bench.absent.add("203.0.113.99");
    bench.fromLan(udpFrame({ ...between(L1_ADDRESS, "203.0.113.99"), payload: patternBytes(100) }));
    bench.advance(5000);
    expect(bench.wan()).toEqual([]);
    expect(bench.lan()).toHaveLength(1);
  });
});

describe("a forged sender", () => {
  it("of our own WAN address, the LAN, a group or nobody is refused on the WAN", () => {
    const bench = new GatewayBench();
    for (const source of [
      WAN_ADDRESS,
      "192.168.1.10",
      "192.168.1.1",
      "224.0.0.1",
      "255.255.255.255",
      "0.0.0.0",
      "127.0.0.1",
    ]) {
      bench.fromWan(icmpFrame({ ...W1_TO_US, source }), udpFrame({ ...W1_TO_US, source }));
    }
    expect({ lan: bench.lan(), wan: bench.wan() }).toEqual({ lan: [], wan: [] });
  });
});
