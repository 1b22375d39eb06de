/** The gateway at rest: what it holds. */
import { DEFAULT_CAPACITY, LARGE_CAPACITY } from "../../../src/core/capacity.js";
import { GatewayRig } from "../gatewayRig.js";

export const CAPACITIES = Object.freeze({ default: DEFAULT_CAPACITY, large: LARGE_CAPACITY });
export type CapacityName = keyof typeof CAPACITIES;

let rig: GatewayRig | undefined;

/** Keeps a gateway with its addresses, between two ports that do nothing. */
export function create(capacity: CapacityName): void {
  rig = new GatewayRig({}, CAPACITIES[capacity]);
  rig.configure();
}

export function isCreated(): boolean {
  return rig !== undefined;
}
