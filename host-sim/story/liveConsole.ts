/** The console of the story's network for somebody at a terminal, while its time goes on in step with the clock. */
import { createInterface } from "node:readline";
import { Console, type ConsoleOptions } from "../../src/console/console.js";
import { PROMPT } from "../../src/console/session.js";
import type { Page } from "./page.js";
import type { Scene } from "./scene.js";
import { storyVerbs } from "./verbs.js";

const TICK_MS = 20;

/** Returns when the reader has had enough: `quit`, Ctrl-D, or Ctrl-C while no command runs. */
export async function liveConsole(scene: Scene, page: Page, options: ConsoleOptions): Promise<void> {
  page.chapter("Your turn");
  page.say(
    "This is Porter's console, and the network is still there: its time goes on while you type. Try `show nat`, " +
      "`friend connect 25565`, `laptop connect 25565`, `forward disable tcp 25565`, `laptop load`, " +
      "`ping 198.51.100.80`, `wait 240`. Tab completes, `help` lists everything, `quit` leaves.",
  );
  page.gap();
  await new Promise<void>((resolve) => {
    const console = new Console({ ...options, commands: storyVerbs(scene, () => terminal.close()) });
    const terminal = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: PROMPT,
      completer: (line: string) => [console.complete(line).map((word) => `${word} `), /\S*$/.exec(line)?.[0] ?? ""],
    });
    let isOpen = true;
    const prompt = (): void => {
      if (isOpen) terminal.prompt();
    };
    let lastMs = performance.now();
    const goOn = (): void => {
      const nowMs = performance.now();
      scene.network.runFor(nowMs - lastMs);
      lastMs = nowMs;
      console.poll();
    };
    const ticks = setInterval(goOn, TICK_MS);

    terminal.on("line", (line) => {
      goOn();
      console.execute(line, (text) => process.stdout.write(text), prompt);
    });
    terminal.on("SIGINT", () => {
      if (console.isBusy) console.interrupt();
      else terminal.close();
    });
    terminal.on("close", () => {
      isOpen = false;
      clearInterval(ticks);
      console.interrupt();
      process.stdout.write("\n");
      resolve();
    });
    prompt();
  });
}
