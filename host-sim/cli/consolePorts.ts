/** Where the console can be spoken to: a terminal, a pipe, or a Unix socket with any number of clients. */
import { lstatSync, unlinkSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { Console, type ConsoleOptions } from "../../src/console/console.js";
import { ConsoleSession } from "../../src/console/session.js";
import { quitCommand } from "../quitCommand.js";
import { TerminalConsole } from "../terminalConsole.js";
import type { Simulator } from "./simulator.js";

/** What a client that does not read may leave unread before it is cut off. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface ConsolePort {
  /** For a terminal: shows a line that answers none, without a mess of what is being typed. */
  readonly show?: (text: string) => void;
  close(): void;
}

/** Serves whoever runs the program. At a terminal, leaving calls `quit`; a pipe's end leaves the gateway running. */
export function openStdioConsole(simulator: Simulator, options: ConsoleOptions, quit: () => void): ConsolePort {
  return process.stdin.isTTY && process.stdout.isTTY
    ? openTerminal(simulator, options, quit)
    : openPipe(simulator, options);
}

function openTerminal(simulator: Simulator, options: ConsoleOptions, quit: () => void): ConsolePort {
  const terminal = new TerminalConsole({ ...options, act: (action) => simulator.run(action), onQuit: quit });
  simulator.add(terminal.console);
  return {
    show: (text) => terminal.show(text),
    close: () => {
      simulator.remove(terminal.console);
      terminal.close();
    },
  };
}

function openPipe(simulator: Simulator, options: ConsoleOptions): ConsolePort {
  const close = (): void => {
    simulator.remove(console);
    session.close();
    process.stdin.destroy();
  };
  const quit = quitCommand("take no more lines; the gateway runs on", close);
  const console = new Console({ ...options, commands: [...(options.commands ?? []), quit] });
  // Nobody waits for a prompt, and the answers read better without.
  const session = new ConsoleSession(console, (text) => process.stdout.write(text), { prompt: "" });
  simulator.add(console);
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => simulator.run(() => session.receive(text)));
  // Whoever started us in the background has no more to say; the gateway goes on.
  process.stdin.on("error", () => {});
  session.start();
  return { close };
}

/** Serves clients at the Unix socket `path`. Rejects with one sentence when that cannot be made. */
export async function openUnixConsole(
  simulator: Simulator,
  options: ConsoleOptions,
  path: string,
): Promise<ConsolePort> {
  await removeStaleSocket(path);
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    serve(client, simulator, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", (error) => reject(new Error(`the console's socket ${path} cannot be made: ${error.message}`)));
    server.listen(path);
  });
  return {
    close: () => {
      for (const client of clients) client.destroy();
      server.close();
    },
  };
}

function serve(client: Socket, simulator: Simulator, options: ConsoleOptions): void {
  const quit = quitCommand("close this connection; the gateway runs on", () => {
    session.close();
    client.destroySoon();
  });
  const console = new Console({ ...options, commands: [...(options.commands ?? []), quit] });
  const session = new ConsoleSession(console, (text) => {
    if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
    else client.write(text);
  });
  simulator.add(console);
  client.setEncoding("utf8");
  client.on("data", (text: string) => simulator.run(() => session.receive(text)));
  client.on("error", () => {});
  client.on("close", () => {
    simulator.remove(console);
    session.close();
  });
  session.start();
}

/** Removes the socket that a killed program left; refuses to touch anything else. */
async function removeStaleSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error(`the console's socket ${path} cannot be made: a file is there; choose another`);
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
  if (isServed) throw new Error(`the console's socket ${path} cannot be made: another program listens there`);
  unlinkSync(path);
}
