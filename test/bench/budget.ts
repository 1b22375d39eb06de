import { readFileSync } from "node:fs";
import { type CaseCost, measureCase } from "../xs/packetCost.js";

/** The most each case may cost on XS, by the name of the case. */
export type Budget = Readonly<Record<string, CaseCost>>;

export function readBudget(): Budget {
  return JSON.parse(readFileSync(new URL("budget.json", import.meta.url), "utf8"));
}

/** Measures every case of the budget in the entry `file`. */
export async function measureCases(file: string, names: readonly string[]): Promise<Record<string, CaseCost>> {
  const costs: Record<string, CaseCost> = {};
  for (const name of names) costs[name] = await measureCase(file, name);
  return costs;
}

/** One sentence for each figure above its budget. */
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
  return found;
}
