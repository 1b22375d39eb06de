/**
 * Explanation and reality, side by side: on gateways in random states, each random packet is first explained and then
 * received. The explanation changes nothing, and what it said is what happens.
 */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { ETHERNET_HEADER_BYTES, TRANSPORT_AT } from "../../src/core/frame.js";
import { explain } from "../../src/explain/explain.js";
import type { Explanation } from "../../src/explain/explanation.js";
import { parseRule } from "../../src/firewall/rule.js";
import { LAN, WAN } from "../../src/gateway.js";
import { isQueryReply, isQueryRequest } from "../../src/nat/icmp.js";
import { isIcmpError } from "../../src/wire/icmp.js";
import { Packet } from "../../src/wire/packet.js";
import { fragmentsOf, icmpErrorFrame, icmpFrame, loadFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  ISP_ADDRESS,
  L1_ADDRESS,
  L2_ADDRESS,
  LAN_ADDRESS,
  NEAR_ADDRESS,
  W1_ADDRESS,
  W2_ADDRESS,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

/** On the LAN, and nobody answers there. */
const ABSENT_ADDRESS = "192.168.1.99";
const INSIDE = [L1_ADDRESS, L2_ADDRESS];
const OUTSIDE = [W1_ADDRESS, W2_ADDRESS, NEAR_ADDRESS];
const STRANGE = ["192.168.1.255", "224.0.0.9", "169.254.1.1", "10.1.2.3", "255.255.255.255", "0.0.0.0"];
const EVERYWHERE = [...INSIDE, ...OUTSIDE, ...STRANGE, LAN_ADDRESS, WAN_ADDRESS, ABSENT_ADDRESS];
const PORTS = [22, 53, 5000, 6000, 7000, 8000, 9000];
/** A new session finds no room. */
const FULL = ["natNoMapping", "natNoSession", "natHostQuota", "natReserve", "natHalfOpen"] as const;
const RULES = [
  "deny tcp from any to any:6000",
  "reject udp in wan",
  "allow log tcp from 198.51.100.80 to 192.168.1.50",
  "deny from 192.168.1.10 to any out wan",
  "reject icmp to self",
  "deny to self in wan",
];

interface Probe {
  readonly side: typeof LAN | typeof WAN;
  readonly protocol: "tcp" | "udp" | "icmp" | "error";
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  /** Below 0: the external port of that mapping, counted from the end. */
  readonly destinationPort: number;
  readonly flags: string;
  readonly icmpType: number;
  readonly ttl: number;
  readonly bytes: number;
  readonly dontFragment: boolean;
  /** A whole packet, or of a datagram the first fragment or the second. */
  readonly part: "whole" | "first" | "later";
  readonly identification: number;
}

/** Of a fragment's payload: room for a TCP header. */
const FRAGMENT_BYTES = 24;

const anyProbe: fc.Arbitrary<Probe> = fc
  .record({
    side: fc.constantFrom(LAN, LAN, WAN),
    protocol: fc.constantFrom("tcp", "tcp", "udp", "udp", "icmp", "error" as const),
    strange: fc.integer({ min: 0, max: 19 }),
    inside: fc.constantFrom(...INSIDE),
    outside: fc.constantFrom(...OUTSIDE),
    everywhere: fc.constantFrom(...EVERYWHERE),
    toUs: fc.integer({ min: 0, max: 3 }),
    sourcePort: fc.constantFrom(...PORTS),
    destinationPort: fc.oneof(fc.constantFrom(...PORTS, 0), fc.integer({ min: -4, max: -1 })),
    flags: fc.constantFrom("SYN", "SYN", "SYN", "ACK", "SYN ACK", "FIN ACK", "RST"),
    icmpType: fc.constantFrom(8, 8, 0, 13, 14, 5, 30),
    ttl: fc.constantFrom(64, 64, 64, 64, 2, 1),
    bytes: fc.constantFrom(8, 8, 8, 600),
    dontFragment: fc.boolean(),
    part: fc.constantFrom("whole", "whole", "whole", "whole", "first", "later" as const),
    identification: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ strange, inside, outside, everywhere, toUs, ...rest }) => {
    const isFromLan = rest.side === LAN;
    const usual = isFromLan ? (toUs === 0 ? WAN_ADDRESS : outside) : WAN_ADDRESS;
    return {
      ...rest,
      source: strange === 0 ? everywhere : isFromLan ? inside : outside,
      destination: strange === 1 || strange === 2 ? everywhere : usual,
    } as Probe;
  });

