import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Attachment } from "../../../host-sim/ports/attachment.js";
import { connectStream, listenStream } from "../../../host-sim/ports/stream.js";
import { ETHERNET_AT, Frame } from "../../../src/core/frame.js";

let directory: string;
let path: string;
const cleanups: (() => void)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "porter-stream-"));
  path = join(directory, "wire");
});

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  rmSync(directory, { recursive: true, force: true });
});

interface Started {
  readonly attachment: Attachment;
  readonly frames: number[];
  readonly notices: string[];
}

/** The frames are told by their lengths. */
function started(attachment: Attachment): Started {
  const frames: number[] = [];
  const notices: string[] = [];
  attachment.start({
    onFrame: (_, length) => void frames.push(length),
    onNotice: (sentence) => void notices.push(sentence),
  });
  return { attachment, frames, notices };
}

async function listening(): Promise<Attachment> {
  const attachment = await listenStream(path);
  cleanups.push(() => attachment.close());
  return attachment;
}

async function connected(): Promise<Attachment> {
  const attachment = await connectStream(path);
  cleanups.push(() => attachment.close());
  return attachment;
}

/** A program of any other kind on the path. */
async function plainPeer(): Promise<Socket> {
  const socket = createConnection(path);
  cleanups.push(() => socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

async function plainServer(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  cleanups.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

const until = async (condition: () => boolean): Promise<void> => {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5000, interval: 2 });
};

describe("two attachments on one socket", () => {
  test("carry frames both ways", async () => {
    const server = started(await listening());
    const client = started(await connected());
    await until(() => server.attachment.up);
    const frame = new Frame();
    expect(client.attachment.send(frame, 60)).toBe(true);
    expect(client.attachment.send(frame, 1514)).toBe(true);
    expect(server.attachment.send(frame, 61)).toBe(true);
    await until(() => server.frames.length === 2 && client.frames.length === 1);
    expect(server.frames).toEqual([60, 1514]);
    expect(client.frames).toEqual([61]);
    expect(client.attachment.counters).toEqual({ received: 1, sent: 2, refused: 0, discarded: 0 });
  });

  test("keep what came before start", async () => {
    const server = await listening();
    const client = started(await connected());
    await until(() => server.up);
    client.attachment.send(new Frame(), 77);
    await new Promise((resolve) => setImmediate(resolve));
    const { frames } = started(server);
    await until(() => frames.length === 1);
    expect(frames).toEqual([77]);
  });

  test("send the bytes of the moment of the call", async () => {
    const server = await listening();
    const seen: number[] = [];
    server.start({ onFrame: (frame) => void seen.push(frame.bytes[ETHERNET_AT]!), onNotice: () => {} });
    const client = started(await connected());
    const frame = new Frame();
    for (let value = 1; value <= 3; value++) {
      frame.bytes[ETHERNET_AT] = value;
      client.attachment.send(frame, 60);
    }
    await until(() => seen.length === 3);
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe("a listening stream", () => {
  test("refuses frames while no peer is there", async () => {
    const { attachment } = started(await listening());
    expect(attachment.up).toBe(false);
    expect(attachment.send(new Frame(), 60)).toBe(false);
    expect(attachment.counters.refused).toBe(1);
  });

  test("reports a peer that goes and takes the next one", async () => {
    const { attachment, frames, notices } = started(await listening());
    const first = await plainPeer();
    await until(() => attachment.up);
    // Half a frame is forgotten with its peer.
    first.end(Buffer.from([0, 0, 0, 60, 1, 2, 3]));
    await until(() => notices.length === 2);
    const second = await plainPeer();
    second.write(Buffer.concat([Buffer.from([0, 0, 0, 14]), Buffer.alloc(14)]));
    await until(() => frames.length === 1);
    expect(frames).toEqual([14]);
    expect(notices).toEqual([
      `stream:unix:${path}: a peer has connected`,
      `stream:unix:${path}: the peer has gone; waiting for another`,
      `stream:unix:${path}: a peer has connected`,
    ]);
  });

  test("turns a second peer away and keeps the first", async () => {
    const { attachment, notices } = started(await listening());
    await plainPeer();
    await until(() => attachment.up);
    const second = await plainPeer();
    await new Promise((resolve) => second.once("close", resolve).resume());
    expect(attachment.up).toBe(true);
    expect(notices[1]).toBe(`stream:unix:${path}: turned a second peer away; one at a time`);
  });

  test("drops a peer that speaks another protocol", async () => {
    const { attachment, notices } = started(await listening());
    const peer = await plainPeer();
    peer.write("GET / HTTP/1.0\r\n\r\n");
    await until(() => notices.length === 2);
    expect(attachment.up).toBe(false);
    expect(notices[1]).toBe(
      `stream:unix:${path}: dropped the peer, which announced a frame of 1195725856 bytes and so speaks another protocol; waiting for another`,
    );
  });

  test("refuses frames when the peer does not read, and goes on when it does", async () => {
    const { attachment } = started(await listening());
    const peer = await plainPeer();
    await until(() => attachment.up);
    const frame = new Frame();
    let taken = 0;
    // Far more than the kernel's buffer and the two batches hold, over several turns of the event loop.
    for (let turn = 0; turn < 20; turn++) {
      for (let count = 0; count < 200; count++) if (attachment.send(frame, 1514)) taken++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(attachment.counters).toEqual({ received: 0, sent: taken, refused: 4000 - taken, discarded: 0 });
    expect(taken).toBeLessThan(2000);
    let bytes = 0;
    peer.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await until(() => bytes === taken * 1518);
    expect(attachment.send(frame, 1514)).toBe(true);
  });

  test("takes the place of a socket that a killed program left", async () => {
    // Renamed meanwhile, so that the server does not find its socket to remove it.
    const server = await plainServer(() => {});
    renameSync(path, `${path}.stale`);
    await new Promise((resolve) => server.close(resolve));
    renameSync(`${path}.stale`, path);
    const { attachment } = started(await listening());
    await plainPeer();
    await until(() => attachment.up);
  });

  test("refuses a path where another program listens", async () => {
    await plainServer((socket) => socket.destroy());
    await expect(listenStream(path)).rejects.toThrow(
      `stream:unix:${path} cannot be made: another program listens there; end it, or use stream:connect:unix:PATH`,
    );
  });

  test("refuses a path where a file is, and leaves it there", async () => {
    writeFileSync(path, "precious");
    await expect(listenStream(path)).rejects.toThrow(
      `stream:unix:${path} cannot be made: a file that is not a socket is there; choose another path`,
    );
  });

  test("refuses a path in no directory", async () => {
    await expect(listenStream(`${path}/deeper/wire`)).rejects.toThrow(
      `stream:unix:${path}/deeper/wire cannot be made: its directory does not exist, or this user may not write there`,
    );
  });

  test("removes its socket on close", async () => {
    const attachment = await listening();
    expect(existsSync(path)).toBe(true);
    attachment.close();
    expect(existsSync(path)).toBe(false);
  });
});

describe("a connecting stream", () => {
  test("says so when nothing is at the path", async () => {
    await expect(connectStream(path)).rejects.toThrow(
      `stream:connect:unix:${path} cannot be reached: no program listens there; start it first, or listen with stream:unix:PATH`,
    );
  });

  test("says so when the path is no socket", async () => {
    writeFileSync(path, "");
    await expect(connectStream(path)).rejects.toThrow(
      `stream:connect:unix:${path} cannot be reached: that path is not a socket`,
    );
  });

  test("reports a peer that goes and connects again", async () => {
    const peers: Socket[] = [];
    await plainServer((socket) => void peers.push(socket));
    const { attachment, notices } = started(await connected());
    await until(() => peers.length === 1);
    peers[0]?.destroy();
    await until(() => !attachment.up);
    await until(() => attachment.up);
    expect(notices).toEqual([
      `stream:connect:unix:${path}: the peer has gone; trying again every second`,
      `stream:connect:unix:${path}: connected again`,
    ]);
    for (const peer of peers) peer.destroy();
  });
});
