import { describe, test } from "vitest";

/*
 * Tests that need something this machine may lack. A skipped test carries its reason, which `npm test` lists at its end.
 */

declare module "vitest" {
  interface TaskMeta {
    skipReason?: string;
  }
}

/**
 * A suite that runs only where `condition` holds; `reason` says what is missing elsewhere ("needs root: makes network
 * namespaces"). The hooks inside do not run either.
 */
export function describeIf(condition: boolean, reason: string, name: string, body: () => void): void {
  describe.runIf(condition)(name, { meta: condition ? {} : { skipReason: reason } }, body);
}

/** One test that runs only where `condition` holds; see describeIf. */
export function testIf(condition: boolean, reason: string, name: string, body: () => void | Promise<void>): void {
  test.runIf(condition)(name, { meta: condition ? {} : { skipReason: reason } }, body);
}
