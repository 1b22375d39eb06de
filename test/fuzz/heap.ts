import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects all garbage; false when this engine does not let us. */
export function collectGarbage(): boolean {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("globalThis.gc") as (() => void) | undefined;
  if (gc === undefined) return false;
  gc();
  return true;
}

export function heapBytes(): number {
  const usage = process.memoryUsage();
  return usage.heapUsed + usage.arrayBuffers;
}
