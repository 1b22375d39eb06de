/** What happens in the story. Whatever it tells it has seen: in sockets, in Porter's tables, or at Porter's console. */
import { formatAddress, parseAddress } from "../../src/core/address.js";
import { dropReasonName } from "../../src/core/drops.js";
import type { SessionInfo } from "../../src/nat/listing.js";
import type { PageLoad } from "../hosts/browserTab.js";
import { GameClient } from "../hosts/gameClient.js";
import { GAME_PORT } from "../hosts/gameServer.js";
import type { Page } from "./page.js";
import { FRIEND, GAME_PC, LAPTOP, PORTER_SETUP, PORTER_WAN, type Scene, WEB_SERVER } from "./scene.js";
import type { Typist } from "./typist.js";

/** How long the friend looks at "connecting ..." before giving up. */
const FRIENDS_PATIENCE_MS = 10_000;
const ROUND_TRIPS_MS = 5000;

/** A step that did not happen, in one sentence. */
export class StoryError extends Error {}

export class Plot {
  readonly #scene: Scene;
  readonly #typist: Typist;
  readonly #page: Page;

  constructor(scene: Scene, typist: Typist, page: Page) {
    this.#scene = scene;
    this.#typist = typist;
    this.#page = page;
  }

  /** Throws a StoryError at the first step that does not happen. */
  play(): void {
    this.#setUp();
    this.#twoTabs();
    this.#uninvited();
    this.#invite();
    this.#playTogether();
    this.#secondClaim();
    this.#close();
  }

