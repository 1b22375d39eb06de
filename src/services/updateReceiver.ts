/**
 * Takes a new firmware over the LAN, once somebody at the console has armed it: a listener, on the LAN's address alone, for
 * one line and the image behind it:
 *
 *     porter-update TOKEN BOARD LENGTH SHA256
 *
 * TOKEN is what arming printed, good for one image and ten minutes; BOARD is whose image it is; LENGTH is in bytes; SHA256 in hexadecimal digits. It
 * answers one line, `ok ...` or `error: ...`, and closes. The token keeps strangers out; it is no signature of the image.
 */
import { NEVER } from "../core/clock.js";
import type { Random } from "../core/random.js";
import type { Gateway } from "../gateway.js";
import type { Firmware, ImageWriter, Sha256 } from "../platform/firmware.js";
import type { TcpListener } from "../transport/tcp/listener.js";
import type { TcpSocket } from "../transport/tcp/socket.js";
import { PROTOCOL_TCP } from "../wire/ipv4.js";

export const UPDATE_PORT = 3232;
const ARMED_MS = 10 * 60_000;
/** A sender that has nothing to say for so long is gone. */
const SILENCE_MS = 30_000;
/** For the whole first line: there is one sender at a time, and nobody should hold the place who has no token. */
const HEADER_MS = 10_000;
/**
 * After a wrong token nobody is heard for so long. Guesses at 64 bits are hopeless anyway; closing the port after some would
 * let a stranger keep the owner out.
 */
const PENALTY_MS = 1000;
/** A refused sender has so long to read why; what it still sends is thrown away, for unread bytes would make it a reset. */
const DRAIN_MS = 2000;
const MAX_HEADER_BYTES = 160;
const HEADER = /^porter-update ([0-9a-f]{16}) (\w{1,32}) (\d{1,8}) ([0-9a-f]{64})\r?$/i;
/** Bytes taken at a time; flash is written in pieces of this size. */
const CHUNK_BYTES = 1024;
const LINE_FEED = 0x0a;

/** The image being received. */
interface Transfer {
  readonly writer: ImageWriter;
  readonly hash: Sha256;
  readonly byteLength: number;
  readonly sha256: string;
  received: number;
}

export class UpdateReceiver {
  /** What became of the last attempt, in a sentence; "" for none. */
  outcome = "";
  readonly #gateway: Gateway;
  readonly #random: Random;
  readonly #firmware: Firmware;
  /** The device's own, for which images are to be. */
  readonly board: string;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #listener: TcpListener | undefined;
  #token = "";
  /** When senders are heard again. */
  #heardFromMs = 0;
  #armedUntilMs = NEVER;
  /** One sender at a time. */
  #socket: TcpSocket | undefined;
  #heardAtMs = 0;
  #acceptedAtMs = 0;
  /** Has its answer, and is thrown out then. */
  #refused: TcpSocket | undefined;
  #refusedUntilMs = NEVER;
  #header = "";
  #transfer: Transfer | undefined;

  constructor(gateway: Gateway, random: Random, firmware: Firmware, board: string) {
    this.#gateway = gateway;
    this.#random = random;
    this.#firmware = firmware;
    this.board = board;
  }

  get isArmed(): boolean {
    return this.#listener !== undefined;
  }

  /** Bytes received and expected of the image that is coming in. */
  get progress(): { readonly received: number; readonly byteLength: number } | undefined {
    return this.#transfer;
  }

