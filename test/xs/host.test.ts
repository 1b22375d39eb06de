import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import * as control from "./control.entry.js";
import { excesses, readBudget } from "./host/budget.js";
import { buildHost, isHostBuilt, whyNotBuildable } from "./host/build.js";
import { pricePackets } from "./host/packets.js";
import { priceAllCases } from "./host/pricedCases.js";
import { type Call, measure, type RegionCost, whyNoInstructions } from "./host/xsHost.js";

const CONTROL = fileURLToPath(new URL("control.entry.ts", import.meta.url));
const NATIVES = fileURLToPath(new URL("host/natives.entry.ts", import.meta.url));
const noHost = whyNotBuildable("64-bit -O2");
const noInstructions = noHost ?? whyNoInstructions();
const noSmallSlots = whyNotBuildable("32-bit -Os");

for (const problem of new Set([noHost, noInstructions, noSmallSlots])) {
  if (problem !== undefined) console.warn(`Tests on the XS host are skipped. ${problem}`);
}

async function costOf(run: Call, before?: Call): Promise<RegionCost> {
  const { costs } = await measure(NATIVES, [before === undefined ? { run } : { before, run }]);
  return costs[0] as RegionCost;
}

describe.skipIf(noHost !== undefined)("the XS host", () => {
  // Half a minute on a slow machine, once.
  beforeAll(async () => void (await buildHost("64-bit -O2")), 240_000);

  it("is kept once it is built", () => {
    expect(isHostBuilt("64-bit -O2")).toBe(true);
  });

  it("sees no slot in an empty loop, and those of an object and its properties", async () => {
    expect(await costOf(["loop", 100])).toMatchObject({ slots: 0, chunkBytes: 0, heldSlots: 0, heldChunkBytes: 0 });
    expect(await costOf(["makeObject"])).toMatchObject({ slots: 2, chunkBytes: 0, heldSlots: 0 });
    expect(await costOf(["keepObject"])).toMatchObject({ slots: 3, chunkBytes: 0, heldSlots: 3 });
    expect(await costOf(["drop"], ["keepObject"])).toMatchObject({ slots: 0, chunkBytes: 0, heldSlots: -3 });
  });

  it("sees the bytes of a buffer, and the 16 of the engine's header", async () => {
    const buffer = { slots: 3, chunkBytes: 1024 + 16, heldSlots: 3, heldChunkBytes: 1024 + 16 };
    expect(await costOf(["keepBytes", 1024])).toMatchObject(buffer);
  });

  it("sees per packet what the variants of the control allocate", async () => {
    const names = ["flat", "an object a packet", "a string a packet"];
    const cases = control.listCases().filter(({ name }) => names.includes(name));
    // Of "packet ", of "" behind the value, and of two concatenations; each with a header of 16 and rounded up to 8.
    const stringBytes = 24 + 24 + 32 + 32;
    expect(await pricePackets(CONTROL, cases, "64-bit -O2")).toMatchObject({
      flat: { slots: 0, chunkBytes: 0 },
      "an object a packet": { slots: 2, chunkBytes: 0 },
      "a string a packet": { slots: 0, chunkBytes: stringBytes },
    });
  });

  it("counts the same every time", async () => {
    const calls: Call[] = [
      ["loop", 100],
      ["callNothing", 100],
      ["keepBytes", 100],
      ["loop", 100],
    ];
    const regions = calls.map((run) => ({ run }));
    const first = await measure(NATIVES, regions);
    expect(await measure(NATIVES, regions)).toEqual(first);
    expect(first.costs[3]).toEqual(first.costs[0]);
  });

  it("refuses to count where garbage was collected", async () => {
    await expect(costOf(["keepBytes", 100_000_000])).rejects.toThrow("Garbage was collected");
  });

  it("refuses to price packets that went another way", async () => {
    const expired = [{ name: "expired", packets: 20 }];
    await expect(pricePackets(CONTROL, expired, "64-bit -O2")).rejects.toThrow("0 of 20 packets went");
  });

  it("reports what a script throws", async () => {
    await expect(costOf(["fail"])).rejects.toThrow("On XS: RangeError: this much is too much");
  });

  it("calls native functions, which read the engine's buffers and ones that never move", async () => {
    // 0 7 14 21 28 as bytes: 0x0007 + 0x0e15 + 0x1c00.
    expect((await costOf(["checksum", 0, 5])).value).toBe(0x2a1c);
    expect((await costOf(["checksumOfFixed", 0, 5])).value).toBe(0x2a1c);
    await expect(costOf(["checksum", 60, 5])).rejects.toThrow("the bytes are not all in the buffer");
    expect(await costOf(["callNothing", 100])).toMatchObject({ slots: 0, chunkBytes: 0 });
  });
});

describe.skipIf(noSmallSlots !== undefined)("the XS host with 32-bit pointers", () => {
  beforeAll(async () => void (await buildHost("32-bit -Os")), 240_000);

  it("has slots of 16 bytes, and allocates as many of them", async () => {
    const { engine, costs } = await measure(
      NATIVES,
      [{ run: ["keepObject"] }, { run: ["keepBytes", 1024] }],
      "32-bit -Os",
    );
    expect(engine.slotBytes).toBe(16);
    expect(costs[0]).toMatchObject({ slots: 3, heldSlots: 3 });
    expect(costs[1]).toMatchObject({ slots: 3, chunkBytes: 1024 + 8 });
  });
});

describe.skipIf(noInstructions !== undefined)("instructions", () => {
  beforeAll(async () => void (await buildHost("64-bit -O2")), 240_000);

  it("grow by as much with each turn of a loop", async () => {
    const regions = [100, 200, 300].map((count) => ({ run: ["loop", count] as const }));
    const { costs } = await measure(NATIVES, regions);
    const [first, second, third] = costs.map(({ instructions }) => instructions as number) as [number, number, number];
    expect(third - second).toBe(second - first);
    expect((second - first) / 100).toBeGreaterThan(20);
  });

  it("of all packets stay within their budgets", async () => {
    expect(excesses(await priceAllCases("64-bit -O2"), "64-bit -O2", readBudget())).toEqual([]);
  }, 240_000);
});

it("no packet may allocate", () => {
  for (const [name, { slots, chunkBytes }] of Object.entries(readBudget())) {
    expect({ name, slots, chunkBytes }).toEqual({ name, slots: 0, chunkBytes: 0 });
  }
});

it("names each figure over budget, a case without one, and a budget without a case", () => {
  const budget = { forward: { instructions: { "64-bit -O2": 300 }, slots: 0, chunkBytes: 0 } };
  const within = { instructions: 300, slots: 0, chunkBytes: 0 };
  const over = { instructions: 300.5, slots: 1, chunkBytes: 32 };
  expect(excesses({ forward: within }, "64-bit -O2", budget)).toEqual([]);
  expect(excesses({ forward: { ...within, instructions: undefined } }, "64-bit -O2", budget)).toEqual([]);
  expect(excesses({ forward: within }, "32-bit -Os", budget)).toEqual([
    "forward: has no budget of instructions (32-bit -Os)",
  ]);
  expect(excesses({ forward: over, echo: within }, "64-bit -O2", budget)).toEqual([
    "forward: 301 instructions (64-bit -O2), the budget is 300",
    "forward: 1 slots, the budget is 0",
    "forward: 32 bytes of chunks, the budget is 0",
    "echo: has no budget",
  ]);
  expect(excesses({}, "64-bit -O2", budget)).toEqual(["forward: has a budget, but is not measured"]);
});
