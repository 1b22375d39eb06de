/** Text tables and figures as the console prints them. */

export { count, formatDuration } from "../core/wording.js";

/** Of the usual terminal. Only the last column of a table is broken to keep within it. */
export const TERMINAL_COLUMNS = 80;
const GAP = "  ";

export interface Column {
  readonly title: string;
  readonly isRight: boolean;
}

export function left(title: string): Column {
  return { title, isRight: false };
}

/** For figures. */
export function right(title: string): Column {
  return { title, isRight: true };
}

/**
 * A header line and a line for each row, each ended by "\n". The last column is broken between words when the line would
 * be longer than 80 characters. Without rows it is `empty`, which is a sentence.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return `${empty}\n`;
  const lines = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, index) =>
    lines.reduce((most, cells) => Math.max(most, cellOf(cells, index).length), 0),
  );
  const last = columns.length - 1;
  const lastAt = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  let text = "";
  for (const cells of lines) {
    const parts = wrapWords(cellOf(cells, last), TERMINAL_COLUMNS - lastAt);
    const padded = columns.map((column, index) => {
      const width =
        index === last ? Math.min(widths[index] as number, TERMINAL_COLUMNS - lastAt) : (widths[index] as number);
      const cell = index === last ? (parts[0] as string) : cellOf(cells, index);
      return column.isRight ? cell.padStart(width) : cell.padEnd(width);
    });
    text += `${padded.join(GAP).trimEnd()}\n`;
    for (const part of parts.slice(1)) text += `${"".padEnd(lastAt)}${part}\n`;
  }
  return text;
}

function cellOf(cells: readonly string[], index: number): string {
  return cells[index] ?? "";
}

/** `text` in lines, at least one; a word that is longer than the width has a line for itself. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}
