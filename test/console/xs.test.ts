import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { XsWorker } from "../xs/xsWorker.js";
import { talk } from "./xs.entry.js";

it("a dialogue on XS reads as on Node", async () => {
  const worker = await XsWorker.start(fileURLToPath(new URL("xs.entry.ts", import.meta.url)));
  try {
    const reply = await worker.call<string>("talk");
    expect(reply.value).toBe(talk());
    expect(reply.value).toContain("4 sent, 0 received, 100% lost\r\n> ");
  } finally {
    await worker.close();
  }
});
