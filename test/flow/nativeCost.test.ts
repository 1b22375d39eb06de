import { expect, it } from "vitest";
import { LAN, WAN } from "../../src/flow/table.js";
import { describeIf } from "../support/skip.js";
import { type Cost, countInstructions, type Variant, whyNoInstructions } from "./native/instructions.js";

const TIMEOUT_MS = 120_000;
const SHORT_BYTES = 60;
const LONG_BYTES = 1514;
const FLOWS = [1, 100, 700];

/**
 * Instructions per packet: of the session in the middle and on average, and of the one that costs most. A record costs about
 * 10 more for each step into its chain; the deepest of 700 is above what the others keep to (docs/decisions.md).
 */
const BUDGETS: Readonly<Record<Variant, { readonly typical: number; readonly worst: number }>> = {
  "64-bit -O2": { typical: 180, worst: 204 },
  "32-bit -Os": { typical: 220, worst: 252 },
};
const MAX_GROWTH = 1.1;

gate("64-bit -O2");
gate("32-bit -Os");

function gate(variant: Variant): void {
  const reason = whyNoInstructions(variant);
  describeIf(reason === undefined, reason ?? "", `the flow cache in C, ${variant},`, () => {
    it.each([
      ["UDP", "out", LAN],
      ["UDP", "in", WAN],
      ["TCP", "out", LAN],
      ["TCP", "in", WAN],
    ] as const)("carries %s %s within its budget", { timeout: TIMEOUT_MS }, (protocol, direction, side) => {
      const few = FLOWS.map((flows) => ({ protocol, side, flows, frameBytes: SHORT_BYTES }));
      const costs = countInstructions(variant, [...few, { protocol, side, flows: 1, frameBytes: LONG_BYTES }]);
      const [alone, , many, long] = costs as [Cost, Cost, Cost, Cost];
      const text = FLOWS.map((flows, index) => `${flows} flows ${lineOf(costs[index] as Cost)}`).join(", ");
      console.log(`${variant}, ${protocol} ${direction}, instructions (mean, median, worst): ${text}`);
      const { typical, worst } = BUDGETS[variant];
      for (const cost of [alone, many]) {
        expect(cost.mean).toBeLessThanOrEqual(typical);
        expect(cost.median).toBeLessThanOrEqual(typical);
        expect(cost.worst).toBeLessThanOrEqual(worst);
      }
      expect(many.mean).toBeLessThanOrEqual(alone.mean * MAX_GROWTH);
      expect(long).toEqual(alone);
    });
  });
}

function lineOf({ mean, median, worst }: Cost): string {
  return `${mean.toFixed(1)} ${median} ${worst}`;
}
