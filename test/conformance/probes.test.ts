import { describe, expect, it } from "vitest";
import {
  connected,
  decodeUdp,
  expectFrame,
  GatewayBench,
  ip,
  L1_ADDRESS,
  L1_TO_W1,
  mapped,
  naiveChecksum,
  tcpFrame,
  udpFrame,
  W1_ADDRESS,
  WAN_ADDRESS,
} from "./fixture.js";

describe("probes", () => {
  it("T19: a checksum that translation makes 0 leaves as 0xffff, on the slow path and on the fast one", () => {
    const { bench, external, inward } = mapped();
    /** Two bytes of payload that make the packet's checksum 0 with these ends. */
    const payloadFor = (source: string, destination: string, sourcePort: number, destinationPort: number) => {
      const blank = udpFrame({ source, destination, sourcePort, destinationPort, payload: [0, 0] });
      // The checksum over zeros is what the sum lacks to 0xffff.
      const rest = decodeUdp(blank.subarray(14)).checksum;
      return [rest >> 8, rest & 0xff];
    };
    const outgoing = payloadFor(WAN_ADDRESS, W1_ADDRESS, external, 53);
    const incoming = payloadFor(W1_ADDRESS, L1_ADDRESS, 53, 5000);
    for (let i = 0; i < 4; i++) {
      const sent = bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, payload: outgoing }));
      expectFrame(sent).ipv4({ source: WAN_ADDRESS }).udp({ checksum: 0xffff }).payload(outgoing);
      const back = bench.in(inward({ payload: incoming }));
      expectFrame(back).ipv4({ destination: L1_ADDRESS }).udp({ checksum: 0xffff }).payload(incoming);
    }
  });

  it("T20: a 4-byte datagram, an impossible length, or port 0 is dropped, in both directions", () => {
    const { bench, inward } = mapped();
    const cut = (frame: Uint8Array, bytes: number) => {
      const short = frame.slice(0, 14 + 20 + bytes);
      short.set([0, 20 + bytes], 16);
      short.set([0, 0], 24);
      const sum = naiveChecksum(short.subarray(14, 34));
      short.set([sum >> 8, sum & 255], 24);
      return short;
    };
    for (let bytes = 4; bytes < 8; bytes++) {
      bench.expectSilence("lan", cut(udpFrame({ ...L1_TO_W1, sourcePort: 5000 }), bytes), { udpMalformed: 1 });
      bench.expectSilence("wan", cut(inward(), bytes), { udpMalformed: 1 });
    }
    for (const length of [0, 7, 14, 65535]) {
      bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, sourcePort: 5000, length }), { udpMalformed: 1 });
      bench.expectSilence("wan", inward({ length }), { udpMalformed: 1 });
    }
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, destinationPort: 0 }), { udpMalformed: 1 });
    bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000 }));
  });

  it("T22: a blind reset outside the window is dropped, and changes nothing", () => {
    const connection = connected().exchange();
    const { bench } = connection;
    for (const sequence of [9000, 0, 1, 9001 + 65536, 0x7fffffff, -1]) {
      bench.expectSilence("wan", connection.server("RST", { sequence }), { natTcpWindow: 1 });
    }
    expect(connection.state).toBe("ESTABLISHED");
    bench.advance(7_000_000);
    connection.exchange();
  });

  it("T12: a port used again right after a close gives a connection that lives as long as any", () => {
    const connection = connected().exchange();
    const { bench } = connection;
    bench.out(connection.client("FIN ACK"));
    bench.in(connection.server("FIN ACK", { acknowledgement: 1002 }));
    bench.out(connection.client("ACK", { sequence: 1002, acknowledgement: 9002 }));
    bench.advance(5000);
    const again = { sequence: 500_000 };
    bench.out(connection.client("SYN", { ...again, acknowledgement: 0 }));
    bench.in(connection.server("SYN ACK", { sequence: 700_000, acknowledgement: 500_001 }));
    bench.out(connection.client("ACK", { sequence: 500_001, acknowledgement: 700_001 }));
    expect(connection.state).toBe("ESTABLISHED");
    bench.advance(7_000_000);
    bench.in(connection.server("ACK", { sequence: 700_001, acknowledgement: 500_001, payload: "late" }));
  });

  it("T14: a segment of a connection that nobody knows is reset towards the LAN, at once", () => {
    const bench = new GatewayBench();
    for (const flags of ["ACK", "PSH ACK", "FIN ACK", "SYN ACK"]) {
      const fields = { ...L1_TO_W1, sourcePort: 5000, sequence: 1001, acknowledgement: 9001, flags };
      const reset = bench.complaint("lan", tcpFrame({ ...fields, payload: "x" }), "natTcpState");
      expectFrame(reset)
        .ipv4({ source: W1_ADDRESS, destination: L1_ADDRESS })
        .tcp({ sourcePort: 80, destinationPort: 5000, sequence: 9001, flags: "RST" });
    }
    bench.expectSilence("lan", tcpFrame({ ...L1_TO_W1, flags: "RST ACK" }), { natTcpState: 1 });
    bench.expectSilence("lan", tcpFrame({ ...L1_TO_W1, flags: "ACK", checksum: 1 }), { natTcpState: 1 });
  });

  it("T14: so also after the WAN address has changed", () => {
    const connection = connected().exchange();
    const { bench } = connection;
    bench.gateway.setAddress(1, ip("203.0.113.9"), 24);
    bench.clear();
    expectFrame(bench.complaint("lan", connection.client("ACK"), "natTcpState"))
      .ipv4()
      .tcp({ flags: "RST" });
  });
});
