import { fileURLToPath } from "node:url";
import type { Namespace } from "./namespaces.js";
import type { Background } from "./processes.js";

const PEER = fileURLToPath(new URL("./peer.mjs", import.meta.url));

/** What a bulk transfer came to; `error` is the code of the socket's error, and stands alone. */
export interface Transfer {
  readonly error?: string;
  readonly bytes?: number;
  /** SHA-256 of what the sender sent, and of what the receiver received. */
  readonly sent?: string;
  readonly received?: string;
  readonly ms?: number;
}

export interface ParallelResult {
  readonly error?: string;
  readonly connected?: number;
  readonly completed?: number;
  /** How many different addresses and ports the server saw. */
  readonly endpoints?: number;
}

export interface EchoResult {
  readonly error?: string;
  readonly echoed?: number;
  /** The client's address and port as the server saw them. */
  readonly endpoint?: string;
}

/** A host of the bench: a network namespace with an address, and programs that use Linux's sockets in it. */
export class Host {
  readonly namespace: Namespace;
  readonly address: string;

  constructor(namespace: Namespace, address: string) {
    this.namespace = namespace;
    this.address = address;
  }

  /** Starts the TCP server (see peer.mjs) and waits until it listens. */
  async serveTcp(port: number): Promise<Background> {
    return await this.#server("tcp-server", port);
  }

  async serveUdp(port: number): Promise<Background> {
    return await this.#server("udp-server", port);
  }

  async download(server: string, port: number, bytes: number): Promise<Transfer> {
    return (await this.#ask("tcp-download", server, port, bytes)) as Transfer;
  }

  async upload(server: string, port: number, bytes: number): Promise<Transfer> {
    return (await this.#ask("tcp-upload", server, port, bytes)) as Transfer;
  }

  async connectInParallel(server: string, port: number, count: number): Promise<ParallelResult> {
    return (await this.#ask("tcp-parallel", server, port, count)) as ParallelResult;
  }

  async echoUdp(server: string, port: number, count: number, bytes: number): Promise<EchoResult> {
    return (await this.#ask("udp-echo", server, port, count, bytes)) as EchoResult;
  }

  /** The error code that a connected UDP socket reports after it sent to `port`, or ETIMEDOUT after 3 s of none. */
  async udpError(server: string, port: number): Promise<string | undefined> {
    return (await this.#ask("udp-refused", server, port)).error;
  }

  /** A TCP connection to talk over, or an error code: a connection not made within 3 s is ETIMEDOUT. */
  async connect(server: string, port: number, localPort?: number): Promise<Conversation | string> {
    const local = localPort === undefined ? [] : [localPort];
    const program = this.#start("tcp-talk", server, port, ...local);
    const first = JSON.parse(await program.line(/^\{/)) as { error?: string };
    return first.error ?? new Conversation(program);
  }

  /** Like `connect`, where there must be a connection. */
  async mustConnect(server: string, port: number, localPort?: number): Promise<Conversation> {
    const connection = await this.connect(server, port, localPort);
    if (typeof connection === "string") {
      throw new Error(`${this.address} cannot connect to ${server}:${port}: ${connection}`);
    }
    return connection;
  }

  /** `ping` with the given extra arguments; the text it printed. */
  async ping(target: string, ...options: readonly string[]): Promise<string> {
    const { stdout, stderr } = await this.namespace.run(
      ["ping", "-n", "-c", "3", "-i", "0.2", "-W", "2", ...options, target],
      8000,
    );
    return stdout + stderr;
  }

  /** The Ethernet address that this host has learned for a neighbour it has talked to. */
  async neighbour(address: string): Promise<string> {
    const entry = await this.namespace.mustRun(["ip", "neigh", "show", address]);
    const found = /lladdr (\S+)/.exec(entry)?.[1];
    if (found === undefined) {
      throw new Error(`${this.address} knows no Ethernet address of ${address}.`);
    }
    return found;
  }

  async #server(program: string, port: number): Promise<Background> {
    const server = this.#start(program, port);
    await server.line(/ready/);
    return server;
  }

  async #ask(program: string, ...args: readonly (string | number)[]): Promise<{ error?: string }> {
    const stdout = await this.namespace.mustRun(this.#command(program, args), 60_000);
    return JSON.parse(stdout) as { error?: string };
  }

  #start(program: string, ...args: readonly (string | number)[]): Background {
    return this.namespace.start(this.#command(program, args));
  }

  #command(program: string, args: readonly (string | number)[]): string[] {
    return [process.execPath, PEER, program, ...args.map(String)];
  }
}

/** An open TCP connection of a host to the bench's server. */
export class Conversation {
  readonly #program: Background;

  constructor(program: Background) {
    this.#program = program;
  }

  /** Sends one line of the server's protocol and returns the line that comes back. */
  async ask(line: string, timeoutMs?: number): Promise<string> {
    this.#program.writeLine(line);
    return await this.#program.line(/./, timeoutMs);
  }

  /** Closes in both directions, and waits until the server has done so as well. */
  async close(): Promise<void> {
    this.#program.endInput();
    await this.#program.finished(5000);
  }
}
