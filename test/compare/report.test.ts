import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Outcome, pass } from "./outcome.js";
import { PROBES } from "./probes/index.js";
import {
  type Comparison,
  differences,
  README_PATH,
  REPORT_PATH,
  report,
  rowStart,
  shownSummary,
  withSummary,
} from "./report.js";

const written = readFileSync(REPORT_PATH, "utf8");

describe("docs/compare.md", () => {
  it("has a row for each probe, and no other", () => {
    const rows = written
      .split("\n")
      .filter((line) => / \*\*fail\*\*: | pass: | not /.test(line) && line.startsWith("| "));
    for (const probe of PROBES) {
      expect(
        rows.filter((row) => row.startsWith(rowStart(probe))),
        `${probe.id}: ${probe.title}`,
      ).toHaveLength(1);
    }
    expect(rows).toHaveLength(PROBES.length);
  });

  it("has the summary that README.md shows", () => {
    expect(shownSummary(written)).toMatch(/^\| rows passed \|(.*\n){4,}\| all \|/);
    expect(shownSummary(readFileSync(README_PATH, "utf8"))).toBe(shownSummary(written));
  });
});

describe("the comparison's report", () => {
  const [first] = PROBES;
  const [cured] = PROBES.filter(({ linuxCure }) => linuxCure !== undefined);
  const devices = ["A", "B"].map((name) => ({ name, configuration: [`as it comes, ${name}`] }));
  const failed = { verdict: "fail", observation: "dropped" } as const;
  const comparison: Comparison = {
    devices,
    rows: [
      { probe: first!, outcomes: [pass("goes through"), failed] },
      { probe: cured!, outcomes: [{ verdict: "not applicable", observation: "no room" }, failed], cured: pass("kept") },
    ],
  };

  it("counts what passed of what applies", () => {
    expect(shownSummary(report(comparison))).toContain("| all | 1 of 1 | 0 of 2 |");
  });

  it("names a cure where it has cured, and only there", () => {
    expect(report(comparison)).toContain(`**fail**: dropped (1) |\n\n`);
    expect(report(comparison)).toContain(`1. ${cured?.linuxCure}`);
    const useless: Comparison = { devices, rows: comparison.rows.map((row) => ({ ...row, cured: failed })) };
    expect(report(useless)).not.toContain(cured?.linuxCure);
  });

  it("differs by the rows that changed, and not by Linux's release", () => {
    const fresh = report(comparison);
    const changed = report({ devices, rows: [{ probe: first!, outcomes: [failed, failed] }, comparison.rows[1]!] });
    const rowOf = (outcome: Outcome): string => expect.stringContaining(`${rowStart(first!, outcome)} `);
    expect(differences(fresh, changed)).toEqual([
      expect.stringMatching(/^- \| RFC 4787.* \| 1 of 1 \|/),
      "- | all | 1 of 1 | 0 of 2 |",
      rowOf(pass("goes through")),
      expect.stringMatching(/^\+ \| RFC 4787.* \| 0 of 1 \|/),
      "+ | all | 0 of 1 | 0 of 2 |",
      rowOf(failed),
    ]);
    const releases = ["6.1.20", "7.0"].map((release) => `**Linux.** Linux ${release}, a namespace\n`);
    expect(differences(releases[0]!, releases[1]!)).toEqual([]);
  });

  it("replaces the summary in README.md, and nothing else", () => {
    const readme = readFileSync(README_PATH, "utf8");
    const changed = withSummary(readme, "| rows passed |\n| all | none |");
    expect(shownSummary(changed)).toBe("| rows passed |\n| all | none |");
    expect(withSummary(changed, shownSummary(readme))).toBe(readme);
  });
});
