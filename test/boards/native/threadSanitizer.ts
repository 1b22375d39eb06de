/** Whether programs run under ThreadSanitizer here; it refuses some kernels' memory layouts. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TIMEOUT_MS = 60_000;

export const THREAD_SANITIZER_FLAGS = ["-O1", "-g", "-fsanitize=thread", "-pthread"];

export function canRunThreadSanitizer(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "porter-probe-"));
  const program = join(directory, "probe");
  const input = "int main(void) { return 0; }\n";
  const built = spawnSync("cc", [...THREAD_SANITIZER_FLAGS, "-x", "c", "-", "-o", program], {
    input,
    timeout: TIMEOUT_MS,
  });
  const ran = built.status === 0 && spawnSync(program, { timeout: TIMEOUT_MS }).status === 0;
  rmSync(directory, { recursive: true });
  return ran;
}
