/**
 * The console: carries out one line of text on a gateway. It has no terminal and no clock of its own; `ConsoleSession`
 * makes a dialogue of it. Several consoles may serve one gateway.
 */

import { NEVER } from "../core/clock.js";
import type { Gateway } from "../gateway.js";
import type { Storage } from "../platform/storage.js";
import { type Activity, type Command, type CommandContext, CommandError, type DeviceSide } from "./command.js";
import { EXPLAIN_COMMANDS } from "./commands/explain.js";
import { FIREWALL_COMMANDS } from "./commands/firewall.js";
import { FORWARD_COMMANDS } from "./commands/forward.js";
import { INTERFACE_COMMANDS } from "./commands/interface.js";
import { PING_COMMANDS } from "./commands/ping.js";
import { SET_COMMANDS } from "./commands/set.js";
import { SHOW_COMMANDS } from "./commands/show.js";
import { SHOW_NAT_COMMANDS } from "./commands/showNat.js";
import { SYSTEM_COMMANDS } from "./commands/system.js";
import { Grammar } from "./grammar.js";
import { splitWords } from "./syntax.js";
import { configFingerprint } from "./unsaved.js";

/** The longest command is under 100 characters. */
export const MAX_LINE_CHARACTERS = 256;

export interface ConsoleOptions {
  /** Or who says which one it is now: after a restart a simulator's is another one. */
  readonly gateway: Gateway | (() => Gateway);
  readonly storage: Storage;
  /** Of the product, for `show version`. */
  readonly version: string;
  /** Commands that the surroundings add, such as a way to quit. */
  readonly commands?: readonly Command[];
  readonly device?: DeviceSide;
}

const ERROR_PREFIX = "error: ";

/** How a line ended. */
export type Outcome = "ok" | "error";

export type Write = (text: string) => void;

export class Console {
  readonly #context: CommandContext;
  readonly #grammar: Grammar;
  /** Set while a command takes a while. */
  #activity: Activity | undefined;
  #write: Write = () => {};
  #done: (outcome: Outcome) => void = () => {};

  constructor({ gateway, storage, version, commands = [], device }: ConsoleOptions) {
    const all = [
      ...SET_COMMANDS,
      ...INTERFACE_COMMANDS,
      ...FORWARD_COMMANDS,
      ...FIREWALL_COMMANDS,
      ...SHOW_NAT_COMMANDS,
      ...SHOW_COMMANDS,
      ...EXPLAIN_COMMANDS,
      ...PING_COMMANDS,
      ...SYSTEM_COMMANDS,
      ...commands,
    ];
    this.#context = {
      get gateway() {
        return typeof gateway === "function" ? gateway() : gateway;
      },
      storage,
      version,
      commands: all,
      ...(device === undefined ? {} : { device }),
    };
    this.#grammar = new Grammar(all);
  }

  /**
   * Carries out one line, without its line end. What there is to print goes to `write`, in lines that end with "\n": an
   * answer, or one line that begins with `error: `. `done` is called when it is over: at once, or from `poll` or
   * `interrupt`. A line that comes while a command runs interrupts that. Empty lines and lines that begin with "#" do
   * nothing. Never throws, whatever the line.
   */
  execute(line: string, write: Write, done: (outcome: Outcome) => void = () => {}): void {
    this.interrupt();
    const answer = this.#answer(line);
    if (typeof answer === "string") {
      if (answer !== "") write(answer);
      done(outcomeOf(answer));
      return;
    }
    this.#activity = answer;
    this.#write = write;
    this.#done = done;
  }

  /** True while a command runs. */
  get isBusy(): boolean {
    return this.#activity !== undefined;
  }

  /** Of the running configuration and the saved one: another number when either has changed. */
  get configFingerprint(): number {
    return configFingerprint(this.#context);
  }

  /** Ends the command that runs, if one does. */
  interrupt(): void {
    const activity = this.#activity;
    if (activity !== undefined) this.#proceed(activity, () => activity.interrupt());
  }

  /** Carries on with the command that runs; to be called after the gateway's `poll`, and after frames came in. */
  poll(): void {
    const activity = this.#activity;
    if (activity !== undefined) this.#proceed(activity, () => activity.poll());
  }

  /** When `poll` has something to do, in ms of the gateway's clock; NEVER if no command runs. Frames may bring it forward. */
  nextDeadline(): number {
    return this.#activity === undefined ? NEVER : this.#activity.nextDeadline();
  }

  /** What the last word of an unfinished line may become; "" at the line's end stands for a word not begun. */
  complete(line: string): string[] {
    return this.#grammar.complete(line);
  }

  #answer(line: string): string | Activity {
    return attempt(() => {
      if (line.length > MAX_LINE_CHARACTERS) {
        throw new CommandError(`the line is longer than the ${MAX_LINE_CHARACTERS} characters a line may have`);
      }
      const words = splitWords(line);
      if (words.length === 0 || (words[0] as string).startsWith("#")) return "";
      const call = this.#grammar.find(words);
      return call.command.run(this.#context, call.words);
    });
  }

  #proceed(activity: Activity, step: () => string): void {
    const text = attempt(step);
    const outcome = outcomeOf(text);
    const isOver = activity.isDone || outcome === "error";
    // `write` and `done` may give the next line: the console is ready for it before they are called.
    const write = this.#write;
    const done = this.#done;
    if (isOver) this.#activity = undefined;
    if (text !== "") write(text);
    if (isOver) done(outcome);
  }
}

/** What `step` answers, or the error that it throws. */
function attempt<T>(step: () => T): T | string {
  try {
    return step();
  } catch (error) {
    return `${ERROR_PREFIX}${(error as Error).message}\n`;
  }
}

function outcomeOf(text: string): Outcome {
  return text.startsWith(ERROR_PREFIX) ? "error" : "ok";
}
