import { beforeEach, describe, expect, it } from "vitest";
import { configScript } from "../../src/config/script.js";
import type { Command } from "../../src/console/command.js";
import { PatchPanel } from "../../src/link/patchPanel.js";
import { FakeLinkPort } from "../support/fakeLinkPort.js";
import { LAN_MAC } from "../support/stackFixture.js";
import { ConsoleFixture, HOME } from "./fixture.js";

describe("a line", () => {
  let porter: ConsoleFixture;
  beforeEach(() => {
    porter = new ConsoleFixture();
    porter.run(...HOME, "forward add tcp 25565 192.168.1.50", "forward add both 6000-6010 192.168.1.51");
  });

  it.each([
    ["shw", 'unknown command "shw"; did you mean "show"?'],
    ["SHWO nat", 'unknown command "SHWO"; did you mean "show"?'],
    ["reboot", 'unknown command "reboot"; "help" lists all commands'],
    ["show natt", '"natt" is unknown after "show"; did you mean "nat"?'],
    ["forward list", '"list" is unknown after "forward"; use add, enable, disable or remove'],
    ["save now", '"now" is a word too many; "save" is complete without it'],
    ["clear", '"clear" is incomplete; it needs nat next, e.g. clear nat'],
    [
      "forward add udp 53",
      '"forward add udp 53" is incomplete; it needs an address next, e.g. forward add udp 53 192.168.1.50',
    ],
    [
      "forward add tcp 80 192.168.1.9 from",
      '"forward add tcp 80 192.168.1.9 from" is incomplete; it needs a prefix next, ' +
        "e.g. forward add tcp 80 192.168.1.9 from 203.0.113.0/24",
    ],
    ["forward add tcp 25565x", '"25565x" is not a port; a port is a number from 1 to 65535'],
    ["forward add tcp 0 192.168.1.50", '"0" is not a port; a port is a number from 1 to 65535'],
    ["forward add tcp 080 192.168.1.50", '"080" is not a port; a port is a number from 1 to 65535'],
    [
      "forward add tcp 90-80 192.168.1.50",
      '"90-80" is not a range of ports; write FIRST-LAST with 1 <= FIRST <= LAST <= 65535',
    ],
    [
      "forward add tcp 80 192.168.1.256",
      '"192.168.1.256" is not an address; an address is four numbers from 0 to 255, such as 192.168.1.50',
    ],
    [
      "forward add tcp 80 192.168.1.50 from 198.51.100.7/24",
      '"198.51.100.7/24" has bits set behind its prefix length; the network is 198.51.100.0/24',
    ],
    ["forward add icmp 80 192.168.1.50", '"icmp" is unknown after "forward add"; use tcp, udp or both'],
    ["forward remove udp 25565", 'there is no forward "udp 25565"; "show forwards" lists those there are'],
    ["forward remove tcp 6000", 'there is no forward "tcp 6000"; the port belongs to "both 6000": name it like that'],
    [
      "forward disable both 6005",
      'there is no forward "both 6005"; the port belongs to "both 6000": name it like that',
    ],
    [
      "set lan address 10.0.0.1",
      '"10.0.0.1" lacks its prefix length; write 10.0.0.1/24 for a network of 256 addresses',
    ],
    [
      "set lan address 10.0.0.1/33",
      '"10.0.0.1/33" is not an address with a prefix length from 8 to 32, such as 192.168.1.1/24',
    ],
    ["set lan mtu big", '"big" is not a number of bytes; write digits only, such as 1400'],
    [
      "set hostname -a",
      '"-a" is not a host name; use 1 to 63 letters, digits and hyphens, with no hyphen at either end',
    ],
    [
      'set hostname "a b"',
      "'\"a' is not a host name; use 1 to 63 letters, digits and hyphens, with no hyphen at either end",
    ],
    ["set nat limit sessions 0", '"0" is not a limit; a limit is a number from 1 to 32767, or default'],
    ["set nat rate host fast", '"fast" is not a rate; a rate is a number a second from 1 to 100000, or off'],
    ["set nat timeout udp 0", '"0" is not a number of seconds from 1 to 604800'],
    [
      "set ports nat 1000-2000 socket 49152-65535",
      "NAT cannot draw from ports below 1024; choose a range within 1024-65535",
    ],
    [
      "set ports nat 1024-50000 socket 49152-65535",
      "the ranges 1024-50000 and 49152-65535 overlap; NAT and Porter's own sockets need ports apart from each other",
    ],
    ["ping 192.168.1.1", "192.168.1.1 is Porter's own address; ping another host"],
    ["dmz 192.168.1.60", 'unknown command "dmz"; did you mean "set dmz"?'],
    ["nat", 'unknown command "nat"; did you mean "set nat", "show nat" or "clear nat"?'],
    ["help me", 'no command begins with "me"; "help" lists all commands'],
    [`show ${"x".repeat(256)}`, "the line is longer than the 256 characters a line may have"],
    ["s\u{1f600}\u0007w", 'unknown command "s???w"; "help" lists all commands'],
  ])("%j is refused in one sentence that says what would be right", (line, message) => {
    const before = configScript(porter.gateway);
    expect(porter.run(line)).toBe(`error: ${message}\n`);
    expect(porter.outcomes.at(-1)).toBe("error");
    expect(configScript(porter.gateway)).toBe(before);
  });

  it("that claims a forwarded port is refused, naming the owner", () => {
    expect(porter.run("forward add tcp 25565 192.168.1.10")).toMatch(
      /^error: tcp port 25565 is taken by .*192\.168\.1\.50.*\n$/,
    );
  });

  it.each([
    ["set lan mtu 20", "68 to 1500"],
    ["set wan gateway 198.51.100.1", "203.0.113.0/24"],
    ["set wan address 192.168.1.77/24", "overlaps the lan network"],
    ["forward add tcp 80-90 192.168.1.50 65530", "65530-65540"],
  ])("%j is refused by the gateway, whose sentence is shown", (line, part) => {
    const before = configScript(porter.gateway);
    const answer = porter.run(line);
    expect(answer).toMatch(/^error: [^\n]+\n$/);
    expect(answer).toContain(part);
    expect(configScript(porter.gateway)).toBe(before);
  });

  it.each(["", "   ", "\t", "# a remark", "  #set hostname x"])("%j does nothing", (line) => {
    expect(porter.run(line)).toBe("");
    expect(porter.outcomes.at(-1)).toBe("ok");
  });

  it("may have any white space between its words", () => {
    expect(porter.run("  set\thostname   lobby \t")).toBe("hostname is lobby\n");
    expect(porter.gateway.hostname).toBe("lobby");
  });
});

