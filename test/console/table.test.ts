import { describe, expect, it } from "vitest";
import { formatDuration, formatTable, left, right } from "../../src/console/table.js";

describe("a table", () => {
  it("aligns words to the left and figures to the right, without trailing spaces", () => {
    const rows = [
      ["a", "1", "x"],
      ["long", "1000", ""],
    ];
    expect(formatTable([left("NAME"), right("HITS"), left("NOTE")], rows, "none")).toBe(
      "NAME  HITS  NOTE\na        1  x\nlong  1000\n",
    );
  });

  it("breaks its last column between words at 80 columns", () => {
    const text = formatTable([left("NAME"), left("NOTE")], [["a", "word ".repeat(28).trim()]], "none");
    expect(text).toBe(`NAME  NOTE\na     ${"word ".repeat(15).trim()}\n      ${"word ".repeat(13).trim()}\n`);
  });

  it("without rows is a sentence", () => {
    expect(formatTable([left("NAME")], [], "no names")).toBe("no names\n");
  });
});

it.each([
  [0, "0s"],
  [59.9, "59s"],
  [60, "1m00s"],
  [3599, "59m59s"],
  [3600, "1h00m"],
  [86_399, "23h59m"],
  [90_000, "1d01h"],
  [60 * 86_400, "60d00h"],
])("%d seconds are %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
