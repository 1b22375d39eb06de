import { Writable } from "node:stream";
import type { WriteStream } from "node:tty";

/** A terminal's output for a line editor, which shows nothing while it is muted. */
export class MutableOutput extends Writable {
  isMuted = false;
  readonly #terminal: WriteStream;

  constructor(terminal: WriteStream) {
    super();
    this.#terminal = terminal;
    terminal.on("resize", () => this.emit("resize"));
  }

  /** As line editors ask for it. */
  get columns(): number {
    return this.#terminal.columns;
  }

  override _write(text: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isMuted) this.#terminal.write(text);
    done();
  }
}
