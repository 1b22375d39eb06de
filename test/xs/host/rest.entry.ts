/** The gateway at rest: what it holds with the default capacities. */
import { GatewayRig } from "../gatewayRig.js";

let rig: GatewayRig | undefined;

/** Keeps a gateway with its addresses, between two ports that do nothing. */
export function create(): void {
  rig = new GatewayRig();
  rig.configure();
}

export function isCreated(): boolean {
  return rig !== undefined;
}
