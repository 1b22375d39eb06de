import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Bench, makeBench, WAN_ADDRESS } from "./support/bench.js";
import { address, at, destination, type Endpoint, expectSound, source, udp } from "./support/packets.js";

const INSIDE = [at("192.168.1.10:5000"), at("192.168.1.10:123"), at("192.168.1.11:5000"), at("192.168.1.12:8080")];
const REMOTE = [at("198.51.100.1:80"), at("198.51.100.1:81"), at("198.51.100.2:80"), at("8.8.8.8:53")];
/** Leads to INSIDE[3]. */
const FORWARD = {
  protocol: "udp",
  ports: { first: 9000, last: 9000 },
  insideAddress: address("192.168.1.12"),
  insidePort: 8080,
} as const;
const TIMEOUT_S = 300;

/** Of the many rules for full tables the model knows none. */
const UNLIMITED = { hostSessions: 39, hostMappings: 23, hostRate: 0, totalRate: 0, inboundRate: 0 };

const name = ({ address: host, port }: Endpoint) => `${host}:${port}`;

interface ModelSession {
  readonly inside: Endpoint;
  readonly externalPort: number;
  readonly remote: Endpoint;
  lastSeenS: number;
}

/** RFC 4787 as plainly as it can be written: one list of sessions, searched from end to end. */
class Model {
  sessions: ModelSession[] = [];
  hasForward = false;
  nowS = 0;

  expire(): void {
    this.sessions = this.sessions.filter((session) => this.nowS - session.lastSeenS <= TIMEOUT_S);
  }

  between(inside: Endpoint, remote: Endpoint): ModelSession | undefined {
    return this.sessions.find((s) => name(s.inside) === name(inside) && name(s.remote) === name(remote));
  }

  /** The external port that a new session of this endpoint must have; undefined if a new one is due. */
  externalPortOf(inside: Endpoint): number | undefined {
    if (this.hasForward && inside === INSIDE[3]) return 9000;
    return this.sessions.find((s) => name(s.inside) === name(inside) && s.externalPort !== 9000)?.externalPort;
  }

  inbound(remote: Endpoint, externalPort: number): { verdict: string; session?: ModelSession } {
    const onPort = this.sessions.filter((s) => s.externalPort === externalPort);
    const known = onPort.find((s) => name(s.remote) === name(remote));
    if (known !== undefined) return { verdict: "ok", session: known };
    const isForward = this.hasForward && externalPort === 9000;
    if (!isForward && onPort.length === 0) return { verdict: "wanUnsolicited" };
    if (!isForward && !onPort.some((s) => s.remote.address === remote.address)) return { verdict: "natFiltered" };
    const inside = isForward ? (INSIDE[3] as Endpoint) : (onPort[0] as ModelSession).inside;
    if (this.between(inside, remote) !== undefined) return { verdict: "natConflict" };
    const session = { inside, externalPort, remote, lastSeenS: this.nowS };
    this.sessions.push(session);
    return { verdict: "ok", session };
  }
}

type Operation =
  | { readonly kind: "out"; readonly inside: number; readonly remote: number }
  | { readonly kind: "in"; readonly remote: number; readonly port: number }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "forward" }
  | { readonly kind: "clear" };

const index = fc.nat(3);
const operations = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("out" as const), inside: index, remote: index }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("in" as const), remote: index, port: fc.nat(5) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.constantFrom(1, 100, 200, 300, 301) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "forward" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
  ),
  { maxLength: 60 },
);

