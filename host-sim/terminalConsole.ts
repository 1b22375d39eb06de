/** The console for somebody at this terminal: line editing, history and completion by Node's readline. */
import { createInterface } from "node:readline";
import { Console, type ConsoleOptions } from "../src/console/console.js";
import { PROMPT } from "../src/console/session.js";
import { TERMINAL_COLUMNS, wrapWords } from "../src/console/table.js";
import { MutableOutput } from "./mutableOutput.js";
import { quitCommand } from "./quitCommand.js";

export interface TerminalConsoleOptions extends ConsoleOptions {
  /** Carries out what a line asks for, with the gateway's clock at the present time. */
  readonly act: (action: () => void) => void;
  /** The user has had enough: `quit`, or Ctrl-D or Ctrl-C on an empty line. */
  readonly onQuit: () => void;
}

/**
 * What is typed while a command runs is not shown before the command's end, so that it does not land in the output. Whole
 * lines wait for it, as in a ConsoleSession; an empty line or Ctrl-C ends the command.
 */
export class TerminalConsole {
  /** To be polled after the gateway. */
  readonly console: Console;
  readonly #output = new MutableOutput(process.stdout);
  readonly #terminal;
  readonly #act: (action: () => void) => void;
  readonly #waiting: string[] = [];
  #isOpen = true;

  constructor({ act, onQuit, ...options }: TerminalConsoleOptions) {
    const quit = (): void => {
      if (this.#isOpen) onQuit();
    };
    this.#act = act;
    this.console = new Console({ ...options, commands: [...(options.commands ?? []), quitCommand("leave", quit)] });
    this.#terminal = createInterface({
      input: process.stdin,
      output: this.#output,
      terminal: true,
      prompt: PROMPT,
      completer: (line: string) => this.#complete(line),
    });
    this.#terminal.on("line", (line) => this.#take(line));
    this.#terminal.on("SIGINT", () => {
      if (this.console.isBusy) this.#interrupt();
      else if (this.#terminal.line !== "") this.#dropLine();
      else quit();
    });
    this.#terminal.on("close", quit);
    this.#terminal.prompt();
  }

  /** Gives the terminal back. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.console.interrupt();
    this.#terminal.close();
    process.stdout.write("\n");
  }

  /** Shows text that answers no line: above the prompt and what has been typed, if they are there. */
  show(text: string): void {
    if (this.#output.isMuted) {
      print(text);
      return;
    }
    process.stdout.write("\r\x1b[J");
    print(text);
    this.#terminal.prompt(true);
  }

  #take(line: string): void {
    if (!this.console.isBusy) this.#act(() => this.#execute(line));
    else if (line.trim() === "") this.#interrupt();
    else this.#waiting.push(line);
  }

  #execute(line: string): void {
    this.#output.isMuted = true;
    this.console.execute(line, print, () => this.#goOn());
  }

  /** After a command: the line that waits, or the prompt and what has been typed of the next line. */
  #goOn(): void {
    if (!this.#isOpen) return;
    const line = this.#waiting.shift();
    if (line !== undefined) {
      process.stdout.write(`${PROMPT}${line}\n`);
      this.#execute(line);
      return;
    }
    this.#output.isMuted = false;
    this.#terminal.prompt(true);
  }

  #interrupt(): void {
    this.#waiting.length = 0;
    this.#act(() => this.console.interrupt());
  }

  /** As a shell does: the line stays to be seen, and a new one begins. */
  #dropLine(): void {
    this.#terminal.write(null, { ctrl: true, name: "e" });
    process.stdout.write("^C\n");
    this.#output.isMuted = true;
    this.#terminal.write(null, { ctrl: true, name: "u" });
    this.#output.isMuted = false;
    this.#terminal.prompt();
  }

  /** As readline wants it: what may stand there, and what stands there now. */
  #complete(line: string): [string[], string] {
    return [this.console.complete(line).map((word) => `${word} `), /\S*$/.exec(line)?.[0] ?? ""];
  }
}

/** Sentences that are too long for the terminal are broken between words; the rows of a table are left to it. */
function print(text: string): void {
  const columns = process.stdout.columns || TERMINAL_COLUMNS;
  const lines = text.split("\n").flatMap((line) => {
    return line.length <= columns || line.includes("  ") ? line : wrapWords(line, columns);
  });
  process.stdout.write(lines.join("\n"));
}
