/** Where the story takes place: a home behind Porter, and what it needs of the internet. */
import type { Gateway } from "../../src/gateway.js";
import type { Host } from "../../src/host.js";
import { BrowserTab } from "../hosts/browserTab.js";
import { GAME_PORT, GameServer } from "../hosts/gameServer.js";
import { WebServer } from "../hosts/webServer.js";
import { Network } from "../network/network.js";
import type { Segment } from "../network/segment.js";

export const LAPTOP = "192.168.1.10";
export const GAME_PC = "192.168.1.50";
export const PORTER_LAN = "192.168.1.1";
/** The house's address, as the world knows it. */
export const PORTER_WAN = "203.0.113.2";
export const ISP = "203.0.113.1";
export const WEB_SERVER = "198.51.100.80";
export const FRIEND = "198.51.100.7";

/** What Porter is told when it is switched on, as typed at its console. */
export const PORTER_SETUP: readonly string[] = Object.freeze([
  `set lan address ${PORTER_LAN}/24`,
  `set wan address ${PORTER_WAN}/24`,
  `set wan gateway ${ISP}`,
]);

export class Scene {
  readonly network: Network;
  readonly lan: Segment;
  readonly wan: Segment;
  readonly internet: Segment;
  readonly laptop: Host;
  readonly gamePc: Host;
  /** Without addresses, until somebody types PORTER_SETUP. */
  readonly porter: Gateway;
  readonly webServer: Host;
  readonly friend: Host;
  readonly web: WebServer;
  readonly game: GameServer;
  readonly tabs: readonly [BrowserTab, BrowserTab];

  /** At its first instant: everybody's announcement is still on the cable, and Porter had better be told its addresses. */
  constructor(seed: number) {
    this.network = new Network({ seed });
    // A home's Ethernet, a fast line to the provider, and half a continent.
    this.lan = this.network.addSegment("lan", { latencyMs: 0.2, bandwidthBps: 1e9 });
    this.wan = this.network.addSegment("wan", { latencyMs: 4, bandwidthBps: 1e8 });
    this.internet = this.network.addSegment("internet", { latencyMs: 10, bandwidthBps: 1e9 });

    this.laptop = this.network.addHost("laptop", { segment: this.lan, address: `${LAPTOP}/24`, gateway: PORTER_LAN });
    this.gamePc = this.network.addHost("game PC", { segment: this.lan, address: `${GAME_PC}/24`, gateway: PORTER_LAN });
    this.porter = this.network.addGateway("porter", { lan: { segment: this.lan }, wan: { segment: this.wan } });
    this.network.addRouter("isp", [
      { segment: this.wan, address: `${ISP}/24` },
      { segment: this.internet, address: "198.51.100.1/24" },
    ]);
    const abroad = { segment: this.internet, gateway: "198.51.100.1" };
    this.webServer = this.network.addHost("web server", { ...abroad, address: `${WEB_SERVER}/24` });
    this.friend = this.network.addHost("friend", { ...abroad, address: `${FRIEND}/24` });

    this.web = new WebServer(this.webServer, 80, (path, visitor) => `Hello, ${visitor}. Here is ${path}.`);
    this.game = new GameServer(this.gamePc, GAME_PORT);
    this.tabs = [new BrowserTab(this.laptop), new BrowserTab(this.laptop)];
  }
  /** Lets everybody find their gateway, as hosts do when they join a network, and come to rest. */
  settle(): void {
    for (const host of [this.laptop, this.gamePc, this.porter, this.friend, this.webServer]) {
      const gateway = host.interfaces.find((one) => one.gateway !== 0)?.gateway ?? 0;
      host.echo.ping(gateway, 1, 1000, () => {});
    }
    this.network.runUntilIdle();
  }
}
