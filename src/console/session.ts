/**
 * A dialogue with a console over a plain stream of characters: a serial line, a Unix socket, a pipe. Characters in; text
 * and the prompt out. It knows backspace and Ctrl-C but no cursor keys: whoever has a real line editor gives it lines.
 *
 * Lines that come while a command runs wait for its end, so that a script can be piped in. An empty line or Ctrl-C ends
 * the command.
 */
import { type Console, MAX_LINE_CHARACTERS, type Write } from "./console.js";

export const PROMPT = "> ";

/** Lines that may wait; when there are more, the command that runs is ended for them. */
const MAX_WAITING_LINES = 32;

const CTRL_C = "\x03";
const BACKSPACE = "\b";
const CTRL_U = "\x15";
const ESCAPE = "\x1b";
const DELETE = "\x7f";

export interface SessionOptions {
  /** True for a terminal that shows only what it is sent and wants CR LF, such as one on a serial line. */
  readonly isRawTerminal?: boolean;
  /** What asks for the next line; "> " unless told. */
  readonly prompt?: string;
}

/** What of an escape sequence (ECMA-48 section 5.4) has come: none, ESC, or ESC [ and what follows it. */
type EscapeState = "none" | "escape" | "sequence";

export class ConsoleSession {
  readonly #console: Console;
  readonly #write: Write;
  readonly #isRawTerminal: boolean;
  readonly #prompt: string;
  readonly #waiting: string[] = [];
  #line = "";
  /** Characters of the line that came after it was full. */
  #excess = 0;
  #isAfterCarriageReturn = false;
  #escape: EscapeState = "none";
  #isDraining = false;
  #isOpen = true;

  /** The console is this session's own. `write` sends text to the user. */
  constructor(console: Console, write: Write, { isRawTerminal = false, prompt = PROMPT }: SessionOptions = {}) {
    this.#console = console;
    this.#write = isRawTerminal ? (text) => write(text.replace(/\n/g, "\r\n")) : write;
    this.#isRawTerminal = isRawTerminal;
    this.#prompt = prompt;
  }

  /** Greets with the prompt. */
  start(): void {
    this.#ask();
  }

  /** True when nothing runs and nothing waits. */
  get isIdle(): boolean {
    return !this.#console.isBusy && this.#waiting.length === 0;
  }

  /** Takes characters as they come, in pieces of any size. */
  receive(text: string): void {
    for (let i = 0; i < text.length && this.#isOpen; i++) this.#receiveCharacter(text.charAt(i));
  }

  /**
   * The user is gone, or has had enough: what runs is ended, and what waits is forgotten, as is a line that was not ended.
   * Nothing is taken or written any more.
   */
  close(): void {
    this.#isOpen = false;
    this.#waiting.length = 0;
    this.#clearLine();
    this.#console.interrupt();
  }

  #receiveCharacter(character: string): void {
    const isLineFeedOfPair = this.#isAfterCarriageReturn && character === "\n";
    this.#isAfterCarriageReturn = character === "\r";
    if (isLineFeedOfPair || this.#isPartOfEscape(character)) return;
    if (character === "\r" || character === "\n") this.#endLine();
    else if (character === CTRL_C) this.#cancel();
    else if (character === BACKSPACE || character === DELETE) this.#erase(1);
    else if (character === CTRL_U) this.#erase(this.#line.length + this.#excess);
    else if (character >= " " || character === "\t") this.#append(character);
  }

  /** Cursor and function keys would leave letters in the line. */
  #isPartOfEscape(character: string): boolean {
    if (character === ESCAPE) {
      this.#escape = "escape";
      return true;
    }
    // A line end, or another control character, is never part of one.
    if (this.#escape === "none" || character < " ") {
      this.#escape = "none";
      return false;
    }
    if (this.#escape === "escape") this.#escape = character === "[" || character === "O" ? "sequence" : "none";
    else if (character >= "@" && character <= "~") this.#escape = "none";
    return true;
  }

  #append(character: string): void {
    if (this.#line.length === MAX_LINE_CHARACTERS) {
      this.#excess++;
      return;
    }
    this.#line += character;
    this.#echo(character);
  }

  #erase(characters: number): void {
    const excess = Math.min(characters, this.#excess);
    this.#excess -= excess;
    const shown = Math.min(characters - excess, this.#line.length);
    this.#line = this.#line.slice(0, this.#line.length - shown);
    this.#echo("\b \b".repeat(shown));
  }

  #endLine(): void {
    this.#echo("\n");
    // One character too many, for the console to refuse the line.
    const line = this.#excess === 0 ? this.#line : `${this.#line}.`;
    this.#clearLine();
    const isBusy = this.#console.isBusy;
    if (isBusy && line.trim() === "") {
      this.#console.interrupt();
      return;
    }
    this.#waiting.push(line);
    if (isBusy && this.#waiting.length > MAX_WAITING_LINES) this.#console.interrupt();
    this.#drain();
  }

  /** Ends what runs, or else drops the line that is being typed. */
  #cancel(): void {
    this.#echo("^C\n");
    this.#clearLine();
    this.#waiting.length = 0;
    if (this.#console.isBusy) this.#console.interrupt();
    else this.#ask();
  }

  /** Carries out what waits, up to a command that takes a while; its end calls again. */
  #drain(): void {
    // A line that is over at once calls back from within the loop, which goes on anyway.
    if (this.#isDraining) return;
    this.#isDraining = true;
    while (!this.#console.isBusy) {
      const line = this.#waiting.shift();
      if (line === undefined) break;
      this.#console.execute(
        line,
        (text) => this.#print(text),
        () => {
          this.#ask();
          this.#drain();
        },
      );
    }
    this.#isDraining = false;
  }

  #ask(): void {
    if (this.#prompt !== "") this.#print(this.#prompt);
  }

  #print(text: string): void {
    if (this.#isOpen) this.#write(text);
  }

  #clearLine(): void {
    this.#line = "";
    this.#excess = 0;
  }

  #echo(text: string): void {
    if (this.#isRawTerminal && text !== "") this.#write(text);
  }
}
