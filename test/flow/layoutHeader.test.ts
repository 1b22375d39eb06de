import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { layoutHeader } from "./native/layoutHeader.js";

const flowFile = (name: string) => fileURLToPath(new URL(`../../src/flow/${name}`, import.meta.url));

it("both twins of the flow cache know the same layout: layout.h is what layout.ts makes", async () => {
  await expect(layoutHeader(readFileSync(flowFile("layout.ts"), "utf8"))).toMatchFileSnapshot(flowFile("layout.h"));
});

it("a layout that the header cannot express is refused", () => {
  expect(() => layoutHeader("export const A = B + 1;\n")).toThrow("neither a comment nor a constant");
});
