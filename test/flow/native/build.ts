/** What the tests build of the flow cache in C beside the simulator's library. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TIMEOUT_MS = 60_000;

export const SANITIZER_FLAGS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** A C file of this directory. */
export function besideThisFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Whether the C compiler can build with these flags here. */
export function canBuild(...flags: readonly string[]): boolean {
  const program = "#include <stdio.h>\nint main(void) { return 0; }\n";
  const directory = mkdtempSync(join(tmpdir(), "porter-probe-"));
  const parameters = [...flags, "-x", "c", "-", "-o", join(directory, "probe")];
  const { status } = spawnSync("cc", parameters, { input: program, timeout: TIMEOUT_MS });
  rmSync(directory, { recursive: true });
  return status === 0;
}
