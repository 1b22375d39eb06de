/**
 * The score card: what the tests say about the requirements, as the text of docs/conformance.md.
 *
 * A test names the rows that it checks at the beginning of its name, `RFC4787 REQ-9, REQ-9a: hairpin ...`; an id without
 * its document is of the one before it. A row passes when at least one test that names it has run and none has failed.
 */
import type { Requirement, RequirementList, Strength } from "./requirement.js";

export interface TestResult {
  /** Without the names of the groups around it. */
  readonly name: string;
  /** Relative to the project. */
  readonly file: string;
  readonly state: "passed" | "failed" | "skipped";
}

export type RowVerdict = "pass" | "deviation" | "not applicable" | "not implemented";

interface JudgedRow {
  readonly row: Requirement;
  readonly verdict: RowVerdict;
  readonly reason: string;
  readonly proofs: readonly string[];
}

interface JudgedList {
  readonly list: RequirementList;
  readonly rows: readonly JudgedRow[];
}

const VERDICTS: readonly RowVerdict[] = ["pass", "deviation", "not applicable", "not implemented"];
const STRENGTHS: readonly Strength[] = ["MUST", "SHOULD", "MAY", "text", "probe"];
/** What is listed by name when it is not met. */
const OWED: readonly Strength[] = ["MUST", "probe"];
/** What a name begins with that claims to check a requirement. */
const CLAIM = /^(?:RFC ?\d|T\d)/;
const CLAIM_END = ": ";

/** The card's text. Throws an Error of one sentence a line when lists and tests do not fit together, or a test failed. */
export function scoreCard(lists: readonly RequirementList[], results: readonly TestResult[]): string {
  const problems: string[] = [];
  const ids = new Set<string>();
  for (const { id } of lists.flatMap((list) => list.rows)) {
    if (ids.has(id)) problems.push(`${id} is listed twice.`);
    ids.add(id);
  }
  const resultsById = new Map<string, TestResult[]>();
  for (const result of results) {
    if (result.state === "failed") problems.push(`The test "${result.name}" in ${result.file} failed.`);
    for (const id of claimedIds(result.name)) {
      if (!ids.has(id)) problems.push(`The test "${result.name}" in ${result.file} names ${id}, which no list has.`);
      const claims = resultsById.get(id) ?? [];
      claims.push(result);
      resultsById.set(id, claims);
    }
  }
  const judged = lists.map((list) => ({
    list,
    rows: list.rows.map((row) => judge(row, resultsById.get(row.id) ?? [], problems)),
  }));
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return [HEAD, counts(judged), unmet(judged), ...judged.map(table)].join("\n");
}

/** The full ids that a test's name begins with; none when it claims nothing. */
export function claimedIds(name: string): string[] {
  const end = name.indexOf(CLAIM_END);
  if (!CLAIM.test(name) || end < 0) return [];
  let document = "";
  return name
    .slice(0, end)
    .split(", ")
    .map((part) => {
      if (!CLAIM.test(part)) return `${document} ${part}`;
      document = part.split(" ")[0] as string;
      return part;
    });
}

function judge(row: Requirement, results: readonly TestResult[], problems: string[]): JudgedRow {
  const proofs = results.filter(({ state }) => state === "passed").map(({ name }) => shownName(name));
  const verdict: RowVerdict =
    row.notApplicable !== undefined
      ? "not applicable"
      : row.deviation !== undefined
        ? "deviation"
        : proofs.length > 0
          ? "pass"
          : "not implemented";
  const reasons = [row.notApplicable, row.deviation, row.missing].filter((one) => one !== undefined);
  if (reasons.length > 1) problems.push(`${row.id} has two reasons; it can have one.`);
  for (const result of results) {
    if (row.notApplicable !== undefined || row.missing !== undefined) {
      problems.push(`The test "${result.name}" in ${result.file} names ${row.id}, which its list says is not there.`);
    }
  }
  return { row, verdict, reason: reasons[0] ?? "", proofs };
}

const HEAD = `# RFC score card

Made by \`npm run conformance\` out of the tests in \`test/conformance/\`; not edited by hand. Every test looks at Porter from the
outside: frames in and out of its two interfaces, under a virtual clock. A row passes only when at least one test named by its id
ran and none failed. A deviation is a choice, with its reason and, where there is something to see, a test that shows what Porter
does instead. MUST stands for MUST NOT, SHALL and REQUIRED, too, SHOULD for SHOULD NOT and RECOMMENDED, MAY for OPTIONAL; "text" is a
rule that its document states without such a word.
`;

function counts(judged: readonly JudgedList[]): string {
  const all = judged.flatMap(({ rows }) => rows);
  const header = ["", ...VERDICTS, "rows"];
  const byList = judged.map(({ list, rows }) => [list.title, ...numbers(rows)]);
  const byStrength = STRENGTHS.map((strength) => [
    `**All, ${strength}**`,
    ...numbers(all.filter(({ row }) => row.strength === strength)),
  ]);
  return `## Counts\n\n${markdown(header, [...byList, ...byStrength, ["**All**", ...numbers(all)]])}`;
}

function numbers(rows: readonly JudgedRow[]): string[] {
  const byVerdict = VERDICTS.map((verdict) => rows.filter((one) => one.verdict === verdict).length);
  return [...byVerdict, rows.length].map(String);
}

function unmet(judged: readonly JudgedList[]): string {
  const rows = judged
    .flatMap((one) => one.rows)
    .filter(
      ({ row, verdict }) => OWED.includes(row.strength) && (verdict === "deviation" || verdict === "not implemented"),
    );
  const lines = rows.map(
    ({ row, verdict, reason }) => `- ${row.id}, ${verdict}: ${reason === "" ? "" : `${reason}. `}${row.text}.`,
  );
  return `## Every MUST and every probe that is not met\n\n${lines.length === 0 ? "None." : lines.join("\n")}\n`;
}

function table({ list, rows }: JudgedList): string {
  const cells = rows.map(({ row, verdict, reason, proofs }) => [
    row.id,
    row.text,
    row.strength,
    reason === "" ? verdict : `${verdict}: ${reason}`,
    proofs.join("<br>"),
  ]);
  return `## ${list.title}\n\n${markdown(["id", "requirement", "strength", "verdict", "tests"], cells)}`;
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return [header, header.map(() => "---"), ...rows].map(line).join("");
}

/** What a test says beside the ids. */
function shownName(name: string): string {
  return name.slice(name.indexOf(CLAIM_END) + CLAIM_END.length);
}
