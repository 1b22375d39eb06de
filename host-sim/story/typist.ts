import { Console, type ConsoleOptions } from "../../src/console/console.js";
import type { Network } from "../network/network.js";

/** How finely time is cut while a command such as ping runs. */
const SLICE_MS = 10;

/** Somebody at Porter's console in a simulated network, where time passes only while a command takes its time. */
export class Typist {
  readonly console: Console;
  readonly #network: Network;

  constructor(network: Network, options: ConsoleOptions) {
    this.#network = network;
    this.console = new Console(options);
  }

  /** Types a line, waits for its end, and returns what the console printed. */
  type(line: string): string {
    let answer = "";
    this.console.execute(line, (text) => {
      answer += text;
    });
    while (this.console.isBusy) {
      this.#network.runFor(SLICE_MS);
      this.console.poll();
    }
    return answer;
  }
}
