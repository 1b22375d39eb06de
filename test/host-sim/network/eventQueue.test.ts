import fc from "fast-check";
import { expect, test } from "vitest";
import { EventQueue } from "../../../host-sim/network/eventQueue.js";

test("hands events out by time, and those of one time in the order in which they were scheduled", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 }))), (operations) => {
      const queue = new EventQueue();
      let waiting: { atMs: number; order: number }[] = [];
      // A number schedules an event for that time; null takes one out.
      for (const [order, atMs] of operations.entries()) {
        if (atMs !== null) {
          queue.schedule(atMs, `${order}`, () => {});
          waiting.push({ atMs, order });
          continue;
        }
        const next = waiting.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
        expect(queue.take()?.cause).toBe(next && `${next.order}`);
        waiting = waiting.filter((event) => event !== next);
      }
      expect(queue.size).toBe(waiting.length);
    }),
  );
});
