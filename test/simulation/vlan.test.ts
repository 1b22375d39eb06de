import { beforeEach, describe, expect, test } from "vitest";
import { BrowserTab } from "../../host-sim/hosts/browserTab.js";
import { WebServer } from "../../host-sim/hosts/webServer.js";
import { Network } from "../../host-sim/network/network.js";
import type { Segment } from "../../host-sim/network/segment.js";
import { formatMac } from "../../src/core/address.js";
import type { DropCounts } from "../../src/core/drops.js";
import { ETHERNET_AT } from "../../src/core/frame.js";
import { type Gateway, LAN } from "../../src/gateway.js";
import type { Host } from "../../src/host.js";
import type { PingResult } from "../../src/transport/echo.js";
import type { TcpHandler } from "../../src/transport/tcp/socket.js";
import { etherSource } from "../../src/wire/ethernet.js";
import { fragmentsOf, loadFrame, patternBytes, udpFrame } from "../support/frames.js";
import { ip } from "../support/stackFixture.js";
import { taggedFrame, tagOf } from "../support/vlanFrames.js";

/*
 * A router on a stick: the home and the internet are VLANs 10 and 20 of one switch, and Porter has one cable.
 */

const HOME_VLAN = 10;
const INTERNET_VLAN = 20;

let network: Network;
let switched: Segment;
let porter: Gateway;
let pc: Host;
let web: Host;
/** What a station of each VLAN has heard, in hexadecimal: every frame that the switch lets get there. */
let homeEar: string[];
let internetEar: string[];

beforeEach(() => {
  network = new Network({ seed: 3 });
  switched = network.addSegment("switch", { latencyMs: 1 });
  porter = network.addGateway("porter", {
    lan: { segment: switched, vlan: HOME_VLAN, address: "192.168.1.1/24" },
    wan: { segment: switched, vlan: INTERNET_VLAN, address: "203.0.113.2/24", gateway: "203.0.113.1" },
  });
  const inHome = { segment: switched, vlan: HOME_VLAN, gateway: "192.168.1.1" };
  const inInternet = { segment: switched, vlan: INTERNET_VLAN };
  pc = network.addHost("pc", { ...inHome, address: "192.168.1.10/24" });
  web = network.addHost("web", { ...inInternet, address: "203.0.113.1/24" });
  homeEar = listenIn(HOME_VLAN);
  internetEar = listenIn(INTERNET_VLAN);
  network.runUntilIdle();
  for (const ear of [homeEar, internetEar]) ear.splice(0);
});

function listenIn(vlan: number): string[] {
  const heard: string[] = [];
  network.addStation(`ear ${vlan}`, switched, vlan).receiver = (frame, length) => {
    heard.push(Buffer.from(frame.bytes.subarray(ETHERNET_AT, ETHERNET_AT + length)).toString("hex"));
  };
  return heard;
}

/** The tags of the frames on the cables, by who sent them. */
function tagsSeen(): Map<string, Set<string>> {
  const tags = new Map<string, Set<string>>();
  switched.addTap((_timeMs, frame, length, sender) => {
    const own = tags.get(sender.name) ?? new Set();
    tags.set(sender.name, own.add(tagOf(frame.bytes.subarray(ETHERNET_AT, ETHERNET_AT + length))));
  });
  return tags;
}

function answersPing(from: Host, target: string): boolean {
  let result: PingResult | undefined;
  from.echo.ping(ip(target), 1, 1000, (what) => {
    result = what;
  });
  network.runUntil(() => result !== undefined);
  return result?.kind === "reply";
}

function dropsOfPorter(): Partial<DropCounts> {
  return Object.fromEntries(Object.entries(porter.drops.counts).filter(([, count]) => count !== 0));
}

/** Plugs a station that sends whatever it likes into a trunk of the switch. */
function sendOnTrunk(...frames: Uint8Array[]): void {
  const stranger = network.addStation("stranger", switched);
  for (const bytes of frames) stranger.send(loadFrame(bytes), bytes.length);
  network.runUntilIdle();
}

