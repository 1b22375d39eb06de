import { describe, expect, test } from "vitest";
import { GameClient } from "../../host-sim/hosts/gameClient.js";
import { GAME_PORT } from "../../host-sim/hosts/gameServer.js";
import { PORTER_WAN, type Scene, WEB_SERVER } from "../../host-sim/story/scene.js";
import { address, GAME_FORWARD, home } from "./home.js";

const DAY_MS = 86_400_000;
/** Where a signed 32-bit millisecond clock would wrap: after 24.9 days. */
const WRAP_MS = 2 ** 31;
const UDP_TIMEOUT_MS = 300_000;
const ESTABLISHED_TIMEOUT_MS = 7_440_000;

function homeAt(nowMs: number): Scene {
  const scene = home();
  scene.network.runFor(nowMs - scene.network.nowMs);
  return scene;
}

function sendUdp(scene: Scene): void {
  const socket = scene.laptop.udp.bind();
  socket.send(new Uint8Array(10), address(WEB_SERVER), 53);
  scene.network.runFor(100);
}

describe.each([
  ["a minute", 60_000],
  ["24.9 days, 2 seconds before 2^31 ms", WRAP_MS - 2000],
  ["49.7 days, 2 seconds before 2^32 ms", 2 * WRAP_MS - 2000],
  ["60 days", 60 * DAY_MS],
])("after an uptime of %s", (_, uptimeMs) => {
  test("pages load", () => {
    const { network, tabs } = homeAt(uptimeMs);
    const loads = [tabs[0].load(`http://${WEB_SERVER}/`)];
    network.runFor(3000);
    loads.push(tabs[0].load(`http://${WEB_SERVER}/`));
    network.runFor(3000);
    expect(loads.map((load) => load.isLoaded)).toEqual([true, true]);
  });

  test("a connection that was open before goes on", () => {
    const { network, porter, friend } = homeAt(uptimeMs - 10_000);
    porter.nat.forwards.add(GAME_FORWARD);
    const client = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
    network.runFor(1000);
    for (let second = 0; second < 20; second++) {
      client.say(`${second}`);
      network.runFor(1000);
    }
    expect(client.heard.length).toBe(21);
  });

  test("an idle UDP session ends after 300 s, and an idle TCP session after 2 h 4 min", () => {
    const scene = homeAt(uptimeMs);
    const { network, porter, friend } = scene;
    porter.nat.forwards.add(GAME_FORWARD);
    const client = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
    network.runFor(100);
    sendUdp(scene);
    expect(client.isConnected).toBe(true);
    expect(porter.nat.sessionCount).toBe(2);
    network.runFor(UDP_TIMEOUT_MS - 2000);
    expect(porter.nat.sessions().length).toBe(2);
    network.runFor(4000);
    expect(porter.nat.sessions().map((session) => session.remotePort)).toEqual([client.socket.localPort]);
    network.runFor(ESTABLISHED_TIMEOUT_MS - UDP_TIMEOUT_MS - 4000);
    expect(porter.nat.sessions().length).toBe(1);
    network.runFor(4000);
    expect(porter.nat.sessions()).toEqual([]);
  });
});