it("takes a command's own words in upper case, too, and leaves values as they are", () => {
  const porter = new ConsoleFixture();
  expect(porter.run("SET Hostname Lobby")).toBe("hostname is Lobby\n");
  expect(porter.run("FORWARD ADD TCP 80 192.168.1.50 FROM 198.51.100.0/24")).toBe(
    "added: tcp 80 192.168.1.50 from 198.51.100.0/24\n",
  );
  expect(porter.run("Forward Disable TCP 80")).toMatch(/^disabled: /);
  expect(porter.run("SET LAN ADDRESS NONE")).toBe("lan address is none\n");
  expect(porter.run("HELP SAVE")).toMatch(/^save\n/);
});

describe("a command that works", () => {
  let porter: ConsoleFixture;
  beforeEach(() => {
    porter = new ConsoleFixture();
    porter.run(...HOME);
  });

  it("repeats the forward that it changed", () => {
    expect(porter.run("forward add tcp 25565 192.168.1.50")).toBe("added: tcp 25565 192.168.1.50\n");
    expect(porter.run("forward disable tcp 25565")).toBe("disabled: tcp 25565 192.168.1.50\n");
    expect(porter.run("forward enable tcp 25565")).toBe("enabled: tcp 25565 192.168.1.50\n");
    expect(porter.run("forward remove tcp 25565")).toBe("removed: tcp 25565 192.168.1.50\n");
    expect(porter.run("show forwards")).toBe("no forwards\n");
  });

  it.each([
    ["set hostname attic", "hostname is attic"],
    ["set lan address 10.0.0.1/24", "lan address is 10.0.0.1/24"],
    ["set lan address none", "lan address is none"],
    ["set wan gateway none", "wan gateway is none"],
    ["set wan gateway 203.0.113.9", "wan gateway is 203.0.113.9"],
    ["set lan mtu 1400", "lan mtu is 1400"],
    ["set nat filtering endpoint-independent", "nat filtering is endpoint-independent"],
    ["set nat limit mappings 100", "nat limit mappings is 100"],
    ["set nat limit sessions default", "nat limit sessions is default"],
    ["set nat rate total 500", "nat rate total is 500 a second"],
    ["set nat rate inbound off", "nat rate inbound is off"],
    ["set nat timeout udp 120", "nat timeout udp is 120 s"],
    ["set nat timeout tcp-opening 30", "nat timeout tcp-opening is 30 s"],
    ["set nat timeout tcp-transitory 60", "nat timeout tcp-transitory is 60 s"],
    ["set ports nat 2000-3000 socket 4000-5000", "ports are nat 2000-3000, socket 4000-5000"],
  ])("%j says what holds now", (line, answer) => {
    expect(porter.run(line)).toBe(`${answer}\n`);
  });

  it("adds the same forward only once, and is content with the one there is", () => {
    const line = "forward add both 8000-8010 192.168.1.50 9000 from 198.51.100.0/24";
    porter.run(line);
    expect(porter.run(line)).toBe("exists already: both 8000-8010 192.168.1.50 9000 from 198.51.100.0/24\n");
    porter.run("forward disable both 8000");
    expect(porter.run(line)).toMatch(/^exists already, disabled: both 8000-8010 /);
    expect(porter.outcomes.at(-1)).toBe("ok");
    expect(porter.gateway.nat.forwards.list()).toMatchObject([{ isEnabled: false }]);
  });

  it.each([
    "forward add both 8000-8010 192.168.1.50 9001",
    "forward add both 8000-8009 192.168.1.50 9000",
    "forward add tcp 8000-8010 192.168.1.50 9000",
    "forward add both 8000-8010 192.168.1.50 9000 from 198.51.100.0/24",
    "forward add both 8000-8010 192.168.1.51 9000",
  ])("is refused when it is nearly the same forward: %j", (line) => {
    porter.run("forward add both 8000-8010 192.168.1.50 9000");
    expect(porter.run(line)).toMatch(/^error: tcp port 8000 is taken by the forward to 192\.168\.1\.50;/);
  });

  it.each([
    ["10.0.0.5", "note: 10.0.0.5 is not on the LAN 192.168.1.0/24, so nothing arrives there\n"],
    ["192.168.1.1", "note: 192.168.1.1 is Porter's own address, so nothing answers there\n"],
    ["192.168.1.255", "note: 192.168.1.255 is the LAN's own address or its broadcast, so nothing arrives there\n"],
  ])("warns of a forward to %s", (target, note) => {
    expect(porter.run(`forward add tcp 80 ${target}`)).toBe(`added: tcp 80 ${target}\n${note}`);
  });

  it.each(["198.51.100.2/24", "203.0.113.1/24", "none"])(
    "says that the gateway went with the address, for %s",
    (address) => {
      expect(porter.run(`set wan address ${address}`)).toBe(
        `wan address is ${address}\nnote: the gateway 203.0.113.1 no longer fits and is removed\n`,
      );
      expect(porter.gateway.wan.gateway).toBe(0);
    },
  );

  it("leaves the forwards when the WAN address changes", () => {
    porter.run("forward add tcp 25565 192.168.1.50", "set wan address 198.51.100.2/24");
    expect(porter.run("show forwards")).toContain("192.168.1.50:25565");
  });
});

