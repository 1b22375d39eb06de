import { describe, expect, it } from "vitest";
import {
  between,
  connected,
  decodeUdp,
  expectFrame,
  forwardToL2,
  GatewayBench,
  icmpFrame,
  ip,
  ipv4Frame,
  L1_ADDRESS,
  L1_TO_W1,
  L2_ADDRESS,
  L2_TO_W1,
  LAN_ADDRESS,
  lanHosts,
  mapped,
  NEAR_ADDRESS,
  naiveChecksum,
  packetOf,
  payloadForNoSum,
  tcpFrame,
  udpFrame,
  W1_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

/** A full table, session by session: seconds where many tests run at once. */
const SLOW_MS = 60_000;

describe("probes", () => {
  it("T19: a checksum that translation makes 0 leaves as 0xffff, on the slow path and on the fast one", () => {
    const { bench, external, inward } = mapped();
    const outgoing = payloadForNoSum({ ...L1_TO_W1, source: WAN_ADDRESS, sourcePort: external });
    const incoming = payloadForNoSum({ ...between(W1_ADDRESS, L1_ADDRESS), sourcePort: 53, destinationPort: 5000 });
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

  it("T6: other protocols do not leave, and do not enter", () => {
    const bench = new GatewayBench();
    for (const protocol of [2, 4, 41, 47, 50, 51, 89, 115, 132, 136]) {
      bench.expectSilence("lan", ipv4Frame({ ...L1_TO_W1, protocol, payload: "12345678" }), { natProtocol: 1 });
      bench.expectSilence("wan", ipv4Frame({ ...W1_TO_US, protocol, payload: "12345678" }), { natProtocol: 1 });
    }
  });

  it("T8: a forward cannot be added twice; removed once, it is gone", () => {
    const bench = new GatewayBench();
    const { forwards } = bench.gateway.nat;
    const friend = tcpFrame({ ...W1_TO_US, destinationPort: 8080 });
    forwardToL2(bench, 8080, 80);
    bench.in(friend);
    expect(() => forwardToL2(bench, 8080, 80)).toThrow("8080");
    forwards.remove(forwards.find("tcp", 8080)?.id ?? -1);
    bench.expectSilence("wan", friend, { wanUnsolicited: 1 });
    expect(forwards.list()).toEqual([]);
  });

  it("T10: a reply after 3 s, and after 100 s, arrives", () => {
    const { bench, inward } = mapped();
    bench.advance(3000);
    bench.in(inward());
    bench.advance(100_000);
    bench.in(inward());
  });

  it("T13: another host's burst of 600 flows, of any kind, takes no TCP connection's place", () => {
    const connection = connected().exchange();
    const { bench } = connection;
    bench.advance(1500);
    for (let i = 0; i < 600; i++) {
      bench.fromLan(udpFrame({ ...L2_TO_W1, sourcePort: 2000 + i }));
      bench.fromLan(tcpFrame({ ...L2_TO_W1, sourcePort: 2000 + i }));
      bench.fromLan(icmpFrame({ ...L2_TO_W1, identifier: 1 + i }));
    }
    bench.clear();
    connection.exchange();
    bench.advance(7_000_000);
    connection.exchange();
  });

  it("T16d: UDP from the WAN straight to LAN addresses passes nowhere, whatever ports are open", () => {
    const { bench, external } = mapped();
    forwardToL2(bench, 7000, 7000, "udp");
    for (const destination of [L1_ADDRESS, L2_ADDRESS, LAN_ADDRESS, "192.168.1.77"]) {
      for (const source of [W1_ADDRESS, NEAR_ADDRESS]) {
        for (const destinationPort of [5000, 7000, external]) {
          const fields = { ...between(source, destination), sourcePort: 53, destinationPort };
          bench.expectSilence("wan", udpFrame(fields), { wanUnsolicited: 1 });
        }
      }
    }
  });

  it("T16e: neither do pings and TCP, nor the inside's answers to them", () => {
    const bench = new GatewayBench();
    forwardToL2(bench, 7000);
    for (const destination of [L1_ADDRESS, L2_ADDRESS, LAN_ADDRESS, "192.168.1.77"]) {
      for (const source of [W1_ADDRESS, NEAR_ADDRESS]) {
        const fields = between(source, destination);
        bench.expectSilence("wan", icmpFrame(fields), { wanUnsolicited: 1 });
        for (const flags of ["SYN", "ACK", "RST", "SYN ACK"]) {
          bench.expectSilence("wan", tcpFrame({ ...fields, destinationPort: 7000, flags }), { wanUnsolicited: 1 });
        }
      }
    }
    bench.fromLan(tcpFrame({ ...L1_TO_W1, sourcePort: 7000, flags: "SYN ACK" }));
    expect(bench.wan()).toEqual([]);
    bench.clear();
    bench.expectSilence("lan", icmpFrame({ ...L1_TO_W1, type: 0 }), { icmpTypeUnknown: 1 });
  });

  it(
    "T17: a full table takes hardly more reads to find a session than a table of one",
    () => {
      const one = readsToFind(1);
      const full = readsToFind(1024);
      expect(one.length).toBe(2);
      expect(full.length).toBe(2048);
      const mean = full.reduce((sum, reads) => sum + reads, 0) / full.length;
      // Two buckets for each session: hardly a record more on average, and never a list of many.
      expect(mean).toBeLessThan(Math.max(...one) * 1.25);
      expect(Math.max(...full)).toBeLessThan(Math.max(...one) * 3);
    },
    SLOW_MS,
  );

  /** Of each session of a table with so many, reads of the flow table for a packet out and for one in, by the slow path. */
  function readsToFind(sessions: number): number[] {
    let reads = 0;
    const bench = new GatewayBench({
      flowCache: (flows) => {
        const { words } = flows;
        Object.defineProperty(flows, "words", {
          value: new Proxy(words, {
            get: (target, key) => {
              reads++;
              return Reflect.get(target, key, target);
            },
          }),
        });
        return { outbound: () => -1, inbound: () => -1 };
      },
    });
    const hosts = lanHosts(bench, 16);
    const packets: [out: Uint8Array, back: Uint8Array][] = [];
    for (let i = 0; i < sessions; i++) {
      const outward = { ...between(hosts[i & 15] as string, W1_ADDRESS), sourcePort: 5000 + (i >> 6) };
      const sent = bench.out(udpFrame({ ...outward, destinationPort: 6000 + i }));
      const { sourcePort: destinationPort } = decodeUdp(packetOf(sent));
      const back = udpFrame({ ...W1_TO_US, sourcePort: 6000 + i, destinationPort });
      bench.in(back);
      bench.advance(100);
      packets.push([udpFrame({ ...outward, destinationPort: 6000 + i }), back]);
    }
    return packets.flatMap(([outward, back]) => {
      reads = 0;
      bench.out(outward);
      const readsOut = reads;
      reads = 0;
      bench.in(back);
      return [readsOut, reads];
    });
  }

  it("T18: a LAN packet with a source that is not of the LAN, or is the router's own, is dropped", () => {
    const bench = new GatewayBench();
    for (const source of ["10.0.0.5", W1_ADDRESS, WAN_ADDRESS, LAN_ADDRESS, "192.168.2.10"]) {
      for (const build of [udpFrame, tcpFrame, icmpFrame]) {
        bench.expectSilence("lan", build({ ...L1_TO_W1, source }), { ipSourceSpoofed: 1 });
      }
    }
  });
});
