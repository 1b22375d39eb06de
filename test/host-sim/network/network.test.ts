import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BrowserTab } from "../../../host-sim/hosts/browserTab.js";
import { WebServer } from "../../../host-sim/hosts/webServer.js";
import { Network } from "../../../host-sim/network/network.js";
import type { Conditions, Segment } from "../../../host-sim/network/segment.js";
import { parseAddress } from "../../../src/core/address.js";
import { PROTOCOL_TCP } from "../../../src/wire/ipv4.js";

/** A browser and a web server, with nothing but a cable between them. */
function pair(seed: number, conditions: Partial<Conditions> = {}) {
  const network = new Network({ seed });
  const lan = network.addSegment("lan", conditions);
  const client = network.addHost("client", { segment: lan, address: "10.0.0.1/24" });
  const server = network.addHost("server", { segment: lan, address: "10.0.0.80/24" });
  const web = new WebServer(server, 80, (path, visitor) => `${visitor} wants ${path}`);
  return { network, lan, client, server, web, tab: new BrowserTab(client) };
}

function eventsOf(segment: Segment): string[] {
  const events: string[] = [];
  segment.addTap((timeMs, frame, length, sender) => {
    events.push(`${timeMs} ${sender.name} ${Buffer.from(frame.bytes.subarray(2, 2 + length)).toString("hex")}`);
  });
  return events;
}

describe("a network of two hosts", () => {
  test("brings a page over real TCP", () => {
    const { network, tab, web } = pair(1, { latencyMs: 5 });
    const load = tab.load("http://10.0.0.80/news");
    expect(network.runUntil(() => load.isDone)).toBe(true);
    expect(load.body).toBe(`10.0.0.1:${load.localPort} wants /news`);
    expect(web.visitors).toEqual([`10.0.0.1:${load.localPort}`]);
    expect(load.localPort).toBeGreaterThanOrEqual(49152);
  });

  test("tells a tab that nobody listens", () => {
    const { network, tab } = pair(1);
    const load = tab.load("http://10.0.0.80:81/");
    network.runUntilIdle();
    expect(load).toMatchObject({ isDone: true, isLoaded: false, failure: "connection refused" });
  });

  test("does the same again for the same seed, and something else for another", () => {
    const run = (seed: number): string[] => {
      const { network, lan, tab } = pair(seed, { latencyMs: 3, loss: 0.1, duplication: 0.1, reordering: 0.1 });
      const events = eventsOf(lan);
      for (let i = 0; i < 5; i++) tab.load(`http://10.0.0.80/${i}`);
      network.runUntilIdle({ quietMs: 20_000 });
      return events;
    };
    const first = run(7);
    expect(first.length).toBeGreaterThan(40);
    expect(run(7)).toEqual(first);
    expect(run(8)).not.toEqual(first);
  });
});

describe("time", () => {
  test("stands still until somebody runs the network", () => {
    const { network, tab } = pair(1);
    tab.load("http://10.0.0.80/");
    expect(network.nowMs).toBe(0);
  });

  test("goes on by exactly what runFor says, with nothing to do or much", () => {
    const { network, tab, client } = pair(1, { latencyMs: 0.3 });
    network.runFor(1234.5);
    tab.load("http://10.0.0.80/");
    network.runFor(1000);
    expect(network.nowMs).toBe(2234.5);
    expect(client.clock.now).toBe(2234.5);
  });

  test("is the same for an application as for its stack", () => {
    const { network, client } = pair(1);
    const seen: number[] = [];
    network.after(1500, () => seen.push(network.nowMs, client.clock.now));
    network.runFor(1499);
    expect(seen).toEqual([]);
    network.runFor(1);
    expect(seen).toEqual([1500, 1500]);
  });

  test("lets applications act in the order in which they asked when they asked for the same time", () => {
    const { network } = pair(1);
    const order: string[] = [];
    network.after(10, () => order.push("first"));
    network.after(5, () => order.push("before both"));
    network.after(10, () => order.push("second"));
    network.runUntilIdle();
    expect(order).toEqual(["before both", "first", "second"]);
  });

  test("goes on step by step", () => {
    const { network, tab } = pair(1, { latencyMs: 1 });
    const load = tab.load("http://10.0.0.80/");
    let steps = 0;
    while (!load.isDone && network.step()) steps++;
    expect(load.isLoaded).toBe(true);
    expect(steps).toBeLessThan(100);
  });
});