describe("help", () => {
  it("begins with an overview that fits a screen", () => {
    const text = new ConsoleFixture().run("help");
    const lines = text.trimEnd().split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeLessThan(24);
    for (const verb of new ConsoleFixture().console.complete("")) expect(`\n${text}`).toContain(`\n${verb}`);
    expect(text).toMatch(/^forward {23}add enable disable remove$/m);
  });

  it("lists every command, in lines of at most 80 columns", () => {
    const lines = new ConsoleFixture().run("help all").trimEnd().split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.map((line) => line.split("  ")[0])).toEqual(
      expect.arrayContaining(["set lan|wan mtu BYTES", "forward remove tcp|udp|both PORT", "ping ADDRESS", "save"]),
    );
  });

  it("explains a command whose first words it is given", () => {
    expect(new ConsoleFixture().run("help set wan gateway")).toBe(
      "set wan gateway ADDRESS|none\n" +
        "name the router that leads to the internet\n" +
        "It must be on the network of the WAN address, so set that first.\n" +
        "example: set wan gateway 203.0.113.1\n",
    );
  });

  it.each(["forward", "set nat limit"])("explains each of the few commands that begin with %j", (words) => {
    const text = new ConsoleFixture().run(`help ${words}`);
    const syntaxes = text.split("\n").filter((line) => line.startsWith(words));
    expect(text.match(/^example: /gm)?.length).toBe(syntaxes.length);
    expect(text.split("\n").length).toBeLessThanOrEqual(24);
  });

  it("finds a command by a word from its middle", () => {
    expect(new ConsoleFixture().run("help dmz")).toMatch(/^set dmz ADDRESS\|none\n/);
    expect(new ConsoleFixture().run("help limit")).toMatch(/^set nat limit /);
  });

  it("explains each command in lines of at most 80 columns", () => {
    const porter = new ConsoleFixture();
    const verbs = [
      "set lan",
      "set wan",
      "set interface",
      "set nat",
      "set ports",
      "set hostname",
      "forward",
      "ping",
      "clear",
      "save",
    ];
    const shows = porter.console.complete("show ").map((word) => `show ${word}`);
    for (const words of [...verbs, ...shows]) {
      const lines = porter.run(`help ${words}`).split("\n");
      expect(
        lines.filter((line) => line.length > 80),
        words,
      ).toEqual([]);
    }
  });

  it("gives examples that work", () => {
    const ethernet = new FakeLinkPort("ethernet", LAN_MAC);
    const places = [1, 2].map((vlan) => ({ port: ethernet.name, vlan }));
    const porter = new ConsoleFixture([], new PatchPanel([ethernet], places));
    const help = porter.run("help all").split("\n");
    const commands = help.map((line) => line.split("  ")[0] ?? "").filter((syntax) => syntax !== "");
    porter.run(...HOME);
    for (const syntax of commands) {
      const words = syntax.split(" ").filter((word) => /^[a-z|-]+$/.test(word));
      const example = /example: (.*)\n/.exec(porter.run(`help ${words.map((word) => word.split("|")[0]).join(" ")}`));
      if (example !== null) expect(porter.run(example[1] as string), example[1]).not.toMatch(/^error/);
    }
    expect(commands.length).toBeGreaterThan(20);
  });
});

