import { describe, expect, it } from "vitest";
import { LAN, WAN } from "../../src/gateway.js";
import { loadFrame, tcpFrame, udpFrame } from "../support/frames.js";
import { LAN_MAC, WAN_MAC } from "../support/stackFixture.js";
import { ConsoleFixture, HOME } from "./fixture.js";

function home(...lines: string[]): ConsoleFixture {
  const porter = new ConsoleFixture();
  porter.run(...HOME, ...lines);
  expect(porter.outcomes).not.toContain("error");
  return porter;
}

function fromLan(porter: ConsoleFixture, fields: object): void {
  const frame = udpFrame({ destinationMac: LAN_MAC, source: "192.168.1.10", destination: "198.51.100.80", ...fields });
  porter.gateway.receive(LAN, loadFrame(frame), frame.length);
}

describe("rule", () => {
  it("puts rules where it is told, and repeats them in one form", () => {
    const porter = home();
    expect(porter.run("rule add DENY tcp to any:25-25 out wan")).toBe("rule 1 is: deny tcp to any:25 out wan\n");
    expect(porter.run("rule insert 1 allow any from 192.168.1.5/32 to any:25 out wan")).toBe(
      "rule 1 is: allow from 192.168.1.5 to any:25 out wan\n",
    );
    expect(porter.run("rule move 2 1")).toBe("rule 1 is: deny tcp to any:25 out wan\n");
    expect(porter.run("rule remove 1")).toBe("removed: deny tcp to any:25 out wan\n");
    expect(porter.run("show config")).toContain("\nrule add allow from 192.168.1.5 to any:25 out wan\n");
  });

  it("is content with a rule that is there already", () => {
    const porter = home("rule add deny tcp", "rule add deny udp");
    expect(porter.run("rule add deny any")).toBe("rule 3 is: deny\n");
    expect(porter.run("rule insert 1 deny udp")).toBe("exists already, as rule 2: deny udp\n");
    expect(porter.gateway.firewall.rules.count).toBe(3);
  });

  it.each([
    ["rule add", 'error: "rule add" is incomplete; it needs allow, deny or reject next'],
    ["rule add permit", 'error: "permit" is unknown after "rule add"; use allow, deny or reject'],
    ["rule add deny tcp 25", 'error: "25" does not belong there; a rule\'s form is allow|deny|reject [log]'],
    [
      "rule add deny from 10.0.0.1/8",
      'error: "10.0.0.1/8" has bits set behind its prefix length; the network is 10.0.0.0/8',
    ],
    ["rule insert 0 deny", 'error: "0" is not a rule\'s number; "show rules" numbers them from 1'],
    ["rule insert 3 deny", "error: there is no place 3 for a rule; use 1 to 2"],
    ["rule remove 2", "error: there is no rule 2; use 1"],
    ["rule move 1 2", "error: there is no rule 2; use 1"],
    ["mac deny 02:00:00:00:00", 'error: "02:00:00:00:00" is not a station\'s address'],
    ["mac deny 03:00:00:00:00:01", 'error: "03:00:00:00:00:01" is not a station\'s address'],
    ["mac remove 02:00:00:00:00:01", "error: station 02:00:00:00:00:01 is not listed"],
    ["set dmz 224.0.0.1", "error: 224.0.0.1 is not a host's address"],
    ["set firewall ping maybe", 'error: "maybe" is unknown after "set firewall ping"; use allow or deny'],
  ])("%s is refused with one sentence, and changes nothing", (line, sentence) => {
    const porter = home("rule add deny icmp");
    const before = porter.run("show config");
    expect(porter.run(line)).toContain(sentence);
    expect(porter.outcomes.at(-1)).toBe("error");
    expect(porter.run("show config")).toBe(before);
  });

  it("says when there is no room for another", () => {
    const porter = home();
    for (let port = 1; port <= 32; port++) porter.run(`rule add deny tcp to any:${port}`);
    expect(porter.run("rule add deny tcp to any:33")).toBe("error: all 32 rules are in use; remove one first\n");
    for (let i = 0; i < 32; i++) porter.run(`mac deny 02:00:00:00:01:${i + 10}`);
    expect(porter.run("mac deny 02:00:00:00:02:01")).toBe(
      "error: all 32 places for stations are in use; remove one first\n",
    );
  });

  it.each([
    ["allow tcp", true],
    ["allow udp to any:53", true],
    ["allow to 203.0.113.0/24", true],
    ["allow tcp in wan", true],
    ["allow tcp in lan", false],
    ["allow tcp out wan", false],
    ["allow tcp to 192.168.1.50", false],
    ["allow tcp to self:22 in wan", false],
    ["allow icmp", false],
    ["deny tcp", false],
  ])("warns who opens Porter's own services by the way: %s", (text, isWarned) => {
    expect(home().run(`rule add ${text}`).includes("note: it opens Porter's own services")).toBe(isWarned);
  });
});

