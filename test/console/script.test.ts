import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configScript } from "../../src/config/script.js";
import { restore, runScript } from "../../src/console/restore.js";
import { formatRule } from "../../src/firewall/rule.js";
import { rule } from "../firewall/arbitraries.js";
import { ConsoleFixture, HOME } from "./fixture.js";

/** Few addresses and ports, so that lines meet: replace each other, conflict, and depend on each other. */
const address = fc
  .tuple(fc.constantFrom("192.168.1", "192.168.2", "10.0.0"), fc.constantFrom(0, 1, 50, 127, 254, 255))
  .map(([net, host]) => `${net}.${host}`);
/** On a network so small that some of them are its broadcast addresses. */
const wanAddress = fc.integer({ min: 0, max: 4 }).map((host) => `203.0.113.${host}`);
const length = fc.constantFrom(8, 24, 30, 31, 32);
const port = fc.oneof(fc.integer({ min: 20, max: 30 }), fc.integer({ min: 1, max: 65535 }));
const ports = fc.oneof(
  port.map(String),
  fc.tuple(port, fc.integer({ min: 0, max: 5 })).map(([first, more]) => `${first}-${first + more}`),
);
const portRange = fc.constantFrom("1024-49151", "49152-65535", "2000-3000", "2500-2500", "60000-65535", "1-2");
const protocol = fc.constantFrom("tcp", "udp", "both");
const side = fc.constantFrom("lan", "wan");
const text = (...parts: (string | fc.Arbitrary<string | number>)[]) =>
  fc
    .tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part)))
    .map((words) => words.filter((word) => word !== "").join(" "));
const withLength = (of: fc.Arbitrary<string>) => fc.tuple(of, length).map((parts) => parts.join("/"));
const maybe = (word: fc.Arbitrary<string | number>) => fc.oneof(fc.constant(""), word);

const line = fc.oneof(
  text("set lan address", withLength(address)),
  text("set", side, "address", withLength(wanAddress)),
  text("set wan address", withLength(wanAddress)),
  text("set", side, "address none"),
  text("set wan gateway", fc.oneof(wanAddress, wanAddress, fc.constant("none"))),
  text("set", side, "mtu", fc.integer({ min: 60, max: 1510 })),
  text("set hostname", fc.constantFrom("porter", "lobby", "a-1")),
  text("set nat filtering", fc.constantFrom("address-dependent", "endpoint-independent")),
  text("set nat limit", fc.constantFrom("sessions", "mappings"), fc.constantFrom("default", "1", "77", "1024")),
  text("set nat rate", fc.constantFrom("host", "total", "inbound"), fc.constantFrom("off", "1", "200", "5000")),
  text("set nat timeout", fc.constantFrom("udp", "tcp-established", "icmp"), fc.nat(600)),
  text("set nat timeout", fc.constantFrom("tcp-opening", "tcp-closing", "tcp-transitory"), fc.nat(600)),
  text("set ports nat", portRange, "socket", portRange),
  text("forward add", protocol, ports, address, maybe(port), maybe(text("from", address))),
  text("forward add", protocol, ports, address, "from 198.51.100.0/24"),
  text("forward", fc.constantFrom("remove", "enable", "disable"), protocol, fc.integer({ min: 20, max: 30 })),
  text("rule add", rule.map(formatRule)),
  text("rule insert", fc.integer({ min: 0, max: 4 }), rule.map(formatRule)),
  text("rule move", fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 4 })),
  text("rule remove", fc.integer({ min: 0, max: 4 })),
  text(
    "mac",
    fc.constantFrom("allow", "deny", "remove"),
    fc.constantFrom("02:00:00:00:00:10", "02-00-00-00-00-11", "x"),
  ),
  text("set firewall ping", fc.constantFrom("allow", "deny")),
  text("set firewall closed-ports", fc.constantFrom("silent", "reject")),
  text("set dmz", fc.oneof(address, fc.constant("none"))),
);