describe("runUntil", () => {
  test("stops as soon as the condition holds", () => {
    const { network, tab } = pair(1, { latencyMs: 10 });
    network.runFor(100);
    const load = tab.load("http://10.0.0.80/");
    network.runUntil(() => load.isDone);
    // ARP, SYN, request: a round trip each.
    expect(network.nowMs).toBe(160);
  });

  test("gives up after its limit, though nothing may be left to happen", () => {
    const { network, client } = pair(1);
    client.tcp.connect({ address: parseAddress("10.0.0.99")!, port: 1 });
    expect(network.runUntil(() => false, { limitMs: 500 })).toBe(false);
    expect(network.nowMs).toBe(500);
  });
});

describe("runUntilIdle", () => {
  test("waits for an answer that was lost and asked for again", () => {
    const { network, lan, tab } = pair(1);
    let frames = 0;
    lan.filter = () => ++frames !== 5;
    const load = tab.load("http://10.0.0.80/");
    network.runUntilIdle();
    expect(load.isLoaded).toBe(true);
    expect(lan.counters.filtered).toBe(1);
  });

  test("does not wait for the end of TIME-WAIT", () => {
    const { network, tab, server } = pair(1);
    tab.load("http://10.0.0.80/");
    network.runUntilIdle();
    expect(server.sockets.hasLocalPort(PROTOCOL_TCP, 80)).toBe(true);
    expect(network.nowMs).toBeLessThan(10_000);
  });

  test("names what keeps a network busy that never rests", () => {
    const network = new Network();
    const again = (): void => network.after(1, again);
    again();
    expect(() => network.runUntilIdle({ limitSteps: 1000 })).toThrow(
      "The network does not come to rest: after 1000 steps it is busy with an application.",
    );
  });
});

describe("captures", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "porter-capture-"));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  test("are the same, byte for byte, for the same seed", () => {
    const record = (name: string): Buffer => {
      const { network, tab } = pair(3, { latencyMs: 2, loss: 0.05 });
      network.capture(join(directory, name));
      tab.load("http://10.0.0.80/");
      network.runUntilIdle();
      network.endCapture();
      return readFileSync(join(directory, name, "lan.pcap"));
    };
    const first = record("first");
    expect(first.length).toBeGreaterThan(500);
    expect(record("second").equals(first)).toBe(true);
  });
});

describe("wrong setups", () => {
  test("are refused in a sentence", () => {
    const network = new Network();
    const lan = network.addSegment("lan");
    expect(() => network.addHost("a", { segment: lan, address: "10.0.0.1" })).toThrow(
      '"10.0.0.1" is no address with a prefix length; write it as 192.168.1.1/24.',
    );
    expect(() => network.addHost("b", { segment: lan, address: "10.0.0.1/24", gateway: "x" })).toThrow(
      '"x" is no IPv4 address; write it as 192.168.1.1.',
    );
  });
});

test("a server is reached through routers, which count down the time to live", () => {
  const network = new Network();
  const [left, middle, right] = ["left", "middle", "right"].map((name) => network.addSegment(name, { latencyMs: 1 }));
  const client = network.addHost("client", { segment: left!, address: "10.1.0.2/24", gateway: "10.1.0.1" });
  network.addRouter(
    "a",
    [
      { segment: left!, address: "10.1.0.1/24" },
      { segment: middle!, address: "10.2.0.1/24" },
    ],
    "10.2.0.2",
  );
  network.addRouter(
    "b",
    [
      { segment: right!, address: "10.0.0.1/24" },
      { segment: middle!, address: "10.2.0.2/24" },
    ],
    "10.2.0.1",
  );
  const server = network.addHost("server", { segment: right!, address: "10.0.0.80/24", gateway: "10.0.0.1" });
  new WebServer(server, 80, () => "far away");
  const ttls = new Set<number>();
  right!.addTap((_, frame, __, sender) => {
    if (sender.name === "b" && frame.view.getUint16(14) === 0x0800) ttls.add(frame.view.getUint8(24));
  });
  const load = new BrowserTab(client).load("http://10.0.0.80/");
  network.runUntilIdle();
  expect(load.body).toBe("far away");
  expect([...ttls]).toEqual([62]);
});

test("a thousand connections cost a moment", () => {
  const { network, client, web } = pair(1, { latencyMs: 1 });
  const tab = new BrowserTab(client);
  for (let i = 0; i < 1000; i++) {
    const load = tab.load("http://10.0.0.80/");
    network.runUntil(() => load.isDone);
    expect(load.failure).toBeUndefined();
  }
  expect(web.visitors.length).toBe(1000);
});
