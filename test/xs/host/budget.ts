/** Holds what packets cost on XS against test/bench/xsBudget.json. */
import { readFileSync, writeFileSync } from "node:fs";
import { VARIANTS, type Variant } from "./build.js";
import type { PacketPrice } from "./packets.js";

/** The most a packet of a case may cost: instructions by the compiler's options, and memory whatever these are. */
export interface PacketBudget {
  readonly instructions: Readonly<Partial<Record<Variant, number>>>;
  readonly slots: number;
  readonly chunkBytes: number;
}

/** By the name of the case. */
export type Budget = Readonly<Record<string, PacketBudget>>;
export type Prices = Readonly<Record<string, PacketPrice>>;

const BUDGET_FILE = new URL("../../bench/xsBudget.json", import.meta.url);
/** Room above what was measured: compilers differ by a few percent. Allocations have none. */
const MARGIN = 1.05;

export function readBudget(): Budget {
  return JSON.parse(readFileSync(BUDGET_FILE, "utf8"));
}

/** Makes measured figures the budget, with a margin; those of a variant that was not measured stay what they are. */
export function writeBudget(measured: Readonly<Partial<Record<Variant, Prices>>>, before: Budget): void {
  const budget: Record<string, PacketBudget> = {};
  for (const variant of VARIANTS) {
    for (const [name, { instructions, slots, chunkBytes }] of Object.entries(measured[variant] ?? {})) {
      const known = (budget[name] ?? before[name])?.instructions;
      const counted = instructions === undefined ? {} : { [variant]: Math.ceil(instructions * MARGIN) };
      budget[name] = { instructions: { ...known, ...counted }, slots, chunkBytes };
    }
  }
  writeFileSync(BUDGET_FILE, `${JSON.stringify(budget, undefined, 2)}\n`);
}

/** One sentence for each figure above its budget, and for each case that stands on one side only. */
export function excesses(prices: Prices, variant: Variant, budget: Budget): string[] {
  const found: string[] = [];
  for (const [name, price] of Object.entries(prices)) {
    const most = budget[name];
    if (most === undefined) {
      found.push(`${name}: has no budget`);
      continue;
    }
    const { instructions, slots, chunkBytes } = price;
    const mostInstructions = most.instructions[variant];
    if (mostInstructions === undefined) {
      found.push(`${name}: has no budget of instructions (${variant})`);
    } else if (instructions !== undefined && instructions > mostInstructions) {
      found.push(`${name}: ${Math.ceil(instructions)} instructions (${variant}), the budget is ${mostInstructions}`);
    }
    if (slots > most.slots) found.push(`${name}: ${slots} slots, the budget is ${most.slots}`);
    if (chunkBytes > most.chunkBytes) {
      found.push(`${name}: ${chunkBytes} bytes of chunks, the budget is ${most.chunkBytes}`);
    }
  }
  for (const name of Object.keys(budget)) {
    if (prices[name] === undefined) found.push(`${name}: has a budget, but is not measured`);
  }
  return found;
}
