/**
 * The portable part of the score card, asked of Porter's simulator and of Linux's own masquerade in one run, by the very same
 * frames. Linux, root; all traffic stays in network namespaces that are made here. It takes less than 90 seconds.
 *
 *   npm run compare                    all probes; writes docs/compare.md, and the table in README.md
 *   npm run compare -- --check         the same, but compares both with what was seen, and exits 1 with what differs
 *   npm run compare -- TEXT...         only those whose id or title contains one of the texts; writes nothing
 */
import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { styleText } from "node:util";
import { missingRights } from "../integration/support/namespaces.js";
import { closeAll, type Device } from "./duts/device.js";
import { missingForLinux, startLinux } from "./duts/linux.js";
import { startPorter } from "./duts/porter.js";
import { PROBES } from "./probes/index.js";
import { type Comparison, differences, README_PATH, REPORT_PATH, report, summary, withSummary } from "./report.js";
import { runProbes } from "./run.js";

class Interrupted extends Error {}

const COLOUR = { pass: "green", fail: "red", "not applicable": "dim", "not judged": "yellow" } as const;

async function compare(wanted: readonly string[], interrupted: Promise<never>): Promise<Comparison> {
  const isWanted = (text: string): boolean => wanted.length === 0 || wanted.some((one) => text.includes(one));
  const probes = PROBES.filter(({ id, title }) => isWanted(`${id} ${title}`));
  const devices: Device[] = [];
  try {
    devices.push(await startPorter(), await startLinux());
    const cured = await startLinux(true);
    devices.push(cured);
    const answers = Promise.all(
      devices.map(async (device) => {
        const asked = device === cured ? probes.filter(({ linuxCure }) => linuxCure !== undefined) : probes;
        return new Map((await runProbes(device, asked)).map((outcome, at) => [asked[at], outcome]));
      }),
    );
    const columns = await Promise.race([answers, interrupted]);
    const rows = probes.map((probe) => {
      const [porter, linux, mended] = columns.map((column) => column.get(probe));
      return { probe, outcomes: [porter!, linux!], cured: mended };
    });
    return { devices: devices.slice(0, 2), rows };
  } finally {
    await closeAll(devices);
  }
}

/** `--check` alone, or texts to choose probes by. */
function parseArguments(args: readonly string[]): { isCheck: boolean; wanted: readonly string[] } {
  const isCheck = args.includes("--check");
  const option = args.find((one) => one.startsWith("-") && one !== "--check");
  if (option !== undefined) throw new Error(`"${option}" is no option of this command; it has one, --check.`);
  if (isCheck && args.length > 1) throw new Error("--check asks all probes; it stands alone.");
  return { isCheck, wanted: isCheck ? [] : args };
}

/** Writes both documents anew, or throws what they say otherwise. */
function record(comparison: Comparison, isCheck: boolean): void {
  const documents: [path: string, text: (before: string) => string][] = [
    [REPORT_PATH, () => report(comparison)],
    [README_PATH, (before) => withSummary(before, summary(comparison))],
  ];
  const stale = documents.flatMap(([path, text]) => {
    const before = readFileSync(path, "utf8");
    const after = text(before);
    if (!isCheck) writeFileSync(path, after);
    const lines = isCheck ? differences(before, after) : [];
    return lines.length === 0
      ? []
      : [`${relative(process.cwd(), path)} says (-) other than what was seen (+):`, ...lines];
  });
  if (stale.length > 0) throw new Error([...stale, "`npm run compare` writes both anew."].join("\n"));
  if (isCheck) console.log("docs/compare.md and README.md say what was seen.");
}

async function main(): Promise<void> {
  const { isCheck, wanted } = parseArguments(process.argv.slice(2));
  const missing = missingRights() ?? missingForLinux();
  if (missing !== undefined) throw new Error(`This comparison cannot run here: ${missing}.`);
  // Once may be twice, from a terminal and a program above. What waits then would keep the process for its time: so it is ended, when all is put away.
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => reject(new Interrupted(signal)));
  });
  interrupted.catch(() => {});
  const started = performance.now();
  const comparison = await compare(wanted, interrupted);
  for (const { probe, outcomes, cured } of comparison.rows) {
    console.log(`${probe.id}: ${probe.title}`);
    for (const [at, { verdict, observation }] of outcomes.entries()) {
      const name = comparison.devices[at]?.name.padEnd(18);
      console.log(`    ${name}${styleText(COLOUR[verdict], verdict)}: ${observation}`);
    }
    if (cured !== undefined)
      console.log(styleText("dim", `    with its cure     ${cured.verdict}: ${cured.observation}`));
  }
  console.log(`\n${summary(comparison)}\n`);
  console.log(styleText("dim", `${Math.round((performance.now() - started) / 1000)} s`));
  if (comparison.rows.length === PROBES.length) record(comparison, isCheck);
  const unmet = comparison.rows.filter(({ outcomes }) => !["pass", "not applicable"].includes(outcomes[0]!.verdict));
  if (unmet.length > 0) throw new Error(`Porter fails: ${unmet.map(({ probe }) => probe.id).join(", ")}.`);
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
  if (error instanceof Interrupted) process.exit();
});
