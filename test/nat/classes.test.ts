import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { ANSWERED, UNANSWERED } from "../../src/nat/classes.js";
import { List } from "../../src/nat/list.js";
import type { SessionInfo, TableUse } from "../../src/nat/nat.js";
import { Sessions } from "../../src/nat/sessions.js";
import type { NatSettings } from "../../src/nat/settings.js";
import { PROTOCOL_TCP } from "../../src/wire/ipv4.js";
import type { Packet } from "../../src/wire/packet.js";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../../src/wire/tcp.js";
import { type Bench, makeBench, WAN_ADDRESS } from "./support/bench.js";
import { address, at, type Endpoint, echo, source, tcp, udp } from "./support/packets.js";

type ClassName = keyof TableUse["classes"];
const CLASSES: readonly (readonly [ClassName, number])[] = [
  ["calls", List.CALLS],
  ["transitory", List.TCP_TRANSITORY],
  ["established", List.TCP_ESTABLISHED],
  ["unanswered", UNANSWERED],
  ["answered", ANSWERED],
  ["icmp", List.ICMP],
];
const INSIDE = [at("192.168.1.10:5000"), at("192.168.1.11:5000"), at("192.168.1.12:8080")];
const REMOTE = [at("198.51.100.1:80"), at("198.51.100.1:81"), at("198.51.100.2:80"), at("8.8.8.8:53")];
const SERVER = INSIDE[2] as Endpoint;
const FORWARDED_PORT = 9000;
const NO_RATES = { hostRate: 0, totalRate: 0, inboundRate: 0 };
const HOME = [0, 1].map((n) => INSIDE[n] as Endpoint) as [Endpoint, Endpoint];
const [PEER] = REMOTE as [Endpoint];

function forwardTo(bench: Bench, protocol: "tcp" | "udp"): void {
  const ports = { first: FORWARDED_PORT, last: FORWARDED_PORT };
  expect(
    bench.nat.forwards.add({ protocol, ports, insideAddress: SERVER.address, insidePort: SERVER.port }),
  ).toBeUndefined();
}

/** A connection from the inside; `isWhole`: its handshake comes to its end. */
function connect({ nat }: Bench, inside: Endpoint, remote: Endpoint, isWhole: boolean): void {
  const syn = tcp(inside, remote, TCP_SYN, { sequence: 99 });
  expect(nat.outbound(syn)).toBe("ok");
  if (!isWhole) return;
  const outside = source(syn);
  expect(nat.inbound(tcp(remote, outside, TCP_SYN | TCP_ACK, { sequence: 7, acknowledgement: 100 }))).toBe("ok");
  expect(nat.outbound(tcp(inside, remote, TCP_ACK, { sequence: 100, acknowledgement: 8 }))).toBe("ok");
}

function figures({ nat }: Bench): Record<string, string> {
  const rows = Object.entries(nat.use.classes);
  return Object.fromEntries(
    rows.map(([name, { now, most, expired, evicted }]) => [name, [now, most, expired, evicted].join(" ")]),
  );
}

