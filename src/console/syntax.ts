/**
 * A command's syntax, taken apart: a syntax with optional parts is a few variants without.
 *
 * Tables of commands are taken apart when their module is loaded, which for a board is when it is built: it has them in
 * flash, and their 1,200 slots not in RAM.
 */
import { freezeRows } from "../core/freeze.js";
import type { Command, Variant, Word } from "./command.js";

export function splitWords(line: string): string[] {
  return line.split(/[ \t]+/).filter((word) => word !== "");
}

/** A table of commands, frozen through and through. */
export function commandTable(commands: readonly Command[]): readonly Command[] {
  return freezeRows(
    commands.map((command) => {
      const whole: { -readonly [key in keyof Command]: Command[key] } = { ...command };
      whole.variants = variantsOf(whole);
      return whole;
    }),
  );
}

/** Frozen; what they are made of is the command's. */
export function variantsOf(command: Command): readonly Variant[] {
  return freezeRows(
    expandSyntax(command.pattern ?? command.syntax).map((words) => ({
      command,
      words: freezeRows(words.map(parseWord)),
    })),
  );
}

function expandSyntax(syntax: string): string[][] {
  let variants: string[][] = [[]];
  // A bracketed group, or a word. Not a constant of the module: a global pattern's position could not move in ROM.
  for (const part of syntax.match(/\[[^\]]*\]|\S+/g) ?? []) {
    const isOptional = part.startsWith("[");
    const added = splitWords(isOptional ? part.slice(1, -1) : part);
    const longer = variants.map((words) => [...words, ...added]);
    variants = isOptional ? [...variants, ...longer] : longer;
  }
  return variants;
}

function parseWord(text: string): Word {
  const isRest = text.endsWith("...");
  const choices = (isRest ? text.slice(0, -3) : text).split("|");
  const value = choices.find((choice) => /^[A-Z]/.test(choice)) ?? "";
  return { literals: Object.freeze(choices.filter((choice) => choice !== value)), value, isRest };
}
