import { describe, expect, it } from "vitest";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../../src/wire/tcp.js";
import { type Bench, makeBench } from "./support/bench.js";
import { at, type Endpoint, source, tcp, udp } from "./support/packets.js";

const W1 = at("198.51.100.1:80");
const NO_RATES = { hostRate: 0, totalRate: 0, inboundRate: 0 };
const [L1, L2] = [at("192.168.1.10:5000"), at("192.168.1.11:5000")];

/** Opening: a SYN that nobody has answered. */
function open(bench: Bench, inside: Endpoint): void {
  bench.out(tcp(inside, W1, TCP_SYN, { sequence: 99 }));
}

/** A connection with its whole handshake and its end. */
function openAndClose(bench: Bench, inside: Endpoint, end: "FIN" | "RST" = "FIN"): void {
  const outside = source(bench.out(tcp(inside, W1, TCP_SYN, { sequence: 99 })));
  bench.in(tcp(W1, outside, TCP_SYN | TCP_ACK, { sequence: 7, acknowledgement: 100 }));
  const next = { sequence: 100, acknowledgement: 8 };
  bench.out(tcp(inside, W1, TCP_ACK, next));
  if (end === "RST") {
    bench.out(tcp(inside, W1, TCP_RST | TCP_ACK, next));
    return;
  }
  bench.out(tcp(inside, W1, TCP_FIN | TCP_ACK, next));
  bench.in(tcp(W1, outside, TCP_FIN | TCP_ACK, { sequence: 8, acknowledgement: 101 }));
}

/** The TCP connections that there are: the inside ends of those in this state of RFC 7857. */
function insideOf(bench: Bench, ...states: string[]): Endpoint[] {
  return bench.nat
    .sessions()
    .filter(({ state }) => states.includes(state))
    .map(({ insideAddress, insidePort }) => ({ address: insideAddress, port: insidePort }))
    .sort((a, b) => a.address - b.address || a.port - b.port);
}

const opening = (bench: Bench) => insideOf(bench, "INIT");
const closing = (bench: Bench) => insideOf(bench, "C+S-FIN", "TRANS");
const ports = (of: Endpoint, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => ({ ...of, port: first + i }));

describe("with as many TCP connections opening and closing as may be", () => {
  /** Room for 16 of them. */
  const small = () => makeBench(NO_RATES, { sessions: 64, mappings: 64 });

  it.each(["FIN", "RST"] as const)("one that was closed by %s makes way before any that opens", (end) => {
    const bench = small();
    for (const inside of ports(L1, 1, 13)) open(bench, inside);
    bench.advance(1);
    for (const inside of ports(L1, 14, 16)) openAndClose(bench, inside, end);
    for (const inside of ports(L1, 17, 19)) open(bench, inside);
    expect(closing(bench)).toEqual([]);
    expect(opening(bench)).toEqual([...ports(L1, 1, 13), ...ports(L1, 17, 19)]);
    open(bench, { ...L1, port: 20 });
    expect(opening(bench)).toEqual([...ports(L1, 2, 13), ...ports(L1, 17, 20)]);
  });

  it("the one that closed first goes first", () => {
    const bench = small();
    for (const inside of ports(L1, 1, 16)) openAndClose(bench, inside);
    open(bench, { ...L1, port: 17 });
    expect(closing(bench)).toEqual(ports(L1, 2, 16));
  });

  it("one forgotten in closing goes before one forgotten in opening, and that before one that has just closed", () => {
    const bench = small();
    for (const inside of ports(L1, 1, 2)) open(bench, inside);
    for (const inside of ports(L1, 3, 4)) openAndClose(bench, inside);
    bench.advance(5);
    for (const inside of ports(L1, 5, 16)) openAndClose(bench, inside);
    for (const inside of ports(L2, 1, 2)) open(bench, inside);
    expect([opening(bench), closing(bench)]).toEqual([[...ports(L1, 1, 2), ...ports(L2, 1, 2)], ports(L1, 5, 16)]);
    for (const inside of ports(L2, 3, 4)) open(bench, inside);
    expect([opening(bench), closing(bench)]).toEqual([ports(L2, 1, 4), ports(L1, 5, 16)]);
  });

  it("what others have just closed stays while somebody holds much, however much of it there is", () => {
    // Room for 256; who holds more than 64 holds much.
    const bench = makeBench(NO_RATES);
    const others = [11, 12, 13, 14].map((host) => ({ ...L1, address: L1.address + host }));
    for (const one of others) for (const inside of ports(one, 1, 10)) openAndClose(bench, inside);
    for (const inside of ports(L1, 1, 216)) open(bench, inside);
    open(bench, { ...L2, port: 1 });
    expect(closing(bench)).toHaveLength(40);
    expect(opening(bench)).toEqual([...ports(L1, 2, 216), { ...L2, port: 1 }]);
  });

  it("calls from outside make way for calls, and are no closing connections when they are refused", () => {
    const bench = small();
    bench.nat.forwards.add({
      protocol: "tcp",
      ports: { first: 9, last: 9 },
      insideAddress: L2.address,
      insidePort: 9,
    });
    const call = (port: number): void => {
      const server = { address: bench.nat.externalAddress, port: 9 };
      bench.in(tcp({ ...W1, port }, server, TCP_SYN, { sequence: 5 }));
      bench.out(tcp({ ...L2, port: 9 }, { ...W1, port }, TCP_RST | TCP_ACK, { acknowledgement: 6 }));
    };
    for (const inside of ports(L1, 1, 4)) openAndClose(bench, inside);
    for (let port = 1; port <= 30; port++) call(port);
    expect(bench.nat.use.classes).toMatchObject({
      calls: { now: 12, evicted: 18 },
      transitory: { now: 4, evicted: 0 },
    });
  });
});

describe("a full session table", () => {
  const states = (bench: Bench) => [opening(bench).length, closing(bench).length, insideOf(bench, "OPEN").length];

  /** Most of it is one host's: an opening connection, one that is closing, and datagrams. */
  function full(): Bench {
    const bench = makeBench({ ...NO_RATES, hostSessions: 64, hostMappings: 64 }, { sessions: 64, mappings: 80 });
    open(bench, { ...L1, port: 1 });
    openAndClose(bench, { ...L1, port: 2 });
    for (const inside of ports(L1, 3, 50)) bench.out(udp(inside, W1));
    for (let host = 20; host < 34; host++) bench.out(udp({ ...L1, address: L1.address + host }, W1));
    expect(states(bench)).toEqual([1, 1, 62]);
    return bench;
  }

  it("gives up what is forgotten in closing, then in opening, then datagrams", () => {
    const bench = full();
    bench.advance(5);
    bench.out(udp({ ...L2, port: 1 }, W1));
    expect(states(bench)).toEqual([1, 0, 63]);
    bench.out(udp({ ...L2, port: 2 }, W1));
    expect(states(bench)).toEqual([0, 0, 64]);
    bench.out(udp({ ...L2, port: 3 }, W1));
    expect(states(bench)).toEqual([0, 0, 64]);
  });

  it("gives up a closing connection before one that opens for a connection, and datagrams before either for a datagram", () => {
    const bench = full();
    bench.out(udp({ ...L2, port: 1 }, W1));
    expect(states(bench)).toEqual([1, 1, 62]);
    open(bench, { ...L2, port: 1 });
    expect(states(bench)).toEqual([2, 0, 62]);
    open(bench, { ...L2, port: 2 });
    expect(opening(bench)).toEqual(ports(L2, 1, 2));
  });
});
