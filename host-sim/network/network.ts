/**
 * A network of real stacks under a virtual clock. Nothing here waits: time jumps from one thing that happens to the next,
 * and a run is a pure function of its seed and of what the caller does.
 */
import { formatPrefix, type Prefix, parseAddress, parsePrefix } from "../../src/core/address.js";
import { type Capacity, DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { Gateway, type GatewayOptions, LAN, WAN } from "../../src/gateway.js";
import { Host, type HostOptions } from "../../src/host.js";
import { checkBindings } from "../../src/link/bindings.js";
import { type PanelPort, PatchPanel } from "../../src/link/patchPanel.js";
import { type LinkPorts, UNTAGGED } from "../../src/platform/linkPorts.js";
import { PcapFile } from "../ports/pcapFile.js";
import { SeededRandom } from "../random.js";
import { DESKTOP_CAPACITY } from "./capacity.js";
import { EventQueue } from "./eventQueue.js";
import { Router } from "./router.js";
import { type Conditions, Segment, type SegmentClock, type Station } from "./segment.js";

/** A thousand times what a scenario takes; a network that needs more in one run never rests. */
const STEP_LIMIT = 1_000_000;
/** The last steps before the limit, whose causes the error names. */
const BLAMED_STEPS = 1000;
/** Longer than a first retransmission (RFC 6298: 1 s) and an ARP request (1 s) are waited for. */
const QUIET_MS = 3000;
/** 02:00:00:00:00:00: station addresses that anybody may give out (the "local" bit of IEEE 802). */
const LOCAL_MAC = 0x020000000000;

export interface NetworkOptions {
  /** Any integer; 1 unless told. */
  readonly seed?: number;
}

/** One interface of a stack: where it is plugged in, and its address, as in "192.168.1.10/24". */
export interface Plug {
  readonly segment: Segment;
  /** The VLAN in which the switch has the interface; none unless told. */
  readonly vlan?: number;
  readonly address?: string;
}

export interface SimulatedHostOptions extends Plug {
  /** The next hop for everything else, as in "192.168.1.1". */
  readonly gateway?: string;
  readonly capacity?: Partial<Capacity>;
}

/** With both sides on one segment the gateway has one cable there, a trunk, and the sides are its VLANs. */
export interface SimulatedGatewayOptions {
  readonly lan: Plug;
  readonly wan: Plug & { readonly gateway?: string };
  readonly capacity?: Partial<Capacity>;
  readonly nat?: GatewayOptions["nat"];
}

export interface RunLimits {
  /** Steps after which an error tells what keeps the network busy. */
  readonly limitSteps?: number;
}

class Member {
  readonly name: string;
  readonly stack: Host;
  readonly cause: string;

  constructor(name: string, stack: Host) {
    this.name = name;
    this.stack = stack;
    this.cause = `timers of ${name}`;
  }
}

export class Network implements SegmentClock {
  readonly seed: number;
  readonly #queue = new EventQueue();
  readonly #members: Member[] = [];
  readonly #segments: Segment[] = [];
  readonly #captures: PcapFile[] = [];
  readonly #lastCauses: string[] = [];
  #nowMs = 0;
  #activeAtMs = 0;
  #stationsMade = 0;

  constructor(options: NetworkOptions = {}) {
    this.seed = options.seed ?? 1;
  }

  /** Virtual time, in ms since the network was made. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** A new Ethernet, ideal but for `conditions`. */
  addSegment(name: string, conditions: Partial<Conditions> = {}): Segment {
    const segment = new Segment(name, this, new SeededRandom(this.seed, `segment ${name}`), conditions);
    this.#segments.push(segment);
    return segment;
  }

  /** A cable end without a stack, for a program that speaks frames. */
  addStation(name: string, segment: Segment, vlan = UNTAGGED): Station {
    this.#stationsMade++;
    return segment.plugIn(name, LOCAL_MAC + this.#stationsMade, vlan);
  }

  addHost(name: string, options: SimulatedHostOptions): Host {
    const capacity = { ...DESKTOP_CAPACITY, ...options.capacity };
    const host = this.#join(name, [["eth0", options]], (interfaces) => {
      return new Host({ random: this.#randomOf(name), capacity, interfaces });
    });
    setUp(host, 0, options.address, options.gateway);
    return host;
  }

  /** A router with an interface on each of `plugs`; `gateway` is its next hop for the rest of the world. */
  addRouter(name: string, plugs: readonly Plug[], gateway?: string): Router {
    const named = plugs.map((plug, index): [string, Plug] => [`eth${index}`, plug]);
    const router = this.#join(name, named, (interfaces) => {
      return new Router({ random: this.#randomOf(name), capacity: DESKTOP_CAPACITY, interfaces });
    });
    plugs.forEach((plug, index) => {
      setUp(router, index, plug.address, undefined);
    });
    if (gateway !== undefined) {
      const index = router.interfaces.findIndex((one) => one.isOnLink(addressOf(gateway)));
      router.setGateway(Math.max(index, 0), addressOf(gateway));
    }
    return router;
  }

  /** A Porter with a board's capacity, and addresses only where they are given. */
  addGateway(name: string, options: SimulatedGatewayOptions): Gateway {
    const { lan, wan, nat } = options;
    const capacity = { ...DEFAULT_CAPACITY, ...options.capacity };
    const make = (interfaces: HostOptions["interfaces"], links?: LinkPorts) => {
      const random = this.#randomOf(name);
      return new Gateway({ random, capacity, interfaces, ...(nat && { nat }), ...(links && { links }) });
    };
    const plugs: [string, Plug][] = [
      ["lan", lan],
      ["wan", wan],
    ];
    const gateway = lan.segment === wan.segment ? this.#joinByTrunk(name, plugs, make) : this.#join(name, plugs, make);
    setUp(gateway, LAN, options.lan.address, undefined);
    setUp(gateway, WAN, options.wan.address, options.wan.gateway);
    return gateway;
  }

  /** Carries out `action` in `delayMs` of virtual time; every stack knows the time by then. */
  after(delayMs: number, action: () => void): void {
    this.schedule(delayMs, "an application", () => {
      this.#activeAtMs = this.#nowMs;
      this.#tellTime();
      action();
    });
  }

  /**
   * Records every segment from now on, as `DIRECTORY/SEGMENT.pcap`; `endCapture` completes the files. Throws an Error of
   * one sentence when they cannot be made.
   */
  capture(directory: string): void {
    for (const segment of this.#segments) {
      const file = PcapFile.create(directory, segment.name);
      this.#captures.push(file);
      segment.addTap((timeMs, frame, length) => file.record(timeMs, frame, length));
    }
  }

  endCapture(): void {
    for (const file of this.#captures.splice(0)) file.close();
  }

  /** Lets the next thing happen: a frame arrives, an application acts, or a stack's timer fires. False if nothing will. */
  step(): boolean {
    const happened = this.#step(Number.POSITIVE_INFINITY);
    this.#tellTime();
    return happened;
  }

  /** Runs for `durationMs` of virtual time. */
  runFor(durationMs: number, limits: RunLimits = {}): void {
    const endMs = this.#nowMs + durationMs;
    this.#run(() => this.#step(endMs), limits);
    this.#nowMs = endMs;
    this.#tellTime();
  }

  /**
   * Runs until `condition` holds; false when it does not within `limitMs` of virtual time, a minute unless told, which has
   * passed then.
   */
  runUntil(condition: () => boolean, limits: RunLimits & { readonly limitMs?: number } = {}): boolean {
    const endMs = this.#nowMs + (limits.limitMs ?? 60_000);
    let holds = false;
    this.#run(() => {
      holds = condition();
      return !holds && this.#step(endMs);
    }, limits);
    if (!holds) this.#nowMs = endMs;
    this.#tellTime();
    return holds;
  }

  /**
   * Runs until nothing is under way: no frame on a cable, no application waiting for its time, and no frame sent by anyone
   * for `quietMs`, so that whoever waits for an answer has had it or asked again. What is due later than that
   * (sessions that expire, keep-alive) is not waited for.
   */
  runUntilIdle(limits: RunLimits & { readonly quietMs?: number } = {}): void {
    const quietMs = limits.quietMs ?? QUIET_MS;
    this.#activeAtMs = this.#nowMs;
    this.#run(() => this.#step(this.#queue.size > 0 ? Number.POSITIVE_INFINITY : this.#activeAtMs + quietMs), limits);
    this.#tellTime();
  }

  schedule(delayMs: number, cause: string, run: () => void): void {
    this.#queue.schedule(this.#nowMs + delayMs, cause, run);
  }

  frameSent(): void {
    this.#activeAtMs = this.#nowMs;
  }

  #randomOf(name: string): SeededRandom {
    return new SeededRandom(this.seed, `stack ${name}`);
  }

  #join<Stack extends Host>(
    name: string,
    plugs: readonly (readonly [string, Plug])[],
    make: (interfaces: HostOptions["interfaces"]) => Stack,
  ): Stack {
    const stations = plugs.map(([, plug]) => this.addStation(name, plug.segment, plug.vlan));
    const stack = make(stations.map((station, index) => ({ name: plugs[index]![0], mac: station.mac, port: station })));
    stations.forEach((station, index) => {
      station.receiver = (frame, length) => {
        stack.poll(this.#nowMs);
        stack.receive(index, frame, length);
      };
    });
    return this.#begin(name, stack);
  }

  /** One cable for all `plugs`, which are on one segment. */
  #joinByTrunk<Stack extends Host>(
    name: string,
    plugs: readonly (readonly [string, Plug])[],
    make: (interfaces: HostOptions["interfaces"], links: LinkPorts) => Stack,
  ): Stack {
    const station = this.addStation(name, plugs[0]![1].segment);
    const port: PanelPort = {
      name: "trunk",
      mac: station.mac,
      carriesTags: true,
      isUp: true,
      send: (frame, length) => station.send(frame, length),
    };
    const bindings = plugs.map(([, { vlan = UNTAGGED }]) => ({ port: port.name, vlan }));
    const names = plugs.map(([interfaceName]) => interfaceName);
    const panel = new PatchPanel([port], checkBindings([port], names, bindings));
    const interfaces = panel.outlets.map((outlet, index) => ({ name: names[index]!, mac: outlet.mac, port: outlet }));
    const stack = make(interfaces, panel);
    station.receiver = (frame, length) => {
      stack.poll(this.#nowMs);
      panel.receive(stack, port, frame, length);
    };
    return this.#begin(name, stack);
  }

  #begin<Stack extends Host>(name: string, stack: Stack): Stack {
    stack.poll(this.#nowMs);
    this.#members.push(new Member(name, stack));
    return stack;
  }

  /** Lets the next thing happen if it is due by `endMs`. Frames and applications come before timers of the same instant. */
  #step(endMs: number): boolean {
    const event = this.#queue.next;
    let dueMs = event === undefined ? Number.POSITIVE_INFINITY : event.atMs;
    let member: Member | undefined;
    for (const candidate of this.#members) {
      const deadlineMs = candidate.stack.nextDeadline();
      if (deadlineMs >= dueMs) continue;
      dueMs = deadlineMs;
      member = candidate;
    }
    if (dueMs === Number.POSITIVE_INFINITY || dueMs > endMs) return false;
    this.#nowMs = Math.max(this.#nowMs, dueMs);
    if (member === undefined) {
      this.#queue.take()?.run();
      this.#lastCauses.push((event as { cause: string }).cause);
    } else {
      member.stack.poll(this.#nowMs);
      this.#lastCauses.push(member.cause);
    }
    if (this.#lastCauses.length >= 2 * BLAMED_STEPS) this.#lastCauses.splice(0, BLAMED_STEPS);
    return true;
  }

  #run(step: () => boolean, limits: RunLimits): void {
    const limitSteps = limits.limitSteps ?? STEP_LIMIT;
    // The caller may have opened sockets or sent something meanwhile.
    for (let steps = 0; step(); steps++) {
      if (steps >= limitSteps) {
        throw new Error(
          `The network does not come to rest: after ${limitSteps} steps it is busy with ${this.#blame()}.`,
        );
      }
    }
  }

  /** What the last steps were about, most frequent first. */
  #blame(): string {
    const counts = new Map<string, number>();
    for (const cause of this.#lastCauses.slice(-BLAMED_STEPS)) counts.set(cause, (counts.get(cause) ?? 0) + 1);
    const causes = [...counts].filter(([, count]) => count >= BLAMED_STEPS / 20).sort((a, b) => b[1] - a[1]);
    return causes.map(([cause]) => cause).join(" and ");
  }

  /** So that whoever acts next, acts at the right time. */
  #tellTime(): void {
    for (const { stack } of this.#members) stack.poll(this.#nowMs);
  }
}

function setUp(stack: Host, index: number, address: string | undefined, gateway: string | undefined): void {
  if (address !== undefined) {
    const prefix = prefixOf(address);
    stack.setAddress(index, prefix.address, prefix.length);
  }
  if (gateway !== undefined) stack.setGateway(index, addressOf(gateway));
}

function addressOf(text: string): number {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`"${text}" is no IPv4 address; write it as 192.168.1.1.`);
  return address;
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined || !text.includes("/")) {
    throw new Error(
      `"${text}" is no address with a prefix length; write it as ${formatPrefix({ address: 0xc0a80101 | 0, length: 24 })}.`,
    );
  }
  return prefix;
}
