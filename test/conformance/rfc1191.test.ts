import { describe, expect, it } from "vitest";
import type { TcpSocket } from "../../src/transport/tcp/socket.js";
import {
  between,
  decodeIpv4,
  decodeTcp,
  GatewayBench,
  ISP_ADDRESS,
  icmpErrorFrame,
  ip,
  packetOf,
  patternBytes,
  tcpFrame,
  W1_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

/** A connection of the gateway's own to W1:80, which takes whatever it gets, if it is small enough for the path. */
class Upload {
  readonly bench = new GatewayBench();
  readonly socket: TcpSocket;
  /** The largest packet that the path carries, in bytes. */
  pathMtu = 1500;
  /** What a router on the way says of it. */
  announced = 1500;
  /** Sizes of the packets that arrived, and how many did not. */
  readonly sizes: number[] = [];
  refused = 0;
  readonly #first: number;
  #received: number;

  constructor() {
    this.socket = this.bench.gateway.tcp.connect({ address: ip(W1_ADDRESS), port: 80, localPort: 50_000 });
    const syn = decodeTcp(packetOf(this.bench.wan()[0] as Uint8Array));
    this.#first = (syn.sequence + 1) | 0;
    this.#received = this.#first;
    // MSS 1460.
    this.#answer("SYN ACK", 9000, [2, 4, 0x05, 0xb4]);
    this.bench.wan();
  }

  get receivedBytes(): number {
    return (this.#received - this.#first) | 0;
  }

  /** Sends `bytes` bytes; as long as packets leave, they arrive or come back as too big. */
  send(bytes: number): void {
    this.socket.write(patternBytes(bytes));
    for (let round = 0; round < 100; round++) {
      const frames = this.bench.wan();
      if (frames.length === 0) this.bench.advance(1000);
      for (const frame of frames) this.#carry(frame);
    }
  }

  #carry(frame: Uint8Array): void {
    const { totalBytes, dontFragment } = decodeIpv4(packetOf(frame));
    const segment = decodeTcp(packetOf(frame));
    if (totalBytes > this.pathMtu) {
      expect(dontFragment).toBe(true);
      this.refused++;
      this.bench.fromWan(this.tooBig(frame, this.announced));
      return;
    }
    if (totalBytes <= 40) return;
    this.sizes.push(totalBytes);
    if (segment.sequence === this.#received) this.#received = (this.#received + totalBytes - 40) | 0;
    this.#answer("ACK", 9001, []);
  }

  tooBig(about: Uint8Array, nextHopMtu: number): Uint8Array {
    return icmpErrorFrame({ ...between(ISP_ADDRESS, WAN_ADDRESS), code: 4, nextHopMtu, about });
  }

  #answer(flags: string, sequence: number, tcpOptions: number[]): void {
    const ports = { ...W1_TO_US, sourcePort: 80, destinationPort: 50_000 };
    this.bench.fromWan(tcpFrame({ ...ports, flags, sequence, acknowledgement: this.#received, tcpOptions }));
  }
}

describe("a connection of the gateway's own", () => {
  it("RFC1191 §3, §3 (converge): its packets are smaller after the first that was too big, and stay so", () => {
    const upload = new Upload();
    upload.send(3000);
    expect(Math.max(...upload.sizes)).toBe(1500);
    upload.sizes.length = 0;
    upload.pathMtu = 1000;
    upload.announced = 1000;
    upload.send(4000);
    expect(Math.max(...upload.sizes)).toBe(1000);
    // As many as were under way.
    expect(upload.refused).toBeLessThanOrEqual(4);
    const refused = upload.refused;
    upload.send(4000);
    expect(upload.refused).toBe(refused);
  });

  it("RFC1191 §3 (old): a router that does not say its MTU is found out within a few steps", () => {
    const upload = new Upload();
    upload.pathMtu = 600;
    upload.announced = 0;
    upload.send(4000);
    expect(upload.receivedBytes).toBe(4000);
    expect(Math.max(...upload.sizes)).toBe(508);
    expect(upload.refused).toBeLessThanOrEqual(12);
  });

  it("RFC1191 §3 (68): never goes below 68 bytes", () => {
    const upload = new Upload();
    upload.pathMtu = 500;
    upload.announced = 60;
    upload.send(500);
    expect(new Set(upload.sizes)).toEqual(new Set([68, 500 - Math.floor(500 / 28) * 28 + 40]));
  });

  it("RFC1191 §3 (raise), §3.1: no message makes its packets larger, nor does time", () => {
    const upload = new Upload();
    upload.pathMtu = 1000;
    upload.announced = 1000;
    upload.send(4000);
    upload.pathMtu = 1500;
    upload.sizes.length = 0;
    upload.socket.write(patternBytes(2000));
    const about = upload.bench.wan()[0] as Uint8Array;
    for (const mtu of [1500, 9000, 65_535]) upload.bench.fromWan(upload.tooBig(about, mtu));
    upload.send(2000);
    upload.bench.advance(1_200_000);
    upload.send(2000);
    expect(Math.max(...upload.sizes)).toBe(1000);
  });
});
