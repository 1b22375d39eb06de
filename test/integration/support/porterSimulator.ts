import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bench, LAN_PORT, WAN_PORT } from "./bench.js";
import type { DeviceUnderTest } from "./deviceUnderTest.js";
import type { Background } from "./processes.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MAIN = "host-sim/cli/main.ts";
const PROMPT = "> ";

/** What the simulator's --flow-cache takes. */
export type FlowCacheName = "typescript" | "native";

/** Where the simulator's two devices are, and what becomes of them: all of a bench that it needs. */
export type Wires = Pick<Bench, "wires" | "plugIn">;

/** Porter's simulator between two TAP devices, driven over its console on a Unix socket. */
export class PorterSimulator implements DeviceUnderTest {
  readonly name = "Porter";
  readonly #bench: Wires;
  readonly #options: readonly string[];
  readonly #ready: RegExp;
  readonly #directory = mkdtempSync(join(tmpdir(), "porter-sim-"));
  #process: Background | undefined;
  #console: ConsoleClient | undefined;

  /** With a `pcapDirectory` the simulator records its links there, as lan.pcap and wan.pcap. */
  constructor(bench: Wires, pcapDirectory?: string, flowCache: FlowCacheName = chosenFlowCache()) {
    this.#bench = bench;
    this.#options = ["--flow-cache", flowCache, ...(pcapDirectory === undefined ? [] : ["--pcap", pcapDirectory])];
    this.#ready = flowCache === "native" ? /\bready\b.*, flow cache native$/ : /\bready\b/;
  }

  static missing(): string | undefined {
    return existsSync(join(ROOT, MAIN)) ? undefined : `${MAIN} is missing`;
  }

  async start(commands: readonly string[]): Promise<void> {
    const { wires } = this.#bench;
    // The simulator attaches to existing devices: so they are in their bridges before its first frame.
    for (const port of [LAN_PORT, WAN_PORT]) {
      await wires.ip(`tuntap add dev ${port} mode tap`);
      await this.#bench.plugIn(port);
    }
    const consolePath = join(this.#directory, "console");
    const attachments = ["--lan", `tap:${LAN_PORT}`, "--wan", `tap:${WAN_PORT}`, "--console", `unix:${consolePath}`];
    // So that connections outlive its restart.
    const flash = ["--flash", join(this.#directory, "flash")];
    const execs = commands.flatMap((command) => ["--exec", command]);
    this.#process = wires.start([...simulatorCommand(), ...attachments, ...flash, ...this.#options, ...execs], ROOT);
    await this.#process.line(this.#ready, 15_000);
    this.#console = await ConsoleClient.connect(consolePath);
  }

  async console(line: string): Promise<string> {
    if (this.#console === undefined) {
      throw new Error("The simulator is not running.");
    }
    return await this.#console.ask(line);
  }

  /** Ends it by SIGTERM, and throws when it has not ended cleanly. A second call does nothing. */
  async stop(): Promise<void> {
    const simulator = this.#process;
    this.#process = undefined;
    this.#console?.close();
    await simulator?.stop();
    for (const port of [LAN_PORT, WAN_PORT]) {
      await this.#bench.wires.run(["ip", "link", "del", port]);
    }
    rmSync(this.#directory, { recursive: true, force: true });
    if (simulator !== undefined && simulator.exitCode !== 0) {
      throw new Error(`The simulator ended with ${simulator.exitCode}:\n${simulator.stdout}${simulator.stderr}`);
    }
  }
}

/** PORTER_FLOW_CACHE=native has the whole of the integration tests run with the flow cache in C. */
function chosenFlowCache(): FlowCacheName {
  return process.env.PORTER_FLOW_CACHE === "native" ? "native" : "typescript";
}

/** What `npm run sim` runs, without npm: so the process that is signalled is the simulator itself. */
function simulatorCommand(): string[] {
  return [process.execPath, ".config/run.mjs", MAIN];
}

/** A console connection: a line out, the text up to the next prompt in. */
class ConsoleClient {
  readonly #socket: Socket;
  #text = "";
  #wake = (): void => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      this.#wake();
    });
    socket.on("close", () => this.#wake());
    socket.on("error", () => {});
  }

  static async connect(path: string): Promise<ConsoleClient> {
    const socket = connect(path);
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const client = new ConsoleClient(socket);
    await client.#untilPrompt();
    return client;
  }

  async ask(line: string): Promise<string> {
    this.#socket.write(`${line}\n`);
    return await this.#untilPrompt();
  }

  close(): void {
    this.#socket.destroy();
  }

  async #untilPrompt(timeoutMs = 5000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    while (this.#text !== PROMPT && !this.#text.endsWith(`\n${PROMPT}`)) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || this.#socket.destroyed) {
        throw new Error(`The console gave no prompt, only ${JSON.stringify(this.#text)}.`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const answer = this.#text.slice(0, -PROMPT.length).trimEnd();
    this.#text = "";
    return answer;
  }
}
