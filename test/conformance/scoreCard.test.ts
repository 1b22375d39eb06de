import { describe, expect, it } from "vitest";
import type { Requirement, RequirementList } from "./requirement.js";
import { REQUIREMENT_LISTS } from "./requirements/all.js";
import { claimedIds, scoreCard, type TestResult } from "./scoreCard.js";

function list(...rows: (Partial<Requirement> & { id: string })[]): RequirementList[] {
  return [{ title: "RFC1", rows: rows.map((row) => ({ strength: "MUST", text: `text of ${row.id}`, ...row })) }];
}

function ran(name: string, state: TestResult["state"] = "passed"): TestResult {
  return { name, state, file: "some.test.ts" };
}

/** The row's line of the card. */
function lineOf(text: string, id: string): string | undefined {
  return text.split("\n").find((line) => line.startsWith(`| ${id} |`));
}

describe("the score card", () => {
  it("passes a row that a test names, and no other", () => {
    const text = scoreCard(list({ id: "RFC1 A" }, { id: "RFC1 B", strength: "MAY" }), [ran("RFC1 A: it works | well")]);
    expect(lineOf(text, "RFC1 A")).toBe("| RFC1 A | text of RFC1 A | MUST | pass | it works \\| well |");
    expect(lineOf(text, "RFC1 B")).toBe("| RFC1 B | text of RFC1 B | MAY | not implemented |  |");
    expect(text).toContain("| RFC1 | 1 | 0 | 0 | 1 | 2 |");
    expect(text).toContain("| **All, MUST** | 1 | 0 | 0 | 0 | 1 |");
    expect(text).toContain("| **All, MAY** | 0 | 0 | 0 | 1 | 1 |");
    expect(text).toContain("## Every MUST and every probe that is not met\n\nNone.\n");
  });

  it("does not pass a row whose test was skipped", () => {
    const text = scoreCard(list({ id: "RFC1 A" }), [ran("RFC1 A: it works", "skipped")]);
    expect(lineOf(text, "RFC1 A")).toContain("| not implemented |");
  });

  it("lists every MUST that is not met with its reason", () => {
    const rows = list(
      { id: "RFC1 A", deviation: "because" },
      { id: "RFC1 B", missing: "later" },
      { id: "RFC1 C", notApplicable: "no such thing" },
      { id: "RFC1 D", deviation: "because", strength: "SHOULD" },
      { id: "RFC1 E" },
    );
    const text = scoreCard(rows, [ran("RFC1 A, D: it does something else")]);
    expect(text).toContain(
      [
        "## Every MUST and every probe that is not met",
        "",
        "- RFC1 A, deviation: because. text of RFC1 A.",
        "- RFC1 B, not implemented: later. text of RFC1 B.",
        "- RFC1 E, not implemented: text of RFC1 E.",
        "",
        "## RFC1",
      ].join("\n"),
    );
    expect(lineOf(text, "RFC1 A")).toContain("| deviation: because | it does something else |");
    expect(lineOf(text, "RFC1 C")).toContain("| not applicable: no such thing |  |");
  });

  it("refuses a test that names an unknown row, or one that is said not to be there", () => {
    expect(() => scoreCard(list({ id: "RFC1 A" }), [ran("RFC1 B: it works")])).toThrow(
      "names RFC1 B, which no list has",
    );
    for (const reason of ["missing", "notApplicable"]) {
      const rows = list({ id: "RFC1 A", [reason]: "because" });
      expect(() => scoreCard(rows, [ran("RFC1 A: it works")])).toThrow(
        "names RFC1 A, which its list says is not there",
      );
    }
  });

  it("refuses to be made of failed tests, of a row listed twice, or of two reasons", () => {
    expect(() => scoreCard(list({ id: "RFC1 A" }), [ran("RFC1 A: it works", "failed")])).toThrow("failed");
    expect(() => scoreCard(list({ id: "RFC1 A" }, { id: "RFC1 A" }), [])).toThrow("RFC1 A is listed twice");
    expect(() => scoreCard(list({ id: "RFC1 A", deviation: "x", missing: "y" }), [])).toThrow("two reasons");
  });

  it("reads the rows that a test names", () => {
    expect(claimedIds("RFC5382 REQ-8, REQ-8a, T9b: hairpin: through a forward")).toEqual([
      "RFC5382 REQ-8",
      "RFC5382 REQ-8a",
      "T9b",
    ]);
    expect(claimedIds("RFC7857 §2.1, RFC5382 REQ-5 (trans), REQ-5a: lives")).toEqual([
      "RFC7857 §2.1",
      "RFC5382 REQ-5 (trans)",
      "RFC5382 REQ-5a",
    ]);
    expect(claimedIds("T12 is not named so")).toEqual([]);
    expect(claimedIds("drops a packet: always")).toEqual([]);
  });

  it("has rows of one line, with ids that a test can name", () => {
    for (const { id, text } of REQUIREMENT_LISTS.flatMap(({ rows }) => rows)) {
      expect(claimedIds(`${id}: x`)).toEqual([id]);
      expect(text).not.toMatch(/\n|\.$/);
    }
  });
});