const anyWorld = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  sessions: fc.constantFrom(4, 6, 64),
  mappings: fc.constantFrom(3, 5, 64),
  neighbours: fc.constantFrom(4, 8, 16),
  pendingFrames: fc.constantFrom(1, 4),
  wan: fc.constantFrom("up", "up", "up", "up", "noGateway", "down"),
  mtu: fc.constantFrom(1500, 1500, 200),
  filtering: fc.constantFrom("addressDependent", "endpointIndependent" as const),
  dmz: fc.constantFrom("", "", "", L2_ADDRESS),
  resolved: fc.boolean(),
  answersPing: fc.constantFrom(true, true, false),
  portsLeft: fc.constantFrom(0, 0, 2),
  rules: fc.subarray(RULES, { maxLength: 2 }),
  hasSockets: fc.boolean(),
  forwards: fc.array(
    fc.record({
      port: fc.constantFrom(...PORTS),
      protocol: fc.constantFrom("tcp", "udp", "both" as const),
      target: fc.constantFrom(
        L1_ADDRESS,
        L2_ADDRESS,
        L2_ADDRESS,
        ABSENT_ADDRESS,
        LAN_ADDRESS,
        "192.168.1.255",
        "10.9.9.9",
      ),
      isEnabled: fc.constantFrom(true, true, true, false),
      source: fc.constantFrom("", "", "", W1_ADDRESS),
    }),
    { maxLength: 4 },
  ),
  before: fc.array(fc.record({ probe: anyProbe, waitMs: fc.constantFrom(0, 0, 10, 1000, 7000, 70_000) }), {
    maxLength: 24,
  }),
  probes: fc.array(anyProbe, { minLength: 1, maxLength: 8 }),
});

type World = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never;

function build(world: World): GatewayBench {
  const { sessions, mappings, neighbours, pendingFrames, filtering, dmz, portsLeft } = world;
  const ports = portsLeft === 0 ? {} : { ports: { first: 20_000, last: 20_000 + portsLeft } };
  const bench = new GatewayBench({
    seed: world.seed,
    capacity: { sessions, mappings, neighbours, pendingFrames },
    nat: { filtering, ...ports, ...(dmz === "" ? {} : { dmzAddress: ip(dmz) }) },
    wan: world.wan !== "down",
    resolved: world.resolved,
  });
  const { gateway } = bench;
  if (world.wan === "noGateway") gateway.setGateway(WAN, 0);
  gateway.setMtu(WAN, world.mtu);
  gateway.setMtu(LAN, world.seed % 3 === 0 ? 200 : 1500);
  gateway.firewall.answersPing = world.answersPing;
  if (world.hasSockets) {
    gateway.tcp.listen({ port: 22, onConnection: () => ({}) });
    gateway.udp.bind({ port: 53, handler: {} });
  }
  for (const { port, protocol, target, isEnabled, source } of world.forwards) {
    const spec = { protocol, ports: { first: port, last: port }, insideAddress: ip(target), insidePort: port };
    const from = source === "" ? {} : { source: { address: ip(source), length: 32 } };
    if (gateway.nat.forwards.add({ ...spec, ...from }) !== undefined) continue;
    const forward = gateway.nat.forwards.find(protocol, port);
    if (forward !== undefined) gateway.nat.forwards.setEnabled(forward.id, isEnabled);
  }
  for (const rule of world.rules)
    gateway.firewall.rules.insert(gateway.firewall.rules.count, parseRule(rule.split(" ")));
  for (const { probe, waitMs } of world.before) {
    send(bench, probe.side, frameOf(bench, probe));
    if (waitMs > 0) bench.advance(waitMs);
  }
  bench.clear();
  return bench;
}

function frameOf(bench: GatewayBench, probe: Probe): Uint8Array {
  if (probe.part === "whole") return wholeFrameOf(bench, probe);
  const [first, later] = fragmentsOf(wholeFrameOf(bench, { ...probe, dontFragment: false }), FRAGMENT_BYTES);
  return (probe.part === "later" && later) || (first as Uint8Array);
}

