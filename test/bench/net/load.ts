import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Namespace } from "../../integration/support/namespaces.js";

const SOURCE = fileURLToPath(new URL("./load.c", import.meta.url));
const FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"];
const PORT = 5001;

/** The load generator load.c, built for as long as this process lives. */
export class Load {
  readonly #program = join(tmpdir(), `porter-load-${process.pid}`);

  constructor() {
    const { status, stderr, error } = spawnSync("cc", [...FLAGS, SOURCE, "-o", this.#program], {
      encoding: "utf8",
      timeout: 60_000,
    });
    if (status !== 0) throw new Error(`The load generator does not build: ${error?.message ?? stderr}`);
    process.once("exit", () => rmSync(this.#program, { force: true }));
  }

  /** Keeps the processors from idling until `namespace` is destroyed: see load.c. */
  async keepAwake(namespace: Namespace): Promise<void> {
    await namespace.start([this.#program, "awake"]).line(/ready/);
  }

  /** Starts the server in a namespace that ends it. */
  async serve(namespace: Namespace): Promise<void> {
    await namespace.start([this.#program, "serve", String(PORT)]).line(/ready/);
  }

  /** What a client in `namespace` measures against `server`: a mode of load.c and what it takes behind the duration. */
  async measure(
    namespace: Namespace,
    mode: string,
    server: string,
    durationMs: number,
    ...more: readonly number[]
  ): Promise<number> {
    const argv = [this.#program, mode, server, PORT, durationMs, ...more].map(String);
    return Number(await namespace.mustRun(argv, durationMs + 8000));
  }
}
