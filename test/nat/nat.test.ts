import { describe, expect, it, vi } from "vitest";
import { TRANSPORT_AT } from "../../src/core/frame.js";
import { TCP_RST, TCP_SYN } from "../../src/wire/tcp.js";
import { makeBench, WAN_ADDRESS } from "./support/bench.js";
import {
  address,
  at,
  bytesOf,
  destination,
  echo,
  expectSound,
  icmp,
  identifier,
  source,
  tcp,
  udp,
} from "./support/packets.js";

const L1 = at("192.168.1.10:5000");
const L2 = at("192.168.1.50:5000");
const W1 = at("198.51.100.1:80");
const W1_OTHER_PORT = at("198.51.100.1:81");
const W2 = at("198.51.100.2:80");
const isEven = (port: number) => port % 2 === 0;

describe("mappings", () => {
  it("RFC4787 REQ-1: gives an inside endpoint one external port for all destinations", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    for (const remote of [W1_OTHER_PORT, W2]) {
      const packet = bench.out(udp(L1, remote));
      expectSound(packet);
      expect(source(packet)).toEqual(external);
    }
    for (const remote of [W1, W1_OTHER_PORT, W2]) {
      const back = bench.in(udp(remote, external));
      expectSound(back);
      expect(destination(back)).toEqual(L1);
    }
    expect(bench.nat.mappings()).toMatchObject([{ externalPort: external.port, sessions: 3, isStatic: false }]);
  });

  it("RFC5382 REQ-1: opens three TCP connections of one endpoint from one external port", () => {
    const bench = makeBench();
    const ports = [W1, W1_OTHER_PORT, W2].map((remote) => source(bench.out(tcp(L1, remote, TCP_SYN))).port);
    expect(new Set(ports).size).toBe(1);
  });

  it("RFC4787 REQ-3, RFC5382 REQ-7: gives two hosts with the same source port different external ports", () => {
    const bench = makeBench();
    for (const open of [(from: typeof L1) => udp(from, W1), (from: typeof L1) => tcp(from, W1, TCP_SYN)]) {
      expect(source(bench.out(open(L1))).port).not.toBe(source(bench.out(open(L2))).port);
    }
    const [first, second] = bench.nat.mappings().filter((mapping) => mapping.protocol === 17);
    expect(destination(bench.in(udp(W1, { address: WAN_ADDRESS, port: first?.externalPort ?? 0 })))).toEqual(L1);
    expect(destination(bench.in(udp(W1, { address: WAN_ADDRESS, port: second?.externalPort ?? 0 })))).toEqual(L2);
  });

  it("judges no datagram by the flags of the segment before it", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    expect(bench.nat.inbound(tcp(W1, external, TCP_RST))).toBe("wanUnsolicited");
    expect(bench.nat.inbound(udp(W1, external))).toBe("ok");
  });

  it("ends with its last session, be there none but answered ones beyond its host's share", () => {
    const bench = makeBench({ udpTimeoutS: 300 }, { sessions: 16, mappings: 16 });
    bench.out(udp(L2, W1));
    bench.out(udp(L2, W1_OTHER_PORT));
    bench.in(udp(W1_OTHER_PORT, { address: WAN_ADDRESS, port: bench.nat.mappings()[0]?.externalPort ?? 0 }));
    bench.advance(200);
    bench.out(udp(L2, W1_OTHER_PORT));
    bench.advance(101);
    expect(bench.nat.sessionCount).toBe(1);
    bench.advance(200);
    expect([bench.nat.sessionCount, bench.nat.mappingCount]).toEqual([0, 0]);
  });

  it("gives mapping and port back when no record can be had, as while a reader is at work", () => {
    const bench = makeBench();
    const insertSought = vi.spyOn(bench.nat.flows, "insertSought").mockReturnValue(-1);
    expect(bench.nat.outbound(udp(L1, W1))).toBe("natBusy");
    expect([bench.nat.mappingCount, bench.nat.sessionCount, bench.nat.lastSession]).toEqual([0, 0, -1]);
    insertSought.mockRestore();
    bench.out(udp(L1, W1));
    expect(bench.nat.mappings()).toMatchObject([{ sessions: 1 }]);
    vi.spyOn(bench.nat.flows, "insertSought").mockReturnValue(-1);
    expect(bench.nat.outbound(udp(L1, W2))).toBe("natBusy");
    expect(bench.nat.mappings()).toMatchObject([{ sessions: 1 }]);
  });

  it("RFC4787 REQ-3a: maps low ports to low ports, and to others when none is free", () => {
    const bench = makeBench({ lowPorts: { first: 1, last: 2 } });
    const external = [1, 2].map((port) => source(bench.out(udp({ ...L1, port }, W1))).port);
    expect(external.sort()).toEqual([1, 2]);
    expect(source(bench.out(udp({ ...L2, port: 1 }, W1))).port).toBeGreaterThanOrEqual(1024);
  });

  it("RFC4787 REQ-3a: maps a low port into 1..1023 and a high one into the NAT's range", () => {
    const bench = makeBench();
    for (const port of [1, 123, 1023]) {
      expect(source(bench.out(udp({ ...L1, port }, W1))).port).toBeLessThanOrEqual(1023);
    }
    for (const port of [1024, 49152, 65535]) {
      const external = source(bench.out(udp({ ...L1, port }, W1))).port;
      expect(external).toBeGreaterThanOrEqual(1024);
      expect(external).toBeLessThanOrEqual(49151);
    }
  });

  it("RFC4787 REQ-4: keeps the port's parity", () => {
    const bench = makeBench();
    for (let port = 2000; port < 2200; port++) {
      expect(isEven(source(bench.out(udp({ ...L1, port }, W1))).port)).toBe(isEven(port));
    }
  });

  it("RFC6056 4: takes external ports from all over the range", () => {
    const bench = makeBench();
    const ports = Array.from({ length: 400 }, (_, i) => source(bench.out(udp({ ...L1, port: 2000 + i }, W1))).port);
    expect(new Set(ports).size).toBe(400);
    expect(Math.min(...ports)).toBeLessThan(2500);
    expect(Math.max(...ports)).toBeGreaterThan(47_500);
  });

  it("never takes a port that somebody else owns", () => {
    const bench = makeBench({ ports: { first: 3000, last: 3003 } });
    bench.ports.claim(17, 3000, "socket", 1);
    bench.ports.claimRange(17, { first: 3002, last: 3002 }, "forward", 1);
    expect(source(bench.out(udp(L1, W1))).port % 2).toBe(1);
    expect(source(bench.out(udp(L2, W1))).port % 2).toBe(1);
    expect(bench.nat.outbound(udp({ ...L1, port: 7 }, W1))).toBe("ok");
    expect(bench.nat.outbound(udp({ ...L1, port: 7777 }, W1))).toBe("natNoPort");
    expect(bench.nat.mappingCount).toBe(3);
  });

  it("ends with its last session and gives its port back", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    expect(bench.ports.ownerKind(17, external.port)).toBe("mapping");
    bench.nat.clear();
    expect(bench.nat.mappings()).toEqual([]);
    expect(bench.ports.ownerKind(17, external.port)).toBeUndefined();
  });
});

