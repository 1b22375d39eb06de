/** What the reader can let the others in the story's network do, as commands beside Porter's own. */

import type { Activity, Command } from "../../src/console/command.js";
import { parseAddress } from "../../src/core/address.js";
import type { Host } from "../../src/host.js";
import { GameClient } from "../hosts/gameClient.js";
import { PORTER_WAN, type Scene, WEB_SERVER } from "./scene.js";

const PATIENCE_MS = 5000;

export function storyVerbs(scene: Scene): readonly Command[] {
  return [
    {
      syntax: "laptop load",
      summary: "open a page of the web server on the laptop",
      example: "laptop load",
      run: () => loadPage(scene),
    },
    {
      syntax: "friend|laptop connect PORT",
      summary: "connect one of them to a TCP port of the house",
      details: "From the laptop this is a hairpin: out to the WAN address and back in.\n",
      example: "friend connect 25565",
      run: (_, [who, , port]) => connect(scene, who === "friend" ? scene.friend : scene.laptop, Number(port)),
    },
    {
      syntax: "wait SECONDS",
      summary: "let this network's time leap, to see what expires",
      example: "wait 240",
      run: (_, [, seconds]) => {
        scene.network.runFor(Number(seconds) * 1000);
        return `${seconds} s later\n`;
      },
    },
  ];
}

function loadPage({ network, tabs }: Scene): Activity {
  const load = tabs[0].load(`http://${WEB_SERVER}/`);
  return waiting(network.nowMs + PATIENCE_MS, () => network.nowMs, {
    isOver: () => load.isDone,
    finish: (isOver) => {
      if (!isOver) return `port ${load.localPort}: no answer yet\n`;
      return `port ${load.localPort}: ${load.isLoaded ? load.body : load.failure}\n`;
    },
  });
}

function connect({ network }: Scene, host: Host, port: number): Activity {
  const client = new GameClient(host, parseAddress(PORTER_WAN) as number, port);
  client.say("hello");
  return waiting(network.nowMs + PATIENCE_MS, () => network.nowMs, {
    isOver: () => client.isClosed || client.heard.length > 1,
    finish: () => {
      const state = client.socket.state;
      client.leave();
      if (client.heard.length > 0) return client.heard.map((line) => `${line}\n`).join("");
      if (client.isConnected) return "connected, and nobody spoke\n";
      return client.isClosed ? `${client.failure}\n` : `no answer in ${PATIENCE_MS / 1000} s; gave up in ${state}\n`;
    },
  });
}

interface Outcome {
  isOver(): boolean;
  /** Ends what was begun, and says what came of it. */
  finish(isOver: boolean): string;
}

/** Waits for an outcome, but no longer than to `deadlineMs`. */
function waiting(deadlineMs: number, nowMs: () => number, outcome: Outcome): Activity {
  let isDone = false;
  const end = (): string => {
    isDone = true;
    return outcome.finish(outcome.isOver());
  };
  return {
    poll: () => (outcome.isOver() || nowMs() >= deadlineMs ? end() : ""),
    interrupt: end,
    get isDone() {
      return isDone;
    },
    nextDeadline: () => deadlineMs,
  };
}
