/**
 * What a packet costs: on XS in computrons and slots, held against budget.json, and on Node in packets per second.
 *
 *   npm run bench              prints the table; exits 1 when a budget is exceeded
 *   npm run bench -- --write   makes the measured figures the new budget
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as entry from "../xs/control.entry.js";
import { excesses, measureCases, readBudget } from "./budget.js";

const ENTRY_FILE = fileURLToPath(new URL("../xs/control.entry.ts", import.meta.url));
const NODE_RUN_MS = 500;

/** Packets per second of a case on Node, after a warm-up as long as the measurement. */
function packetsPerSecond(name: string): number {
  const packets = entry.listCases().find((candidate) => candidate.name === name)?.packets ?? 0;
  const rate = (): number => {
    let forwarded = 0;
    let elapsedMs = 0;
    while (elapsedMs < NODE_RUN_MS) {
      entry.prepare(name);
      const startMs = performance.now();
      forwarded += entry.run(packets, true);
      elapsedMs += performance.now() - startMs;
    }
    return (forwarded / elapsedMs) * 1000;
  };
  rate();
  return rate();
}

const budget = readBudget();
const costs = await measureCases(ENTRY_FILE, Object.keys(budget));

console.log(
  `${"case".padEnd(24)}${"computrons".padStart(11)}${"budget".padStart(8)}${"slots".padStart(7)}  bytes  packets/s (Node)`,
);
for (const [name, cost] of Object.entries(costs)) {
  console.log(
    name.padEnd(24) +
      cost.computrons.toFixed(1).padStart(11) +
      String(budget[name]?.computrons ?? "none").padStart(8) +
      cost.slots.toFixed(1).padStart(7) +
      (cost.chunks ? "some" : "none").padStart(7) +
      Math.round(packetsPerSecond(name)).toLocaleString("en").padStart(18),
  );
}

if (process.argv.includes("--write")) {
  writeFileSync(new URL("budget.json", import.meta.url), `${JSON.stringify(costs, undefined, 2)}\n`);
} else {
  const problems = excesses(costs, budget);
  for (const problem of problems) console.error(`Over budget: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