function wholeFrameOf({ gateway }: GatewayBench, probe: Probe): Uint8Array {
  const { protocol, source, destination, sourcePort, ttl, dontFragment, identification } = probe;
  const { sourceMac, destinationMac } = between(probe.side === LAN ? L1_ADDRESS : ISP_ADDRESS, destination);
  const known = gateway.nat.mappings();
  const mapping = probe.destinationPort < 0 ? known[known.length + probe.destinationPort] : undefined;
  const destinationPort = mapping?.externalPort ?? Math.abs(probe.destinationPort);
  const ends = { source, destination, sourceMac, destinationMac, ttl, dontFragment, identification };
  const payload = new Uint8Array(probe.bytes);
  if (protocol === "tcp") return tcpFrame({ ...ends, sourcePort, destinationPort, flags: probe.flags, payload });
  if (protocol === "udp") return udpFrame({ ...ends, sourcePort, destinationPort, payload });
  if (protocol === "icmp") {
    return icmpFrame({
      ...ends,
      type: probe.icmpType,
      identifier: mapping?.externalPort ?? sourcePort,
      payload,
    } as never);
  }
  const [session] = gateway.nat.sessions();
  const isFromLan = probe.side === LAN;
  const quoted =
    session === undefined || session.protocol !== 17
      ? udpFrame({ source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort })
      : isFromLan
        ? udpFrame({
            source: session.remoteAddress,
            sourcePort: session.remotePort,
            destination: session.insideAddress,
            destinationPort: session.insidePort,
          })
        : udpFrame({
            source: gateway.nat.externalAddress,
            sourcePort: session.externalPort,
            destination: session.remoteAddress,
            destinationPort: session.remotePort,
          });
  return icmpErrorFrame({ ...ends, type: 3, code: 1, about: quoted });
}

function send(bench: GatewayBench, side: number, frame: Uint8Array): void {
  if (side === LAN) bench.fromLan(frame);
  else bench.fromWan(frame);
}

/** Everything that can be seen of a gateway. */
function digest({ gateway, lanPort, wanPort }: GatewayBench, drawn: number): string {
  const { nat, ports, drops, neighbours, interfaces, sockets, firewall } = gateway;
  const owned: unknown[] = [];
  sockets.forEach((entry) => {
    owned.push([entry.localPort, entry.remotePort, entry.stateName]);
  });
  return JSON.stringify({
    mappings: nat.mappings(),
    sessions: nat.sessions(),
    counts: [nat.use, nat.lastSession],
    decision: nat.decision,
    refusal: gateway.refusal,
    words: [...nat.flows.words],
    forwards: nat.forwards.list(),
    rules: firewall.rules.list(),
    claims: ports.claims(),
    drops: [drops.counts, drops.latest, drops.asideInterface],
    dropped: gateway.droppedPacket?.source,
    neighbours: neighbours.entries(),
    interfaces: interfaces.map((one) => [one.rxFrames, one.txFrames, one.txBytes, one.txRefused, one.conflicts]),
    deadline: gateway.nextDeadline(),
    sent: [lanPort.take().length, wanPort.take().length],
    sockets: owned,
    drawn,
  });
}

interface Seen {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly ttl: number;
}

function read(frame: Uint8Array): Seen {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const protocol = frame[23] as number;
  const type = frame[34] as number;
  const isIcmp = protocol === 1;
  const identifier = isIcmp && (isQueryRequest(type) || isQueryReply(type)) ? view.getUint16(38) : 0;
  return {
    protocol,
    ttl: frame[22] as number,
    source: `${frame.slice(26, 30).join(".")}`,
    destination: `${frame.slice(30, 34).join(".")}`,
    sourcePort: isIcmp ? (isQueryRequest(type) ? identifier : 0) : view.getUint16(34),
    destinationPort: isIcmp ? (isQueryReply(type) ? identifier : 0) : view.getUint16(36),
  };
}

const dotted = (address: number) => [24, 16, 8, 0].map((shift) => (address >> shift) & 255).join(".");

/** Whether the way back in opens a session, too: there the way out may take the last place, which no judge foresees. */
function takesTwoPlaces({ steps }: Explanation): boolean {
  return steps.filter(({ name, text }) => name === "session" && /^(none|one)/.test(text)).length === 2;
}

/**
 * What cannot be told before it is done: what makes way in a full table may or may not leave the port that is wanted; and a
 * port of nobody's, which leads to the DMZ host, may be the new one of the very packet, or that of what makes way for it.
 */
function isUncertain({ steps, outcome }: Explanation, world: World): boolean {
  const isHairpin = steps.some(({ name }) => name === "hairpin");
  const makesWay = steps.some(({ text }) => text.endsWith("makes way"));
  if (isHairpin && world.portsLeft > 0) return true;
  if (isHairpin && world.dmz !== "" && (makesWay || outcome?.hasNewPort === true)) return true;
  return world.portsLeft > 0 && outcome?.hasNewPort === true && makesWay;
}

/**
 * Whether `explain` does not speak of this packet as it came, but of the datagram that it is part of: a fragment that waits for
 * the first one, follows it, or is put together with the others, as for what is for Porter itself and for ICMP errors.
 */
