import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { excesses, measureCases, readBudget } from "../bench/budget.js";

const ENTRY_FILE = fileURLToPath(new URL("control.entry.ts", import.meta.url));

it("every packet stays within its budget on XS", async () => {
  const budget = readBudget();
  expect(excesses(await measureCases(ENTRY_FILE, Object.keys(budget)), budget)).toEqual([]);
}, 60_000);

it("names each figure over budget, and a case without one", () => {
  const budget = { forward: { computrons: 300, slots: 0, chunks: false } };
  expect(excesses({ forward: { computrons: 300, slots: 0, chunks: false } }, budget)).toEqual([]);
  expect(excesses({ forward: { computrons: 301, slots: 1, chunks: true }, echo: budget.forward }, budget)).toEqual([
    "forward: 301 computrons per packet, the budget is 300",
    "forward: 1 slots per packet, the budget is 0",
    "forward: allocates bytes, the budget is none",
    "echo: has no budget",
  ]);
});