describe("of each class of sessions", () => {
  it("the NAT tells how many there are, were at most, have expired, and have made way", () => {
    const bench = makeBench({ ...NO_RATES, hostSessions: 5 });
    forwardTo(bench, "tcp");
    const { nat } = bench;
    const [one, two] = HOME;
    for (let port = 1; port <= 3; port++) bench.out(udp(one, { ...PEER, port }));
    expect(figures(bench)).toMatchObject({ unanswered: "3 3 0 0", answered: "0 0 0 0" });
    bench.in(udp({ ...PEER, port: 2 }, source(bench.out(udp(one, { ...PEER, port: 2 })))));
    bench.out(echo(two.address, PEER.address, 8, 1));
    connect(bench, two, PEER, true);
    connect(bench, { ...two, port: 1 }, PEER, false);
    for (const port of [1, 2])
      bench.in(tcp({ ...PEER, port }, { address: WAN_ADDRESS, port: FORWARDED_PORT }, TCP_SYN));
    expect(figures(bench)).toEqual({
      calls: "2 2 0 0",
      transitory: "1 1 0 0",
      established: "1 1 0 0",
      unanswered: "2 3 0 0",
      answered: "1 1 0 0",
      icmp: "1 1 0 0",
    });
    // Its limit is 5: two of its own make way. None has been silent for long: who may wait for an answer stays longest.
    for (let port = 4; port <= 7; port++) bench.out(udp(one, { ...PEER, port }));
    expect(figures(bench)).toMatchObject({ unanswered: "5 5 0 1", answered: "0 1 0 1" });
    bench.in(udp({ ...PEER, port: 7 }, source(bench.out(udp(one, { ...PEER, port: 7 })))));
    bench.advance(61);
    expect(figures(bench)).toMatchObject({ icmp: "0 1 1 0", calls: "2 2 0 0" });
    bench.advance(240);
    expect(figures(bench)).toEqual({
      calls: "0 2 2 0",
      transitory: "0 1 1 0",
      established: "1 1 0 0",
      unanswered: "0 5 4 1",
      answered: "0 1 1 1",
      icmp: "0 1 1 0",
    });
    bench.advance(8000);
    expect(figures(bench)).toMatchObject({ established: "0 1 1 0" });
    expect(nat.use.sessions).toMatchObject({ now: 0, most: 10 });
  });

  it("what ends otherwise has neither expired nor made way", () => {
    const bench = makeBench();
    const [one, two] = HOME;
    bench.out(udp(one, PEER));
    connect(bench, two, PEER, true);
    bench.nat.endHost(one.address);
    bench.nat.clear();
    expect(figures(bench)).toMatchObject({ unanswered: "0 1 0 0", established: "0 1 0 0" });
  });

  it("what is found to be over when its ends speak again has expired", () => {
    const bench = makeBench({ udpTimeoutS: 120 });
    const [one] = HOME;
    bench.out(udp(one, PEER));
    bench.clock.now += 119_000;
    bench.nat.poll();
    bench.out(udp(one, PEER));
    // Its place in the list is that of its first packet. Nobody has polled since its time was over.
    bench.nat.flows.tick = 119 + 121;
    bench.out(udp(one, PEER));
    expect(figures(bench)).toMatchObject({ unanswered: "1 1 1 0" });
  });

  it("established connections make way for nobody, and for no burst of any kind", () => {
    const bench = makeBench(
      { ...NO_RATES, hostSessions: 64, hostMappings: 64 },
      { sessions: 64, mappings: 64, forwards: 2 },
    );
    forwardTo(bench, "tcp");
    const [one, two] = HOME;
    for (let port = 1; port <= 40; port++) connect(bench, { ...one, port }, PEER, true);
    for (let port = 1; port <= 300; port++) {
      bench.nat.outbound(udp({ ...two, port }, PEER));
      bench.nat.outbound(tcp({ ...two, port }, PEER, TCP_SYN));
      bench.nat.outbound(echo(two.address, PEER.address, 8, port));
      bench.nat.inbound(tcp({ ...PEER, port }, { address: WAN_ADDRESS, port: FORWARDED_PORT }, TCP_SYN));
      bench.advance(1);
    }
    const { established, ...others } = bench.nat.use.classes;
    expect(established).toEqual({ now: 40, most: 40, expired: 0, evicted: 0 });
    expect(Object.values(others).reduce((sum, { evicted }) => sum + evicted, 0)).toBeGreaterThan(300);
  });
});

const index = fc.nat(3);
/** That of the inside endpoint. */
const OWN_PORT = -1;
const flags = fc.constantFrom(TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST | TCP_ACK);
const packets = fc.record({
  kind: fc.constantFrom("udp", "tcp", "echo"),
  isOut: fc.boolean(),
  inside: fc.nat(2),
  remote: index,
  flags,
  sequence: fc.nat(1),
  acknowledgement: fc.nat(1),
  port: index,
});
/** Three segments that open a connection from the inside, if there is room. */
const handshakes = fc.record({ inside: fc.nat(2), remote: index }).map(({ inside, remote }) =>
  [TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK].map((flags, step) => ({
    kind: "tcp" as const,
    isOut: step !== 1,
    inside,
    remote,
    flags,
    sequence: 0,
    acknowledgement: 1,
    port: OWN_PORT,
  })),
);
type Shot = typeof packets extends fc.Arbitrary<infer T> ? T : never;
const acts = ["clear", "endHost", "endForward", "address", "restart", "timeouts"] as const;
const steps = fc
  .array(
    fc.oneof(
      { weight: 30, arbitrary: packets.map((shot) => [shot]) },
      { weight: 3, arbitrary: handshakes },
      { weight: 4, arbitrary: fc.constantFrom(1, 5, 61, 241, 301, 7441).map((waitS) => [{ waitS }]) },
      { weight: 1, arbitrary: fc.constantFrom(...acts).map((act) => [{ act }]) },
    ),
    { minLength: 50, maxLength: 150 },
  )
  .map((list) => list.flat());

