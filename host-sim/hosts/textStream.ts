/** Lines and text over TCP, as the applications of the simulated hosts speak. */
import { formatAddress } from "../../src/core/address.js";
import type { TcpSocket } from "../../src/transport/tcp/socket.js";

const CHUNK_BYTES = 4096;

/** Everything that has come and not been read. Text here is Latin-1: one character a byte, whatever the bytes. */
export function readText(socket: TcpSocket): string {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let text = "";
  for (let count = socket.read(chunk); count > 0; count = socket.read(chunk)) {
    text += chunk.toString("latin1", 0, count);
  }
  return text;
}

/** Hands text to a socket as fast as its send buffer takes it; call `pump` whenever the socket is writable again. */
export class TextSender {
  readonly #socket: TcpSocket;
  #waiting: Uint8Array = new Uint8Array(0);
  #endsThen = false;

  constructor(socket: TcpSocket) {
    this.#socket = socket;
  }

  send(text: string): void {
    this.#waiting = Buffer.concat([this.#waiting, Buffer.from(text, "latin1")]);
    this.pump();
  }

  /** Ends the stream behind what has been sent. */
  end(): void {
    this.#endsThen = true;
    this.pump();
  }

  pump(): void {
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.subarray(this.#socket.write(this.#waiting));
    if (this.#waiting.length === 0 && this.#endsThen) this.#socket.shutdown();
  }
}

/** Cuts what comes into lines. */
export class LineSplitter {
  #rest = "";

  /** The lines that `text` completes, without their ends. */
  push(text: string): string[] {
    const parts = (this.#rest + text).split(/\r?\n/);
    this.#rest = parts.pop() ?? "";
    return parts;
  }
}

/** The other end of a connection, as in `203.0.113.2:40213`. */
export function peerOf(socket: TcpSocket): string {
  return `${formatAddress(socket.remoteAddress)}:${socket.remotePort}`;
}
