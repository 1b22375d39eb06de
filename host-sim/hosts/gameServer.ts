import type { Host } from "../../src/host.js";
import { LineSplitter, peerOf, readText, TextSender } from "./textStream.js";

/** The port that a well-known game about blocks listens on. */
export const GAME_PORT = 25565;

/** A game of one move: a player says a line, the server says it back. */
export class GameServer {
  /** Who has come, in order, as `address:port`. */
  readonly players: string[] = [];
  /** What they said. */
  readonly heard: string[] = [];

  constructor(host: Host, port: number = GAME_PORT) {
    host.tcp.listen({
      port,
      backlog: 512,
      onConnection: (socket) => {
        const player = peerOf(socket);
        const lines = new LineSplitter();
        const sender = new TextSender(socket);
        this.players.push(player);
        sender.send(`welcome, ${player}\n`);
        socket.handler = {
          onReadable: () => {
            for (const line of lines.push(readText(socket))) {
              this.heard.push(line);
              sender.send(`you said: ${line}\n`);
            }
          },
          onWritable: () => sender.pump(),
          onEnd: () => socket.close(),
        };
      },
    });
  }
}