interface Entry {
  readonly tuple: string;
  readonly list: number;
  readonly name: number;
  readonly isLiving: boolean;
}

/** What an administrator has set for the sessions of a list. */
function timeoutOf(list: number, settings: NatSettings): number {
  if (list === List.TCP_CLOSING) return settings.tcpClosingTimeoutS;
  if (list === List.TCP_TRANSITORY || list === List.CALLS) return settings.tcpOpeningTimeoutS;
  if (list === List.TCP_ESTABLISHED) return settings.tcpEstablishedTimeoutS;
  return (list & ~List.EXCESS) === List.ICMP ? settings.icmpTimeoutS : settings.udpTimeoutS;
}

/** The NAT's own list of what it has, expired or not. */
function sessionsOf({ nat }: Bench): Sessions {
  const spy = vi.spyOn(Sessions.prototype, "nextDeadline");
  nat.nextDeadline();
  const sessions = spy.mock.contexts[0] as Sessions;
  spy.mockRestore();
  return sessions;
}

/** All sessions by their numbers, looked at one by one. */
function census({ nat: { flows } }: Bench, sessions: Sessions): Map<number, Entry> {
  const entries = new Map<number, Entry>();
  for (let at = 0; at < flows.capacity; at++) {
    if (!flows.isUsed(at)) continue;
    const ends = [flows.protocol(at), flows.insideAddress(at), flows.insidePort(at), flows.externalPort(at)];
    const tuple = [...ends, flows.remoteAddress(at), flows.remotePort(at)].join();
    const list = sessions.list(at);
    entries.set(at, { tuple, list, name: list & ~List.EXCESS, isLiving: sessions.isLiving(at) });
  }
  return entries;
}

function shoot({ nat }: Bench, shot: Shot): void {
  const inside = INSIDE[shot.inside] as Endpoint;
  const remote = REMOTE[shot.remote] as Endpoint;
  const mappings = nat.mappings();
  const own = mappings.find((one) => one.protocol === PROTOCOL_TCP && one.insideAddress === inside.address);
  const mapped = [FORWARDED_PORT, ...mappings.map(({ externalPort }) => externalPort)];
  const port = (shot.port === OWN_PORT ? own?.externalPort : mapped[shot.port]) ?? FORWARDED_PORT;
  const outside = { address: WAN_ADDRESS, port };
  const [from, to] = shot.isOut ? [inside, remote] : [remote, outside];
  let packet: Packet;
  if (shot.kind === "udp") packet = udp(from, to);
  else if (shot.kind === "tcp") packet = tcp(from, to, shot.flags, shot);
  else packet = echo(from.address, to.address, shot.isOut ? 8 : 0, shot.isOut ? 1 + shot.port : port);
  if (shot.isOut) nat.outbound(packet);
  else nat.inbound(packet);
}

