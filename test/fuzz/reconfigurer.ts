/** An administrator who changes his mind all the time, by console lines good and bad; and who restarts, with a file that was tampered with. */
import { Console } from "../../src/console/console.js";
import { addToCrc32 } from "../../src/core/crc32.js";
import type { Gateway } from "../../src/gateway.js";
import {
  ISP_ADDRESS,
  L1_ADDRESS,
  L1_MAC,
  L2_ADDRESS,
  L2_MAC,
  LAN_ADDRESS,
  NEAR_ADDRESS,
  W1_ADDRESS,
  W2_ADDRESS,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import type { FuzzedGateway } from "./fuzzedGateway.js";

const HOSTS = Object.freeze([
  L1_ADDRESS,
  L2_ADDRESS,
  "192.168.1.77",
  "192.168.1.0/24",
  W1_ADDRESS,
  W2_ADDRESS,
  "198.51.100.0/24",
  NEAR_ADDRESS,
  ISP_ADDRESS,
  "any",
  "0.0.0.0/0",
]);
const PORTS = Object.freeze(["", "", "", ":53", ":80", ":7000-7009", ":8000-8009", ":1-1023", ":40000-65535", ":23"]);
const STRANGE = Object.freeze([
  "__proto__",
  "constructor",
  "self",
  "in",
  "out",
  "from",
  "to",
  "0",
  "-1",
  "65536",
  "1e3",
  "\u{1f600}",
  "\u0000",
  "any:0",
  "self:",
  ":80",
  "10.0.0.1/8",
  "255.255.255.255",
  "999.1.1.1",
  "none",
  "last",
  "drop",
  "",
]);

export class Reconfigurer {
  /** Lines that were refused, and that worked. */
  refused = 0;
  worked = 0;
  restored = 0;
  readonly #fuzzed: FuzzedGateway;
  readonly #console: Console;
  #kept = new Uint8Array(0);

  constructor(fuzzed: FuzzedGateway) {
    this.#fuzzed = fuzzed;
    const storage = { read: () => undefined, write: () => {} };
    this.#console = new Console({ gateway: fuzzed.gateway, storage, version: "0" });
  }

  /** One change of the configuration, or of what a restart brings back. */
  change(): void {
    const fuzzed = this.#fuzzed;
    const { gateway } = fuzzed;
    if (fuzzed.chance(0.08)) this.#restart();
    else if (fuzzed.chance(0.03)) gateway.disownForgotten();
    else this.run(this.#line());
    // What changed rules end goes with the polls that follow.
    fuzzed.advance(0);
  }

  /** Asks about a packet that was not there. */
  ask(): void {
    this.run(this.#spoilt(this.#question()));
  }

  run(line: string): void {
    this.#console.execute(
      line,
      () => {},
      (outcome) => {
        if (outcome === "error") this.refused++;
        else this.worked++;
      },
    );
  }

  #line(): string {
    const { below, pick, chance } = bound(this.#fuzzed);
    const rule = this.#rule();
    const forward = `${pick(["tcp", "udp", "both"])} ${pick([7000, 7777, 8080, 40000 + below(20), 30_000])}`;
    const mac = pick([L1_MAC, L2_MAC, "02:00:00:00:00:99", "02:00:00:00:01:01"]);
    const line = pick([
      `rule add ${rule}`,
      `rule insert ${1 + below(4)} ${rule}`,
      `rule move ${1 + below(4)} ${1 + below(4)}`,
      `rule remove ${1 + below(3)}`,
      "rule remove 1",
      "rule remove 1",
      `mac ${pick(["deny", "deny", "allow"])} ${mac}`,
      `mac remove ${mac}`,
      `mac remove ${L1_MAC}`,
      `mac remove ${L2_MAC}`,
      `set firewall ping ${pick(["allow", "deny"])}`,
      `set firewall closed-ports ${pick(["silent", "reject"])}`,
      `set dmz ${pick(["none", L1_ADDRESS, L2_ADDRESS, "192.168.1.77", "192.168.1.255", LAN_ADDRESS, W1_ADDRESS, WAN_ADDRESS])}`,
      `set dmz ${pick(["none", L2_ADDRESS])}`,
      `forward add ${forward} ${pick([L1_ADDRESS, L2_ADDRESS, "192.168.1.255", "10.9.9.9"])} ${pick(["", "8000", "80 from 198.51.100.80/32"])}`,
      `forward ${pick(["remove", "enable", "disable"])} ${forward}`,
      `set nat filtering ${pick(["address-dependent", "endpoint-independent"])}`,
      `set nat limit ${pick(["sessions", "mappings"])} ${pick([1, 2, 10, 1000, "default"])}`,
      `set nat rate ${pick(["host", "total", "inbound"])} ${pick([1, 5, 100, 1000, "off"])}`,
      `set nat timeout ${pick(["udp 120", "udp 300", "tcp-established 7440", "tcp-opening 30", "tcp-closing 20", "tcp-transitory 240", "icmp 60"])}`,
      `set lan mtu ${pick([68, 576, 1500, 1500])}`,
      `set wan mtu ${pick([68, 576, 1400, 1500])}`,
      `set ports nat ${pick(["1024-49151", "2000-2050", "30000-40000"])} socket 49152-65535`,
      "clear nat",
      ...["rules", "macs", "top", "nat", "sessions", "ports", "forwards", "config", "counters all", "arp"].map(
        (what) => `show ${what}`,
      ),
    ]);
    return chance(0.15) ? this.#spoilt(line) : line;
  }

  #rule(): string {
    const { pick, chance } = bound(this.#fuzzed);
    const parts = [pick(["allow", "deny", "deny", "reject"])];
    if (chance(0.3)) parts.push("log");
    if (chance(0.5)) parts.push(pick(["tcp", "udp", "icmp", "any"]));
    if (chance(0.6)) parts.push("from", `${pick(HOSTS)}${pick(PORTS)}`);
    if (chance(0.6)) parts.push("to", `${pick([...HOSTS, "self"])}${pick(PORTS)}`);
    if (chance(0.5)) parts.push(pick(["in", "out"]), pick(["lan", "wan"]));
    return parts.join(" ");
  }

  #question(): string {
    const { pick, below } = bound(this.#fuzzed);
    const end = () => pick([L1_ADDRESS, L2_ADDRESS, W1_ADDRESS, W2_ADDRESS, NEAR_ADDRESS, WAN_ADDRESS, LAN_ADDRESS]);
    const mappings = this.#fuzzed.gateway.nat.mappings();
    const port = () =>
      mappings.length > 0 && below(3) === 0
        ? pick(mappings).externalPort
        : pick([53, 80, 7000, 8000, 7777, 23, 40000 + below(20), 1 + below(65535)]);
    const side = pick(["lan", "wan"]);
    return pick([
      `explain ${pick(["tcp", "udp"])} ${end()}:${port()} to ${end()}:${port()}`,
      `explain icmp ${end()} to ${end()}`,
      `explain ${side} ${end()}:${port()} to ${end()}:${port()} ${pick(["tcp", "udp"])}`,
      `explain ${side} ${end()} to ${end()} icmp`,
      "explain last drop",
    ]);
  }

  /** Once in a while a word is another one, or missing, or there is one more. */
  #spoilt(line: string): string {
    const { below, pick, chance } = bound(this.#fuzzed);
    if (chance(0.7)) return line;
    const words = line.split(" ");
    words.splice(below(words.length), below(2), ...(chance(0.7) ? [pick(STRANGE)] : []));
    return words.join(" ");
  }

  /** Sessions are kept, and entered from bytes that are those, older ones or nonsense; the checksum is right. */
  #restart(): void {
    const { below, chance } = bound(this.#fuzzed);
    const { gateway } = this.#fuzzed;
    if (chance(0.5)) this.#kept = gateway.nat.keepSessions(4096).slice();
    const bytes = this.#kept.slice();
    if (bytes.length < 12) return;
    for (let left = chance(0.3) ? 0 : 1 + below(20); left > 0; left--) {
      const at = 12 + below(Math.max(1, bytes.length - 12));
      if (at < bytes.length) bytes[at] = chance(0.5) ? below(256) : (bytes[at] as number) ^ (1 << below(8));
    }
    seal(bytes);
    if (chance(0.5)) gateway.nat.clear();
    this.restored += gateway.restoreSessions(chance(0.05) ? bytes.slice(0, below(bytes.length)) : bytes);
  }
}

/** Writes the checksum that a whole file has. */
function seal(bytes: Uint8Array): void {
  let crc = -1;
  for (let at = 4; at < bytes.length; at++) if (at < 8 || at >= 12) crc = addToCrc32(crc, bytes[at] as number);
  new DataView(bytes.buffer).setInt32(8, ~crc);
}

function bound(fuzzed: FuzzedGateway) {
  return {
    below: (limit: number) => fuzzed.below(limit),
    chance: (probability: number) => fuzzed.chance(probability),
    pick: <T>(list: readonly T[]) => fuzzed.pick(list),
  };
}

/** Throws where a session stands that the rules would not let anybody open, from whichever side. */
export function checkRules(gateway: Gateway): void {
  const { rules } = gateway.firewall;
  for (const one of gateway.nat.sessions()) {
    const { protocol, insideAddress, insidePort, remoteAddress, remotePort } = one;
    // The other half of a hairpin is another host's.
    if (remoteAddress === gateway.wan.address) continue;
    const ownPort = protocol === 1 ? 0 : insidePort;
    const out = rules.judge(protocol, 0, 1, insideAddress, ownPort, remoteAddress, remotePort);
    const into = rules.judge(protocol, 1, 0, remoteAddress, remotePort, insideAddress, ownPort);
    const isDenied = (rule: number) => rule >= 0 && rules.verdict(rule) !== "ok";
    if (isDenied(out) && isDenied(into)) throw new Error("a session that the rules deny");
  }
}
