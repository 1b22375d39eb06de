import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Clock, NEVER } from "../../src/core/clock.js";
import { FRAGMENT_TIMEOUT_MS, FragmentTable } from "../../src/ip/fragmentTable.js";

const CAPACITY = 8;
const SOURCE = 0xc0a8010a | 0;
const OTHER = 0xc0a80132 | 0;
const DESTINATION = 0xc6336450 | 0;
const INSIDE = 0x0a000001;

let clock: Clock;
let table: FragmentTable;

/** As fragmentKey makes it, of UDP. */
function key(identification: number, link = 0): number {
  return (identification << 16) | (17 << 8) | (link << 1) | 1;
}

function open(identification: number, { source = SOURCE, link = 0, firstBytes = 16 } = {}): number {
  return table.open(key(identification, link), source, DESTINATION, INSIDE, 0xfffe, firstBytes);
}

function find(identification: number, { source = SOURCE, link = 0 } = {}): number {
  return table.find(key(identification, link), source, DESTINATION);
}

/** Judges a fragment and, if it may pass, adds it. */
function pass(at: number, offset: number, length: number, more: boolean) {
  const verdict = table.judge(at, offset, length, more);
  if (verdict === "ok") table.add(at, offset, length, more);
  return verdict;
}

beforeEach(() => {
  clock = new Clock();
  table = new FragmentTable(clock, CAPACITY);
});