describe("the counts of classes", () => {
  it("are those of a count of all sessions, the most there ever were, and of how each has ended, whatever happens", () => {
    const seen = { evicted: new Set<number>(), expired: new Set<number>() };
    // Those that close are in the class of those that open, but in a list of their own.
    const seenLists = { evicted: new Set<number>(), expired: new Set<number>() };
    const property = fc.property(steps, fc.integer({ min: 1 }), (list, seed) => {
      const make = (): Bench => {
        const made = makeBench(NO_RATES, { sessions: 9, mappings: 7, forwards: 2 }, seed);
        forwardTo(made, "tcp");
        forwardTo(made, "udp");
        return made;
      };
      let bench = make();
      let sessions = sessionsOf(bench);
      const zeros = () => new Map(CLASSES.map(([, name]) => [name, 0]));
      let [most, expired, evicted] = [zeros(), zeros(), zeros()];
      let mostHalfOpen = 0;
      let mostOpen = 0;
      const add = (counts: Map<number, number>, name: number) => counts.set(name, (counts.get(name) as number) + 1);
      for (const step of list) {
        const before = census(bench, sessions);
        if ("kind" in step) shoot(bench, step);
        else if ("waitS" in step) bench.advance(step.waitS);
        else if (step.act === "clear") bench.nat.clear();
        else if (step.act === "endHost") bench.nat.endHost((INSIDE[0] as Endpoint).address);
        else if (step.act === "address") {
          bench.nat.setExternalAddress(address("203.0.113.9"));
          bench.nat.setExternalAddress(WAN_ADDRESS);
        } else if (step.act === "timeouts") {
          const timeouts = { udpTimeoutS: 240, icmpTimeoutS: 120, tcpOpeningTimeoutS: 120, tcpClosingTimeoutS: 60 };
          bench.nat.configure({ ...bench.nat.settings, ...timeouts });
        } else if (step.act === "endForward") {
          bench.nat.forwards.remove(0);
          bench.nat.forwards.remove(1);
          forwardTo(bench, "tcp");
          forwardTo(bench, "udp");
        } else {
          const kept = bench.nat.keepSessions(10_000);
          bench = make();
          sessions = sessionsOf(bench);
          before.clear();
          [most, expired, evicted] = [zeros(), zeros(), zeros()];
          mostHalfOpen = mostOpen = 0;
          bench.nat.restoreSessions(kept, () => true);
        }
        const after = census(bench, sessions);
        const left = new Set([...after.values()].map(({ tuple }) => tuple));
        const { decision } = bench.nat;
        for (const [at, entry] of before) {
          const isFinished = "kind" in step && at === decision.finished && decision.session >= 0;
          if (left.has(entry.tuple) && !isFinished) continue;
          const isWhole = decision.givesMapping && at === decision.victim;
          if ("waitS" in step || (isFinished && !isWhole && !entry.isLiving)) {
            add(expired, entry.name);
            seenLists.expired.add(entry.list);
          } else if ("kind" in step && (!isFinished || isWhole)) {
            add(evicted, entry.name);
            seenLists.evicted.add(entry.list);
          }
        }
        const now = zeros();
        const misplaced: SessionInfo[] = [];
        for (const [at, { list, name }] of after) {
          add(now, name);
          const session = bench.nat.session(at);
          const isOver = session.state === "C+S-FIN" || session.state === "TRANS";
          const isInPlace = (list === List.TCP_CLOSING) === (isOver && name !== List.CALLS);
          if (!isInPlace || session.expiresInS > timeoutOf(list, bench.nat.settings)) misplaced.push(session);
        }
        expect(misplaced).toEqual([]);
        const halfOpen = (now.get(List.CALLS) as number) + (now.get(List.TCP_TRANSITORY) as number);
        mostHalfOpen = Math.max(mostHalfOpen, halfOpen);
        mostOpen = Math.max(mostOpen, after.size);
        const { use } = bench.nat;
        for (const [word, name] of CLASSES) {
          most.set(name, Math.max(most.get(name) as number, now.get(name) as number));
          const [figure, end, gone] = [most.get(name), expired.get(name), evicted.get(name)];
          expect([word, use.classes[word]]).toEqual([
            word,
            { now: now.get(name), most: figure, expired: end, evicted: gone },
          ]);
          if (gone !== 0) seen.evicted.add(name);
          if (end !== 0) seen.expired.add(name);
        }
        expect(use.halfOpen).toMatchObject({ now: halfOpen, most: mostHalfOpen });
        expect(use.sessions).toMatchObject({ now: after.size, most: mostOpen });
      }
      expect(evicted.get(List.TCP_ESTABLISHED)).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
    // All that can happen has.
    for (const lists of [seenLists.expired, seenLists.evicted]) expect(lists).toContain(List.TCP_CLOSING);
    expect([...seen.expired].sort()).toEqual(CLASSES.map(([, name]) => name).sort());
    expect([...seen.evicted].sort()).toEqual(
      CLASSES.map(([, name]) => name)
        .filter((name) => name !== List.TCP_ESTABLISHED)
        .sort(),
    );
  });
});