describe("show rules", () => {
  it("has hits, and the last one of rules with log, in 80 columns", () => {
    const porter = home(
      "rule add allow udp from 192.168.1.10 to any:53",
      "rule add deny log udp from 192.168.1.0/24:1024-65535 to 198.51.100.0/24:1024-65535 out wan",
      "rule add deny log icmp",
      "set firewall ping deny",
      "set firewall closed-ports reject",
      "set dmz 192.168.1.50",
    );
    for (const destinationPort of [53, 5000, 5001]) fromLan(porter, { sourcePort: 40000, destinationPort });
    const text = porter.run("show rules");
    expect(text).toBe(
      [
        "N  HITS  RULE",
        "1     1  allow udp from 192.168.1.10 to any:53",
        "2     2  deny log udp from 192.168.1.0/24:1024-65535 to",
        "         198.51.100.0/24:1024-65535 out wan",
        "         last: udp 192.168.1.10:40000 to 198.51.100.80:5001",
        "3     0  deny log icmp",
        "3 of 32 rules; ping: deny, closed-ports: reject, dmz: 192.168.1.50",
        "",
      ].join("\n"),
    );
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe("mac", () => {
  it("says whom the first allowed station keeps out", () => {
    const porter = home();
    expect(porter.run("mac allow 02:00:00:00:00:10")).toBe(
      "02:00:00:00:00:10 is allowed\nnote: all stations that are not allowed are kept out from now on\n",
    );
    expect(porter.run("mac allow 02:00:00:00:00:11")).toBe("02:00:00:00:00:11 is allowed\n");
  });

  it("keeps two lists", () => {
    const porter = home("mac allow 02:00:00:00:00:10", "mac deny 02-00-00-00-00-11");
    expect(porter.run("show macs")).toBe(
      ["STATION            LIST", "02:00:00:00:00:10  allowed", "02:00:00:00:00:11  denied", ""].join("\n"),
    );
    expect(porter.run("mac deny 02:00:00:00:00:10")).toBe("02:00:00:00:00:10 is denied\n");
    expect(porter.run("mac remove 02:00:00:00:00:11")).toBe("02:00:00:00:00:11 is not listed any more\n");
    expect(porter.run("show macs")).toBe("STATION            LIST\n02:00:00:00:00:10  denied\n");
  });
});

describe("set dmz", () => {
  it("leads calls to the host, and warns of one that cannot be there", () => {
    const porter = home();
    expect(porter.run("set dmz 192.168.1.50")).toBe("dmz is 192.168.1.50\n");
    expect(porter.run("set dmz 10.0.0.5")).toBe(
      "dmz is 10.0.0.5\nnote: 10.0.0.5 is not another host of the LAN, so nothing arrives there\n",
    );
    for (const last of [1, 0, 255]) expect(porter.run(`set dmz 192.168.1.${last}`)).toContain("note: ");
    porter.run("set dmz 192.168.1.50");
    const syn = tcpFrame({
      destinationMac: WAN_MAC,
      source: "198.51.100.9",
      destination: "203.0.113.2",
      flags: "SYN",
      destinationPort: 8080,
    });
    porter.gateway.receive(WAN, loadFrame(syn), syn.length);
    expect(porter.run("show nat")).toContain("192.168.1.50:8080  203.0.113.2:8080  dynamic");
    expect(porter.run("set dmz none")).toBe("dmz is none\n");
    expect(porter.run("show nat")).toContain("no mappings");
  });
});
