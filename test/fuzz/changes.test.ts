/**
 * Traffic while the configuration changes: forwards, the DMZ host, rules and the answers of closed ports come and go between
 * frames, and restarts, all in tiny tables. After each step no two tables contradict each other; the judge, asked before each
 * frame, changes nothing, and what it says comes true. FUZZ_STEPS and FUZZ_SEED make a run longer or other.
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { parseRule } from "../../src/firewall/rule.js";
import { LAN, WAN } from "../../src/gateway.js";
import { Decision } from "../../src/nat/decision.js";
import { Packet } from "../../src/wire/packet.js";
import { icmpErrorFrame, icmpFrame, loadFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_ADDRESS,
  L2_ADDRESS,
  LAN_ADDRESS,
  W1_ADDRESS,
  W2_ADDRESS,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";
import { checkNothingLost, checkTables } from "./checkTables.js";

const STEPS = Number(process.env.FUZZ_STEPS ?? 4000);
const SEED = Number(process.env.FUZZ_SEED ?? 20261123);
const TINY = { mappings: 8, sessions: 12, forwards: 4, rules: 4 };
const HEARD = 32;
const INSIDE = [L1_ADDRESS, L2_ADDRESS];
const OUTSIDE = [W1_ADDRESS, W2_ADDRESS];
const FLAGS = ["SYN", "SYN", "SYN ACK", "ACK", "PSH ACK", "FIN ACK", "RST", "RST ACK"];
const RULES = [
  "allow",
  "allow tcp in wan",
  "deny in wan",
  "deny udp out wan",
  "deny icmp",
  `deny to ${L2_ADDRESS}`,
  `deny from ${L1_ADDRESS} out lan`,
  "reject in lan",
  "reject tcp to any:80",
];

class ChangingGateway {
  readonly bench: GatewayBench;
  /** Steps by what became of them. */
  readonly seen = new Map<string, number>();
  readonly #random: SeededRandom;
  readonly #decision = new Decision();
  /** Frames that left, for errors about them. */
  readonly #heard: Uint8Array[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.bench = new GatewayBench({ seed, capacity: TINY });
    this.bench.gateway.tcp.listen({ port: 443, onConnection: (socket) => socket.close() });
  }

  step(): void {
    const what = this.#below(20);
    if (what === 0) this.#count(this.#change());
    else if (what === 1) this.bench.advance(this.#pick([0, 100, 1000, 6000, 250_000, 400_000]));
    else this.#receive(this.#below(2));
    this.bench.clear();
    checkTables(this.bench.gateway);
  }

  /** With a mapping for each of as many hosts. */
  fillMappings(): void {
    const { nat, firewall } = this.bench.gateway;
    while (firewall.rules.count > 0) firewall.rules.remove(0);
    for (const { id } of nat.forwards.list()) nat.forwards.remove(id);
    for (let host = 0; host < TINY.mappings; host++) {
      this.bench.fromLan(udpFrame({ ...between(`192.168.1.${100 + host}`, W1_ADDRESS), sourcePort: 5000 }));
    }
  }

  #receive(side: number): void {
    const { bench } = this;
    const bytes = this.#frame(side);
    const packet = new Packet(loadFrame(bytes));
    packet.read(packet.frame, side, false);
    const before = this.#state();
    const said = bench.gateway.judge(packet, this.#decision);
    if (this.#state() !== before) throw new Error("the judge changed something");
    const { way } = this.#decision;
    if (side === LAN) bench.fromLan(bytes);
    else bench.fromWan(bytes);
    this.#heard.push(...bench.lan(), ...bench.wan());
    this.#heard.splice(0, this.#heard.length - HEARD);
    // Of an answer, not of the frame.
    const { icmpRateLimited, ...drops } = bench.drops();
    const was = Object.keys(drops).join(" and ");
    this.#count(was === "" ? way : was);
    // What becomes of a packet for the gateway itself is for its transport to say; a hairpin's way back in is judged apart.
    const isOpen = said === "ok" && (way === "local" || way === "hairpin");
    if (!isOpen && was !== (said === "ok" ? "" : said)) throw new Error(`judged ${said}, ${way}, and was ${was}`);
  }

  #state(): string {
    const { nat, firewall, ports } = this.bench.gateway;
    return JSON.stringify([nat.sessions(), nat.mappings(), nat.hostUse(257), firewall.rules.list(), ports.claims()]);
  }

  #frame(side: number): Uint8Array {
    const isIn = side === WAN;
    const target = this.#pick([...OUTSIDE, WAN_ADDRESS, LAN_ADDRESS]);
    const ends = isIn ? between(this.#pick(OUTSIDE), WAN_ADDRESS) : between(this.#pick(INSIDE), target);
    const ttl = this.#pick([64, 64, 64, 64, 1]);
    const sourcePort = this.#pick(isIn ? [80, 81, 5000] : [80, 5000, 5001, 5002, 8000]);
    const destinationPort = isIn || target === WAN_ADDRESS ? this.#ownPort() : this.#pick([80, 81, 5000]);
    const flow = { ...ends, ttl, sourcePort, destinationPort };
    const kind = this.#below(10);
    if (kind < 4) return udpFrame(flow);
    if (kind < 8) {
      const [sequence, acknowledgement] = [this.#pick([1000, 1001]), this.#pick([1000, 1001])];
      return tcpFrame({ ...flow, flags: this.#pick(FLAGS), sequence, acknowledgement });
    }
    if (kind < 9 || this.#heard.length === 0) {
      const identifier = isIn ? this.#ownPort() : this.#pick([1, 2, 3]);
      return icmpFrame({ ...ends, ttl, type: isIn ? this.#pick([0, 8]) : 8, identifier });
    }
    return icmpErrorFrame({ ...ends, ttl, type: 3, code: this.#pick([1, 3]), about: this.#pick(this.#heard) });
  }

  #ownPort(): number {
    const mapped = this.bench.gateway.nat.mappings().map((one) => one.externalPort);
    return this.#pick([80, 443, 5000, 5001, 8000, 8001, 60000, ...mapped]);
  }

  #change(): string {
    const { gateway } = this.bench;
    const { nat, firewall } = gateway;
    switch (this.#below(9)) {
      case 0:
        this.#addForward();
        return "forward added";
      case 1:
        nat.forwards.remove(this.#below(TINY.forwards));
        return "forward removed";
      case 2:
        nat.forwards.setEnabled(this.#below(TINY.forwards), this.#below(2) === 0);
        return "forward switched";
      case 3: {
        const dmzAddress = this.#pick([0, ...INSIDE.map(ip)]);
        const filtering = this.#pick(["addressDependent", "endpointIndependent"] as const);
        nat.configure({ ...nat.settings, dmzAddress, filtering });
        return "settings changed";
      }
      case 4:
        firewall.rules.insert(0, parseRule(this.#pick(RULES).split(" ")));
        return "rule added";
      case 5:
      case 6:
        firewall.rules.remove(0);
        return "rule removed";
      case 7:
        firewall.rejectsClosedPorts = this.#below(2) === 0;
        if (this.#below(4) === 0) gateway.disownForgotten();
        return "closed ports changed";
      default:
        this.#restart();
        return "restarted";
    }
  }

  #addForward(): void {
    const first = this.#pick([80, 443, 5000, 8000]);
    const source = this.#below(3) === 0 ? { address: ip(W1_ADDRESS), length: 32 } : undefined;
    this.bench.gateway.nat.forwards.add({
      protocol: this.#pick(["tcp", "udp", "both"] as const),
      ports: { first, last: first + this.#below(2) },
      insideAddress: ip(this.#pick(INSIDE)),
      insidePort: this.#pick([80, 5000, 8000]),
      source,
    });
  }

  /** As far as the NAT is concerned; with a forward less, perhaps. */
  #restart(): void {
    const { gateway } = this.bench;
    const { nat } = gateway;
    const before = nat.sessionCount;
    const kept = nat.keepSessions(10_000);
    nat.clear();
    if (this.#below(3) === 0) nat.forwards.remove(this.#below(TINY.forwards));
    const count = gateway.restoreSessions(kept);
    if (count !== nat.sessionCount || count > before) throw new Error(`${count} of ${before} sessions came back`);
  }

  #count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  #below(bound: number): number {
    return Math.floor(this.#random.fraction() * bound);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }
}

describe("traffic while the configuration changes", () => {
  for (const seed of [SEED, SEED + 1]) {
    it(`leaves the tables whole, and does what was judged: seed ${seed}, ${STEPS} steps`, { timeout: 60_000 }, () => {
      const changing = new ChangingGateway(seed);
      const { gateway } = changing.bench;
      for (let step = 0; step < STEPS; step++) {
        try {
          changing.step();
        } catch (error) {
          throw new Error(`step ${step} of seed ${seed}`, { cause: error });
        }
      }
      // The run was about something.
      for (const what of ["outward", "inward", "hairpin", "natFiltered", "firewallDenied", "restarted", "rule added"]) {
        expect(changing.seen.get(what), what).toBeGreaterThan(STEPS / 1000);
      }
      checkNothingLost(gateway);
      changing.fillMappings();
      expect(gateway.nat.mappingCount).toBe(TINY.mappings);
      gateway.setAddress(WAN, 0, 24);
      checkTables(gateway);
      expect([gateway.nat.sessionCount, gateway.nat.mappingCount]).toEqual([0, 0]);
    });
  }
});
