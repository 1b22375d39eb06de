import { readFileSync, writeFileSync } from "node:fs";
import { type CaseCost, measureCase } from "../xs/packetCost.js";

/** The most each case may cost on XS, by the name of the case. */
export type Budget = Readonly<Record<string, CaseCost>>;

const BUDGET_FILE = new URL("budget.json", import.meta.url);
/** Room above what was measured: a check more on the way is no regression. Allocations have none. */
const MARGIN = 1.05;

export function readBudget(): Budget {
  return JSON.parse(readFileSync(BUDGET_FILE, "utf8"));
}

/** Makes measured figures the budget, with a margin. */
export function writeBudget(costs: Budget): void {
  const budget: Record<string, CaseCost> = {};
  for (const [name, cost] of Object.entries(costs)) {
    budget[name] = { ...cost, computrons: Math.ceil(cost.computrons * MARGIN) };
  }
  writeFileSync(BUDGET_FILE, `${JSON.stringify(budget, undefined, 2)}\n`);
}

/** Measures cases of the entry `file`. */
export async function measureCases(file: string, names: readonly string[]): Promise<Record<string, CaseCost>> {
  const costs: Record<string, CaseCost> = {};
  for (const name of names) costs[name] = await measureCase(file, name);
  return costs;
}

/** One sentence for each figure above its budget, and for each case that stands on one side only. */
export function excesses(costs: Budget, budget: Budget): string[] {
  const found: string[] = [];
  for (const [name, cost] of Object.entries(costs)) {
    const most = budget[name];
    if (most === undefined) {
      found.push(`${name}: has no budget`);
      continue;
    }
    if (cost.computrons > most.computrons) {
      found.push(`${name}: ${cost.computrons} computrons per packet, the budget is ${most.computrons}`);
    }
    if (cost.slots > most.slots) found.push(`${name}: ${cost.slots} slots per packet, the budget is ${most.slots}`);
    if (cost.chunks && !most.chunks) found.push(`${name}: allocates bytes, the budget is none`);
  }
  for (const name of Object.keys(budget)) {
    if (costs[name] === undefined) found.push(`${name}: has a budget, but is not measured`);
  }
  return found;
}
