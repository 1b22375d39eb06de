import { describe, expect, it } from "vitest";
import { icmpErrorFrame, icmpFrame, ipv4Frame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_ADDRESS,
  L1_TO_LAN_ADDRESS,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  LAN_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

function forward(bench: GatewayBench, port: number, insideAddress: string, insidePort: number): void {
  const problem = bench.gateway.nat.forwards.add({
    protocol: "both",
    ports: { first: port, last: port },
    insideAddress: ip(insideAddress),
    insidePort,
  });
  expect(problem).toBeUndefined();
}

describe("port forwards that lead astray", () => {
  it("to the WAN address, to the LAN address, to each other or outside send nothing, and not round and round", () => {
    const bench = new GatewayBench();
    forward(bench, 7000, WAN_ADDRESS, 7001);
    forward(bench, 7001, WAN_ADDRESS, 7000);
    forward(bench, 7002, LAN_ADDRESS, 80);
    forward(bench, 7003, "198.51.100.80", 80);
    forward(bench, 7004, "192.168.1.255", 80);
    for (let destinationPort = 7000; destinationPort <= 7004; destinationPort++) {
      for (const ends of [W1_TO_US, L1_TO_WAN_ADDRESS]) {
        const fields = { ...ends, sourcePort: 4000, destinationPort };
        const [send, other] = ends === W1_TO_US ? (["fromWan", "wan"] as const) : (["fromLan", "lan"] as const);
        bench[send](udpFrame(fields), tcpFrame(fields));
        expect(bench[other]()).toEqual([]);
        expect([...bench.lan(), ...bench.wan()]).toEqual([]);
      }
    }
    bench.advance(10_000);
    expect([...bench.lan(), ...bench.wan()]).toEqual([]);
  });

  it("to the very host that calls carry its packet once, one hop older", () => {
    const bench = new GatewayBench();
    forward(bench, 7000, L1_ADDRESS, 7000);
    const sent = bench.back(udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 7000, destinationPort: 7000, ttl: 9 }));
    expect(sent[22]).toBe(8);
    bench.complaint(
      "lan",
      udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 7000, destinationPort: 7000, ttl: 1 }),
      "ipTtlExceeded",
    );
  });
});

describe("what one packet of a forged sender brings about", () => {
  /** Everything a stranger may send to the WAN address, open and closed ports alike. */
  function provocations(source: string): Uint8Array[] {
    const ends = between(source, WAN_ADDRESS);
    const frames: Uint8Array[] = [];
    for (const destinationPort of [53, 7000, 40_000]) {
      for (const flags of ["SYN", "ACK", "SYN ACK", "FIN", "RST", ""])
        frames.push(tcpFrame({ ...ends, destinationPort, flags }));
      frames.push(udpFrame({ ...ends, destinationPort }), udpFrame({ ...ends, destinationPort, ttl: 1 }));
    }
    for (let type = 0; type < 20; type++) frames.push(icmpFrame({ ...ends, type }));
    for (const protocol of [2, 41, 47, 50, 132, 254])
      frames.push(ipv4Frame({ ...ends, protocol, payload: "12345678" }));
    frames.push(icmpErrorFrame({ ...ends, about: udpFrame({ source: WAN_ADDRESS, destination: source }) }));
    return frames;
  }

  it("is one packet at most towards him, no longer than his own", () => {
    const bench = new GatewayBench();
    forward(bench, 7000, L2_ADDRESS, 7000);
    for (const frame of provocations("198.51.100.80")) {
      bench.fromWan(frame);
      const answers = bench.wan();
      expect(answers.length).toBeLessThanOrEqual(1);
      const bytes = answers.reduce((sum, answer) => sum + answer.length, 0);
      // An ICMP error quotes the packet behind 28 bytes of its own.
      expect(bytes).toBeLessThanOrEqual(frame.length + 28);
    }
    bench.advance(120_000);
    expect(bench.wan()).toEqual([]);
  });

  it("is silence, apart from echo replies, when he claims to be one on the WAN link itself whom nobody knows", () => {
    const bench = new GatewayBench();
    for (const frame of provocations("203.0.113.99")) bench.fromWan(frame);
    bench.advance(120_000);
    expect(bench.wan()).toEqual([]);
    // Three requests for the station that is not there.
    expect(bench.arp().length).toBeLessThanOrEqual(3);
  });
});

describe("ICMP errors", () => {
  it("that a flood on one side provokes leave the other side's allowance alone", () => {
    const bench = new GatewayBench();
    forward(bench, 7000, L2_ADDRESS, 7000);
    for (let i = 0; i < 1000; i++) bench.fromWan(udpFrame({ ...W1_TO_US, destinationPort: 7000, ttl: 1 }));
    expect(bench.wan()).toHaveLength(50);
    bench.clear();
    bench.complaint("lan", udpFrame({ ...L1_TO_LAN_ADDRESS, destinationPort: 9 }), "udpPortClosed");
  });
});

describe("time", () => {
  it("is never asked for again and again without something done, whatever came in", () => {
    const bench = new GatewayBench();
    forward(bench, 7000, L2_ADDRESS, 7000);
    bench.absent.add(L2_ADDRESS);
    for (let i = 0; i < 300; i++) {
      const ends = between(`198.51.${i & 255}.7`, WAN_ADDRESS);
      bench.fromWan(udpFrame({ ...ends, destinationPort: 7000 }), tcpFrame({ ...ends, destinationPort: 7000 }));
      bench.fromWan(ipv4Frame({ ...ends, protocol: 17, identification: i, moreFragments: true, payload: "12345678" }));
      bench.fromLan(udpFrame({ ...between(L1_ADDRESS, `203.0.113.${3 + (i % 250)}`) }));
      bench.advance(i);
    }
    const { gateway } = bench;
    let polls = 0;
    for (let now = bench.now; Number.isFinite(gateway.nextDeadline()) && polls < 100_000; polls++) {
      const next = gateway.nextDeadline();
      now = Math.max(now, next);
      gateway.poll(now);
    }
    expect(polls).toBeLessThan(2000);
    expect(gateway.nat.sessionCount).toBe(0);
  });
});
