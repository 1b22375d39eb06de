import type { Host } from "../../src/host.js";
import type { TcpSocket } from "../../src/transport/tcp/socket.js";
import { LineSplitter, readText, TextSender } from "./textStream.js";

/** A player at a game server, or trying to become one. */
export class GameClient {
  readonly socket: TcpSocket;
  /** What the server said, line by line. */
  readonly heard: string[] = [];
  isConnected = false;
  isClosed = false;
  /** Why the connection ended, if not because both sides wanted it. */
  failure: string | undefined;
  readonly #sender: TextSender;

  /** Connects at once; throws an Error when there is no way or no room. */
  constructor(host: Host, address: number, port: number) {
    const lines = new LineSplitter();
    this.socket = host.tcp.connect({ address, port, noDelay: true });
    this.#sender = new TextSender(this.socket);
    this.socket.handler = {
      onConnected: () => {
        this.isConnected = true;
      },
      onReadable: (socket) => {
        this.heard.push(...lines.push(readText(socket)));
      },
      onWritable: () => this.#sender.pump(),
      onEnd: (socket) => socket.close(),
      onClosed: (_, reason) => {
        this.isClosed = true;
        this.failure = reason;
      },
    };
  }

  say(line: string): void {
    this.#sender.send(`${line}\n`);
  }

  /** Ends the game in good order, or a try that has had no answer. */
  leave(): void {
    this.socket.close();
  }
}
