/** What a stranger who tries all ports, in all ways, hears: it must not tell the ports in use from the others. */
import { describe, expect, it } from "vitest";
import { fragmentsOf, patternBytes, tcpFrame, udpFrame } from "../support/frames.js";
import { GatewayBench, L1_TO_W1, W1_TO_US, W2_TO_US } from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

const RECORD_ROUTE = [7, 7, 4, 0, 0, 0, 0, 0];
const TIMESTAMPS = [68, 8, 5, 0, 0, 0, 0, 0];

type Ports = { sourcePort: number; destinationPort: number };
const PROBES: Record<string, (ports: Ports) => Uint8Array[]> = {
  "a datagram": (ports) => [udpFrame({ ...W2_TO_US, ...ports })],
  "an empty datagram": (ports) => [udpFrame({ ...W2_TO_US, ...ports, payload: "" })],
  "a datagram with TTL 1": (ports) => [udpFrame({ ...W2_TO_US, ...ports, ttl: 1 })],
  "a datagram that records its route": (ports) => [udpFrame({ ...W2_TO_US, ...ports, options: RECORD_ROUTE })],
  "a datagram that collects timestamps": (ports) => [udpFrame({ ...W2_TO_US, ...ports, options: TIMESTAMPS })],
  "a datagram longer than it is": (ports) => [udpFrame({ ...W2_TO_US, ...ports, payload: "abcd", length: 100 })],
  "a datagram shorter than its header": (ports) => [udpFrame({ ...W2_TO_US, ...ports, payload: "abcd", length: 4 })],
  "a datagram with a wrong checksum": (ports) => [udpFrame({ ...W2_TO_US, ...ports, checksum: 0x1234 })],
  "a datagram in fragments": (ports) =>
    fragmentsOf(udpFrame({ ...W2_TO_US, ...ports, payload: patternBytes(2000), identification: 7 }), 1200),
  "a first fragment": (ports) =>
    fragmentsOf(udpFrame({ ...W2_TO_US, ...ports, payload: patternBytes(2000), identification: 8 }), 1200).slice(0, 1),
  "a datagram in fragments, the last first": (ports) =>
    fragmentsOf(udpFrame({ ...W2_TO_US, ...ports, payload: patternBytes(2000), identification: 9 }), 1200).reverse(),
  "a first fragment with TTL 1": (ports) =>
    fragmentsOf(
      udpFrame({ ...W2_TO_US, ...ports, ttl: 1, payload: patternBytes(2000), identification: 8 }),
      1200,
    ).slice(0, 1),
  "a SYN": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "SYN" })],
  "a SYN with TTL 1": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "SYN", ttl: 1 })],
  "a SYN that records its route": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "SYN", options: RECORD_ROUTE })],
  "a SYN with a wrong checksum": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "SYN", checksum: 0x1234 })],
  "a SYN whose header is longer than it": (ports) => {
    const frame = tcpFrame({ ...W2_TO_US, ...ports, flags: "SYN" });
    frame[14 + 20 + 12] = 0xf0;
    return [frame];
  },
  "an acknowledgement": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "ACK" })],
  "a FIN": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "FIN ACK" })],
  "a reset": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "RST" })],
  "nothing but ports": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "" })],
  "a SYN and an acknowledgement": (ports) => [tcpFrame({ ...W2_TO_US, ...ports, flags: "SYN ACK" })],
};

/** A gateway with ports of all sorts that a stranger may not use, and one of nobody; all within what NAT may use. */
function build(configure: (bench: GatewayBench) => void): { bench: GatewayBench; ports: Record<string, number> } {
  const bench = new GatewayBench();
  const { nat, tcp } = bench.gateway;
  const common = { protocol: "both" as const, insideAddress: ip("192.168.1.50"), insidePort: 80 };
  nat.forwards.add({ ...common, ports: { first: 8080, last: 8080 } });
  nat.forwards.setEnabled(0, false);
  nat.forwards.add({ ...common, ports: { first: 8081, last: 8081 }, source: { address: ip("192.0.2.0"), length: 24 } });
  tcp.listen({ port: 8083, onConnection: () => {} });
  const mapped = (frame: Uint8Array) => ((frame[34] as number) << 8) | (frame[35] as number);
  const udpMapped = mapped(bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 })));
  const tcpMapped = mapped(bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 80, flags: "SYN" })));
  configure(bench);
  bench.clear();
  return { bench, ports: { disabled: 8080, others: 8081, listener: 8083, udpMapped, tcpMapped } };
}

/** What came back, and after what time; what is the port's own is taken out. */
function heard(bench: GatewayBench, frames: Uint8Array[]): string {
  const answers: string[] = [];
  bench.fromWan(...frames);
  const note = () => {
    for (const frame of bench.wan()) {
      answers.push(
        `${bench.now}: protocol ${frame[23]}, ${frame.length} bytes, ${[...frame.subarray(34, 36)]}`.replace(
          /protocol 6(.*), \d+,\d+$/,
          "protocol 6$1",
        ),
      );
    }
    expect(bench.lan(), "frames that entered the LAN").toEqual([]);
  };
  const start = bench.now;
  note();
  for (let i = 0; i < 70; i++) {
    bench.advance(100);
    note();
  }
  return answers.map((one) => one.replace(/^\d+/, (text) => `after ${Number(text) - start} ms`)).join("; ");
}

const STATES: Record<string, (bench: GatewayBench) => void> = {
  silent: () => {},
  "silent, soon after a start": ({ gateway }) => gateway.disownForgotten(),
  "closed ports reject": ({ gateway }) => {
    gateway.firewall.rejectsClosedPorts = true;
  },
};

describe("a stranger who tries ports of NAT's", () => {
  for (const [state, configure] of Object.entries(STATES)) {
    for (const [name, probe] of Object.entries(PROBES)) {
      it(`hears the same at each of them: ${state}; ${name}`, () => {
        const { bench, ports } = build(configure);
        const closed = heard(bench, probe({ sourcePort: 4000, destinationPort: 30_000 }));
        for (const [kind, destinationPort] of Object.entries(ports)) {
          bench.advance(10_000);
          expect(heard(bench, probe({ sourcePort: 4001, destinationPort })), kind).toBe(closed);
        }
      });
    }
  }
});

describe("a stranger who sends probes in another's name", () => {
  it("cannot tell by what is left of the answers for his own how many of the others went unanswered", () => {
    const bench = new GatewayBench();
    bench.gateway.firewall.rejectsClosedPorts = true;
    let answered = 0;
    for (let round = 0; round < 40; round++) {
      bench.advance(2000);
      for (let i = 0; i < 33; i++)
        bench.fromWan(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: 30_000 + i }));
      bench.wan();
      bench.fromWan(udpFrame({ ...W2_TO_US, sourcePort: 999, destinationPort: 60_000 }));
      answered += bench.wan().length;
    }
    expect(answered).toBeGreaterThan(8);
    expect(answered).toBeLessThan(32);
  });
});
