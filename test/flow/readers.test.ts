import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import * as layout from "../../src/flow/layout.js";
import { flowTableBytes } from "../../src/flow/memory.js";
import { FlowTable, LAN, WAN } from "../../src/flow/table.js";

const SESSIONS = 4;
const NEXT_HOPS = 2;
const HOST = 0x020000000001;
const ROUTER = 0x020000000003;

describe("a flow table with readers in other tasks", () => {
  let table: FlowTable;
  let words: Int32Array;

  beforeEach(() => {
    const buffer = new SharedArrayBuffer(flowTableBytes(SESSIONS, NEXT_HOPS));
    table = new FlowTable(SESSIONS, NEXT_HOPS, new SeededRandom(1), { buffer });
    words = new Int32Array(buffer);
  });

  const enter = (side: number) => {
    words[layout.READERS + side] = words[layout.PERIOD] as number;
  };
  const leave = (side: number) => {
    words[layout.READERS + side] = 0;
  };
  const insert = (port: number) => table.insert(17, 1, port, 3, 4, port);
  const fill = () => {
    for (let port = 1; port <= SESSIONS; port++) expect(insert(port)).toBe(port - 1);
  };

  it.each([LAN, WAN])("does not use a record again that reader %i may hold", (side) => {
    fill();
    enter(side);
    table.remove(2);
    expect(table.hasRoom()).toBe(false);
    expect(insert(9)).toBe(-1);
    leave(side);
    expect(table.hasRoom()).toBe(true);
    expect(insert(9)).toBe(2);
  });

  it("uses a record again that was removed before a reader went in", () => {
    fill();
    table.remove(2);
    enter(LAN);
    expect(insert(9)).toBe(2);
  });

  it("uses a record again when the reader has come back since", () => {
    fill();
    enter(LAN);
    table.remove(2);
    enter(LAN);
    expect(insert(9)).toBe(2);
  });

  it("leaves a removed record as a reader found it", () => {
    const index = insert(1);
    const at = (words[layout.RECORDS] as number) + index * layout.RECORD_WORDS;
    const keysAndLinks = () =>
      [layout.REMOTE_ADDRESS, layout.INSIDE_PORTS, layout.INSIDE_ADDRESS, layout.EXTERNAL_PORTS, layout.CHAINS].map(
        (word) => words[at + word],
      );
    const before = keysAndLinks();
    enter(LAN);
    table.remove(index);
    for (let port = 2; port <= SESSIONS; port++) insert(port);
    expect(keysAndLinks()).toEqual(before);
  });

  it("changes the external address and the interfaces only when nobody is at work with the old ones", () => {
    table.setInterface(LAN, HOST, 1500);
    table.externalAddress = 5;
    const header = () => [words[layout.EXTERNAL_ADDRESS], words[layout.INTERFACES], words[layout.INTERFACES + 1]];
    const [address, , tail] = header();
    enter(WAN);
    table.externalAddress = 7;
    table.setInterface(LAN, ROUTER, 1400);
    expect(header()).toEqual([address, layout.CLOSED, tail]);
    expect(table.header.lanMacHead).toBe(0x10000);
    expect(insert(1)).toBe(-1);
    leave(WAN);
    expect(insert(1)).toBe(0);
    expect(header()).toEqual([table.toWire(7), table.toWire(0x0200), table.toWire(3)]);
    expect(words[layout.INTERFACES + 2]).toBe(1400);
  });

  it("writes a station anew only when nobody is at work with the old one", () => {
    const index = insert(1);
    table.setNeighbour(0, HOST, ROUTER);
    const stations = words.subarray(layout.HEADER_WORDS, layout.HEADER_WORDS + layout.NEXT_HOP_WORDS);
    const before = [...stations].slice(1);
    enter(LAN);
    table.setNeighbour(0, ROUTER, ROUTER);
    table.setSettled(index, true);
    for (const side of [LAN, WAN]) table.setNextHop(index, side, 0);
    expect([...stations].slice(1)).toEqual(before);
    expect(table.isCarried(index)).toBe(false);
    leave(LAN);
    for (const side of [LAN, WAN]) table.setNextHop(index, side, 0);
    expect(stations[1]).toBe(table.toWire(3));
    expect(table.isCarried(index)).toBe(true);
  });

  it("begins a new period with each removal that somebody waits for", () => {
    fill();
    enter(LAN);
    for (let changes = 0; changes < 3; changes++) {
      table.remove(0);
      enter(LAN);
      expect(insert(1)).toBe(0);
    }
    expect(words[layout.PERIOD]).toBe(4);
  });

  it("refuses memory that is too small, and uses no more than it needs", () => {
    const bytes = flowTableBytes(SESSIONS, NEXT_HOPS);
    const make = (length: number) =>
      new FlowTable(SESSIONS, NEXT_HOPS, new SeededRandom(1), { buffer: new ArrayBuffer(length) });
    expect(() => make(bytes - 1)).toThrow(
      `The flow table's memory has ${bytes - 1} bytes; ${SESSIONS} sessions and ${NEXT_HOPS} next hops need ${bytes}`,
    );
    expect(make(bytes + 64).words.byteLength).toBe(bytes);
  });
});
