import { describe, expect, it } from "vitest";
import { DROP_REASONS, type DropReason, dropReasonName } from "../../src/core/drops.js";
import { LAN, WAN } from "../../src/gateway.js";
import { PROTOCOL_TCP } from "../../src/wire/ipv4.js";
import { icmpFrame, loadFrame, tcpFrame, type UdpFields, udpFrame } from "../support/frames.js";
import { LAN_MAC, WAN_MAC } from "../support/stackFixture.js";
import { ConsoleFixture, HOME } from "./fixture.js";

/** A home network with a forward, one UDP session of the laptop and one TCP connection through the forward. */
function busyHome(): ConsoleFixture {
  const porter = new ConsoleFixture();
  porter.run(...HOME, "forward add tcp 25565 192.168.1.50 25575 from 198.51.100.0/24");
  fromLan(porter, { source: "192.168.1.10", destination: "198.51.100.7", sourcePort: 5000, destinationPort: 53 });
  porter.advance(10_000);
  const syn = tcpFrame({
    destinationMac: WAN_MAC,
    source: "198.51.100.9",
    destination: "203.0.113.2",
    sourcePort: 40000,
    destinationPort: 25565,
    flags: "SYN",
  });
  porter.gateway.receive(WAN, loadFrame(syn), syn.length);
  return porter;
}

function fromLan(porter: ConsoleFixture, fields: UdpFields): void {
  const frame = udpFrame({ destinationMac: LAN_MAC, ...fields });
  porter.gateway.receive(LAN, loadFrame(frame), frame.length);
}