function run(bench: Bench, model: Model, operation: Operation): void {
  const { nat } = bench;
  if (operation.kind === "out") {
    const [inside, remote] = [INSIDE[operation.inside] as Endpoint, REMOTE[operation.remote] as Endpoint];
    const known = model.between(inside, remote);
    const expected = known?.externalPort ?? model.externalPortOf(inside);
    const packet = udp(inside, remote);
    expect(nat.outbound(packet)).toBe("ok");
    expectSound(packet);
    const { port } = source(packet);
    if (expected !== undefined) expect(port).toBe(expected);
    else expect(model.sessions.some((session) => session.externalPort === port)).toBe(false);
    if (known === undefined) model.sessions.push({ inside, externalPort: port, remote, lastSeenS: model.nowS });
    else known.lastSeenS = model.nowS;
  } else if (operation.kind === "in") {
    const remote = REMOTE[operation.remote] as Endpoint;
    const inUse = [...new Set(model.sessions.map((session) => session.externalPort)), 9000, 7];
    const port = inUse[operation.port % inUse.length] as number;
    const packet = udp(remote, { address: WAN_ADDRESS, port });
    const { verdict, session } = model.inbound(remote, port);
    expect(nat.inbound(packet)).toBe(verdict);
    if (session === undefined) return;
    session.lastSeenS = model.nowS;
    expectSound(packet);
    expect(name(destination(packet))).toBe(name(session.inside));
  } else if (operation.kind === "wait") {
    bench.advance(operation.seconds);
    model.nowS += operation.seconds;
    model.expire();
  } else if (operation.kind === "forward") {
    if (model.hasForward) {
      nat.forwards.remove(0);
      model.sessions = model.sessions.filter((session) => session.externalPort !== 9000);
    } else {
      expect(nat.forwards.add(FORWARD)).toBeUndefined();
    }
    model.hasForward = !model.hasForward;
  } else {
    nat.clear();
    model.sessions = [];
  }
}

/** What the NAT says of itself agrees with the model, table by table and with the port space. */
function expectSame(bench: Bench, model: Model): void {
  const line = (inside: Endpoint, port: number, remote: Endpoint, idle: number) =>
    `${name(inside)} ${port} ${name(remote)} ${idle}`;
  const actual = bench.nat.sessions().map((s) => {
    const inside = { address: s.insideAddress, port: s.insidePort };
    const remote = { address: s.remoteAddress, port: s.remotePort };
    return line(inside, s.externalPort, remote, s.idleS);
  });
  const expected = model.sessions.map((s) => line(s.inside, s.externalPort, s.remote, model.nowS - s.lastSeenS));
  expect(actual.sort()).toEqual(expected.sort());
  expect(bench.nat.sessionCount).toBe(model.sessions.length);
  const mappings = new Map<number, number>();
  for (const { externalPort } of model.sessions) mappings.set(externalPort, (mappings.get(externalPort) ?? 0) + 1);
  const counted = bench.nat.mappings().map((mapping) => [mapping.externalPort, mapping.sessions] as const);
  expect(new Map(counted)).toEqual(mappings);
  expect(bench.nat.mappingCount).toBe(mappings.size);
  expect(bench.ports.count).toBe([...mappings.keys()].filter((port) => port !== 9000).length);
}

describe("the NAT", () => {
  it("does what a naive model of RFC 4787 does, whatever happens", () => {
    const property = fc.property(operations, fc.integer({ min: 1 }), (list, seed) => {
      const bench = makeBench(UNLIMITED, { sessions: 39, mappings: 23, forwards: 1 }, seed);
      const model = new Model();
      for (const operation of list) {
        run(bench, model, operation);
        expectSame(bench, model);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("keeps its tables consistent when they are far too small", () => {
    const property = fc.property(operations, fc.integer({ min: 1 }), (list, seed) => {
      const bench = makeBench({}, { sessions: 3, mappings: 2, forwards: 1 }, seed);
      for (const operation of list) {
        if (operation.kind === "out") {
          const packet = udp(INSIDE[operation.inside] as Endpoint, REMOTE[operation.remote] as Endpoint);
          expect(["ok", "natNoMapping", "natNoSession", "natHostQuota"]).toContain(bench.nat.outbound(packet));
        } else if (operation.kind === "in") {
          const port = bench.nat.mappings()[operation.port % 2]?.externalPort ?? 9000;
          bench.nat.inbound(udp(REMOTE[operation.remote] as Endpoint, { address: WAN_ADDRESS, port }));
        } else if (operation.kind === "wait") {
          bench.advance(operation.seconds);
        } else if (operation.kind === "forward") {
          if (bench.nat.forwards.list().length === 1) bench.nat.forwards.remove(0);
          else bench.nat.forwards.add(FORWARD);
        } else {
          bench.nat.clear();
        }
        const mappings = bench.nat.mappings();
        const total = mappings.reduce((sum, mapping) => sum + mapping.sessions, 0);
        expect(total).toBe(bench.nat.sessionCount);
        expect(mappings).toHaveLength(bench.nat.mappingCount);
        expect(bench.ports.count).toBe(mappings.filter((mapping) => !mapping.isStatic).length);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});
