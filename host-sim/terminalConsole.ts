/** The console for somebody at this terminal: line editing, history and completion by Node's readline. */
import { createInterface } from "node:readline";
import { Console, type ConsoleOptions } from "../src/console/console.js";
import { PROMPT } from "../src/console/session.js";

export interface TerminalConsoleOptions extends ConsoleOptions {
  /** Carries out what a line asks for, with the gateway's clock at the present time. */
  readonly act: (action: () => void) => void;
  /** The user has had enough: `quit`, Ctrl-D, or Ctrl-C while no command runs. */
  readonly onQuit: () => void;
}

export class TerminalConsole {
  /** To be polled after the gateway. */
  readonly console: Console;
  readonly #terminal;
  #isOpen = true;

  constructor({ act, onQuit, ...options }: TerminalConsoleOptions) {
    const quit = { syntax: "quit", summary: "leave", example: "quit", run: () => this.#quit(onQuit) };
    this.console = new Console({ ...options, commands: [...(options.commands ?? []), quit] });
    this.#terminal = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: PROMPT,
      completer: (line: string) => this.#complete(line),
    });
    this.#terminal.on("line", (line) => {
      act(() => {
        this.console.execute(
          line,
          (text) => process.stdout.write(text),
          () => this.#prompt(),
        );
      });
    });
    this.#terminal.on("SIGINT", () => {
      if (this.console.isBusy) this.console.interrupt();
      else this.#quit(onQuit);
    });
    this.#terminal.on("close", () => this.#quit(onQuit));
    this.#prompt();
  }

  /** Gives the terminal back. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.console.interrupt();
    this.#terminal.close();
    process.stdout.write("\n");
  }

  #quit(onQuit: () => void): string {
    if (this.#isOpen) onQuit();
    return "";
  }

  #prompt(): void {
    if (this.#isOpen) this.#terminal.prompt();
  }

  /** As readline wants it: what may stand there, and what stands there now. */
  #complete(line: string): [string[], string] {
    return [this.console.complete(line).map((word) => `${word} `), /\S*$/.exec(line)?.[0] ?? ""];
  }
}