describe("show", () => {
  it.each([
    ["forwards", "no forwards\n"],
    ["nat", "no mappings, address-dependent filtering\n"],
    ["sessions", "no sessions\n"],
    ["sockets", "0 of 16 sockets and 0 of 8 listeners in use\n"],
    ["ports", "no ports in use\n"],
    ["arp", "no neighbours\n"],
    ["rules", "no rules\n0 of 32 rules; ping: allow, closed-ports: silent, dmz: none\n"],
    ["macs", "no stations are listed, and all of them may use Porter\n"],
    ["config", "# everything has its default value\n"],
    ["config saved", "# nothing is saved\n"],
  ])("%s says in words that there is nothing", (what, text) => {
    expect(new ConsoleFixture().run(`show ${what}`)).toBe(text);
  });

  it("forwards: where they lead, whom they admit, their state and hits", () => {
    const porter = busyHome();
    porter.run("forward add both 6000-6010 192.168.1.51 9000", "forward disable both 6000");
    expect(porter.run("show forwards")).toBe(
      [
        "PROTO  PORTS      INSIDE                  FROM             STATE     HITS",
        "tcp    25565      192.168.1.50:25575      198.51.100.0/24  enabled      1",
        "both   6000-6010  192.168.1.51:9000-9010  anywhere         disabled     0",
        "",
      ].join("\n"),
    );
  });

  it("sessions: who talks to whom, in which state, and for how long still", () => {
    const porter = busyHome();
    const port = porter.gateway.nat.mappings().find((one) => !one.isStatic)?.externalPort;
    expect(porter.run("show sessions")).toBe(
      [
        "PROTO  INSIDE               PORT  REMOTE              STATE    EXPIRES",
        `udp    192.168.1.10:5000   ${`${port}`.padStart(5)}  198.51.100.7:53     open       4m50s`,
        "tcp    192.168.1.50:25575  25565  198.51.100.9:40000  opening    4m00s",
        "2 sessions of at most 1024",
        "",
      ].join("\n"),
    );
    expect(porter.run("show sessions 198.51.100.9")).toMatch(/^PROTO.*\ntcp .*\n1 of 2 sessions of at most 1024\n$/);
    expect(porter.run("show sessions 192.168.1.77")).toBe("no sessions of 192.168.1.77\n");
  });

  it("nat: which external port stands for whom, and why", () => {
    const porter = busyHome();
    expect(porter.run("show nat 192.168.1.50")).toBe(
      [
        "PROTO  INSIDE              EXTERNAL           KIND     SESSIONS",
        "tcp    192.168.1.50:25575  203.0.113.2:25565  forward         1",
        "1 of 2 mappings, address-dependent filtering",
        "",
      ].join("\n"),
    );
    expect(porter.run("show nat")).toMatch(/\nudp +192\.168\.1\.10:5000 +203\.0\.113\.2:\d+ +dynamic +1\n/);
  });

  it("ports: each owner, in the order of the ports", () => {
    const porter = busyHome();
    porter.gateway.ports.claim(PROTOCOL_TCP, 23, "listener", 0);
    expect(porter.run("show ports")).toMatch(
      new RegExp(
        [
          "^PROTO  PORTS  OWNER     FOR",
          "tcp    23     listener  porter",
          "tcp    25565  forward   192\\.168\\.1\\.50:25575",
          "udp    \\d+ +mapping   192\\.168\\.1\\.10:5000\n$",
        ].join("\n"),
      ),
    );
  });

  it("interfaces, and a station that uses our address", () => {
    const porter = busyHome();
    porter.gateway.wan.conflicts = 1;
    porter.gateway.wan.conflictMac = 0x0200000000ff;
    porter.run("set lan address none");
    expect(porter.run("show interfaces")).toBe(
      [
        "SIDE  ADDRESS         GATEWAY       MTU  STATION            STATE",
        "lan   none            none         1500  02:00:00:00:00:01  down: no address",
        "wan   203.0.113.2/24  203.0.113.1  1500  02:00:00:00:00:02  address conflict",
        "wan: station 02:00:00:00:00:ff has claimed 203.0.113.2, 1 time",
        "",
      ].join("\n"),
    );
  });

  it("arp: a neighbour that is asked for", () => {
    const porter = new ConsoleFixture();
    porter.run(...HOME);
    porter.gateway.echo.ping(porter.gateway.wan.gateway, 1, 1000, () => {});
    expect(porter.run("show arp")).toBe(
      "ADDRESS      SIDE  STATION    STATE       AGE\n203.0.113.1  wan   no answer  incomplete   0s\n",
    );
  });

  it("counters: traffic, and only the drops that occurred", () => {
    const porter = new ConsoleFixture();
    porter.run(...HOME);
    porter.gateway.receive(WAN, loadFrame(new Uint8Array(60).fill(0xff)), 60);
    expect(porter.run("show counters")).toBe(
      [
        "SIDE  FRAMES IN  BYTES IN  FRAMES OUT  BYTES OUT  REFUSED",
        "lan           0         0           1         42        0",
        "wan           1        60           1         42        0",
        "",
        "DROPS  REASON              WHICH MEANS",
        "    1  ether-type-unknown  the frame carries neither IPv4 nor ARP",
        "",
      ].join("\n"),
    );
  });

  it("counters all: every reason by name, within 80 columns", () => {
    const text = new ConsoleFixture().run("show counters all");
    for (const reason of Object.keys(DROP_REASONS) as DropReason[]) {
      expect(text).toMatch(new RegExp(`^    0  ${dropReasonName(reason)} `, "m"));
    }
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("version: the product, its name, uptime, and whether changes are saved", () => {
    const porter = new ConsoleFixture();
    const state = () => porter.run("show version").split("\n")[1];
    expect(porter.run("show version")).toBe("Porter 1.2.3 on porter, up 0s\nthe configuration is the default one\n");
    porter.run("set hostname lobby");
    expect(state()).toBe("the configuration is not saved");
    porter.run("save");
    expect(state()).toBe("the configuration is saved");
    porter.run("set lan mtu 1400");
    expect(state()).toBe('the configuration differs from the saved one; "save" stores it');
    porter.gateway.poll(90_061_000);
    expect(porter.run("show version")).toMatch(/^Porter 1\.2\.3 on lobby, up 1d01h\n/);
  });
});

it("show sessions fits into 80 columns with the longest addresses, ports and words", () => {
  const porter = new ConsoleFixture();
  porter.run("set lan address 192.168.100.1/24", "set wan address 203.0.113.222/24", "set wan gateway 203.0.113.221");
  const ends = { source: "192.168.100.100", destination: "198.151.100.107", sourcePort: 50000, destinationPort: 65535 };
  const syn = tcpFrame({ destinationMac: LAN_MAC, ...ends, flags: "SYN" });
  porter.gateway.receive(LAN, loadFrame(syn), syn.length);
  const lines = porter.run("show sessions").replace("opening    ", "half-closed").split("\n");
  expect(lines[1]).toMatch(/^tcp {4}192\.168\.100\.100:50000 /);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

it("clear nat ends the sessions and says how many", () => {
  const porter = busyHome();
  expect(porter.run("clear nat")).toBe("ended 2 sessions\n");
  expect(porter.run("show sessions")).toBe("no sessions\n");
  expect(porter.run("show forwards")).toContain("25565");
});

describe("show top", () => {
  /** Four hosts with traffic, one of which opens more than it may. */
  function flooded(): ConsoleFixture {
    const porter = busyHome();
    porter.run("set nat limit sessions 200");
    for (let port = 0; port < 700; port++) {
      fromLan(porter, {
        source: "192.168.1.66",
        destination: "198.51.100.7",
        sourcePort: 5000,
        destinationPort: 1 + port,
      });
    }
    const ping = icmpFrame({ destinationMac: LAN_MAC, source: "192.168.1.20", destination: "198.51.100.7" });
    porter.gateway.receive(LAN, loadFrame(ping), ping.length);
    return porter;
  }

  it("says in words that nobody holds anything", () => {
    expect(new ConsoleFixture().run("show top")).toMatch(/\n\nno sessions\n$/);
  });

  it("names who fills the tables, what was refused and what made way, in 80 columns", () => {
    const text = flooded().run("show top");
    // Of 700 tries at once the host's burst lets 512 pass, and its limit leaves it 200 of those.
    expect(text.split("\n")).toEqual([
      "TABLE           NOW  MOST  SIZE  A HOST",
      "sessions        203   203  1024     200",
      "mappings          4     4   512     256",
      "transitory tcp    1     1   256",
      "rates: a host 200/s, all 1000/s, inbound 1000/s",
      "",
      "CLASS                 NOW  MOST  EXPIRED  EVICTED",
      "established tcp         0     0        0        0",
      "unproven calls          1     1        0        0",
      "other transitory tcp    0     0        0        0",
      "answered udp            0     0        0        0",
      "unanswered udp        201   201        0      312",
      "icmp                    1     1        0        0",
      "",
      "HOST          SESSIONS  SHARE  TCP  TRANSITORY  UDP  ICMP  MAPPINGS  REFUSED",
      "192.168.1.66       200    20%    0           0  200     0         1      188",
      "192.168.1.10         1     0%    0           0    1     0         1        0",
      "192.168.1.20         1     0%    0           0    0     1         1        0",
      "outside              1     0%    0           1    0     0         1        0",
      "",
    ]);
    for (const line of text.split("\n")) expect(line.length).toBeLessThan(80);
  });

  it("marks an account that hosts with the same last byte share", () => {
    const porter = new ConsoleFixture();
    porter.run(...HOME, "set lan address 192.168.1.1/16");
    for (const source of ["192.168.1.66", "192.168.2.66"]) {
      fromLan(porter, { source, destination: "198.51.100.7", sourcePort: 5000, destinationPort: 53 });
    }
    expect(porter.run("show top")).toMatch(/\n192\.168\.\d\.66\+ +2 /);
  });
});
