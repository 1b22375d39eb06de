/** How the story looks on a terminal: as wide as it is, and with colours only where they are wanted. */
import { styleText } from "node:util";
import { TERMINAL_COLUMNS, wrapWords } from "../../src/console/table.js";

const INDENT = "  ";
const CONSOLE_INDENT = "    ";

/** What a text is, which decides its colour. */
type Style = Parameters<typeof styleText>[0];

export class Page {
  readonly #write: (text: string) => void;
  readonly #hasColours: boolean;
  readonly #columns: number;

  constructor(write: (text: string) => void, hasColours: boolean, columns = TERMINAL_COLUMNS) {
    this.#columns = columns;
    this.#write = write;
    this.#hasColours = hasColours;
  }

  /** A drawing, as it stands; words between asterisks are emphasised. */
  picture(drawing: string): void {
    this.#write(`${drawing.replace(/\*([^*]+)\*/g, (_, words: string) => this.#styled("bold", words))}\n`);
  }

  /** Begins a chapter. */
  chapter(title: string): void {
    const rule = "─".repeat(Math.max(0, this.#columns - title.length - 4));
    this.#write(`\n${this.#styled("cyan", "──")} ${this.#styled("bold", title)} ${this.#styled("cyan", rule)}\n\n`);
  }

  /** A paragraph. */
  say(text: string): void {
    this.#write(`${this.#wrapped(text, INDENT)}\n`);
  }

  /** Something that was to happen, and did. */
  fact(text: string): void {
    const mark = this.#styled("green", "✓");
    const rest = this.#wrapped(text, `${INDENT}${INDENT}`).trimStart();
    this.#write(`${INDENT}${mark} ${rest}\n`);
  }

  gap(): void {
    this.#write("\n");
  }

  /** Lines of which the columns stand below each other. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    this.gap();
    for (const [index, row] of rows.entries()) {
      const line = row.map((cell, column) => cell.padEnd(widths[column]!)).join("   ");
      this.#write(`${CONSOLE_INDENT}${index === 0 ? this.#styled("dim", line.trimEnd()) : line.trimEnd()}\n`);
    }
    this.gap();
  }

  /** A line typed at Porter's console, and its answer. */
  console(line: string, answer: string): void {
    this.#write(`${CONSOLE_INDENT}${this.#styled("dim", ">")} ${this.#styled("yellow", line)}\n`);
    if (answer === "") return;
    for (const text of answer.trimEnd().split("\n")) {
      const line = `${CONSOLE_INDENT}${text}`;
      this.#write(`${line.length <= this.#columns ? line.trimEnd() : this.#wrapped(text, CONSOLE_INDENT)}\n`);
    }
  }

  /** Something that was to happen, and did not. */
  failure(text: string): void {
    this.#write(`\n${this.#wrapped(`${this.#styled("red", "✗")} ${text}`, INDENT)}\n`);
  }

  /** `text` in lines that fit, each behind `indent`; no line ends at a no-break space. */
  #wrapped(text: string, indent: string): string {
    const lines = wrapWords(text, this.#columns - indent.length);
    return lines.map((line) => `${indent}${line.replaceAll("\u00a0", " ")}`).join("\n");
  }

  #styled(style: Style, text: string): string {
    return this.#hasColours && text !== "" ? styleText(style, text) : text;
  }
}
