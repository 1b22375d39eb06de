/** What a console command is. The grammar, `help` and completion all read these declarations. */
import { configScript } from "../config/script.js";
import type { Gateway } from "../gateway.js";
import type { Storage } from "../platform/storage.js";
import type { UpdateReceiver } from "../services/updateReceiver.js";
import type { Wifi } from "../wifi/wifi.js";

export interface Command {
  /**
   * The words of the command. Lower-case words stand for themselves, upper-case words for values (`values.ts`), `a|b` for a
   * choice, `[...]` for what may be left out.
   */
  readonly syntax: string;
  /** What the variants are made of, where `syntax` does not name all words that completion should offer. */
  readonly pattern?: string;
  /** One line for the list that `help` prints. */
  readonly summary: string;
  /** More lines for `help COMMAND`. */
  readonly details?: string;
  /** A whole line that works. */
  readonly example: string;
  /**
   * Carries the command out. `words` fit the syntax. The answer is text whose lines end with "\n", or something that takes
   * a while. Throws an Error of one sentence, and changes nothing, when it cannot be done.
   */
  run(context: CommandContext, words: readonly string[]): string | Activity;
  /** The syntax taken apart, for commands of a `commandTable`. */
  readonly variants?: readonly Variant[];
}

/** What may stand at one place of a line. */
export interface Word {
  readonly literals: readonly string[];
  /** The kind of value that is possible in its place; "" for none. */
  readonly value: string;
  /** It takes all words that are left. */
  readonly isRest: boolean;
}

/** One way to write a command: a syntax with optional parts is several. */
export interface Variant {
  readonly command: Command;
  readonly words: readonly Word[];
}

export interface CommandContext {
  readonly gateway: Gateway;
  readonly storage: Storage;
  /** Of the product. */
  readonly version: string;
  readonly commands: readonly Command[];
  readonly device?: DeviceSide;
}

/** What a device adds to what the console shows and saves. */
export interface DeviceSide {
  /** Lines for `show version`, each ended by "\n". */
  about(): string;
  /** The commands that reproduce the device's own settings, one a line; "" when all have their defaults. */
  script(): string;
  /** Of a device with a radio. */
  readonly wifi?: Wifi;
  /** Of a device that takes a new firmware over the network. */
  readonly updates?: UpdateReceiver;
  /** Of a device that can start anew: soon, when the answer is out; `isFresh` without the sessions that there are. */
  readonly restart?: (isFresh: boolean) => void;
  /** Of such a device: `Console.configFingerprint` when the last start was over. */
  readonly startedAs?: () => number;
  /** Of a device whose drivers count. */
  readonly driverTable?: () => string;
}

/** For the commands of a part that the device has. */
export function partOf<Name extends "wifi" | "updates" | "restart" | "driverTable">(
  { device }: CommandContext,
  name: Name,
): NonNullable<DeviceSide[Name]> {
  const part = device?.[name];
  if (part == null) throw new CommandError("this device cannot do that");
  return part;
}

/** The running configuration: the gateway's, then the device's. */
export function runningConfig({ gateway, device }: CommandContext): string {
  return configScript(gateway) + (device?.script() ?? "");
}

/** A command that takes a while. */
export interface Activity {
  /** Does what is due, and returns what there is to print. Throws an Error of one sentence when it cannot go on. */
  poll(): string;
  /** Ends it, and returns what there is to print. */
  interrupt(): string;
  readonly isDone: boolean;
  /** When `poll` has something to do, in ms of the gateway's clock. */
  nextDeadline(): number;
}

/** A line that the console cannot carry out: the message is the sentence after `error: `. */
export class CommandError extends Error {}

export { quote } from "../core/quote.js";
