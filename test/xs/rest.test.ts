import { describe, expect, it } from "vitest";
import { VARIANTS, whyNotBuildable } from "./host/build.js";
import { measureRest } from "./host/rest.js";

/** What 512 mappings and 1,024 sessions may take beside the engine; 64-bit engines have larger headers of chunks and arrays. */
const MOST_BYTES = { "32-bit -Os": 128 * 1024, "64-bit -O2": 132 * 1024 } as const;

describe("the gateway at rest", () => {
  for (const variant of VARIANTS) {
    const problem = whyNotBuildable(variant);
    if (problem !== undefined) console.warn(`What the gateway holds at rest is not measured (${variant}). ${problem}`);
    it.skipIf(problem !== undefined)(
      `fits into the memory that it is meant for (${variant})`,
      async () => {
        const { slots, bytes } = await measureRest("default", variant);
        expect(slots).toBeGreaterThan(1000);
        expect(bytes).toBeLessThanOrEqual(MOST_BYTES[variant]);
      },
      240_000,
    );
  }
});
