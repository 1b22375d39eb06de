import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../host-sim/random.js";
import type { TcpHandler, TcpSocket } from "../../../src/transport/tcp/socket.js";
import { LossyPipe, NO_FAULTS, type PipeFaults } from "../../support/lossyPipe.js";
import { OUR_ADDRESS, PEER_ADDRESS, TransportRig } from "../../support/transportRig.js";

function randomBytes(count: number, seed: number): Uint8Array {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length: count }, () => random.next32() & 255);
}

/** Writes all of its data, then closes its side; keeps what it reads; closes when the peer has ended. */
class Transferrer implements TcpHandler {
  readonly received: number[] = [];
  isEnded = false;
  isClosed = false;
  reason: string | undefined;
  #data: Uint8Array;
  #sent = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  onConnected(socket: TcpSocket): void {
    this.#pump(socket);
  }

  onWritable(socket: TcpSocket): void {
    this.#pump(socket);
  }

  onReadable(socket: TcpSocket): void {
    const chunk = new Uint8Array(997);
    for (let count = socket.read(chunk); count > 0; count = socket.read(chunk)) {
      for (let i = 0; i < count; i++) this.received.push(chunk[i] as number);
    }
  }

  onEnd(): void {
    this.isEnded = true;
  }

  onClosed(_socket: TcpSocket, reason: string | undefined): void {
    this.isClosed = true;
    this.reason = reason;
  }

  #pump(socket: TcpSocket): void {
    this.#sent += socket.write(this.#data.subarray(this.#sent));
    if (this.#sent === this.#data.length) socket.shutdown();
  }
}

/** For networks so bad that a host with the usual patience gives up now and then, as it should. */
const PATIENT = { giveUpMs: 1e9, synGiveUpMs: 1e9, maxSegmentLifetimeMs: 1e9 };

function transfer(faults: PipeFaults, upload: Uint8Array, download: Uint8Array, startMs = 0) {
  const settings = faults === NO_FAULTS ? {} : PATIENT;
  const client = new TransportRig({ address: OUR_ADDRESS, seed: faults.seed, settings });
  const server = new TransportRig({ address: PEER_ADDRESS, seed: faults.seed + 1, settings });
  const pipe = new LossyPipe(client, server, faults);
  pipe.now = startMs;
  client.clock.now = startMs;
  server.clock.now = startMs;
  const clientSide = new Transferrer(upload);
  const serverSide = new Transferrer(download);
  server.tcp.listen({
    port: 80,
    onConnection: (socket) => {
      socket.handler = serverSide;
      serverSide.onConnected(socket);
    },
  });
  let initialSequence = 0;
  const deliver = client.output.onDatagram;
  client.output.onDatagram = (payload, ...rest) => {
    initialSequence = new DataView(payload.buffer).getInt32(4);
    deliver(payload, ...rest);
  };
  client.tcp.connect({ address: PEER_ADDRESS, port: 80, handler: clientSide });
  client.output.onDatagram = deliver;
  pipe.run(startMs + 1e9, () => clientSide.isClosed && serverSide.isClosed);
  return { client, server, pipe, clientSide, serverSide, initialSequence };
}

describe("two endpoints over a pipe", () => {
  it("transfer data both ways and close without an error", () => {
    const upload = randomBytes(50_000, 1);
    const download = randomBytes(70_000, 2);
    const { pipe, clientSide, serverSide, client, server } = transfer(NO_FAULTS, upload, download);
    expect(Uint8Array.from(serverSide.received)).toEqual(upload);
    expect(Uint8Array.from(clientSide.received)).toEqual(download);
    expect([clientSide.isEnded, serverSide.isEnded]).toEqual([true, true]);
    expect([clientSide.reason, serverSide.reason]).toEqual([undefined, undefined]);
    expect([...pipe.verdicts.keys()]).toEqual(["ok"]);
    // 4 KB windows over a round trip of 10 ms: no timer had to help.
    expect(pipe.now).toBeLessThan(400);
    pipe.run(pipe.now + 240_000);
    expect([client.table.count, server.table.count]).toEqual([0, 0]);
    expect([client.ports.count, server.ports.count]).toEqual([0, 1]);
  });

  it.each([0, 0x80000000])("transfer across sequence number %d, after 60 days up", (boundary) => {
    const days = 60 * 86_400_000;
    const faults = { ...NO_FAULTS, seed: 9, loss: 0.05 };
    const upload = randomBytes(40_000, 1);
    const first = transfer(faults, upload, upload, days).initialSequence;
    // The initial sequence number grows by 250 each millisecond: at this later instant it is just below the boundary.
    const startMs = days + Math.floor(((boundary - 5000 - first) >>> 0) / 250);
    const { clientSide, serverSide, initialSequence } = transfer(faults, upload, upload, startMs);
    expect((boundary - initialSequence) | 0).toBeGreaterThan(0);
    expect((boundary - initialSequence) | 0).toBeLessThan(10_000);
    expect(Uint8Array.from(serverSide.received)).toEqual(upload);
    expect(Uint8Array.from(clientSide.received)).toEqual(upload);
  });

  it("transfer the same bytes whatever the network does to the packets", () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer({ min: 1, max: 1_000_000 }),
          latencyMs: fc.integer({ min: 0, max: 200 }),
          loss: fc.double({ min: 0, max: 0.2, noNaN: true }),
          duplication: fc.double({ min: 0, max: 0.3, noNaN: true }),
          reordering: fc.double({ min: 0, max: 0.3, noNaN: true }),
          corruption: fc.double({ min: 0, max: 0.1, noNaN: true }),
        }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        (faults, uploadBytes, downloadBytes) => {
          const upload = randomBytes(uploadBytes, faults.seed);
          const download = randomBytes(downloadBytes, faults.seed + 1);
          const { clientSide, serverSide } = transfer(faults, upload, download);
          expect(Uint8Array.from(serverSide.received)).toEqual(upload);
          expect(Uint8Array.from(clientSide.received)).toEqual(download);
          expect([clientSide.reason, serverSide.reason]).toEqual([undefined, undefined]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("carry a thousand connections at once", () => {
    const capacity = { sockets: 1000, listeners: 1, tcpReceiveBytes: 1024, tcpSendBytes: 1024 };
    const client = new TransportRig({ address: OUR_ADDRESS, seed: 1, capacity });
    const server = new TransportRig({ address: PEER_ADDRESS, seed: 2, capacity });
    const pipe = new LossyPipe(client, server);
    server.tcp.listen({
      port: 80,
      backlog: 1000,
      onConnection: (socket) => {
        const echo = new Uint8Array(100);
        socket.handler = {
          onReadable: () => socket.write(echo.subarray(0, socket.read(echo))),
          onEnd: () => socket.close(),
        };
      },
    });
    const sides = Array.from({ length: 1000 }, (_, i) => new Transferrer(randomBytes(50, i)));
    for (const side of sides) client.tcp.connect({ address: PEER_ADDRESS, port: 80, handler: side });
    pipe.run(10_000, () => sides.every((side) => side.isClosed));
    sides.forEach((side, i) => {
      expect(Uint8Array.from(side.received)).toEqual(randomBytes(50, i));
    });
    pipe.run(pipe.now + 100);
    expect([client.table.count, server.table.count]).toEqual([1000, 0]);
  });
});
