/** How the story looks on a terminal: at most 96 columns, and colours only where they are wanted. */
import { styleText } from "node:util";

const COLUMNS = 96;
const INDENT = "  ";
const CONSOLE_INDENT = "    ";

/** What a text is, which decides its colour. */
type Style = Parameters<typeof styleText>[0];

export class Page {
  readonly #write: (text: string) => void;
  readonly #hasColours: boolean;

  constructor(write: (text: string) => void, hasColours: boolean) {
    this.#write = write;
    this.#hasColours = hasColours;
  }

  /** A drawing, as it stands; words between asterisks are emphasised. */
  picture(drawing: string): void {
    this.#write(`${drawing.replace(/\*([^*]+)\*/g, (_, word: string) => this.#styled("bold", word))}\n`);
  }

  /** Begins a chapter. */
  chapter(title: string): void {
    const rule = "─".repeat(Math.max(0, COLUMNS - title.length - 4));
    this.#write(`\n${this.#styled("cyan", "──")} ${this.#styled("bold", title)} ${this.#styled("cyan", rule)}\n\n`);
  }

  /** A paragraph. */
  say(text: string): void {
    this.#write(`${wrapped(text, COLUMNS - INDENT.length, INDENT)}\n`);
  }

  /** Something that was to happen, and did. */
  fact(text: string): void {
    const mark = this.#styled("green", "✓");
    const rest = wrapped(text, COLUMNS - INDENT.length - 2, `${INDENT}${INDENT}`).trimStart();
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
      const fits = text.length <= COLUMNS - CONSOLE_INDENT.length;
      this.#write(
        fits ? `${CONSOLE_INDENT}${text}`.trimEnd() : wrapped(text, COLUMNS - CONSOLE_INDENT.length, CONSOLE_INDENT),
      );
      this.#write("\n");
    }
  }

  /** Something that was to happen, and did not. */
  failure(text: string): void {
    this.#write(`\n${wrapped(`${this.#styled("red", "✗")} ${text}`, COLUMNS - INDENT.length, INDENT)}\n`);
  }

  #styled(style: Style, text: string): string {
    return this.#hasColours && text !== "" ? styleText(style, text) : text;
  }
}

/** `text` in lines of at most `columns` characters, each behind `indent`; no line ends at a no-break space. */
function wrapped(text: string, columns: number, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/ +/)) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((one) => `${indent}${one.replaceAll("\u00a0", " ")}`).join("\n");
}