function isPartOfWhole(packet: Packet, { steps, verdict, outcome }: Explanation): boolean {
  if (!packet.isFragment) return false;
  const isForPorter = outcome?.side === "self" || steps.some(({ name }) => name === "Porter");
  const isError = packet.protocol === 1 && isIcmpError(packet.frame.bytes[TRANSPORT_AT] as number);
  return packet.fragmentOffset > 0 || isForPorter || isError || (verdict === "ok" && outcome === undefined);
}

function expectAgreement(bench: GatewayBench, probe: Probe, explanation: Explanation): string {
  const before = bench.gateway.neighbours.entries().filter(({ state }) => state !== "incomplete").length;
  const frame = frameOf(bench, probe);
  send(bench, probe.side, frame);
  const drops = bench.drops();
  // A redirect goes before the packet that it is about.
  const isRedirect = ({ protocol, source }: Seen) => protocol === 1 && source === LAN_ADDRESS;
  const out = { lan: bench.lan().map(read), wan: bench.wan().map(read) };
  if (explanation.outcome?.side === "lan") out.lan = out.lan.filter((one) => !isRedirect(one));
  const context = JSON.stringify({ explanation, drops, out, before });
  const { verdict, outcome } = explanation;
  const full = takesTwoPlaces(explanation) && FULL.find((reason) => drops[reason] === 1);
  if (full) return `${full} on the way back`;
  if (verdict !== "ok") {
    expect(drops[verdict], context).toBe(1);
    return verdict;
  }
  if (outcome?.side === "self") {
    // What a transport of Porter's own says to a packet that it got.
    for (const reason of Object.keys(drops)) expect(reason, context).toMatch(/^(tcp|udp|icmp|ipNoRoute|neighbour)/);
    return "self";
  }
  expect(outcome, context).toBeDefined();
  const isAsked = explanation.steps.some(({ name, text }) =>
    name === "hairpin" ? text.endsWith("sends it") : text.includes("is asked for first"),
  );
  // Of a packet that leaves in fragments only one can wait for the answer; so, too, of a first one and those that waited for it.
  const isCut = probe.part === "first" || explanation.steps.some(({ text }) => text.endsWith("in fragments"));
  if (isAsked && isCut) return "waits in part";
  // The packet that waited until now makes way.
  if (isAsked) delete drops.neighbourQueueFull;
  expect(drops, context).toEqual({});
  const left = out[outcome?.side === "lan" ? "lan" : "wan"];
  if (left.length === 0) {
    expect(isAsked, context).toBe(true);
    return "waits";
  }
  const seen = left[0] as Seen;
  const said = { source: dotted(outcome?.source as number), destination: dotted(outcome?.destination as number) };
  expect({ source: seen.source, destination: seen.destination }, context).toEqual(said);
  expect(seen.destinationPort, context).toBe(outcome?.destinationPort);
  if (outcome?.hasNewPort) expect(seen.sourcePort, context).toBeGreaterThan(0);
  else expect(seen.sourcePort, context).toBe(outcome?.sourcePort);
  expect(seen.ttl, context).toBe(probe.ttl - 1);
  expect(out[outcome?.side === "lan" ? "wan" : "lan"], context).toEqual([]);
  return `leaves by the ${outcome?.side}`;
}

afterEach(() => vi.restoreAllMocks());

describe("explain", () => {
  it("changes nothing, and says what then happens", () => {
    const seen = new Map<string, number>();
    const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    const drawn = vi.spyOn(SeededRandom.prototype, "next32");
    const property = fc.property(anyWorld, (world) => {
      const bench = build(world);
      for (const probe of world.probes) {
        const bytes = frameOf(bench, probe);
        const packet = new Packet(loadFrame(bytes));
        const isGroup = probe.destination.endsWith(".255");
        if (packet.take(packet.frame, bytes.length - ETHERNET_HEADER_BYTES, probe.side, false) !== "ok" || isGroup)
          continue;
        const before = digest(bench, drawn.mock.calls.length);
        const explanation = explain(bench.gateway, packet);
        expect(digest(bench, drawn.mock.calls.length)).toBe(before);
        if (isUncertain(explanation, world) || isPartOfWhole(packet, explanation)) send(bench, probe.side, bytes);
        else note(`${packet.isFragment ? "fragment: " : ""}${expectAgreement(bench, probe, explanation)}`);
        bench.clear();
      }
    });
    fc.assert(property, { numRuns: Number(process.env.EXPLAIN_RUNS ?? 700) });
    const common = [
      "leaves by the wan",
      "leaves by the lan",
      "self",
      "wanUnsolicited",
      "natTcpState",
      "firewallDenied",
    ];
    for (const what of common) expect(seen.get(what), what).toBeGreaterThan(10);
  }, 120_000);
});
