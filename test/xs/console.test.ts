import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { talk } from "./console.entry.js";
import { XsWorker } from "./xsWorker.js";

it("a console over live traffic reads on XS as on Node, and what it saved restores", async () => {
  const worker = await XsWorker.start(fileURLToPath(new URL("console.entry.ts", import.meta.url)));
  try {
    const { value: onXs } = await worker.call<string>("talk");
    expect(onXs).toBe(talk());
    expect(onXs).toContain("wan-unsolicited");
    expect(onXs).toContain("\nafter a restart: attic, 0 problems\n");
  } finally {
    await worker.close();
  }
});
