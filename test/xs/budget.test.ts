import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { excesses, measureCases, readBudget } from "../bench/budget.js";
import { listCases } from "./gateway.entry.js";

const ENTRY_FILE = fileURLToPath(new URL("gateway.entry.ts", import.meta.url));

it("every packet stays within its budget on XS", async () => {
  const names = listCases().map(({ name }) => name);
  expect(excesses(await measureCases(ENTRY_FILE, names), readBudget())).toEqual([]);
}, 60_000);

it("allocates nothing for any packet", () => {
  for (const [name, { slots, chunks }] of Object.entries(readBudget())) {
    expect({ name, slots, chunks }).toEqual({ name, slots: 0, chunks: false });
  }
});

it("names each figure over budget, a case without one, and a budget without a case", () => {
  const budget = { forward: { computrons: 300, slots: 0, chunks: false } };
  expect(excesses({ forward: { computrons: 300, slots: 0, chunks: false } }, budget)).toEqual([]);
  expect(excesses({ forward: { computrons: 301, slots: 1, chunks: true }, echo: budget.forward }, budget)).toEqual([
    "forward: 301 computrons per packet, the budget is 300",
    "forward: 1 slots per packet, the budget is 0",
    "forward: allocates bytes, the budget is none",
    "echo: has no budget",
  ]);
  expect(excesses({}, budget)).toEqual(["forward: has a budget, but is not measured"]);
});
