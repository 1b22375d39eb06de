/**
 * Finds the command that a line means, and says in one sentence what is wrong with a line that means none.
 *
 * A syntax with optional parts is a few variants without. The variant that takes the most words of a line is the one the
 * user meant; of several, the one with the most literal words.
 */
import { type Command, CommandError, quote, type Variant, type Word } from "./command.js";
import { splitWords, variantsOf } from "./syntax.js";
import { VALUES } from "./values.js";

/** A command and the words that call it; those that are the command's own are in lower case. */
export interface Call {
  readonly command: Command;
  readonly words: readonly string[];
}

interface Match {
  readonly variant: Variant;
  /** Words of the line that fit. */
  readonly taken: number;
  readonly literals: number;
  readonly isWhole: boolean;
}

export class Grammar {
  readonly #variants: readonly Variant[];

  constructor(commands: readonly Command[]) {
    this.#variants = commands.flatMap((command) => command.variants ?? variantsOf(command));
  }

  /** What `words` (at least one) call. Throws a CommandError. */
  find(words: readonly string[]): Call {
    const matches = this.#bestMatches(words);
    const best = matches[0] as Match;
    checkValues(best, words);
    if (best.isWhole) return { command: best.variant.command, words: inLowerCase(best.variant, words) };
    throw new CommandError(best.taken < words.length ? this.#wrongWord(matches, words) : missingWord(matches, words));
  }

  /** What the last word of an unfinished line may become; "" at its end stands for a word not begun. */
  complete(line: string): string[] {
    const words = splitWords(line);
    const begun = line === "" || /\s$/.test(line) ? "" : (words.pop() ?? "");
    const literals = this.#variants
      .filter((variant) => match(variant, words).taken === words.length)
      .flatMap((variant) => wordAt(variant, words.length)?.literals ?? []);
    return unique(literals.filter((literal) => literal.startsWith(begun.toLowerCase()))).sort();
  }

  /** Best first; all of them take equally many words. */
  #bestMatches(words: readonly string[]): Match[] {
    const matches = this.#variants.map((variant) => match(variant, words));
    const furthest = Math.max(...matches.map((one) => one.taken));
    return matches
      .filter((one) => one.taken === furthest)
      .sort((a, b) => b.literals - a.literals || Number(b.isWhole) - Number(a.isWhole));
  }

  #wrongWord(matches: readonly Match[], words: readonly string[]): string {
    const taken = (matches[0] as Match).taken;
    const wrong = words[taken] as string;
    const before = words.slice(0, taken).join(" ");
    const choices = nextLiterals(matches);
    const similar = choices.find((choice) => isSimilar(wrong.toLowerCase(), choice));
    if (taken === 0) {
      const meant = similar === undefined ? this.#commandsWith(wrong.toLowerCase()) : [`"${similar}"`];
      return `unknown command ${quote(wrong)}; ${meant.length > 0 ? `did you mean ${listOf(meant)}?` : `"help" lists all commands`}`;
    }
    if (similar !== undefined) return `${quote(wrong)} is unknown after ${quote(before)}; did you mean "${similar}"?`;
    if (choices.length > 0) return `${quote(wrong)} is unknown after ${quote(before)}; use ${listOf(choices)}`;
    return `${quote(wrong)} is a word too many; ${quote(before)} is complete without it`;
  }

  /** The beginnings, in quotes, of commands that have `word` in the second place. */
  #commandsWith(word: string): string[] {
    const begun = this.#variants.filter((variant) => variant.words[1]?.literals.includes(word));
    return unique(begun.map((variant) => `"${variant.words[0]?.literals[0] ?? ""} ${word}"`));
  }
}

/** What stands at a place of a line: the last word of a variant may go on. */
function wordAt({ words }: Variant, index: number): Word | undefined {
  const last = words[words.length - 1];
  return words[index] ?? (last?.isRest ? last : undefined);
}

function missingWord(matches: readonly Match[], words: readonly string[]): string {
  const best = matches.filter((one) => one.literals === (matches[0] as Match).literals);
  const kinds = best.map((one) => one.variant.words[one.taken]?.value ?? "").filter((kind) => kind !== "");
  const needs = unique([...kinds.map((kind) => VALUES[kind]?.what ?? kind), ...nextLiterals(best)]);
  const example = [...words, ...sampleRest(best[0] as Match)].join(" ");
  return `${quote(words.join(" "))} is incomplete; it needs ${listOf(needs)} next, e.g. ${example}`;
}

/** Words that would complete a match: those of the command's example, as far as it goes. */
function sampleRest({ variant, taken }: Match): string[] {
  const example = splitWords(variant.command.example);
  return variant.words
    .slice(taken)
    .map((word, index) => example[taken + index] ?? word.literals[0] ?? VALUES[word.value]?.sample ?? word.value);
}

function checkValues({ variant, taken }: Match, words: readonly string[]): void {
  for (let i = 0; i < taken; i++) {
    const word = variant.words[i];
    const given = words[i] as string;
    if (word === undefined || word.isRest) return;
    if (!isLiteral(word, given)) VALUES[word.value]?.read(given);
  }
}

/** A serial terminal may be stuck in upper case. */
function isLiteral(word: Word, given: string): boolean {
  return word.literals.includes(given.toLowerCase());
}

function inLowerCase(variant: Variant, words: readonly string[]): string[] {
  return words.map((given, index) => {
    const word = variant.words[index];
    return word !== undefined && isLiteral(word, given) ? given.toLowerCase() : given;
  });
}

function match(variant: Variant, words: readonly string[]): Match {
  let taken = 0;
  let literals = 0;
  for (const word of variant.words) {
    const given = words[taken];
    if (given === undefined) return { variant, taken, literals, isWhole: false };
    if (word.isRest) return { variant, taken: words.length, literals, isWhole: true };
    const isOwn = isLiteral(word, given);
    if (!isOwn && word.value === "") return { variant, taken, literals, isWhole: false };
    if (isOwn) literals++;
    taken++;
  }
  return { variant, taken, literals, isWhole: taken === words.length };
}

function nextLiterals(matches: readonly Match[]): string[] {
  return unique(matches.flatMap((one) => one.variant.words[one.taken]?.literals ?? []));
}

/** `a, b or c` */
function listOf(choices: readonly string[]): string {
  const last = choices[choices.length - 1] as string;
  return choices.length === 1 ? last : `${choices.slice(0, -1).join(", ")} or ${last}`;
}

function unique(words: readonly string[]): string[] {
  return words.filter((word, index) => words.indexOf(word) === index);
}

/** One letter too many, too few, wrong, or swapped with its neighbour; or the beginning of the word. */
function isSimilar(given: string, word: string): boolean {
  if (given === word || (given.length > 1 && word.startsWith(given))) return true;
  let start = 0;
  while (start < given.length && given[start] === word[start]) start++;
  const [a, b] = [given.slice(start), word.slice(start)];
  const isSwapped = a.length > 1 && a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2);
  return isSwapped || a.slice(1) === b || a === b.slice(1) || (a.slice(1) === b.slice(1) && word.length > 2);
}
