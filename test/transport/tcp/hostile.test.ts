import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NEVER } from "../../../src/core/clock.js";
import type { TcpSocket } from "../../../src/transport/tcp/socket.js";
import {
  acceptedConnection,
  type Connected,
  established,
  type Listening,
  listening,
  synSent,
  type TcpPeer,
} from "../../support/tcpPeer.js";

const FLAGS = ["", "A", "S", "SA", "F", "FA", "R", "RA", "PA", "UA", "UPA", "FPA", "SF", "SR", "FSRPAUEC"];

const segment = fc.record({
  kind: fc.constant("segment" as const),
  flags: fc.constantFrom(...FLAGS),
  seq: fc.oneof(
    fc.integer({ min: -3, max: 30 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: 4000, max: 4200 }),
  ),
  ack: fc.oneof(fc.integer({ min: -3, max: 30 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constant(101)),
  data: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 4200 })),
  window: fc.constantFrom(0, 1, 5, 1000, 65_535),
  urgent: fc.constantFrom(0, 1, 65_535),
  options: fc.constantFrom<number[]>([], [2, 4, 5, 180], [2, 4, 0, 0], [1, 1, 1, 2], [9, 0, 0, 0]),
});

const action = fc.oneof(
  { weight: 6, arbitrary: segment },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("write" as const, "read" as const, "advance" as const),
      amount: fc.constantFrom(1, 10, 100, 2000, 70_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("shutdown" as const, "close" as const, "abort" as const) }),
  },
);

/** Each with the sockets that the application has, or will have got. */
const STATES: Record<string, () => { peer: TcpPeer; sockets: TcpSocket[] }> = {
  "a connection being opened": () => withSocket(synSent()),
  "an established connection": () => withSocket(established()),
  "a connection to a peer with a closed window": () => withSocket(established({ window: 0 })),
  "an accepted connection": () => withAccepted(acceptedConnection()),
  "a listener": () => withAccepted(listening()),
};

function withSocket({ peer, socket }: Connected) {
  return { peer, sockets: [socket] };
}

function withAccepted({ peer, accepted }: Listening) {
  return { peer, sockets: accepted };
}

describe("whatever a peer and an application do", () => {
  it.each(Object.entries(STATES))("%s stays in order, sends little, and gives everything back", (_name, make) => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { peer, sockets } = make();
        const ports = peer.rig.ports.count;
        const target = new Uint8Array(4096);
        for (const one of actions) {
          const socket = sockets.at(-1);
          if (one.kind === "segment") peer.send(one.flags, one);
          else if (one.kind === "write") socket?.write(new Uint8Array(one.amount));
          else if (one.kind === "read") socket?.read(target.subarray(0, one.amount));
          else if (one.kind === "advance") peer.advance(one.amount);
          else socket?.[one.kind]();
          expect(peer.take().length).toBeLessThan(80);
          expect(peer.rig.tcp.nextDeadline()).toBeGreaterThanOrEqual(peer.now);
          peer.rig.table.forEach((entry) => {
            expect(Math.max(entry.receiveQueueBytes, entry.sendQueueBytes)).toBeLessThanOrEqual(4096);
          });
        }
        for (const socket of sockets) socket.close();
        peer.advance(1_000_000);
        expect(peer.rig.table.count).toBe(0);
        expect(peer.rig.tcp.nextDeadline()).toBe(NEVER);
        // A listener keeps its port; a connection's own is free again.
        expect(peer.rig.ports.count).toBe(peer.rig.table.listenerCount === 0 ? ports - 1 : ports);
      }),
      { numRuns: 300 },
    );
  });
});
