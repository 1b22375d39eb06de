import { lstatSync, unlinkSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { Frame } from "../../src/core/frame.js";
import { type Attachment, AttachmentCounters, type AttachmentListener } from "./attachment.js";
import { FrameBatch, FrameDecoder } from "./streamFraming.js";

/*
 * Frames over a Unix stream socket: virtual machines (QEMU) and user-mode networks (passt). One peer at a time. A peer
 * that goes may come again: the listening side waits for it, the connecting side tries once a second.
 */

const RECONNECT_MS = 1000;
/**
 * Frames wait here while the socket is busy; beyond that they are refused. Enough for a full TCP window (64 KiB), and
 * small enough that a peer that stopped reading does not get seconds-old frames when it goes on.
 */
const BATCH_BYTES = 128 * 1024;

/** Makes the socket `path` and waits for a peer in the background. Rejects with one sentence. */
export async function listenStream(path: string): Promise<Attachment> {
  const title = `stream:unix:${path}`;
  await removeStaleSocket(path, title);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(`${title} cannot be made: ${whyNotMade(error)}`)),
    );
    server.listen(path);
  });
  return new ListeningStream(title, server);
}

/** Connects to the program that listens at `path`. Rejects with one sentence. */
export async function connectStream(path: string): Promise<Attachment> {
  const title = `stream:connect:unix:${path}`;
  if (kindOfFile(path) === "other") throw new Error(`${title} cannot be reached: that path is not a socket`);
  return new ConnectingStream(title, path, await connect(path, title));
}

function connect(path: string, title: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(`${title} cannot be reached: ${whyNotReached(error)}`)),
    );
  });
}

function whyNotMade(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    // Node reports a missing directory as EACCES.
    case "EACCES":
    case "ENOENT":
    case "ENOTDIR":
      return "its directory does not exist, or this user may not write there";
    case "EADDRINUSE":
      return "the path is in use; choose another one";
    default:
      return error.message;
  }
}

function whyNotReached(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ECONNREFUSED":
      return "no program listens there; start it first, or listen with stream:unix:PATH";
    case "EACCES":
      return "this user may not use that socket";
    default:
      return error.message;
  }
}

function kindOfFile(path: string): "none" | "socket" | "other" {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "none";
  return stat.isSocket() ? "socket" : "other";
}

/** Removes a socket that a killed program left at `path`; refuses to touch anything else. */
async function removeStaleSocket(path: string, title: string): Promise<void> {
  const kind = kindOfFile(path);
  if (kind === "none") return;
  if (kind === "other")
    throw new Error(`${title} cannot be made: a file that is not a socket is there; choose another path`);
  const listener = await connect(path, title).catch(() => undefined);
  if (listener !== undefined) {
    listener.destroy();
    throw new Error(`${title} cannot be made: another program listens there; end it, or use stream:connect:unix:PATH`);
  }
  unlinkSync(path);
}

/** What both sides share: one peer, frames in and out. */
abstract class StreamAttachment implements Attachment {
  readonly counters = new AttachmentCounters();
  protected listener: AttachmentListener | undefined;
  protected closed = false;
  readonly #title: string;
  readonly #decoder = new FrameDecoder((frame, length) => {
    this.counters.received++;
    this.listener?.onFrame(frame, length);
  });
  #peer: Socket | undefined;
  /** Frames are collected in one batch while the other is on its way to the kernel. */
  #collecting = new FrameBatch(BATCH_BYTES);
  #sending = new FrameBatch(BATCH_BYTES);
  #flushIsDue = false;

  constructor(title: string) {
    this.#title = title;
  }

  /** The peer has gone while the attachment is open; `reason` begins the sentence about it. */
  protected abstract peerLost(reason: string): void;

  get up(): boolean {
    return this.#peer !== undefined;
  }

  start(listener: AttachmentListener): void {
    this.listener = listener;
    this.#peer?.resume();
  }

  send(frame: Frame, length: number): boolean {
    if (this.#peer === undefined || !this.#collect(frame, length)) {
      this.counters.refused++;
      return false;
    }
    this.counters.sent++;
    return true;
  }

  close(): void {
    this.closed = true;
    this.listener = undefined;
    this.#peer?.destroy();
    this.#peer = undefined;
  }

  describe(): string {
    return this.#title;
  }

  protected notice(what: string): void {
    this.listener?.onNotice(`${this.#title}: ${what}`);
  }

  protected adopt(peer: Socket): void {
    this.#peer = peer;
    this.#decoder.reset();
    this.#collecting.clear();
    this.#sending.clear();
    let reason = "the peer has gone";
    peer.on("data", (chunk: Buffer) => {
      if (peer !== this.#peer) return;
      if (!this.#decoder.push(chunk)) {
        reason = `dropped the peer, which announced a frame of ${this.#decoder.announcedLength} bytes and so speaks another protocol`;
        peer.destroy();
      }
      this.counters.discarded = this.#decoder.discarded;
      this.listener?.onBatchEnd?.();
    });
    peer.on("error", (error) => {
      reason = `the connection to the peer failed: ${error.message}`;
    });
    peer.on("close", () => {
      if (peer !== this.#peer) return;
      this.#peer = undefined;
      this.peerLost(reason);
    });
    // Nobody takes the frames yet; the kernel keeps them.
    if (this.listener === undefined) peer.pause();
  }

  #collect(frame: Frame, length: number): boolean {
    if (!this.#collecting.add(frame, length)) {
      this.#flush();
      if (!this.#collecting.add(frame, length)) return false;
    }
    if (!this.#flushIsDue) {
      this.#flushIsDue = true;
      // When the present callback is done: all frames of one batch go out in one write.
      process.nextTick(this.#flushWhenDue);
    }
    return true;
  }

  readonly #flushWhenDue = (): void => {
    this.#flushIsDue = false;
    this.#flush();
  };

  #flush(): void {
    const peer = this.#peer;
    if (peer === undefined || this.#collecting.empty || !this.#sending.empty) return;
    const batch = this.#collecting;
    this.#collecting = this.#sending;
    this.#sending = batch;
    peer.write(batch.bytes, () => {
      if (peer !== this.#peer) return;
      batch.clear();
      this.#flush();
    });
  }
}

class ListeningStream extends StreamAttachment {
  readonly #server: Server;

  constructor(title: string, server: Server) {
    super(title);
    this.#server = server;
    server.on("connection", (peer) => this.#accept(peer));
  }

  override close(): void {
    super.close();
    this.#server.close();
  }

  protected peerLost(reason: string): void {
    this.notice(`${reason}; waiting for another`);
  }

  #accept(peer: Socket): void {
    if (this.up || this.closed) {
      peer.on("error", () => {});
      peer.destroy();
      this.notice("turned a second peer away; one at a time");
      return;
    }
    this.adopt(peer);
    this.notice("a peer has connected");
  }
}

class ConnectingStream extends StreamAttachment {
  readonly #path: string;
  #retry: NodeJS.Timeout | undefined;

  constructor(title: string, path: string, peer: Socket) {
    super(title);
    this.#path = path;
    this.adopt(peer);
  }

  override close(): void {
    super.close();
    clearTimeout(this.#retry);
  }

  protected peerLost(reason: string): void {
    this.notice(`${reason}; trying again every second`);
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => void this.#reconnect(), RECONNECT_MS);
  }

  async #reconnect(): Promise<void> {
    const peer = await connect(this.#path, this.describe()).catch(() => undefined);
    if (this.closed) {
      peer?.destroy();
    } else if (peer === undefined) {
      this.#retryLater();
    } else {
      this.adopt(peer);
      this.notice("connected again");
    }
  }
}
