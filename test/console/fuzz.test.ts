import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { configScript } from "../../src/config/script.js";
import { ConsoleSession } from "../../src/console/session.js";
import { randomBelow } from "../../src/core/random.js";
import { ConsoleFixture, HOME } from "./fixture.js";

const LINES = 20_000;
const SEED = Number(process.env.FUZZ_SEED ?? 1);

const VERBS = ["set", "forward", "show", "ping", "clear", "save", "help", "#", "quit", "sho", ""];
const NOUNS = ["lan", "wan", "nat", "hostname", "address", "gateway", "mtu", "filtering", "timeout", "ports", "config"];
const CHOICES = ["add", "remove", "enable", "disable", "tcp", "udp", "both", "icmp", "from", "none", "all", "saved"];
const TABLES = ["forwards", "sessions", "sockets", "arp", "interfaces", "counters", "version"];
const VALUES = ["192.168.1.50", "203.0.113.1", "192.168.1.1/24", "10.0.0.1/8", "0.0.0.0/0", "255.255.255.255", "1.2.3"];
const NUMBERS = ["0", "1", "80", "25565", "65535", "65536", "6000-6010", "10-1", "-1", "1e3", "0x50", "00080", "1400"];
const STRANGE = [
  "__proto__",
  "constructor",
  "toString",
  "\u{1f600}",
  "\u0000",
  "\n",
  "\u2028",
  '"',
  "a|b",
  "[PORT]",
  "...",
];
const WORDS = [...VERBS, ...NOUNS, ...CHOICES, ...TABLES, ...VALUES, ...NUMBERS, ...STRANGE];

/** Lines that work, for mutation: random words alone would rarely get past the second one. */
const GOOD = [
  ...HOME,
  "set lan address none",
  "set wan address 198.51.100.2/30",
  "set wan mtu 1400",
  "set hostname lobby",
  "set nat filtering endpoint-independent",
  "set nat timeout tcp-established 7440",
  "set ports nat 2000-3000 socket 4000-5000",
  "forward add tcp 25565 192.168.1.50",
  "forward add both 6000-6010 192.168.1.51 7000 from 198.51.100.0/24",
  "forward remove tcp 25565",
  "forward disable both 6000",
  "forward enable both 6000",
  ...["forwards", "nat", "sessions", "ports", "arp", "counters all", "config saved", "version"].map(
    (it) => `show ${it}`,
  ),
  "ping 203.0.113.1",
  "clear nat",
  "save",
  "help forward add",
];

class LineSource {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  below(bound: number): number {
    return randomBelow(this.#random, bound);
  }

  next(): string {
    if (this.below(4) === 0) return Array.from({ length: this.below(9) }, () => this.#pick(WORDS)).join(" ");
    const words = this.#pick(GOOD).split(" ");
    for (let mutations = this.below(3); mutations > 0; mutations--) this.#mutate(words);
    return this.below(200) === 0 ? words.join(" ").repeat(20) : words.join(" ");
  }

  #mutate(words: string[]): void {
    const at = this.below(words.length + 1);
    const kind = this.below(5);
    if (kind === 0) words.splice(at, 1);
    else if (kind === 1) words.splice(at, 0, this.#pick(WORDS));
    else if (kind === 2) words.splice(at, 1, this.#pick(WORDS));
    else if (kind === 3) words.splice(at, 1, `${this.below(70_000)}`);
    else words[at] = this.#scramble(words[at] ?? "");
  }

  #scramble(word: string): string {
    const at = this.below(word.length + 1);
    return word.slice(0, at) + String.fromCharCode(this.below(0x180)) + word.slice(at + this.below(2));
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

describe(`${LINES} random lines, seed ${SEED}`, () => {
  it("each give one error that changes nothing, or a valid answer", () => {
    const source = new LineSource(SEED);
    const porter = new ConsoleFixture();
    let errors = 0;
    for (let i = 0; i < LINES; i++) {
      const line = source.next();
      const about = `seed ${SEED}, line ${i}: ${JSON.stringify(line)}`;
      const before = configScript(porter.gateway);
      const saved = porter.storage.text;
      porter.outcomes.length = 0;
      let answer = porter.run(line);
      if (porter.console.isBusy) {
        porter.advance(source.below(5000));
        porter.console.interrupt();
        answer += porter.take();
      }
      const isError = answer.startsWith("error: ");
      expect(porter.outcomes, about).toEqual([isError ? "error" : "ok"]);
      expect(answer, about).toMatch(/^([\x20-\x7e]*\n)*$/);
      if (!isError) {
        expect(answer, about).not.toContain("error: ");
        continue;
      }
      errors++;
      expect(answer, about).toMatch(/^error: [^\n]{10,}\n$/);
      // What an engine says of a program's own mistake, and what such a mistake leaves in a sentence.
      expect(answer, about).not.toMatch(/undefined|NaN|is not a function|not iterable|Cannot |call stack/);
      expect(configScript(porter.gateway), about).toBe(before);
      expect(porter.storage.text, about).toBe(saved);
    }
    expect(errors).toBeGreaterThan(LINES / 5);
    expect(errors).toBeLessThan((LINES * 4) / 5);
  }, 60_000);

  it("leave a session that still answers, whatever the characters", () => {
    const source = new LineSource(SEED);
    const porter = new ConsoleFixture();
    let output = "";
    const session = new ConsoleSession(porter.console, (text) => {
      output += text;
    });
    for (let i = 0; i < LINES / 10; i++) {
      const noise = Array.from({ length: source.below(4) }, () => String.fromCharCode(source.below(0x100))).join("");
      session.receive(source.next() + noise + (source.below(2) === 0 ? "\r" : ""));
    }
    porter.advance(60_000);
    session.receive("\r\x03");
    output = "";
    session.receive("show version\r");
    expect(output, `seed ${SEED}`).toMatch(/^Porter 1\.2\.3 on /);
  });
});