describe("a router on a stick", () => {
  test("answers pings of both VLANs, and carries one from the LAN to the WAN", () => {
    expect(answersPing(pc, "192.168.1.1")).toBe(true);
    expect(answersPing(web, "203.0.113.2")).toBe(true);
    expect(answersPing(pc, "203.0.113.1")).toBe(true);
    expect(dropsOfPorter()).toEqual({});
  });

  test("carries TCP from one VLAN to the other, each frame with the tag of its VLAN", () => {
    const site = new WebServer(web, 80, (path) => `${path} ${"x".repeat(20_000)}`);
    const tags = tagsSeen();
    const load = new BrowserTab(pc).load("http://203.0.113.1/news");
    expect(network.runUntil(() => load.isDone)).toBe(true);
    expect(load.body.length).toBe("/news ".length + 20_000);
    expect(site.visitors).toEqual([expect.stringMatching(/^203\.0\.113\.2:/)]);
    expect([...(tags.get("porter") ?? [])].sort()).toEqual(["8100000a", "81000014"]);
    expect([...(tags.get("pc") ?? [])]).toEqual(["8100000a"]);
    expect([...(tags.get("web") ?? [])]).toEqual(["81000014"]);
    expect(dropsOfPorter()).toEqual({});
  });

  test("keeps ARP and other broadcasts within their VLAN", () => {
    porter.setAddress(LAN, ip("192.168.1.2"), 24);
    network.runUntilIdle();
    // The claim of an address: two announcements and three probes.
    expect(homeEar).toHaveLength(5);
    expect(internetEar).toEqual([]);
    expect(answersPing(web, "203.0.113.77")).toBe(false);
    expect(homeEar).toHaveLength(5);
    expect(internetEar.length).toBeGreaterThan(0);
    // Without the tag.
    for (const frame of [...homeEar, ...internetEar]) expect(frame.slice(24, 28)).toBe("0806");
  });

  test("lets hosts of one VLAN see no frame of the other, whatever is said there", () => {
    const seen = new Map<number, Set<string>>();
    for (const host of [pc, web]) {
      const receive = host.receive.bind(host);
      host.receive = (index, frame, length) => {
        const source = etherSource(frame);
        seen.set(host.interfaces[0]!.mac, (seen.get(host.interfaces[0]!.mac) ?? new Set()).add(formatMac(source)));
        receive(index, frame, length);
      };
    }
    new WebServer(web, 80, () => "page");
    const load = new BrowserTab(pc).load("http://203.0.113.1/");
    network.runUntil(() => load.isDone);
    answersPing(web, "203.0.113.77");
    expect(load.isLoaded).toBe(true);
    const porterMac = formatMac(porter.lan.mac);
    expect(porter.wan.mac).toBe(porter.lan.mac);
    for (const host of [pc, web]) expect([...(seen.get(host.interfaces[0]!.mac) ?? [])]).toEqual([porterMac]);
  });

  test("drops what is of no VLAN of its own, nested or without a tag, each for its reason", () => {
    const frame = udpFrame({ destinationMac: porter.lan.mac, source: "192.168.1.10" });
    sendOnTrunk(
      frame,
      taggedFrame(frame, 30),
      taggedFrame(frame, 0xe000),
      taggedFrame(taggedFrame(frame, INTERNET_VLAN), HOME_VLAN),
      taggedFrame(taggedFrame(frame, HOME_VLAN), HOME_VLAN, 0x88a8),
    );
    expect(dropsOfPorter()).toEqual({ vlanMissing: 2, vlanUnknown: 1, vlanNested: 2 });
    expect(porter.nat.sessionCount).toBe(0);
  });

  test("does not believe a LAN source in the WAN's VLAN", () => {
    const frame = udpFrame({ destinationMac: porter.lan.mac, source: "192.168.1.10" });
    sendOnTrunk(taggedFrame(frame, INTERNET_VLAN));
    expect(dropsOfPorter()).toEqual({ ipSourceSpoofed: 1 });
  });

  test("puts nothing together from fragments of two links", () => {
    const datagram = udpFrame({ destinationMac: porter.lan.mac, source: "192.168.1.10", payload: patternBytes(120) });
    const [first, second] = fragmentsOf(datagram, 64) as [Uint8Array, Uint8Array];
    sendOnTrunk(taggedFrame(first, HOME_VLAN));
    porter.attach({ port: "trunk", vlan: 30 }, { port: "trunk", vlan: INTERNET_VLAN });
    sendOnTrunk(taggedFrame(second, 30));
    network.runFor(130_000);
    expect(dropsOfPorter()).toEqual({ fragmentTimeout: 1 });
  });

  test("leaves its own connections behind when it moves", () => {
    let reason: string | undefined;
    const handler: TcpHandler = {
      onClosed: (_, why) => {
        reason = why;
      },
    };
    porter.tcp.connect({ address: ip("192.168.1.10"), port: 80, handler });
    porter.attach({ port: "trunk", vlan: 30 }, { port: "trunk", vlan: INTERNET_VLAN });
    network.runUntilIdle();
    expect(reason).toBe("the interface was moved to another link");
  });

  test("moves to other VLANs at once", () => {
    porter.attach({ port: "trunk", vlan: INTERNET_VLAN }, { port: "trunk", vlan: HOME_VLAN });
    network.runUntilIdle();
    expect(answersPing(pc, "192.168.1.1")).toBe(false);
    porter.attach({ port: "trunk", vlan: HOME_VLAN }, { port: "trunk", vlan: INTERNET_VLAN });
    expect(answersPing(pc, "203.0.113.1")).toBe(true);
  });

  test("does the same again for the same seed, over a line with faults", () => {
    const run = (): [string[], boolean] => {
      const line = new Network({ seed: 11 });
      const segment = line.addSegment("switch", { latencyMs: 2, loss: 0.05, duplication: 0.05, reordering: 0.1 });
      line.addGateway("porter", {
        lan: { segment, vlan: 1, address: "192.168.1.1/24" },
        wan: { segment, vlan: 4094, address: "203.0.113.2/24", gateway: "203.0.113.1" },
      });
      const host = line.addHost("pc", { segment, vlan: 1, address: "192.168.1.10/24", gateway: "192.168.1.1" });
      new WebServer(line.addHost("web", { segment, vlan: 4094, address: "203.0.113.1/24" }), 80, () =>
        "y".repeat(50_000),
      );
      const events: string[] = [];
      segment.addTap((timeMs, frame, length, sender) => {
        events.push(
          `${timeMs} ${sender.name} ${tagOf(frame.bytes.subarray(ETHERNET_AT, ETHERNET_AT + length))} ${length}`,
        );
      });
      const load = new BrowserTab(host).load("http://203.0.113.1/");
      line.runUntil(() => load.isDone, { limitMs: 300_000 });
      return [events, load.isLoaded && load.body.length === 50_000];
    };
    const [events, isLoaded] = run();
    expect(isLoaded).toBe(true);
    expect(events.length).toBeGreaterThan(100);
    expect(run()[0]).toEqual(events);
  });
});

test("a VLAN and the untagged frames of a trunk make two sides as well", () => {
  network = new Network();
  const segment = network.addSegment("switch");
  porter = network.addGateway("porter", {
    lan: { segment, vlan: HOME_VLAN, address: "192.168.1.1/24" },
    wan: { segment, address: "203.0.113.2/24", gateway: "203.0.113.1" },
  });
  pc = network.addHost("pc", { segment, vlan: HOME_VLAN, address: "192.168.1.10/24", gateway: "192.168.1.1" });
  web = network.addHost("web", { segment, address: "203.0.113.1/24" });
  expect(answersPing(pc, "203.0.113.1")).toBe(true);
});

test("a gateway with both sides in one VLAN cannot be", () => {
  network = new Network();
  const segment = network.addSegment("switch");
  expect(() => network.addGateway("porter", { lan: { segment, vlan: 5 }, wan: { segment, vlan: 5 } })).toThrow(
    "lan and wan would both be at port trunk on VLAN 5",
  );
});
