/** What the conformance tests stand on: the bench with its frames, and conversations in a given state. */
import { decodeIcmp, decodeIpv4, decodeTcp, decodeUdp, expectFrame } from "../support/expectFrame.js";
import { type TcpFields, tcpFrame, type UdpFields, udpFrame } from "../support/frames.js";
import {
  type BenchOptions,
  GatewayBench,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_W1,
  L2_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

export * from "../support/expectFrame.js";
export * from "../support/frames.js";
export * from "../support/gatewayBench.js";
export { ip };

/** A whole IPv4 packet as a frame carries it. */
export function packetOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(14);
}

/** External port that an outbound datagram gets. */
export function udpPortOf(bench: GatewayBench, fields: UdpFields): number {
  return decodeUdp(packetOf(bench.out(udpFrame(fields)))).sourcePort;
}

/** External port that an outbound segment gets. */
export function tcpPortOf(bench: GatewayBench, fields: TcpFields): number {
  return decodeTcp(packetOf(bench.out(tcpFrame(fields)))).sourcePort;
}

/** Two bytes of payload with which the checksum over a datagram with these ends is 0, and so written as 0xffff (RFC 768). */
export function payloadForNoSum(ends: UdpFields): readonly [number, number] {
  // The checksum over zeros is what the sum lacks to 0xffff.
  const { checksum } = decodeUdp(packetOf(udpFrame({ ...ends, payload: [0, 0] })));
  return [checksum >> 8, checksum & 0xff];
}

export function identifierOf(frame: Uint8Array): number {
  return decodeIcmp(packetOf(frame)).identifier;
}

/** L1:5000 has sent one datagram to W1:53; `about` is what W1 received. */
export function mapped(options?: BenchOptions) {
  const bench = new GatewayBench(options);
  const outward = udpFrame({ ...L1_TO_W1, sourcePort: 5000 });
  const about = bench.out(outward);
  const external = decodeUdp(packetOf(about)).sourcePort;
  const inward = (fields: UdpFields = {}) =>
    udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: external, ...fields });
  return { bench, external, about, outward, inward };
}

/** As `mapped`, and W1 has answered: `original` is what it sent, `received` what L1 got. */
export function answered() {
  const { bench, external, inward } = mapped();
  const original = inward({ payload: "answer" });
  return { bench, external, original, received: bench.in(original) };
}

/**
 * A connection of L1:5000 to W1:80. The client has sent bytes up to 1001, the server up to 9001 (sequence numbers of what
 * comes next).
 */
export class Connection {
  readonly bench: GatewayBench;
  readonly external: number;

  constructor(bench: GatewayBench, addresses = L1_TO_W1, sourcePort = 5000) {
    this.bench = bench;
    this.external = tcpPortOf(bench, { ...addresses, sourcePort, sequence: 1000, flags: "SYN" });
  }

  client(flags: string, fields: TcpFields = {}): Uint8Array {
    return tcpFrame({ ...L1_TO_W1, sourcePort: 5000, sequence: 1001, acknowledgement: 9001, flags, ...fields });
  }

  server(flags: string, fields: TcpFields = {}): Uint8Array {
    return tcpFrame({
      ...W1_TO_US,
      sourcePort: 80,
      destinationPort: this.external,
      sequence: 9001,
      acknowledgement: 1001,
      flags,
      ...fields,
    });
  }

  get state(): string | undefined {
    return this.bench.gateway.nat.sessions().find((one) => one.externalPort === this.external)?.state;
  }

  establish(): this {
    this.bench.in(this.server("SYN ACK", { sequence: 9000 }));
    this.bench.out(this.client("ACK"));
    return this;
  }

  /** Enough packets both ways for the flow cache to have taken over. */
  exchange(): this {
    for (let i = 0; i < 3; i++) {
      expectFrame(this.bench.out(this.client("PSH ACK", { payload: "request" })))
        .ipv4({ source: WAN_ADDRESS })
        .tcp({ sourcePort: this.external, destinationPort: 80, flags: "PSH ACK" })
        .payload("request");
      expectFrame(this.bench.in(this.server("ACK", { payload: "answer" })))
        .ipv4({ destination: L1_ADDRESS })
        .tcp({ sourcePort: 80, destinationPort: 5000, flags: "ACK" })
        .payload("answer");
    }
    return this;
  }
}

export function connected(options?: BenchOptions): Connection {
  return new Connection(new GatewayBench(options)).establish();
}

/** A port forward to a port of L2. Throws what the gateway has against it. */
export function forwardToL2(
  bench: GatewayBench,
  port: number,
  insidePort = port,
  protocol: "tcp" | "udp" = "tcp",
): void {
  const problem = bench.gateway.nat.forwards.add({
    protocol,
    ports: { first: port, last: port },
    insideAddress: ip(L2_ADDRESS),
    insidePort,
  });
  if (problem !== undefined) throw new Error(problem);
}

/** The packet's payload, behind its IPv4 header, out of fragments in any order; each fragment is checked, and none may lack. */
export function reassembled(
  fragments: readonly Uint8Array[],
  addresses: { source: string; destination: string },
): number[] {
  const { identification } = decodeIpv4(packetOf(fragments[0] as Uint8Array));
  const payload: number[] = [];
  const inOrder = fragments.toSorted(
    (one, other) => decodeIpv4(packetOf(one)).fragmentOffset - decodeIpv4(packetOf(other)).fragmentOffset,
  );
  for (const [index, fragment] of inOrder.entries()) {
    const moreFragments = index < inOrder.length - 1;
    expectFrame(fragment).ipv4({ ...addresses, identification, fragmentOffset: payload.length, moreFragments });
    payload.push(...fragment.subarray(34));
  }
  return payload;
}

/** Hosts on the LAN beside L1 and L2, which answer ARP; addresses 192.168.1.100 and up. */
export function lanHosts(bench: GatewayBench, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const address = `192.168.1.${100 + i}`;
    bench.stations.set(address, L1_MAC);
    bench.introduce(address, L1_MAC);
    return address;
  });
}

/**
 * Chi-square statistic of how evenly `values` fall into `bins` equal parts of `first..last`. For 64 bins more than 129 happens
 * by chance once in a million times (63 degrees of freedom).
 */
export function chiSquare(values: readonly number[], first: number, last: number, bins: number): number {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value - first) * bins) / (last - first + 1));
    counts[bin] = (counts[bin] as number) + 1;
  }
  const expected = values.length / bins;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
export const CHI_SQUARE_BINS = 64;
export const CHI_SQUARE_LIMIT = 129;

/** Pearson's correlation of each value with the one before it. */
export function serialCorrelation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let product = 0;
  let square = 0;
  values.forEach((value, index) => {
    const deviation = value - mean;
    square += deviation * deviation;
    if (index > 0) product += deviation * ((values[index - 1] as number) - mean);
  });
  return product / square;
}
