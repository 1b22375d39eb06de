import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

/** How a command ended. `code` is null when a signal or the time limit ended it. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Runs a command to its end, or kills it after `timeoutMs`. A failing command is a result here, not an error. */
export async function run(argv: readonly string[], timeoutMs = 10_000, input = ""): Promise<Finished> {
  const child = spawnCommand(argv);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // A command that ends before it has read its input says itself why.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { code, stdout, stderr, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

/** Like `run`, for a command that must succeed: returns what it printed, or throws with all that it said. */
export async function mustRun(argv: readonly string[], timeoutMs = 10_000, input = ""): Promise<string> {
  const { code, stdout, stderr, timedOut } = await run(argv, timeoutMs, input);
  if (code !== 0) {
    const end = timedOut ? `took longer than ${timeoutMs} ms` : `ended with ${code}`;
    throw new Error(`"${argv.join(" ")}" ${end}:\n${stderr}${stdout}`);
  }
  return stdout;
}

/** A command that runs until it is stopped, and whose output is read line by line. */
export class Background {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #unread: string[] = [];
  readonly #closed: Promise<void>;
  readonly #title: string;
  #partial = "";
  #stdout = "";
  #stderr = "";
  #isClosed = false;
  #wake = (): void => {};

  constructor(argv: readonly string[], cwd?: string) {
    this.#title = argv.join(" ");
    this.#child = spawnCommand(argv, cwd);
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    // A write to a process that has just ended is reported by its missing answer.
    this.#child.stdin.on("error", () => {});
    this.#closed = new Promise((resolve) => {
      const ended = (): void => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      };
      this.#child.once("close", ended);
      this.#child.once("error", (error) => {
        this.#stderr += error.message;
        ended();
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return !this.#isClosed;
  }

  /** The exit code, or null while it runs and when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  writeLine(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** The next line that matches; the lines before it are passed over. Throws when none has come in time. */
  async line(pattern: RegExp, timeoutMs = 10_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      while (this.#unread.length > 0) {
        const line = this.#unread.shift() as string;
        if (pattern.test(line)) {
          return line;
        }
      }
      const leftMs = deadline - Date.now();
      if (this.#isClosed || leftMs <= 0) {
        const why = this.#isClosed ? "it ended" : `${timeoutMs} ms passed`;
        throw new Error(`No line ${pattern} from "${this.#title}": ${why}.\n${this.#stdout}${this.#stderr}`);
      }
      await this.#news(leftMs);
    }
  }

  /** Waits for the process to end by itself. */
  async finished(timeoutMs = 10_000): Promise<number | null> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    await this.#closed;
    clearTimeout(timer);
    return this.#child.exitCode;
  }

  /** Ends the process by `signal`, and by SIGKILL when that has not done it within `graceMs`. */
  async stop(signal: NodeJS.Signals = "SIGTERM", graceMs = 3000): Promise<void> {
    if (!this.#isClosed) {
      this.#child.kill(signal);
      await this.finished(graceMs);
    }
  }

  #take(text: string): void {
    this.#stdout += text;
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() as string;
    this.#unread.push(...lines);
    this.#wake();
  }

  async #news(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function spawnCommand(argv: readonly string[], cwd?: string): ChildProcessWithoutNullStreams {
  const [command, ...args] = argv;
  if (command === undefined) {
    throw new Error("An empty command line.");
  }
  return spawn(command, args, { cwd, env: { ...process.env, LC_ALL: "C" } });
}