  /**
   * Opens the listener and returns its token, which replaces any before. Throws an Error of one sentence while an image is
   * coming in, or when the LAN has no address.
   */
  arm(): string {
    if (this.#transfer !== undefined) throw new Error("an image is coming in; wait for its end, or cancel it");
    const { lan, tcp, clock, ports, nat } = this.#gateway;
    if (lan.address === 0) throw new Error("the lan has no address yet; set that first");
    this.cancel();
    this.#token = hexDigits(this.#random.next32()) + hexDigits(this.#random.next32());
    this.#armedUntilMs = clock.now + ARMED_MS;
    this.outcome = "";
    // By luck, or by a stranger's call to the DMZ host, which could keep updates out for ever.
    if (ports.ownerKind(PROTOCOL_TCP, UPDATE_PORT) === "mapping") {
      nat.endMapping(ports.ownerId(PROTOCOL_TCP, UPDATE_PORT));
    }
    this.#listener = tcp.listen({
      port: UPDATE_PORT,
      address: lan.address,
      backlog: 1,
      onConnection: (socket) => this.#accept(socket),
    });
    return this.#token;
  }

  /** Closes the listener, and ends what is coming in. */
  cancel(): void {
    this.#disarm();
    this.#end("cancelled");
  }

  poll(): void {
    const now = this.#gateway.clock.now;
    if (now >= this.#armedUntilMs) this.#disarm();
    if (now >= this.#patienceEndsMs()) {
      this.#end(this.#transfer === undefined ? "the first line did not come in time" : "the sender fell silent");
    }
    if (now >= this.#refusedUntilMs) this.#dropRefused();
  }

  nextDeadline(): number {
    return Math.min(this.#armedUntilMs, this.#patienceEndsMs(), this.#refusedUntilMs);
  }

  #patienceEndsMs(): number {
    if (this.#socket === undefined) return NEVER;
    return this.#transfer === undefined ? this.#acceptedAtMs + HEADER_MS : this.#heardAtMs + SILENCE_MS;
  }

  #disarm(): void {
    this.#listener?.close();
    this.#listener = undefined;
    this.#armedUntilMs = NEVER;
  }

  #accept(socket: TcpSocket): void {
    const now = this.#gateway.clock.now;
    if (this.#socket !== undefined || now < this.#heardFromMs) {
      socket.abort();
      return;
    }
    // A board has few sockets.
    this.#dropRefused();
    this.#socket = socket;
    this.#acceptedAtMs = now;
    this.#heardAtMs = now;
    this.#header = "";
    socket.handler = {
      onReadable: () => this.#receive(socket),
      onEnd: () => this.#refuse(socket, "the sender ended before the image did"),
      onClosed: (_socket, reason) => {
        if (this.#socket === socket) this.#end(reason ?? "the sender closed the connection");
      },
    };
    this.#receive(socket);
  }

  /** Never throws: flash that fails is the sender's to hear of. */
  #receive(socket: TcpSocket): void {
    try {
      for (let count = socket.read(this.#chunk); count > 0; count = socket.read(this.#chunk)) {
        if (this.#socket !== socket) return;
        this.#heardAtMs = this.#gateway.clock.now;
        const at = this.#transfer === undefined ? this.#takeHeader(count) : 0;
        if (this.#transfer !== undefined && at < count) this.#takeImage(socket, this.#transfer, at, count);
      }
    } catch (error) {
      this.#refuse(socket, (error as Error).message);
    }
  }

  /** Takes the chunk's part of the first line; returns where the image begins. Throws a sentence. */
  #takeHeader(count: number): number {
    for (let at = 0; at < count; at++) {
      const byte = this.#chunk[at] as number;
      if (byte === LINE_FEED) {
        this.#begin(this.#header);
        return at + 1;
      }
      if (this.#header.length === MAX_HEADER_BYTES) throw new Error("the first line is too long");
      this.#header += String.fromCharCode(byte);
    }
    return count;
  }

  #begin(header: string): void {
    const [, token = "", board = "", length = "", sha256 = ""] = HEADER.exec(header) ?? [];
    if (token === "") throw new Error("the first line is not: porter-update TOKEN BOARD LENGTH SHA256");
    if (!this.isArmed || token.toLowerCase() !== this.#token) {
      this.#heardFromMs = this.#gateway.clock.now + PENALTY_MS;
      throw new Error("the token is not the one that the console printed, or no longer good");
    }
    if (board !== this.board) throw new Error(`the image is for board ${board}, and this is ${this.board}`);
    // Good for one image, whatever becomes of it.
    this.#disarm();
    const byteLength = Number(length);
    const writer = this.#firmware.begin(byteLength);
    this.#transfer = { writer, hash: this.#firmware.hash(), byteLength, sha256: sha256.toLowerCase(), received: 0 };
  }

  #takeImage(socket: TcpSocket, transfer: Transfer, at: number, end: number): void {
    const bytes = this.#chunk.subarray(at, end);
    if (transfer.received + bytes.length > transfer.byteLength) throw new Error("there is more than LENGTH bytes");
    transfer.hash.write(bytes);
    transfer.writer.write(bytes);
    transfer.received += bytes.length;
    if (transfer.received === transfer.byteLength) this.#complete(socket, transfer);
  }

  #complete(socket: TcpSocket, { hash, sha256, writer, byteLength }: Transfer): void {
    if (hash.digest() !== sha256) throw new Error("the image is damaged: its SHA-256 is another one");
    writer.complete();
    this.#transfer = undefined;
    this.#answer(socket, `ok: ${byteLength} bytes written, restarting with them`);
    socket.close();
    this.outcome = "an image was received";
    this.#firmware.restart();
  }

  #refuse(socket: TcpSocket, sentence: string): void {
    if (this.#socket !== socket) return;
    this.#forget(sentence);
    this.#answer(socket, `error: ${sentence}`);
    this.#throwAway(socket);
  }

  /** Reads what a refused sender still sends, until it ends or its time is up. */
  #throwAway(socket: TcpSocket): void {
    this.#dropRefused();
    this.#refused = socket;
    this.#refusedUntilMs = this.#gateway.clock.now + DRAIN_MS;
    const drain = () => {
      while (socket.read(this.#chunk) > 0);
    };
    const drop = () => {
      if (this.#refused === socket) this.#dropRefused();
    };
    socket.handler = { onReadable: drain, onEnd: drop, onClosed: drop };
    socket.shutdown();
    drain();
  }

  #dropRefused(): void {
    const socket = this.#refused;
    this.#refused = undefined;
    this.#refusedUntilMs = NEVER;
    socket?.close();
  }

  /** Without a word to the sender, who is gone or not wanted. */
  #end(sentence: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#forget(sentence);
    this.#socket = undefined;
    socket.abort();
  }

  #forget(sentence: string): void {
    this.#transfer?.writer.abort();
    this.#transfer = undefined;
    this.outcome = `the image was refused: ${sentence}`;
  }

  #answer(socket: TcpSocket, text: string): void {
    this.#socket = undefined;
    const line = `${text}\n`;
    const bytes = new Uint8Array(line.length);
    for (let i = 0; i < line.length; i++) bytes[i] = line.charCodeAt(i);
    socket.write(bytes);
  }
}

function hexDigits(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