describe("completion", () => {
  it.each([
    ["", ["clear", "explain", "forward", "help", "mac", "ping", "rule", "save", "set", "show"]],
    ["s", ["save", "set", "show"]],
    ["show", ["show"]],
    [
      "show ",
      [
        "arp",
        "config",
        "counters",
        "forwards",
        "interfaces",
        "macs",
        "nat",
        "ports",
        "rules",
        "sessions",
        "sockets",
        "top",
        "version",
      ],
    ],
    ["forward add t", ["tcp"]],
    ["forward add tcp 80 192.168.1.50 ", ["from"]],
    ["set wan gateway ", ["none"]],
    ["rule ", ["add", "insert", "move", "remove"]],
    ["rule insert 1 ", ["allow", "deny", "reject"]],
    ["rule add deny tcp f", ["from"]],
    ["rule add deny log tcp from 10.0.0.0/8 to self in w", ["wan"]],
    ["nonsense ", []],
  ])("of %j", (line, words) => {
    expect(new ConsoleFixture().console.complete(line)).toEqual(words);
  });
});

it("takes further commands from its surroundings", () => {
  let hasQuit = false;
  const quit: Command = {
    syntax: "quit",
    summary: "leave",
    example: "quit",
    run: () => {
      hasQuit = true;
      return "";
    },
  };
  const porter = new ConsoleFixture([quit]);
  expect(porter.run("help")).toContain("quit");
  expect(porter.run("quit")).toBe("");
  expect(hasQuit).toBe(true);
});
