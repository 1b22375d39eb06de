/** The console of the story's network for somebody at a terminal, while its time goes on in step with the clock. */
import type { ConsoleOptions } from "../../src/console/console.js";
import { TerminalConsole } from "../terminalConsole.js";
import type { Page } from "./page.js";
import type { Scene } from "./scene.js";
import { storyVerbs } from "./verbs.js";

const TICK_MS = 20;

/** Returns when the reader has had enough. */
export async function liveConsole(scene: Scene, page: Page, options: ConsoleOptions): Promise<void> {
  page.chapter("Your turn");
  page.say("This is Porter's console. The network is still there, and its time goes on while you type.");
  page.table([
    ["try", "to see"],
    ["show nat", "whom each port stands for"],
    ["friend connect 25565", "the forward at work"],
    ["laptop connect 25565", "a hairpin: out to the WAN address, and back in"],
    ["forward disable tcp 25565", "the friend knock in vain again"],
    ["laptop load", "one more page, with one more port"],
    ["ping 198.51.100.80", "Porter's own packets, in step with your clock"],
    ["show top", "who fills the tables"],
    ["explain last drop", "why the friend was not let in"],
    ["wait 240", "closed sessions expire: time leaps here"],
    ["help, or the Tab key", "everything there is; quit leaves"],
  ]);
  let lastMs = performance.now();
  const goOn = (): void => {
    const nowMs = performance.now();
    scene.network.runFor(nowMs - lastMs);
    lastMs = nowMs;
  };
  await new Promise<void>((resolve) => {
    const terminal = new TerminalConsole({
      ...options,
      commands: storyVerbs(scene),
      act: (action) => {
        goOn();
        action();
      },
      onQuit: () => {
        clearInterval(ticks);
        terminal.close();
        resolve();
      },
    });
    const ticks = setInterval(() => {
      goOn();
      terminal.console.poll();
    }, TICK_MS);
  });
}
