import { describe, expect, test } from "vitest";
import { GameClient } from "../../host-sim/hosts/gameClient.js";
import { GAME_PORT } from "../../host-sim/hosts/gameServer.js";
import { FRIEND, LAPTOP, PORTER_WAN } from "../../host-sim/story/scene.js";
import { PROTOCOL_TCP } from "../../src/wire/ipv4.js";
import { address, drops, GAME_FORWARD, home } from "./home.js";

describe("two browser tabs at one server", () => {
  test("get an external port each, and their own answer", () => {
    const { network, tabs, porter, web } = home();
    const loads = [tabs[0].load("http://198.51.100.80/one"), tabs[1].load("http://198.51.100.80/two")];
    network.runUntil(() => loads.every((load) => load.isDone));
    const sessions = porter.nat.sessions();
    expect(sessions.length).toBe(2);
    for (const [index, path] of ["/one", "/two"].entries()) {
      const load = loads[index]!;
      const session = sessions.find((one) => one.insidePort === load.localPort)!;
      expect(session).toMatchObject({ protocol: PROTOCOL_TCP, insideAddress: address(LAPTOP), remotePort: 80 });
      expect(load.localPort).toBeGreaterThanOrEqual(49152);
      expect(load.body).toBe(`Hello, ${PORTER_WAN}:${session.externalPort}. Here is ${path}.`);
    }
    expect(new Set(web.visitors).size).toBe(2);
  });

  test("are carried without a drop", () => {
    const scene = home();
    const loads = scene.tabs.map((tab) => tab.load("http://198.51.100.80/"));
    scene.network.runUntilIdle();
    expect(loads.every((load) => load.isLoaded)).toBe(true);
    expect(drops(scene)).toEqual({});
  });
});

describe("a friend who wants to play", () => {
  test("gets no answer, and Porter counts each try as wan-unsolicited", () => {
    const scene = home();
    const client = new GameClient(scene.friend, address(PORTER_WAN), GAME_PORT);
    scene.network.runFor(10_000);
    expect(client).toMatchObject({ isConnected: false, isClosed: false });
    // SYN at 0, 1, 3 and 7 s.
    expect(drops(scene)).toEqual({ wanUnsolicited: 4 });
    expect(scene.game.players).toEqual([]);
  });

  test("gets through a port forward, and both hear each other", () => {
    const { network, porter, friend, game } = home();
    expect(porter.nat.forwards.add(GAME_FORWARD)).toBeUndefined();
    const client = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
    network.runUntil(() => client.isConnected);
    client.say("hello");
    network.runUntilIdle();
    expect(game.players).toEqual([`${FRIEND}:${client.socket.localPort}`]);
    expect(game.heard).toEqual(["hello"]);
    expect(client.heard).toEqual([`welcome, ${FRIEND}:${client.socket.localPort}`, "you said: hello"]);
    expect(porter.nat.forwards.list()[0]?.hits).toBe(1);
  });
});

test("a second claim on a forwarded port is refused, and the owner named", () => {
  const { porter } = home();
  porter.nat.forwards.add(GAME_FORWARD);
  expect(porter.nat.forwards.add({ ...GAME_FORWARD, insideAddress: address(LAPTOP) })).toBe(
    "tcp port 25565 is taken by the forward to 192.168.1.50; remove that first, or choose another port",
  );
  expect(porter.nat.forwards.list().length).toBe(1);
});
