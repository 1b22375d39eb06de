/** All cases whose packets have a price and a budget. */
import { fileURLToPath } from "node:url";
import * as gateway from "../gateway.entry.js";
import type { Prices } from "./budget.js";
import type { Variant } from "./build.js";
import * as flowCache from "./flowCache.entry.js";
import * as forwarding from "./forwarding.entry.js";
import { pricePackets } from "./packets.js";

export const PRICED_CASES = [
  { file: fileURLToPath(new URL("flowCache.entry.ts", import.meta.url)), cases: flowCache.listCases() },
  { file: fileURLToPath(new URL("forwarding.entry.ts", import.meta.url)), cases: forwarding.listCases() },
  { file: fileURLToPath(new URL("../gateway.entry.ts", import.meta.url)), cases: gateway.listCases() },
] as const;

/** Each entry in an engine of its own, at the same time. */
export async function priceAllCases(variant: Variant): Promise<Prices> {
  const prices = await Promise.all(PRICED_CASES.map(({ file, cases }) => pricePackets(file, cases, variant)));
  return Object.assign({}, ...prices);
}
