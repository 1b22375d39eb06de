/** Commands about the console and the device as a whole. */

import { encodeSaved } from "../../config/savedConfig.js";
import { type Command, type CommandContext, CommandError, quote, runningConfig } from "../command.js";
import { commandTable } from "../syntax.js";
import { count, TERMINAL_COLUMNS, wrapWords } from "../table.js";
import { caveatOf } from "./names.js";

/** Leaves 50 characters for a summary on a line of 80. */
const SYNTAX_COLUMNS = 28;
const SUMMARY_COLUMNS = TERMINAL_COLUMNS - SYNTAX_COLUMNS - 2;
/** So many explanations fit on a screen of 24 lines; more commands are only listed. */
const MAX_EXPLAINED = 3;

export const SYSTEM_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "clear nat",
    summary: "end all NAT sessions",
    details: "Forwards stay. Programs behind Porter see their connections stall, and open new\nones.\n",
    example: "clear nat",
    run({ gateway: { nat } }) {
      const ended = nat.sessionCount;
      nat.clear();
      return `ended ${count(ended, "session")}\n`;
    },
  },
  {
    syntax: "save",
    summary: "store the configuration for the next start",
    example: "save",
    run(context) {
      const { storage } = context;
      const script = runningConfig(context);
      storage.write(encodeSaved(script));
      return `saved ${count(script.split("\n").length - 1, "line")}${caveatOf(storage)}\n`;
    },
  },
  {
    syntax: "help [all|COMMAND...]",
    summary: "list the commands, or explain one",
    details: '"help all" has a line for every form of every command.\n',
    example: "help forward add",
    run: help,
  },
]);

function help({ commands }: CommandContext, [, ...given]: readonly string[]): string {
  const words = given.map((word) => word.toLowerCase());
  if (words.length === 0) return overview(commands);
  if (words.join(" ") === "all") return commandList(commands);
  const begun = commands.filter((command) => beginsWith(command.syntax, words));
  // A word from the middle, such as dmz, leads to its commands, too.
  const wanted = begun.length > 0 ? begun : commands.filter((command) => hasWords(command.syntax, words));
  if (wanted.length === 0) {
    throw new CommandError(`no command begins with ${quote(given.join(" "))}; "help" lists all commands`);
  }
  return wanted.length > MAX_EXPLAINED ? commandList(wanted) : wanted.map(explain).join("\n");
}

function explain({ syntax, summary, details = "", example }: Command): string {
  return `${syntax}\n${summary}\n${details}example: ${example}\n`;
}

/** Each summary beside its syntax, or below where that is long. */
function commandList(commands: readonly Command[]): string {
  const lines = commands.map(({ syntax, summary }) => {
    const fits = syntax.length <= SYNTAX_COLUMNS;
    return `${fits ? syntax.padEnd(SYNTAX_COLUMNS) : `${syntax}\n${"".padEnd(SYNTAX_COLUMNS)}`}  ${summary}\n`;
  });
  return lines.join("");
}

/** A screenful: those that begin with the same word on one line, with the words that may follow. */
function overview(commands: readonly Command[]): string {
  const verbs = commands.map(({ syntax }) => syntax.split(" ")[0] as string);
  const lines = verbs.map((verb, index) => {
    if (verbs.indexOf(verb) !== index) return "";
    const alike = commands.filter((_, other) => verbs[other] === verb);
    if (alike.length === 1) return commandList(alike);
    const next = alike.flatMap(({ syntax }) => syntax.split(" ")[1]?.split("|") ?? []);
    const words = wrapWords(next.filter((word, at) => next.indexOf(word) === at).join(" "), SUMMARY_COLUMNS);
    return words.map((part, row) => `${(row === 0 ? verb : "").padEnd(SYNTAX_COLUMNS)}  ${part}\n`).join("");
  });
  return `${lines.join("")}"help set" tells more of those that begin with set, "help all" of all\n`;
}

function hasWords(syntax: string, words: readonly string[]): boolean {
  const all = syntax.split(/[ |]/);
  return words.every((word) => all.includes(word));
}

function beginsWith(syntax: string, words: readonly string[]): boolean {
  const heads = syntax.split(" ");
  return words.every((word, index) => heads[index]?.split("|").includes(word));
}