describe("filtering", () => {
  it("RFC4787 REQ-8: admits any port of a host that the mapping talks to, and no other host", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    expect(destination(bench.in(udp(W1_OTHER_PORT, external)))).toEqual(L1);
    expect(bench.nat.inbound(udp(W2, external))).toBe("natFiltered");
  });

  it("RFC4787 REQ-8: admits everybody with endpoint-independent filtering", () => {
    const bench = makeBench({ filtering: "endpointIndependent" });
    const external = source(bench.out(udp(L1, W1)));
    expect(destination(bench.in(udp(W2, external)))).toEqual(L1);
  });

  it("RFC5382 REQ-3: admits a SYN from another port of a host that the mapping talks to", () => {
    const bench = makeBench();
    const external = source(bench.out(tcp(L1, W1, TCP_SYN)));
    expect(destination(bench.in(tcp(W1_OTHER_PORT, external, TCP_SYN)))).toEqual(L1);
    expect(bench.nat.inbound(tcp(W2, external, TCP_SYN))).toBe("natFiltered");
  });

  it("RFC7857 6: a TCP mapping admits no UDP", () => {
    const bench = makeBench();
    const external = source(bench.out(tcp(L1, W1, TCP_SYN)));
    expect(bench.nat.inbound(udp(W1, external))).toBe("wanUnsolicited");
  });

  it("RFC7857 7: refused packets do not refresh", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    for (let minute = 0; minute < 4; minute++) {
      bench.advance(60);
      expect(bench.nat.inbound(udp(W2, external))).toBe("natFiltered");
    }
    bench.advance(61);
    expect(bench.nat.inbound(udp(W1, external))).toBe("wanUnsolicited");
  });

  it("forgets a host with the last session to it", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    bench.advance(200);
    bench.out(udp(L1, W2));
    bench.advance(150);
    expect(bench.nat.inbound(udp(W1_OTHER_PORT, external))).toBe("natFiltered");
  });
});

