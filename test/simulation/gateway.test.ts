import { describe, expect, test } from "vitest";
import { BrowserTab, type PageLoad } from "../../host-sim/hosts/browserTab.js";
import { GameClient } from "../../host-sim/hosts/gameClient.js";
import { GAME_PORT } from "../../host-sim/hosts/gameServer.js";
import { WebServer } from "../../host-sim/hosts/webServer.js";
import { ISP, PORTER_WAN } from "../../host-sim/story/scene.js";
import { WAN } from "../../src/gateway.js";
import { address, drops, GAME_FORWARD, home } from "./home.js";

const PAGE = Array.from({ length: 12_000 }, (_, i) => `line ${i} of a long page\n`).join("");

describe("a page of 300 KB through the gateway", () => {
  test.each([1, 2, 3, 4, 5])(
    "arrives whole over a link that loses, doubles, delays and spoils frames (seed %i)",
    (seed) => {
      const { network, wan, webServer, tabs } = home(seed);
      new WebServer(webServer, 8080, () => PAGE);
      Object.assign(wan.conditions, { loss: 0.03, duplication: 0.02, reordering: 0.05, corruption: 0.01 });
      const load = tabs[0].load("http://198.51.100.80:8080/");
      network.runUntil(() => load.isDone, { limitMs: 600_000 });
      expect(load.failure).toBeUndefined();
      expect(load.body === PAGE).toBe(true);
      const { lost, duplicated, reordered, corrupted } = wan.counters;
      expect(Math.min(lost, duplicated, reordered, corrupted)).toBeGreaterThan(0);
    },
  );

  test("takes the time that the slowest link needs, and little more", () => {
    const { network, wan, webServer, tabs } = home();
    new WebServer(webServer, 8080, () => PAGE);
    wan.conditions.bandwidthBps = 1e6;
    const load = tabs[0].load("http://198.51.100.80:8080/");
    const startMs = network.nowMs;
    network.runUntil(() => load.isDone);
    const idealMs = (PAGE.length * 8) / 1000;
    expect(load.body === PAGE).toBe(true);
    expect(network.nowMs - startMs).toBeGreaterThan(idealMs);
    expect(network.nowMs - startMs).toBeLessThan(idealMs * 1.15);
  });
});

test("thirty hosts with ten tabs each get their own answers", () => {
  const scene = home();
  const { network, lan, porter } = scene;
  const loads: { load: PageLoad; host: string }[] = [];
  for (let number = 0; number < 30; number++) {
    const host = `192.168.1.${100 + number}`;
    const tab = new BrowserTab(network.addHost(host, { segment: lan, address: `${host}/24`, gateway: "192.168.1.1" }));
    for (let page = 0; page < 10; page++) {
      loads.push({ host, load: tab.load(`http://198.51.100.80/${host}/${page}`) });
    }
  }
  network.runUntil(() => loads.every(({ load }) => load.isDone));
  const sessions = porter.nat.sessions();
  // Closed connections make way for new ones: together they have a quarter of the table.
  expect(sessions.length).toBe(256);
  expect(new Set(sessions.map((session) => session.externalPort)).size).toBe(256);
  for (const { load, host } of loads) {
    const session = sessions.find((one) => one.insideAddress === address(host) && one.insidePort === load.localPort);
    const port = session?.externalPort ?? "\\d+";
    expect(load.body).toMatch(new RegExp(`^Hello, ${PORTER_WAN}:${port}. Here is ${new URL(load.url).pathname}.$`));
  }
});

test("the laptop reaches the game PC by the WAN address, and is seen with it", () => {
  const scene = home();
  const { network, porter, laptop, game } = scene;
  porter.nat.forwards.add(GAME_FORWARD);
  const client = new GameClient(laptop, address(PORTER_WAN), GAME_PORT);
  client.say("hello");
  network.runUntilIdle();
  expect(client.heard[1]).toBe("you said: hello");
  expect(game.players[0]).toMatch(new RegExp(`^${PORTER_WAN.replaceAll(".", "\\.")}:\\d+$`));
  expect(drops(scene)).toEqual({});
});

test("a forward works at the new address after the WAN address has changed, and no more at the old one", () => {
  const { network, porter, friend, game } = home();
  porter.nat.forwards.add(GAME_FORWARD);
  const before = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
  network.runUntil(() => before.heard.length > 0);

  porter.setAddress(WAN, address("203.0.113.77"), 24);
  porter.setGateway(WAN, address(ISP));
  network.runUntilIdle();
  expect(porter.nat.sessions()).toEqual([]);
  const atNew = new GameClient(friend, address("203.0.113.77"), GAME_PORT);
  const atOld = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
  network.runFor(5000);
  expect(atNew.heard.length).toBe(1);
  expect(atOld.isConnected).toBe(false);
  expect(game.players.length).toBe(2);
});

test("a LAN host that nobody answers for is reported to the caller, and the others go on", () => {
  const scene = home();
  const { network, porter, friend, tabs } = scene;
  porter.nat.forwards.add({ ...GAME_FORWARD, insideAddress: address("192.168.1.99") });
  const client = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
  const load = tabs[0].load("http://198.51.100.80/");
  network.runFor(5000);
  expect(client.isConnected).toBe(false);
  expect(load.isLoaded).toBe(true);
  expect(drops(scene)).toMatchObject({ neighbourUnresolved: 1 });
});
