/**
 * What a packet costs on XS, exactly: instructions, slots and chunk bytes, held against xsBudget.json; and what the
 * gateway holds at rest.
 *
 *   npm run bench:xs              prints the tables; exits 1 when a budget is exceeded
 *   npm run bench:xs -- --write   makes the measured figures the new budget, with 5 % of room
 */
import { styleText } from "node:util";
import { LAN, WAN } from "../../src/flow/table.js";
import { countInstructions, type VARIANT_FLAGS, whyNoInstructions as whyNoTwin } from "../flow/native/instructions.js";
import { excesses, type Prices, readBudget, writeBudget } from "../xs/host/budget.js";
import { VARIANTS, type Variant, whyNotBuildable } from "../xs/host/build.js";
import * as flowCache from "../xs/host/flowCache.entry.js";
import * as forwarding from "../xs/host/forwarding.entry.js";
import { PRICED_CASES, priceAllCases } from "../xs/host/pricedCases.js";
import * as rest from "../xs/host/rest.entry.js";
import { measureRest } from "../xs/host/rest.js";
import { tablesOf } from "../xs/host/tables.js";
import { whyNoInstructions } from "../xs/host/xsHost.js";

const NAME_WIDTH = 42;
const CELL_WIDTH = 13;
/** The nearest to the board, if it can be built. */
const BOARD_VARIANT: Variant = "32-bit -Os";

function printRow(name: string, cells: readonly string[]): void {
  console.log(`  ${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(CELL_WIDTH)).join("")}`);
}

function count(figure: number | undefined): string {
  return figure === undefined ? "-" : Math.round(figure).toLocaleString("en");
}

/** The worst and the median of the cases that begin alike: one protocol, one direction. */
function printSpread(prices: Prices, cases: readonly { readonly name: string }[], start: string): void {
  const rows = cases.flatMap(({ name }) => (name.startsWith(start) ? [prices[name]?.instructions] : []));
  const sorted = rows.map((figure) => figure ?? 0).sort((one, other) => one - other);
  printRow(start, [count(sorted[sorted.length >> 1]), count(sorted[sorted.length - 1])]);
}

function printPrices(measured: ReadonlyMap<Variant, Prices>): void {
  console.log(styleText("bold", "Per packet"));
  const variants = [...measured.keys()];
  printRow("instructions, slots, chunk bytes", [
    ...variants.flatMap((variant) => [variant, "budget"]),
    "slots",
    "bytes",
  ]);
  for (const { cases } of PRICED_CASES) {
    for (const { name } of cases) {
      const prices = variants.map((variant) => measured.get(variant)?.[name]);
      const cells = prices.flatMap((price, index) => [
        count(price?.instructions),
        count(budget[name]?.instructions[variants[index] as Variant]),
      ]);
      printRow(name, [...cells, count(prices[0]?.slots), count(prices[0]?.chunkBytes)]);
    }
  }
  for (const [variant, prices] of measured) {
    console.log(styleText("bold", `\nEstablished conversations, ${variant}`));
    printRow("instructions", ["median", "worst"]);
    for (const { listCases, prefix } of [flowCache, { ...forwarding, prefix: "" }]) {
      for (const start of ["UDP out", "UDP in", "TCP out", "TCP in"]) printSpread(prices, listCases(), prefix + start);
    }
  }
}

/** The flow cache in C, for one flow and for 700 of 1,024; test/flow/nativeCost.test.ts holds it to its budget. */
function printTwin(variant: keyof typeof VARIANT_FLAGS): void {
  const reason = whyNoTwin(variant);
  if (reason !== undefined) {
    console.error(`Nothing is counted of the flow cache in C for ${variant}: it ${reason}.`);
    return;
  }
  console.log(styleText("bold", `\nThe flow cache in C, ${variant}, packets of 60 bytes`));
  printRow("instructions", ["1 flow", "700: median", "mean", "worst"]);
  for (const protocol of ["UDP", "TCP"] as const) {
    for (const [direction, side] of [
      ["out", LAN],
      ["in", WAN],
    ] as const) {
      const cases = [1, 700].map((flows) => ({ protocol, side, flows, frameBytes: 60 }));
      const [alone, many] = countInstructions(variant, cases);
      printRow(`${protocol} ${direction}`, [alone?.mean, many?.median, many?.mean, many?.worst].map(count));
    }
  }
}

async function printMemory(variant: Variant): Promise<void> {
  const gateway = await measureRest("default", variant);
  const large = await measureRest("large", variant);
  const { engine, loaded } = gateway.measurement;
  console.log(styleText("bold", `\nMemory at rest, chunks as ${variant}, slots of 16 bytes`));
  printRow("", ["slots", "chunk bytes", "bytes in all"]);
  const printPart = (name: string, slots: number, chunkBytes: number): void =>
    printRow(name, [slots, chunkBytes, slots * 16 + chunkBytes].map(count));
  printPart("the gateway", gateway.slots, gateway.chunkBytes);
  printPart("with large tables, for PSRAM", large.slots, large.chunkBytes);
  printPart("its code (in flash on the board)", loaded.slots - engine.slots, loaded.chunkBytes - engine.chunkBytes);
  printPart("the engine (mostly in flash)", engine.slots, engine.chunkBytes);
}

function printTables(capacity: rest.CapacityName): void {
  console.log(styleText("bold", `\nTables and buffers of the gateway, ${capacity} capacity`));
  const tables = tablesOf(() => rest.create(capacity));
  for (const { owner, buffers, bytes } of tables) {
    console.log(`  ${count(bytes).padStart(9)} bytes in ${String(buffers).padStart(3)}  ${owner}`);
  }
  console.log(`  ${count(tables.reduce((sum, { bytes }) => sum + bytes, 0)).padStart(9)} bytes in all`);
}

const budget = readBudget();
const noInstructions = whyNoInstructions();
if (noInstructions !== undefined) console.error(`No instructions are counted. ${noInstructions}\n`);
const measured = new Map<Variant, Prices>();
for (const variant of VARIANTS) {
  const problem = whyNotBuildable(variant);
  if (problem === undefined) measured.set(variant, await priceAllCases(variant));
  else console.error(`Nothing is measured for ${variant}. ${problem}\n`);
}
printPrices(measured);
for (const variant of VARIANTS) printTwin(variant);
await printMemory(measured.has(BOARD_VARIANT) ? BOARD_VARIANT : "64-bit -O2");
printTables("default");
printTables("large");

if (process.argv.includes("--write")) {
  writeBudget(Object.fromEntries(measured), budget);
} else {
  const problems = [...measured].flatMap(([variant, prices]) => excesses(prices, variant, budget));
  for (const problem of problems) console.error(`Over budget: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
