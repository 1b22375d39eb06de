import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import * as layout from "../../src/flow/layout.js";
import { flowTableBytes, type WordAccess } from "../../src/flow/memory.js";
import { FlowTable, LAN, WAN } from "../../src/flow/table.js";
import { insertFlow } from "./insertFlow.js";

const SESSIONS = 4;
const NEXT_HOPS = 2;
const HOST = 0x020000000001;
const ROUTER = 0x020000000003;

describe("a flow table with readers in other tasks", () => {
  let table: FlowTable;
  let words: Int32Array;
  /** Called after each word that readers may see. */
  let stored: (at: number) => void;

  beforeEach(() => {
    const buffer = new SharedArrayBuffer(flowTableBytes(SESSIONS, NEXT_HOPS));
    words = new Int32Array(buffer);
    stored = () => undefined;
    table = new FlowTable(SESSIONS, NEXT_HOPS, new SeededRandom(1), { buffer, access: boardAccess });
  });

  /** As the board's: words are numbered from the table's beginning, and there is no other. */
  const boardAccess: WordAccess = {
    load(at) {
      check(at);
      return words[at] as number;
    },
    store(at, value) {
      check(at);
      words[at] = value;
      stored(at);
    },
  };
  const check = (at: number) => {
    if (!Number.isInteger(at) || at < 0 || at >= words.length) throw new RangeError("The flow table has no such word");
  };

  const enter = (side: number) => {
    words[layout.READERS + side] = words[layout.PERIOD] as number;
  };
  const leave = (side: number) => {
    words[layout.READERS + side] = 0;
  };
  const insert = (port: number) => insertFlow(table, 17, 1, port, 3, 4, port);
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

  it("uses each record again that was removed before a reader went in", () => {
    fill();
    table.remove(0);
    table.remove(1);
    enter(LAN);
    expect([insert(5), insert(6), insert(7)]).toEqual([0, 1, -1]);
  });

  it("uses a record again that was removed between two visits, while another was held by the first", () => {
    fill();
    enter(LAN);
    table.remove(0);
    leave(LAN);
    table.remove(1);
    enter(LAN);
    table.remove(2);
    expect([insert(5), insert(6), insert(7)]).toEqual([0, 1, -1]);
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
    // Two that keep them, for the flow caches of one table do.
    const kept: unknown[] = [];
    for (let n = 0; n < 2; n++) table.header.follow((_, lan) => kept.push(lan.mtuBytes));
    kept.length = 0;
    enter(WAN);
    table.externalAddress = 7;
    table.setInterface(LAN, ROUTER, 1400);
    expect(header()).toEqual([address, layout.CLOSED, tail]);
    expect(kept).toEqual([0, 0]);
    expect(insert(1)).toBe(-1);
    leave(WAN);
    expect(insert(1)).toBe(0);
    expect(header()).toEqual([table.toWire(7), table.toWire(0x0200), table.toWire(3)]);
    expect(words[layout.INTERFACES + 2]).toBe(1400);
    expect(kept).toEqual([0, 0, 1400, 1400]);
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

  it("publishes a next hop where the next hops are", () => {
    table.setNeighbour(1, HOST, ROUTER);
    const at = layout.HEADER_WORDS + layout.NEXT_HOP_WORDS;
    expect([...words.subarray(at, at + 2)]).toEqual([table.toWire(0x01000200), table.toWire(1)]);
    expect(words[layout.EXTERNAL_ADDRESS]).toBe(0);
  });

  it("takes a name from all records before it names another station", () => {
    const index = insert(1);
    const wayAt = (words[layout.RECORDS] as number) + index * layout.RECORD_WORDS + layout.OUTBOUND_WAY;
    const stationAt = layout.HEADER_WORDS;
    table.setNeighbour(0, 0, ROUTER);
    table.setSettled(index, true);
    table.setNextHop(index, WAN, 0);
    const way = words[wayAt] as number;
    expect(way & 0xffff).toBe(layout.CARRIED | 17);
    const matches: number[] = [];
    let change = 0;
    stored = (at) => {
      const name = table.toWire(words[stationAt] as number) >>> 16;
      const hop = (words[wayAt] as number) >>> 16;
      const isNamed = ((words[wayAt] as number) & layout.FLAG_HOP) !== 0;
      if (at === stationAt && isNamed && name === ((hop & 0xff) << 8) + (hop >> 8)) matches.push(change);
    };
    for (change = 1; change <= 256; change++) table.setNeighbour(0, change, ROUTER);
    expect(matches).toEqual([]);
    expect(table.isCarried(index)).toBe(false);
  });

  it("ends a period between taking a name from all records and naming another station", () => {
    const index = insert(1);
    const wayAt = (words[layout.RECORDS] as number) + index * layout.RECORD_WORDS + layout.OUTBOUND_WAY;
    for (let change = 0; change < 256; change++) table.setNeighbour(0, change, ROUTER);
    const steps: number[] = [];
    stored = (at) => void ([layout.HEADER_WORDS, wayAt, layout.PERIOD].includes(at) && steps.push(at));
    table.setNeighbour(0, 256, ROUTER);
    expect(steps).toEqual([layout.HEADER_WORDS, wayAt, layout.PERIOD, layout.HEADER_WORDS]);
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
