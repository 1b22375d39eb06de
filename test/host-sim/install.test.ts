import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../integration/support/processes.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "porter-install-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test("installing refuses to empty what a symbolic link points to", async () => {
  for (const name of [".config", "elsewhere"]) mkdirSync(join(directory, name));
  copyFileSync(".config/install.mjs", join(directory, ".config/install.mjs"));
  writeFileSync(join(directory, "package-lock.json"), "{}");
  writeFileSync(join(directory, "elsewhere/kept"), "");
  symlinkSync("elsewhere", join(directory, "node_modules"));
  const { code, stderr } = await run([process.execPath, join(directory, ".config/install.mjs")]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^node_modules is a symbolic link, [^\n]*\n$/);
  expect(existsSync(join(directory, "elsewhere/kept"))).toBe(true);
});
