import { describe, expect, it } from "vitest";
import { DROP_REASONS, type DropReason, Drops, dropReasonName } from "../../src/core/drops.js";

const reasons = Object.keys(DROP_REASONS) as DropReason[];

describe("drop reasons", () => {
  it("start at zero, every one of them", () => {
    const drops = new Drops();
    expect(Object.keys(drops.counts)).toEqual(reasons);
    expect(Object.values(drops.counts).every((count) => count === 0)).toBe(true);
    expect(drops.last).toBe("ok");
  });

  it("are counted one by one, and shown to the listener with their interface", () => {
    const drops = new Drops();
    const seen: [DropReason, number][] = [];
    drops.listener = (reason, interfaceIndex) => seen.push([reason, interfaceIndex]);
    drops.count("ipChecksum", 1);
    drops.count("ipChecksum", 0);
    expect(drops.counts.ipChecksum).toBe(2);
    expect(Object.values(drops.counts).reduce((sum, count) => sum + count)).toBe(2);
    expect(drops.last).toBe("ipChecksum");
    expect(seen).toEqual([
      ["ipChecksum", 1],
      ["ipChecksum", 0],
    ]);
  });

  it("have distinct names of lower-case words, and one sentence each without a full stop", () => {
    expect(dropReasonName("wanUnsolicited")).toBe("wan-unsolicited");
    expect(new Set(reasons.map(dropReasonName)).size).toBe(reasons.length);
    for (const reason of reasons) {
      expect(dropReasonName(reason)).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(DROP_REASONS[reason]).toMatch(/[^.\s]$/);
    }
    expect(new Set(Object.values(DROP_REASONS)).size).toBe(reasons.length);
  });
});
