/**
 * What a packet costs: on XS in computrons and slots, held against budget.json, and on Node in packets per second.
 *
 *   npm run bench              prints the table; exits 1 when a budget is exceeded
 *   npm run bench -- --write   makes the measured figures the new budget
 */

import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import * as entry from "../xs/gateway.entry.js";
import { CARRIED_CASES, OTHER_CASES, SLOW_CASES } from "../xs/gatewayCases.js";
import type { PacketCase } from "../xs/packetCase.js";
import { type CaseCost, measureCase } from "../xs/packetCost.js";
import { excesses, readBudget, writeBudget } from "./budget.js";

const ENTRY_FILE = fileURLToPath(new URL("../xs/gateway.entry.ts", import.meta.url));
/** Of the packets alone; and of all that a measurement does, for some cases prepare longer than they run. */
const NODE_RUN_MS = 200;
const NODE_WHOLE_MS = 1000;

const GROUPS: readonly (readonly [string, readonly PacketCase[]])[] = [
  ["Established conversations: the flow cache", CARRIED_CASES],
  ["Everything else: the slow path", SLOW_CASES],
  ["No packet on its way through", OTHER_CASES],
];

const COLUMNS: readonly (readonly [string, number])[] = [
  ["computrons", 12],
  ["budget", 9],
  ["slots", 8],
  ["bytes", 8],
  ["packets/s on Node", 20],
];
const NAME_WIDTH = 36;

/** Packets per second of a case on Node, after a warm-up as long as the measurement. */
function packetsPerSecond({ name, packets }: PacketCase): number {
  const rate = (): number => {
    let done = 0;
    let runMs = 0;
    const beganMs = performance.now();
    while (runMs < NODE_RUN_MS && performance.now() - beganMs < NODE_WHOLE_MS) {
      entry.prepare(name);
      const startMs = performance.now();
      done += entry.run(packets, true);
      runMs += performance.now() - startMs;
    }
    return (done / runMs) * 1000;
  };
  rate();
  return rate();
}

function printRow(name: string, cells: readonly string[]): void {
  const text = cells.map((cell, index) => cell.padStart(COLUMNS[index]?.[1] ?? 0)).join("");
  console.log(`  ${name.padEnd(NAME_WIDTH)}${text}`);
}

const budget = readBudget();
const costs: Record<string, CaseCost> = {};
console.log("What a packet costs on XS, the engine of the board, and how many of them Node does\n");
printRow(
  "",
  COLUMNS.map(([title]) => title),
);
for (const [title, cases] of GROUPS) {
  console.log(styleText("bold", `\n${title}`));
  for (const one of cases) {
    const cost = await measureCase(ENTRY_FILE, one.name);
    costs[one.name] = cost;
    printRow(one.name, [
      Math.round(cost.computrons).toLocaleString("en"),
      budget[one.name]?.computrons.toLocaleString("en") ?? "none",
      String(cost.slots),
      cost.chunks ? "some" : "none",
      Math.round(packetsPerSecond(one)).toLocaleString("en"),
    ]);
  }
}
console.log(
  "\nComputrons are byte codes. Slots are objects' memory, bytes that of strings and buffers, both per packet.",
);

if (process.argv.includes("--write")) {
  writeBudget(costs);
} else {
  const problems = excesses(costs, budget);
  for (const problem of problems) console.error(`Over budget: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
