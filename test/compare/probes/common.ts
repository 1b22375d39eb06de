import type { Endpoint } from "../stage.js";

export function at(address: string, port: number): Endpoint {
  return { address, port };
}

export function allEqual(values: readonly unknown[]): boolean {
  return values.every((value) => value === values[0]);
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
