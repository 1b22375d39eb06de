import type { SerializedError } from "vitest";
import type { Reporter, TestModule } from "vitest/node";
// Brings in the meta field that carries the reason of a skip.
import type {} from "../test/support/skip.js";

const NO_REASON = "no reason given";

/** Ends a run with what was skipped and why, and the one line `N passed, N failed[, N skipped]`. Goes last in the list. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    let passed = 0;
    let skipped = 0;
    // A file that does not load, a hook that throws and an error between the tests fail the run as a test does.
    let failed = unhandledErrors.length;
    const testsByReason = new Map<string, string[]>();
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed++;
        else if (result.state === "failed") failed++;
        else {
          skipped++;
          const reason = test.meta().skipReason ?? (result.state === "skipped" ? result.note : undefined) ?? NO_REASON;
          const tests = testsByReason.get(reason) ?? [];
          tests.push(`${module.relativeModuleId}: ${test.fullName}`);
          testsByReason.set(reason, tests);
        }
      }
    }

    let text = "\n";
    for (const [reason, tests] of testsByReason) {
      text += `SKIPPED (${reason}):\n${tests.map((name) => `  ${name}\n`).join("")}`;
    }
    if (passed + failed === 0) text += "No test ran.\n";
    text += `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}\n`;
    process.stdout.write(text);
    if (failed > 0 || passed === 0) process.exitCode = 1;
  }
}