  #setUp(): void {
    this.#page.chapter("0. Porter is switched on");
    for (const line of PORTER_SETUP) this.#type(line);
    this.#scene.settle();
  }

  #twoTabs(): void {
    const { network, tabs, porter } = this.#scene;
    const page = this.#page;
    page.chapter("1. Two browser tabs ask the same server at once");
    const loads = [tabs[0].load(`http://${WEB_SERVER}/news`), tabs[1].load(`http://${WEB_SERVER}/weather`)] as const;
    const isOpen = (): boolean => loads.every((load) => sessionOf(load)?.state === "ESTABLISHED");
    const sessionOf = (load: PageLoad): SessionInfo | undefined =>
      porter.nat.sessions().find((one) => one.insidePort === load.localPort && one.insideAddress === address(LAPTOP));
    demand(network.runUntil(isOpen, { limitMs: ROUND_TRIPS_MS }), "the tabs' connections did not open");
    const sessions = loads.map((load) => sessionOf(load)!);
    page.say(
      `The laptop gives each tab a port of its own: ${loads[0].localPort} and ${loads[1].localPort}. ` +
        `Out there nobody knows ${LAPTOP}, so Porter writes ${PORTER_WAN} and a port of its own on each letter, and ` +
        "notes in its book whom that port stands for:",
    );
    page.gap();
    this.#type("show nat");
    page.gap();
    this.#type("show sessions");

    demand(
      network.runUntil(() => loads.every((load) => load.isDone), { limitMs: ROUND_TRIPS_MS }),
      "the pages did not arrive",
    );
    page.table([
      ["tab", "its port", "the page it got"],
      ...loads.map((load, index) => [["one", "two"][index]!, `${load.localPort}`, load.body]),
    ]);
    for (const [index, load] of loads.entries()) {
      const asSeen = `${PORTER_WAN}:${sessions[index]!.externalPort}`;
      demand(load.isLoaded, `${load.url} did not load: ${load.failure}`);
      demand(load.body.includes(asSeen), `the page for port ${load.localPort} is not the one for ${asSeen}`);
    }
    demand(loads[0].localPort !== loads[1].localPort, "both tabs had the same port");
    demand(sessions[0]!.externalPort !== sessions[1]!.externalPort, "both tabs had the same external port");
    page.fact("Two answers to one address, and each went to its own tab.");
    this.#rest();
  }

  #uninvited(): void {
    const { network, porter, friend, game } = this.#scene;
    const page = this.#page;
    page.chapter("2. A friend knocks, and nobody has told Porter");
    const before = porter.drops.counts.wanUnsolicited;
    const client = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
    const startMs = network.nowMs;
    const isAnswered = network.runUntil(() => client.isConnected || client.isClosed, { limitMs: FRIENDS_PATIENCE_MS });
    const dropped = porter.drops.counts.wanUnsolicited - before;
    demand(!isAnswered, "the friend got an answer that nobody should have given");
    demand(dropped > 0, "nothing was dropped as unsolicited");
    demand(game.players.length === 0, "somebody reached the game server without a forward");
    page.say(
      `The friend at ${FRIEND} connects to ${PORTER_WAN}, port ${GAME_PORT}. That port is in nobody's name, and no ` +
        "letter from inside ever asked for this one, so it goes no further:",
    );
    page.gap();
    this.#type("explain last drop");
    page.gap();
    const seconds = Math.round((network.nowMs - startMs) / 1000);
    page.fact(
      `${dropped} tries in ${seconds} s, ${dropped} packets dropped, and the reason has a name: ` +
        `${dropReasonName("wanUnsolicited")}. The friend saw no answer at all and gave up; his socket was still in ` +
        `${client.socket.state}.`,
    );
    client.leave();
    this.#rest();
  }

  #invite(): void {
    const { porter } = this.#scene;
    this.#page.chapter("3. The owner tells Porter whose port that is");
    this.#type(`forward add tcp ${GAME_PORT} ${GAME_PC}`);
    this.#page.gap();
    this.#type("show ports");
    const forward = porter.nat.forwards.find("tcp", GAME_PORT);
    demand(forward?.insideAddress === address(GAME_PC), "the forward is not in Porter's book");
    this.#page.gap();
    this.#page.fact("One port space: what NAT gave away and what the owner decided stand in the same book.");
  }

  #playTogether(): void {
    const { network, friend, game } = this.#scene;
    const page = this.#page;
    page.chapter("4. The friend knocks again");
    page.say("The same address, the same port; this time somebody opens, and they talk:");
    const client = new GameClient(friend, address(PORTER_WAN), GAME_PORT);
    demand(
      network.runUntil(() => client.isConnected && client.heard.length > 0, { limitMs: ROUND_TRIPS_MS }),
      `the friend was not let in: ${client.failure ?? "no answer"}`,
    );
    client.say("good evening, house!");
    demand(
      network.runUntil(() => client.heard.length > 1, { limitMs: ROUND_TRIPS_MS }),
      "the game server did not answer",
    );
    const me = `${formatAddress(client.socket.localAddress)}:${client.socket.localPort}`;
    demand(game.players.includes(me), `the game server knows nobody at ${me}`);
    page.table([
      ["who", "says"],
      ["game server", client.heard[0]!],
      ["friend", game.heard[0]!],
      ["game server", client.heard[1]!],
    ]);
    this.#type(`show sessions ${GAME_PC}`);
    page.gap();
    page.fact(
      `The friend called ${PORTER_WAN}:${GAME_PORT}, and ${GAME_PC} answered. It sees the friend's true address, ${me}.`,
    );
    client.leave();
    this.#rest();
  }

  #secondClaim(): void {
    const { porter } = this.#scene;
    const page = this.#page;
    page.chapter("5. Somebody else wants the same port");
    page.say("The laptop would like to run a game server, too.");
    page.gap();
    const answer = this.#typist.type(`forward add tcp ${GAME_PORT} ${LAPTOP}`);
    page.console(`forward add tcp ${GAME_PORT} ${LAPTOP}`, answer);
    demand(answer.startsWith("error: "), "the second claim was accepted");
    demand(answer.includes(GAME_PC), "the refusal does not name the owner");
    page.gap();
    this.#type("show forwards");
    demand(porter.nat.forwards.list().length === 1, "the refused forward is in Porter's book");
    page.gap();
    page.fact("Refused, the owner named, and nothing changed.");
  }

  #close(): void {
    const { network } = this.#scene;
    const links = network.segments.map((segment) => `${segment.counters.sent} on the ${segment.name}`);
    this.#page.gap();
    this.#page.say(
      `That was the story: ${(network.nowMs / 1000).toFixed(1)} s of the network's own time, and so many frames: ` +
        `${links.join(", ")}. The same seed plays it again, frame by frame; npm\u00a0start\u00a0--\u00a0--seed\u00a02 gives other ports, ` +
        "and npm\u00a0start\u00a0--\u00a0--pcap\u00a0DIR records every frame for Wireshark.",
    );
  }

  /** Types a line that must be right. */
  #type(line: string): void {
    const answer = this.#typist.type(line);
    this.#page.console(line, answer);
    demand(!answer.startsWith("error: "), `"${line}" was refused: ${answer.trim()}`);
  }

  /** Lets what is under way come to its end. */
  #rest(): void {
    this.#scene.network.runUntilIdle();
  }
}

function demand(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new StoryError(otherwise);
}

function address(text: string): number {
  return parseAddress(text) as number;
}
