import type { Host } from "../../src/host.js";
import type { TcpSocket } from "../../src/transport/tcp/socket.js";
import { LineSplitter, peerOf, readText, TextSender } from "./textStream.js";

/** Answers "GET /path"; `visitor` is who asks, as the server sees it: address and port. */
export type Page = (path: string, visitor: string) => string;

/** As much of HTTP/1.0 (RFC 1945) as a browser tab needs: one request a connection, answered by a page of text. */
export class WebServer {
  /** Who asked, in order, as `address:port`. */
  readonly visitors: string[] = [];
  readonly #page: Page;

  constructor(host: Host, port: number, page: Page) {
    this.#page = page;
    host.tcp.listen({ port, backlog: 512, onConnection: (socket) => this.#serve(socket) });
  }

  #serve(socket: TcpSocket): void {
    const lines = new LineSplitter();
    const sender = new TextSender(socket);
    let request = "";
    const answer = (): void => {
      const [method, path] = request.split(" ");
      this.visitors.push(peerOf(socket));
      if (method !== "GET" || path === undefined) {
        sender.send("HTTP/1.0 400 Bad Request\r\n\r\n");
      } else {
        const body = this.#page(path, peerOf(socket));
        sender.send(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
      sender.end();
    };
    socket.handler = {
      onReadable: () => {
        for (const line of lines.push(readText(socket))) {
          if (request === "") request = line;
          // The empty line ends the request's headers, in which nothing matters here.
          else if (line === "") answer();
        }
      },
      onWritable: () => sender.pump(),
      onEnd: () => socket.close(),
    };
  }
}
