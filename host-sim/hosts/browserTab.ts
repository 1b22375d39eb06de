import { parseAddress } from "../../src/core/address.js";
import type { Host } from "../../src/host.js";
import type { TcpSocket } from "../../src/transport/tcp/socket.js";
import { readText } from "./textStream.js";

/** A page on its way to a tab, then in it, or why it never came. */
export class PageLoad {
  readonly url: string;
  /** The tab's own port, which the answer must come back to. */
  readonly localPort: number;
  /** The answer, headers included, as far as it has come. */
  response = "";
  isDone = false;
  /** Why there is no page. */
  failure: string | undefined;

  constructor(url: string, localPort: number) {
    this.url = url;
    this.localPort = localPort;
  }

  get isLoaded(): boolean {
    return this.isDone && this.failure === undefined;
  }

  get body(): string {
    const headersEnd = this.response.indexOf("\r\n\r\n");
    return headersEnd < 0 ? "" : this.response.slice(headersEnd + 4);
  }
}

/** A browser without pictures: each page is a connection of its own, with an ephemeral port of its own. */
export class BrowserTab {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Asks for a page such as `http://198.51.100.80/news`; throws an Error when the address is unusable. */
  load(url: string): PageLoad {
    const { hostname, port, pathname } = new URL(url);
    const address = parseAddress(hostname);
    if (address === undefined) throw new Error(`${url} has no IPv4 address; write it as http://198.51.100.80/`);
    const socket = this.#host.tcp.connect({ address, port: port === "" ? 80 : Number(port) });
    const load = new PageLoad(url, socket.localPort);
    socket.handler = {
      onConnected: () => {
        socket.write(Buffer.from(`GET ${pathname} HTTP/1.0\r\nHost: ${hostname}\r\n\r\n`));
      },
      onReadable: () => {
        load.response += readText(socket);
      },
      onEnd: () => this.#finish(load, socket),
      onClosed: (_, reason) => {
        if (load.isDone) return;
        load.failure = reason ?? "the connection was closed without an answer";
        load.isDone = true;
      },
    };
    return load;
  }

  #finish(load: PageLoad, socket: TcpSocket): void {
    if (!load.response.startsWith("HTTP/1.0 200 ")) load.failure = load.response.split("\r\n")[0] ?? "no answer";
    load.isDone = true;
    socket.close();
  }
}