describe("show config", () => {
  it("leaves out what has its default value", () => {
    const porter = new ConsoleFixture();
    porter.run(...HOME, "set lan mtu 1400", "set hostname lobby", "set nat timeout udp 120");
    porter.run("set lan mtu 1500", "set hostname porter", "set nat timeout udp 300", "set lan address none");
    porter.run("set wan address none", "set dmz 10.0.0.1", "rule add deny", "mac deny 02:00:00:00:00:10");
    porter.run("set dmz none", "rule remove 1", "mac remove 02:00:00:00:00:10");
    expect(configScript(porter.gateway)).toBe("");
  });

  it("names everything that can be set", () => {
    const lines = [
      "set hostname lobby",
      ...HOME.slice(0, 1),
      "set lan mtu 1400",
      ...HOME.slice(1, 2),
      "set wan mtu 576",
      ...HOME.slice(2),
      "set nat filtering endpoint-independent",
      "set nat timeout udp 120",
      "set nat timeout tcp-established 100",
      "set nat timeout tcp-opening 10",
      "set nat timeout tcp-closing 20",
      "set nat timeout icmp 5",
      "set dmz 192.168.1.52",
      "set ports nat 2000-3000 socket 4000-5000",
      "forward add tcp 25565 192.168.1.50",
      "forward disable tcp 25565",
      "forward add both 6000-6010 192.168.1.51 7000 from 198.51.100.0/24",
      "set firewall ping deny",
      "set firewall closed-ports reject",
      "rule add allow log tcp from 198.51.100.0/24 to self:2323 in wan",
      "rule add deny from 192.168.1.50 to any:25 out wan",
      "mac allow 02:00:00:00:00:10",
      "mac deny 02:00:00:00:00:11",
    ];
    const porter = new ConsoleFixture();
    porter.run(...lines);
    expect(porter.outcomes).not.toContain("error");
    expect(porter.run("show config")).toBe(`${lines.join("\n")}\n`);
  });

  it("takes the timeout of opening and closing connections together, as older configurations have it", () => {
    const porter = new ConsoleFixture();
    expect(runScript(porter.console, "set nat timeout tcp-transitory 100\n")).toEqual([]);
    expect(configScript(porter.gateway)).toBe("set nat timeout tcp-opening 100\nset nat timeout tcp-closing 100\n");
  });

  it("reproduces any configuration on a fresh gateway", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60, size: "max" }), (lines) => {
        const porter = new ConsoleFixture();
        porter.run(...lines);
        const script = configScript(porter.gateway);
        const copy = new ConsoleFixture();
        expect(runScript(copy.console, script)).toEqual([]);
        expect(configScript(copy.gateway)).toBe(script);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a script", () => {
  it("is carried out as far as it can be, with a sentence for each line that cannot", () => {
    const porter = new ConsoleFixture();
    const problems = runScript(porter.console, "set hostname lobby\n# remark\nset hostname -\n\nset lan mtu 1400\n");
    expect(problems).toEqual([expect.stringMatching(/^line 3: "-" is not a host name; [^\n]+$/)]);
    expect(configScript(porter.gateway)).toBe("set hostname lobby\nset lan mtu 1400\n");
  });
});

describe("a saved configuration", () => {
  it("is restored by the next start", () => {
    const porter = new ConsoleFixture();
    porter.run(...HOME, "forward add tcp 25565 192.168.1.50");
    expect(porter.run("save")).toBe("saved 4 lines\n");
    porter.run("set hostname unsaved");

    const next = new ConsoleFixture();
    expect(restore(next.console, porter.storage)).toEqual([]);
    expect(next.gateway.hostname).toBe("porter");
    expect(configScript(next.gateway)).toContain("forward add tcp 25565 192.168.1.50\n");
    expect(next.run("show forwards")).toContain("192.168.1.50:25565");
  });

  it("in a storage that does not last says so wherever it is said to be saved", () => {
    const porter = new ConsoleFixture();
    porter.storage.caveat = "in memory only, lost at the end";
    porter.run("set hostname lobby");
    expect(porter.run("save")).toBe("saved 1 line in memory only, lost at the end\n");
    expect(porter.run("show version")).toMatch(/\nthe configuration is saved in memory only, lost at the end\n$/);
    expect(porter.run("show config saved")).toBe("set hostname lobby\n# saved in memory only, lost at the end\n");
  });

  it("that is missing leaves the defaults", () => {
    const porter = new ConsoleFixture();
    expect(restore(porter.console, porter.storage)).toEqual([]);
    expect(configScript(porter.gateway)).toBe("");
  });

  it("that is torn is not carried out at all", () => {
    const porter = new ConsoleFixture();
    porter.run(...HOME, "save");
    porter.storage.text = porter.storage.text?.slice(0, -5);
    const next = new ConsoleFixture();
    expect(restore(next.console, porter.storage)).toEqual([expect.stringContaining("is damaged")]);
    expect(configScript(next.gateway)).toBe("");
    expect(porter.run("show config saved")).toMatch(/^error: the saved configuration is damaged: [^\n]+\n$/);
  });

  it("that cannot be read or written is an error of one sentence", () => {
    const porter = new ConsoleFixture();
    const fail = () => {
      throw new Error("the flash does not answer");
    };
    porter.storage.read = fail;
    porter.storage.write = fail;
    expect(porter.run("save")).toBe("error: the flash does not answer\n");
    expect(porter.run("show version")).toMatch(/^Porter 1\.2\.3 .*\nthe flash does not answer\n$/);
    expect(porter.run("show config saved")).toBe("error: the flash does not answer\n");
    expect(restore(porter.console, porter.storage)).toEqual(["the flash does not answer"]);
  });
});
