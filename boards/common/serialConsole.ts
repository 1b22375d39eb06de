/**
 * The console on a serial line. What comes in is read in small pieces, for the hardware holds 128 bytes; what goes out is
 * paced by the line, and never waited for.
 */
import type { Console } from "../../src/console/console.js";
import { ConsoleSession } from "../../src/console/session.js";
import { textOf } from "./latin1.js";
import { OutputQueue } from "./outputQueue.js";

/** A screen of output and a half; a line of 115,200 baud needs 0.7 s for it. */
const QUEUE_BYTES = 8192;
/** The hardware's FIFO. */
const FIFO_BYTES = 128;

/** What the console needs of a serial line (ECMA-419 section 9.8). */
export interface SerialLine {
  /** Moves what has come, up to the buffer's length, to its front; returns how much, or undefined when there is nothing. */
  read(buffer: Uint8Array): number | undefined;
  /** Takes all of the bytes, or throws. */
  write(bytes: Uint8Array): void;
}

export interface SerialLineOptions {
  onReadable(): void;
  /** The line takes `count` bytes at once. */
  onWritable(count: number): void;
}

export interface SerialConsoleOptions {
  /** The session's own. */
  readonly console: Console;
  /** Opens the line; it calls back later, not at once. Throws when there is none. */
  readonly open: (options: SerialLineOptions) => SerialLine;
  /** Carries out an action with the gateway's clock at the present time; see `Pump.run`. */
  readonly act: (action: () => void) => void;
}

export class SerialConsole {
  readonly #line: SerialLine;
  readonly #session: ConsoleSession;
  readonly #act: (action: () => void) => void;
  readonly #queue = new OutputQueue(QUEUE_BYTES);
  readonly #input = new Uint8Array(FIFO_BYTES);
  readonly #output = new Uint8Array(FIFO_BYTES);
  /** Bytes that the line takes at once. */
  #writable = 0;

  constructor({ console, open, act }: SerialConsoleOptions) {
    this.#act = act;
    this.#session = new ConsoleSession(console, (text) => this.print(text), { isRawTerminal: true });
    this.#line = open({
      onReadable: () => this.#act(() => this.receive()),
      onWritable: (count) =>
        this.#act(() => {
          this.#writable = count;
          this.#flush();
        }),
    });
  }

  /** Greets with the prompt. */
  start(): void {
    this.#session.start();
  }

  /** Writes text whose lines end with "\r\n". */
  print(text: string): void {
    this.#queue.push(text);
    this.#flush();
  }

  /** Takes what has come in, a FIFO's worth at most: on a busy device it is better to lose input than frames. */
  receive(): void {
    const count = this.#line.read(this.#input) ?? 0;
    if (count > 0) this.#session.receive(textOf(this.#input, count));
  }

  #flush(): void {
    while (this.#writable > 0 && !this.#queue.isEmpty) {
      const count = this.#queue.take(this.#output, this.#writable);
      this.#writable -= count;
      this.#line.write(this.#output.subarray(0, count));
    }
  }
}
