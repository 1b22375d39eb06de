import { expect, it } from "vitest";
import { freezeRows } from "../../src/core/freeze.js";

it("freezes a list with its rows, and a table with its entries", () => {
  const list = freezeRows([{ name: "one" }, { name: "two" }]);
  const table = freezeRows({ one: { size: 1 } });
  for (const frozen of [list, ...list, table, table.one]) expect(Object.isFrozen(frozen)).toBe(true);
});