describe("an entry", () => {
  it("is found by link, source, destination, protocol and identification, and by nothing less", () => {
    const at = open(7);
    expect(find(7)).toBe(at);
    expect(find(8)).toBe(-1);
    expect(find(7, { link: 1 })).toBe(-1);
    expect(find(7, { source: OTHER })).toBe(-1);
    expect(table.find(key(7), SOURCE, OTHER)).toBe(-1);
    expect(table.find(key(7) ^ (1 << 8), SOURCE, DESTINATION)).toBe(-1);
  });

  it("says where the others go, and as what", () => {
    const at = open(7);
    pass(at, 16, 9, false);
    expect([table.newDestination(at), table.identification(at), table.isRefused(at)]).toEqual([INSIDE, 0xfffe, false]);
  });

  it("goes with the last missing fragment", () => {
    const at = open(7);
    expect(pass(at, 40, 5, false)).toBe("ok");
    expect(pass(at, 32, 8, true)).toBe("ok");
    expect(find(7)).toBe(at);
    expect(pass(at, 16, 16, true)).toBe("ok");
    expect(find(7)).toBe(-1);
  });

  it("takes 65,515 bytes, in fragments of 8 from behind", () => {
    const at = open(7, { firstBytes: 8 });
    expect(pass(at, 65_512, 3, false)).toBe("ok");
    for (let offset = 65_504; offset > 0; offset -= 8) {
      expect(find(7)).toBe(at);
      expect(table.judge(at, offset, 8, true)).toBe("ok");
      table.add(at, offset, 8, true);
    }
    expect(find(7)).toBe(-1);
  });

  it("keeps four ranges apart, and takes no fifth before two of them meet", () => {
    const at = open(7, { firstBytes: 8 });
    for (const offset of [16, 32, 48]) expect(pass(at, offset, 8, true)).toBe("ok");
    expect(table.judge(at, 64, 8, true)).toBe("fragmentTableFull");
    expect(pass(at, 40, 8, true)).toBe("ok");
    expect(pass(at, 64, 8, true)).toBe("ok");
  });

  const ranges = [
    ["repeats the first", 0, 16, true, "fragmentDuplicate"],
    ["repeats part of the first", 8, 8, true, "fragmentDuplicate"],
    ["repeats another", 32, 16, true, "fragmentDuplicate"],
    ["repeats the last", 64, 5, false, "fragmentDuplicate"],
    ["overlaps the one before", 8, 16, true, "fragmentMalformed"],
    ["overlaps the one behind", 24, 16, true, "fragmentMalformed"],
    ["covers one and more", 24, 32, true, "fragmentMalformed"],
    ["covers the first and more", 0, 24, true, "fragmentMalformed"],
    ["goes beyond the end", 72, 8, true, "fragmentMalformed"],
    ["fills what the end leaves open", 64, 8, true, "fragmentMalformed"],
    ["moves the end", 64, 4, false, "fragmentMalformed"],
    ["ends before data that are there", 16, 8, false, "fragmentMalformed"],
    ["fits in between", 16, 16, true, "ok"],
  ] as const;
  it.each(ranges)("RFC1858, RFC5722: has its say on a fragment that %s", (_, offset, length, more, verdict) => {
    const at = open(7);
    for (const [from, bytes, isMore] of [
      [32, 16, true],
      [64, 5, false],
    ] as const) {
      expect(pass(at, from, bytes, isMore)).toBe("ok");
    }
    expect(table.judge(at, offset, length, more)).toBe(verdict);
  });

  it("passes each byte at most once, and is complete exactly when all have passed", () => {
    const piece = fc.record({
      at: fc.nat(12),
      units: fc.integer({ min: 1, max: 5 }),
      odd: fc.nat(7),
      more: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        table = new FragmentTable(clock, 1);
        const at = open(7, { firstBytes: 8 });
        const passed = new Set<number>(Array.from({ length: 8 }, (_, i) => i));
        let end = -1;
        for (const { at: unit, units, odd, more } of pieces) {
          const offset = 8 * unit;
          const length = 8 * units - (more ? 0 : odd);
          const bytes = Array.from({ length }, (_, i) => offset + i);
          const known = bytes.filter((byte) => passed.has(byte)).length;
          const furthest = Math.max(...passed) + 1;
          const isContradiction = more
            ? end >= 0 && offset + length > end
            : end >= 0
              ? offset + length !== end
              : offset + length < furthest;
          const verdict = pass(at, offset, length, more);
          if (isContradiction) expect(verdict).toBe("fragmentMalformed");
          else if (known === length) expect(verdict).toBe("fragmentDuplicate");
          else if (known > 0) expect(verdict).toBe("fragmentMalformed");
          else expect(["ok", "fragmentTableFull"]).toContain(verdict);
          if (verdict !== "ok") continue;
          for (const byte of bytes) passed.add(byte);
          if (!more) end = offset + length;
          expect(find(7) < 0).toBe(end >= 0 && passed.size === end);
          if (find(7) < 0) return;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

// The second start is where the lower 32 bits of the clock become negative.
describe.each([0, 2 ** 31 - 2500, 2 ** 32 - 2500])("time, from %i ms", (startMs) => {
  beforeEach(() => {
    clock.now = startMs;
  });

  it("ends an entry 5 s after its last new fragment", () => {
    const at = open(7);
    clock.now += 4000;
    table.poll();
    expect(pass(at, 32, 8, true)).toBe("ok");
    clock.now += 4000;
    table.poll();
    expect(table.judge(at, 32, 8, true)).toBe("fragmentDuplicate");
    clock.now += 999;
    table.poll();
    expect(find(7)).toBe(at);
    clock.now += 1;
    expect(table.nextDeadline()).toBe(clock.now);
    table.poll();
    expect(find(7)).toBe(-1);
    expect(table.nextDeadline()).toBe(NEVER);
  });

  it("ends entries of two links each in its time", () => {
    open(1);
    clock.now += 1000.5;
    open(2, { link: 1 });
    clock.now = startMs + FRAGMENT_TIMEOUT_MS;
    table.poll();
    expect([find(1), find(2, { link: 1 }) >= 0]).toEqual([-1, true]);
    clock.now += 1001;
    table.poll();
    expect(find(2, { link: 1 })).toBe(-1);
  });
});

describe("a refused datagram", () => {
  it("lets nothing pass, until it is forgotten", () => {
    table.refuse(key(7), SOURCE, DESTINATION);
    expect(table.isRefused(find(7))).toBe(true);
    clock.now += FRAGMENT_TIMEOUT_MS;
    table.poll();
    expect(find(7)).toBe(-1);
  });

  it("may have been one that passed", () => {
    const at = open(7);
    table.refuse(key(7), SOURCE, DESTINATION);
    expect(find(7)).toBe(at);
    expect(table.isRefused(at)).toBe(true);
  });

  it("makes way for any that passes, and takes nobody's place but another refused one's", () => {
    for (let i = 0; i < 100; i++) table.refuse(key(1000 + i), SOURCE + i, DESTINATION);
    for (let i = 0; i < CAPACITY / 2; i++) {
      open(i, { source: OTHER + i });
      open(i, { source: OTHER + i, link: 1 });
    }
    for (let i = 0; i < 100; i++) table.refuse(key(1000 + i), SOURCE + i, DESTINATION);
    for (let i = 0; i < CAPACITY / 2; i++) {
      expect(find(i, { source: OTHER + i })).toBeGreaterThanOrEqual(0);
      expect(find(i, { source: OTHER + i, link: 1 })).toBeGreaterThanOrEqual(0);
    }
    expect(find(1099, { source: SOURCE + 99 })).toBe(-1);
  });
});

describe("a full table", () => {
  it("gives a source a quarter, and then the place of its own oldest", () => {
    const other = open(1, { source: OTHER });
    for (let i = 0; i < 100; i++) {
      clock.now++;
      open(100 + i);
    }
    expect(find(1, { source: OTHER })).toBe(other);
    expect([97, 98, 99].map((i) => find(100 + i) >= 0)).toEqual([false, true, true]);
  });

  it("gives a flood from many sources of one link no more than half of what the other one uses", () => {
    for (let i = 0; i < CAPACITY / 2; i++) open(i, { source: OTHER + i, link: 1 });
    for (let i = 0; i < 100; i++) {
      clock.now++;
      open(100 + i, { source: SOURCE + i });
    }
    for (let i = 0; i < CAPACITY / 2; i++) {
      expect(find(i, { source: OTHER + i, link: 1 })).toBeGreaterThanOrEqual(0);
    }
    expect(find(199, { source: SOURCE + 99 })).toBeGreaterThanOrEqual(0);
  });

  it("gives a link its half back that the other one uses", () => {
    for (let i = 0; i < CAPACITY; i++) {
      clock.now++;
      open(i, { source: SOURCE + i });
    }
    for (let i = 0; i < CAPACITY / 2; i++) open(i, { source: OTHER + i, link: 1 });
    const left = Array.from({ length: CAPACITY }, (_, i) => find(i, { source: SOURCE + i }) >= 0);
    expect(left).toEqual([...new Array(CAPACITY / 2).fill(false), ...new Array(CAPACITY / 2).fill(true)]);
  });

  it("ends those first whose last fragment is longest ago, so that closely following ones get through", () => {
    const at = open(1, { source: OTHER, firstBytes: 8 });
    for (let i = 0; i < 200; i++) {
      clock.now++;
      open(100 + i, { source: SOURCE + i });
      // The flood makes three while one fragment comes.
      if (i % 3 === 2) expect(pass(at, 8 + 8 * Math.floor(i / 3), 8, true)).toBe("ok");
    }
    expect(find(1, { source: OTHER })).toBe(at);
  });

  it("forgets what came in by a link", () => {
    open(1);
    open(1, { link: 1 });
    table.forget(0);
    expect([find(1), find(1, { link: 1 }) >= 0]).toEqual([-1, true]);
  });
});
