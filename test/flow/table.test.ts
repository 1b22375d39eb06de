import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import * as layout from "../../src/flow/layout.js";
import { FlowTable, LAN, WAN } from "../../src/flow/table.js";
import { insertFlow } from "./insertFlow.js";

interface Tuple {
  readonly protocol: number;
  readonly inside: number;
  readonly insidePort: number;
  readonly remote: number;
  readonly remotePort: number;
  readonly externalPort: number;
}

// Few values, so that tuples meet in chains and differ in one part only.
const tuples = fc.record<Tuple>({
  protocol: fc.constantFrom(1, 6, 17),
  inside: fc.constantFrom(0xc0a8010a | 0, 0xc0a80132 | 0, 0x0a000001),
  insidePort: fc.constantFrom(0, 80, 5000, 65535),
  remote: fc.constantFrom(0xc6336401 | 0, 0x08080808, -2),
  remotePort: fc.constantFrom(0, 53, 443, 65535),
  externalPort: fc.constantFrom(1, 1024, 40000, 65535),
});

const outboundKey = (t: Tuple) => [t.protocol, t.inside, t.insidePort, t.remote, t.remotePort].join();
const inboundKey = (t: Tuple) => [t.protocol, t.remote, t.remotePort, t.externalPort].join();

function insert(table: FlowTable, t: Tuple): number {
  return insertFlow(table, t.protocol, t.inside, t.insidePort, t.remote, t.remotePort, t.externalPort);
}

describe("FlowTable", () => {
  it("finds what a pair of maps finds, whatever was inserted and removed", () => {
    const operation = fc.record({ tuple: tuples, isInsert: fc.boolean() });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), fc.integer(), (operations, secret) => {
        const table = new FlowTable(16, 4, new SeededRandom(secret));
        table.externalAddress = 0xcb007102 | 0;
        const outbound = new Map<string, number>();
        const inbound = new Map<string, number>();
        for (const { tuple: t, isInsert } of operations) {
          if (isInsert) {
            if (outbound.has(outboundKey(t)) || inbound.has(inboundKey(t))) continue;
            const index = insert(table, t);
            expect(index < 0).toBe(outbound.size === 16);
            if (index < 0) continue;
            outbound.set(outboundKey(t), index);
            inbound.set(inboundKey(t), index);
          } else {
            const index = outbound.get(outboundKey(t));
            if (index === undefined || inbound.get(inboundKey(t)) !== index) continue;
            table.remove(index);
            outbound.delete(outboundKey(t));
            inbound.delete(inboundKey(t));
          }
          expect(table.count).toBe(outbound.size);
        }
        for (const { tuple: t } of operations) {
          const out = table.findOutbound(t.protocol, t.inside, t.insidePort, t.remote, t.remotePort);
          expect(out).toBe(outbound.get(outboundKey(t)) ?? -1);
          const back = table.findInbound(t.protocol, t.remote, t.remotePort, t.externalPort);
          expect(back).toBe(inbound.get(inboundKey(t)) ?? -1);
        }
      }),
    );
  });

  it("gives a record's fields back as they were put in", () => {
    fc.assert(
      fc.property(tuples, (t) => {
        const table = new FlowTable(4, 4, new SeededRandom(1));
        const index = insert(table, t);
        expect({
          protocol: table.protocol(index),
          inside: table.insideAddress(index),
          insidePort: table.insidePort(index),
          remote: table.remoteAddress(index),
          remotePort: table.remotePort(index),
          externalPort: table.externalPort(index),
        }).toEqual(t);
      }),
    );
  });

  it("costs 40 bytes a session with its share of the index, and 8 for the acknowledgement numbers", () => {
    const bytes = (sessions: number) => new FlowTable(sessions, 32, new SeededRandom(1)).words.byteLength;
    expect(bytes(2048) - bytes(1024)).toBe(1024 * 48);
    expect(layout.RECORD_WORDS * 4).toBe(32);
  });

  it("takes every record out of its chains again, the largest table's, too", () => {
    const sessions = 32767;
    const big = new FlowTable(sessions, 1, new SeededRandom(3));
    const heads = big.words.subarray(big.words[layout.BUCKETS], big.words[layout.RECORDS]);
    const empty = heads.slice();
    expect(heads).toHaveLength(32768);
    const tuple = (n: number) => [17, n, n & 0xffff, n ^ 0x5555, 80] as const;
    for (let n = 0; n < sessions; n++) expect(insertFlow(big, ...tuple(n), n)).toBe(n);
    // First those in the middle of their chains or at the end, then the others.
    for (const parity of [0, 1]) for (let n = parity; n < sessions; n += 2) big.remove(n);
    expect(big.count).toBe(0);
    expect(heads).toEqual(empty);
  });

  it("carries a record each way whose next hop is known, when the NAT agrees", () => {
    const table = new FlowTable(4, 4, new SeededRandom(1));
    const index = insertFlow(table, 17, 1, 2, 3, 4, 5);
    const recordAt = (table.words[layout.RECORDS] as number) + index * layout.RECORD_WORDS;
    const carriedWays = () =>
      [layout.INBOUND_WAY, layout.OUTBOUND_WAY].map(
        (way) => ((table.words[recordAt + way] as number) & 0xffff) === (layout.CARRIED | 17),
      );
    table.setNeighbour(0, 0x020000000001, 0x020000000002);
    table.setNeighbour(1, 0x020000000003, 0x020000000004);
    table.setNextHop(index, LAN, 0);
    expect(carriedWays()).toEqual([false, false]);
    table.setSettled(index, true);
    expect(carriedWays()).toEqual([true, false]);
    expect(table.isCarried(index)).toBe(false);
    table.setNextHop(index, WAN, 1);
    expect(carriedWays()).toEqual([true, true]);
    expect(table.isCarried(index)).toBe(true);
    table.setSettled(index, false);
    expect(carriedWays()).toEqual([false, false]);
  });

  it("takes no next hop whose station is unknown, or that the table has no room for", () => {
    const table = new FlowTable(4, 2, new SeededRandom(1));
    const index = insertFlow(table, 17, 1, 2, 3, 4, 5);
    table.setSettled(index, true);
    table.setNeighbour(0, 0x020000000001, 0x020000000002);
    table.setNeighbour(2, 0x020000000001, 0x020000000002);
    table.setNextHop(index, LAN, 0);
    for (const hop of [-1, 1, 2]) table.setNextHop(index, WAN, hop);
    expect(table.isCarried(index)).toBe(false);
  });

  it("forgets the next hops of all records before an epoch comes round again", () => {
    const table = new FlowTable(4, 2, new SeededRandom(1));
    const index = insertFlow(table, 17, 1, 2, 3, 4, 5);
    table.setSettled(index, true);
    for (const side of [LAN, WAN]) {
      table.setNeighbour(side, 0x020000000001, 0x020000000002);
      table.setNextHop(index, side, side);
    }
    // Another station each time.
    for (let loss = 1; loss < 256; loss++) table.setNeighbour(LAN, loss, 0x020000000002);
    expect(table.isCarried(index)).toBe(true);
    table.clearNeighbour(LAN);
    expect(table.isCarried(index)).toBe(false);
    // The free records are as they were.
    expect([1, 2, 3, 4].map((port) => insertFlow(table, 17, 1, port, 3, 4, port))).toEqual([1, 2, 3, -1]);
  });
});