describe("timers", () => {
  it.each([
    ["RFC4787 REQ-5c: UDP", 300, () => udp(L1, W1)],
    ["RFC5382 REQ-5: an opening TCP connection", 240, () => tcp(L1, W1, TCP_SYN)],
    ["RFC5508 REQ-2: an ICMP query", 60, () => echo(L1.address, W1.address, 8, 7)],
  ])("%s lives for its timeout and not two seconds more", (_, seconds, packet) => {
    const bench = makeBench();
    bench.clock.now = 2 ** 31 - 5000;
    bench.nat.poll();
    bench.out(packet());
    bench.advance(seconds);
    expect(bench.nat.sessionCount).toBe(1);
    bench.advance(1.999);
    expect(bench.nat.sessionCount).toBe(0);
  });

  it("RFC4787 REQ-6: an outbound packet refreshes", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(L1, W1)));
    for (let round = 0; round < 6; round++) {
      bench.advance(299);
      expect(source(bench.out(udp(L1, W1)))).toEqual(external);
    }
  });

  it("takes new timeouts at once", () => {
    const bench = makeBench();
    bench.out(udp(L1, W1));
    bench.nat.configure({ ...bench.nat.settings, udpTimeoutS: 10 });
    bench.advance(12);
    expect(bench.nat.sessionCount).toBe(0);
  });

  it("has no deadline without a session, and one within a second of the first expiry", () => {
    const bench = makeBench();
    expect(bench.nat.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    bench.out(udp(L1, W1));
    expect(bench.nat.nextDeadline()).toBe(301_000);
  });

  it("ends idle sessions in time behind old ones that the flow cache keeps busy", () => {
    const bench = makeBench();
    for (let port = 1; port <= 5; port++) bench.out(udp(L1, { ...W1, port }));
    bench.advance(200);
    for (const busy of [0, 1]) bench.nat.flows.touch(busy);
    bench.advance(101);
    expect(bench.nat.sessionCount).toBe(2);
    bench.advance(301);
    expect(bench.nat.sessionCount).toBe(0);
    expect(bench.nat.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it("ends at most 32 sessions in one poll and asks to be polled again", () => {
    const bench = makeBench();
    for (let port = 0; port < 100; port++) bench.out(udp({ ...L1, port: 2000 + port }, W1));
    bench.clock.now = 400_000;
    bench.nat.poll();
    expect(bench.nat.sessionCount).toBe(68);
    expect(bench.nat.nextDeadline()).toBeLessThanOrEqual(bench.clock.now);
    for (let poll = 0; poll < 3; poll++) bench.nat.poll();
    expect(bench.nat.sessionCount).toBe(0);
  });
});

describe("a full session table", () => {
  /** So small that there is no reserve. */
  const SESSIONS = { sessions: 7, mappings: 7 };
  /** One host may fill the table. */
  const ALONE = { hostSessions: 7, hostMappings: 7 };

  it("gives up the UDP session idle longest", () => {
    const bench = makeBench(ALONE, SESSIONS);
    for (let port = 1; port <= 7; port++) {
      bench.out(udp(L1, { ...W1, port }));
      bench.advance(1);
    }
    bench.out(udp(L1, { ...W1, port: 1 }));
    bench.out(udp(L1, { ...W1, port: 8 }));
    const ports = bench.nat.sessions().map((session) => session.remotePort);
    expect(ports.sort()).toEqual([1, 3, 4, 5, 6, 7, 8]);
  });

  it("spares old conversations that the flow cache keeps busy", () => {
    const bench = makeBench(ALONE, SESSIONS);
    for (let port = 1; port <= 7; port++) bench.out(udp(L1, { ...W1, port }));
    bench.advance(10);
    for (const busy of [0, 1, 2]) bench.nat.flows.touch(busy);
    const busyPorts = [0, 1, 2].map((busy) => bench.nat.flows.remotePort(busy));
    for (let port = 9; port <= 12; port++) bench.out(udp(L2, { ...W1, port }));
    const ports = bench.nat.sessions().map((session) => session.remotePort);
    expect(ports).toEqual(expect.arrayContaining(busyPorts));
    bench.out(udp(L2, { ...W1, port: 14 }));
    expect(bench.nat.sessionCount).toBe(7);
  });

  it("gives up a TCP connection that has opened for longer than a handshake takes before a UDP session, no earlier", () => {
    for (const [seconds, protocols] of [
      [4, [6, ...new Array(6).fill(17)]],
      [5, new Array(7).fill(17)],
    ] as const) {
      const bench = makeBench(ALONE, SESSIONS);
      for (let port = 1; port <= 6; port++) bench.out(udp(L1, { ...W1, port }));
      bench.out(tcp(L1, W1, TCP_SYN));
      bench.advance(seconds);
      bench.out(udp(L2, W1));
      const found = bench.nat.sessions().map((session) => session.protocol);
      expect(found.sort((a, b) => a - b)).toEqual(protocols);
    }
  });

  it("gives up UDP sessions for UDP, and opening TCP connections for TCP", () => {
    const bench = makeBench(ALONE, SESSIONS);
    for (let port = 1; port <= 4; port++) bench.out(udp(L1, { ...W1, port }));
    for (let port = 1; port <= 3; port++) bench.out(tcp(L1, { ...W1, port }, TCP_SYN));
    for (let port = 5; port <= 8; port++) bench.out(udp(L1, { ...W1, port }));
    for (let port = 5; port <= 7; port++) bench.out(tcp(L1, { ...W1, port }, TCP_SYN));
    const found = bench.nat.sessions().map((session) => `${session.protocol} ${session.remotePort}`);
    // The host's first is its fair share of a table so small.
    expect(found.sort()).toEqual(["17 1", "17 6", "17 7", "17 8", "6 5", "6 6", "6 7"]);
  });

  it("survives the eviction of the very mapping that a packet needs", () => {
    const bench = makeBench({}, { sessions: 1, mappings: 1 });
    const first = source(bench.out(udp(L1, W1)));
    bench.out(udp(L1, W2));
    expect(bench.nat.mappings()).toHaveLength(1);
    expect(bench.nat.inbound(udp(W1, first))).not.toBe("ok");
    expect(bench.ports.count).toBe(1);
  });
});

describe("a full mapping table", () => {
  const MAPPINGS = { mappings: 4 };

  it("gives up the mapping whose only session is idle longest", () => {
    const bench = makeBench({ hostMappings: 4 }, MAPPINGS);
    for (let port = 1; port <= 4; port++) {
      bench.out(udp({ ...L1, port: 5000 + port }, W1));
      bench.advance(1);
    }
    // The first has two sessions, the second is kept busy by the flow cache.
    bench.out(udp({ ...L1, port: 5001 }, W2));
    bench.nat.flows.touch(1);
    bench.out(udp(L2, W1));
    const ports = bench.nat.mappings().map((mapping) => mapping.insidePort);
    expect(ports.sort()).toEqual([5000, 5001, 5002, 5004]);
  });

  it("gives up the mapping of the session idle longest, with all its sessions, when none has a single one", () => {
    const bench = makeBench({}, { mappings: 2 });
    for (const remote of [W1, W2]) for (const local of [L1, L2]) bench.out(udp(local, remote));
    bench.out(udp({ ...L1, port: 7000 }, W1));
    const kept = bench.nat.sessions().filter((session) => session.insidePort === L2.port);
    expect(kept.map((session) => session.insideAddress)).toEqual([L2.address, L2.address]);
    expect(bench.nat.sessionCount).toBe(3);
  });
});

describe("other packets", () => {
  it("refuses protocols that have no ports", () => {
    const bench = makeBench();
    const packet = udp(L1, W1);
    packet.protocol = 47;
    expect(bench.nat.outbound(packet)).toBe("natProtocol");
    expect(bench.nat.inbound(packet)).toBe("natProtocol");
  });

  it.each([
    ["a UDP length below 8", 7, "udpMalformed"],
    ["a UDP length beyond the packet", 12, "udpMalformed"],
  ])("refuses %s", (_, length, verdict) => {
    const packet = udp(L1, W1);
    packet.frame.view.setUint16(TRANSPORT_AT + 4, length);
    expect(makeBench().nat.outbound(packet)).toBe(verdict);
  });

  it("refuses truncated transport headers", () => {
    const bench = makeBench();
    for (const [packet, verdict] of [
      [udp(L1, W1), "udpMalformed"],
      [tcp(L1, W1, TCP_SYN), "tcpMalformed"],
      [echo(L1.address, W1.address, 8, 1), "icmpMalformed"],
    ] as const) {
      packet.payloadBytes = 7;
      expect(bench.nat.outbound(packet)).toBe(verdict);
      expect(bench.nat.inbound(packet)).toBe(verdict);
    }
  });

  it("leaves a packet that it drops as it was", () => {
    const bench = makeBench();
    bench.out(udp(L1, W1));
    const packet = udp(W2, { address: WAN_ADDRESS, port: bench.nat.mappings()[0]?.externalPort ?? 0 });
    const before = bytesOf(packet);
    expect(bench.nat.inbound(packet)).toBe("natFiltered");
    expect(bytesOf(packet)).toEqual(before);
  });

  it("waits for the external address", () => {
    const bench = makeBench();
    bench.nat.setExternalAddress(0);
    expect(bench.nat.outbound(udp(L1, W1))).toBe("wanNotReady");
  });

  it("forgets all sessions when the external address changes, and only then", () => {
    const bench = makeBench();
    bench.out(udp(L1, W1));
    bench.nat.setExternalAddress(WAN_ADDRESS);
    expect(bench.nat.sessionCount).toBe(1);
    bench.nat.setExternalAddress(address("203.0.113.9"));
    expect(bench.nat.sessionCount).toBe(0);
    const packet = bench.out(udp(L1, W1));
    expectSound(packet);
    expect(packet.source).toBe(address("203.0.113.9"));
  });
});

describe("ICMP queries", () => {
  it("RFC5508 REQ-1, REQ-1a: one identifier for every target, another for every host", () => {
    const bench = makeBench();
    const first = bench.out(echo(L1.address, W1.address, 8, 7));
    const second = bench.out(echo(L2.address, W1.address, 8, 7));
    expectSound(first);
    expect(identifier(bench.out(echo(L1.address, W2.address, 8, 7)))).toBe(identifier(first));
    expect(identifier(second)).not.toBe(identifier(first));
    const reply = bench.in(echo(W1.address, WAN_ADDRESS, 0, identifier(second)));
    expectSound(reply);
    expect(reply.destination).toBe(L2.address);
    expect(identifier(reply)).toBe(7);
  });

  it("RFC5508 REQ-1: translates timestamp queries too", () => {
    const bench = makeBench();
    const sent = bench.out(icmp(L1.address, W1.address, 13, 0, 0x70001, new Array(12).fill(3)));
    expectSound(sent);
    const rest = (identifier(sent) << 16) | 1;
    const reply = bench.in(icmp(W1.address, WAN_ADDRESS, 14, 0, rest, new Array(12).fill(3)));
    expect(reply.destination).toBe(L1.address);
    expect(identifier(reply)).toBe(7);
  });

  it("refuses replies that nobody asked for", () => {
    const bench = makeBench();
    const sent = bench.out(echo(L1.address, W1.address, 8, 7));
    expect(bench.nat.inbound(echo(W2.address, WAN_ADDRESS, 0, identifier(sent)))).toBe("natFiltered");
    expect(bench.nat.inbound(echo(W1.address, WAN_ADDRESS, 0, identifier(sent) ^ 1))).toBe("wanUnsolicited");
  });

  it("refuses other types", () => {
    const bench = makeBench();
    for (const type of [4, 5, 9, 10, 15, 16, 17]) {
      expect(bench.nat.outbound(icmp(L1.address, W1.address, type, 0, 0))).toBe("icmpTypeUnknown");
      expect(bench.nat.inbound(icmp(W1.address, WAN_ADDRESS, type, 0, 0))).toBe("icmpTypeUnknown");
    }
  });
});
