/**
 * Runs the conformance tests and writes docs/conformance.md.
 *
 *   npm run conformance              writes the score card
 *   npm run conformance -- --check   exits 1 when the committed one says something else
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TestModule } from "vitest/node";
import { startVitest } from "vitest/node";
import { REQUIREMENT_LISTS } from "./requirements/all.js";
import { scoreCard, type TestResult } from "./scoreCard.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CARD = "docs/conformance.md";
const CARD_FILE = `${ROOT}${CARD}`;

const options = process.argv.slice(2);
if (options.some((option) => option !== "--check")) {
  fail(`"${options.join(" ")}" is no option of this command; it has one, --check.`);
} else {
  await run(options.length > 0);
}

async function run(isCheck: boolean): Promise<void> {
  const vitest = await startVitest("test", ["test/conformance/"], {
    root: ROOT,
    config: ".config/vitest.config.ts",
    project: ["unit"],
    reporters: ["default"],
    watch: false,
  });
  const modules = vitest.state.getTestModules();
  await vitest.close();
  // vitest sets the exit code for whatever fails: a test, a hook, or a file that does not load.
  if (process.exitCode || modules.length === 0) {
    fail(`The conformance tests do not pass; ${CARD} was not looked at.`);
    return;
  }
  let text: string;
  try {
    text = scoreCard(REQUIREMENT_LISTS, modules.flatMap(resultsOf).sort(byFile));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
    return;
  }
  if (!isCheck) {
    writeFileSync(CARD_FILE, text);
    process.stdout.write(`Written to ${CARD}.\n`);
  } else if (existsSync(CARD_FILE) && text === readFileSync(CARD_FILE, "utf8")) {
    process.stdout.write(`${CARD} says what the tests say.\n`);
  } else {
    fail(`${CARD} does not say what the tests say; run "npm run conformance" and commit what it writes.`);
  }
}

function resultsOf(module: TestModule): TestResult[] {
  return [...module.children.allTests()].map((test) => {
    const { state } = test.result();
    return { name: test.name, file: module.relativeModuleId, state: state === "pending" ? "skipped" : state };
  });
}

/** Files end in any order; within a file, the order is its own. */
function byFile(one: TestResult, other: TestResult): number {
  return one.file < other.file ? -1 : one.file > other.file ? 1 : 0;
}

function fail(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}
