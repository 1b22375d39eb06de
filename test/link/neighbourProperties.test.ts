import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeArp } from "../support/expectFrame.js";
import { loadFrame, udpFrame } from "../support/frames.js";
import { ip, StackFixture } from "../support/stackFixture.js";

const CAPACITY = 4;
const PENDING = 2;

const host = fc.integer({ min: 10, max: 16 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("send" as const), host }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("learn" as const), host }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("ask" as const), host }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 500, 1000, 30_000, 70_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("flush" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function carryOut(stack: StackFixture, one: Step): boolean {
  if (one.kind === "wait") stack.advance(one.ms);
  else if (one.kind === "flush") stack.neighbours.flush(stack.lan);
  else if (one.kind !== "send") {
    stack.neighbours.learn(stack.lan, ip(`192.168.1.${one.host}`), one.host, one.kind === "ask");
  } else {
    const bytes = udpFrame({ destination: `192.168.1.${one.host}` });
    return stack.neighbours.send(stack.lan, ip(`192.168.1.${one.host}`), loadFrame(bytes), bytes.length) === "ok";
  }
  return false;
}

function isArp(frame: Uint8Array): boolean {
  return frame[13] === 6;
}

describe("the neighbour table, whatever happens", () => {
  it("stays within its bounds, and accounts for every frame it took", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const stack = new StackFixture(CAPACITY, PENDING);
        let taken = 0;
        for (const one of steps) {
          if (carryOut(stack, one)) taken++;
          const entries = stack.neighbours.entries();
          expect(entries.length).toBeLessThanOrEqual(CAPACITY);
          expect(new Set(entries.map((entry) => entry.address)).size).toBe(entries.length);
        }
        for (let i = 0; i < 5; i++) stack.advance(1000);
        const sent = stack.lanPort.sent.filter((frame) => !isArp(frame)).length;
        const { neighbourUnresolved = 0, neighbourQueueFull = 0, ...others } = stack.dropped();
        expect(sent + neighbourUnresolved + neighbourQueueFull).toBe(taken);
        expect(others).toEqual({});
      }),
      { numRuns: 500 },
    );
  });

  it("RFC1122 §2.3.2.1: asks for no address twice within a second while it remembers it", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const stack = new StackFixture(16, 16);
        const askedAtMs = new Map<string, number>();
        for (const one of steps.filter((each) => each.kind !== "flush")) {
          carryOut(stack, one);
          for (const frame of stack.lanPort.take().filter(isArp)) {
            const { targetAddress } = decodeArp(frame);
            const before = askedAtMs.get(targetAddress) ?? Number.NEGATIVE_INFINITY;
            expect(stack.clock.now - before).toBeGreaterThanOrEqual(1000);
            askedAtMs.set(targetAddress, stack.clock.now);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("wants to be polled later than now once it has been polled", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const stack = new StackFixture(CAPACITY, PENDING);
        for (const one of steps) {
          carryOut(stack, one);
          stack.neighbours.poll();
          expect(stack.neighbours.nextDeadline()).toBeGreaterThan(stack.clock.now);
        }
      }),
    );
  });
});
