import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../host-sim/random.js";
import { Clock, NEVER } from "../../../src/core/clock.js";
import { Congestion } from "../../../src/transport/tcp/congestion.js";
import { Deadlines, type Timed } from "../../../src/transport/tcp/deadlines.js";
import { InitialSequence } from "../../../src/transport/tcp/isn.js";
import { Reassembly } from "../../../src/transport/tcp/reassembly.js";
import { RoundTrip } from "../../../src/transport/tcp/rtt.js";
import { DEFAULT_TCP_SETTINGS } from "../../../src/transport/tcp/settings.js";

describe("initial sequence numbers", () => {
  it("RFC6528 3 grow by 250 each millisecond for one conversation, past 2^32 ms too", () => {
    const clock = new Clock();
    const sequence = new InitialSequence(clock, new SeededRandom(1));
    for (const start of [0, 2 ** 31, 2 ** 33, 60 * 86_400_000]) {
      clock.now = start;
      const first = sequence.next(1, 2, 3, 4);
      clock.now = start + 1000;
      expect((sequence.next(1, 2, 3, 4) - first) | 0).toBe(250_000);
    }
  });

  it("RFC6528 3 differ without a pattern between conversations and between starts of the stack", () => {
    const clock = new Clock();
    const sequence = new InitialSequence(clock, new SeededRandom(1));
    const differences = new Set<number>();
    for (let port = 1; port <= 1000; port++)
      differences.add((sequence.next(1, port, 3, 4) - sequence.next(1, 1, 3, 4)) | 0);
    expect(differences.size).toBe(1000);
    const other = new InitialSequence(clock, new SeededRandom(2));
    expect(other.next(1, 2, 3, 4)).not.toBe(sequence.next(1, 2, 3, 4));
  });
});

describe("the retransmission timeout", () => {
  function roundTrip(...samplesMs: number[]): RoundTrip {
    const result = new RoundTrip({ ...DEFAULT_TCP_SETTINGS, minRtoMs: 0 });
    for (const sample of samplesMs) {
      result.start(0, 0);
      result.acknowledged(1, sample);
    }
    return result;
  }

  it("RFC6298 2.1 is 1 s at first", () => {
    expect(roundTrip().rtoMs).toBe(1000);
  });

  it("RFC6298 2.2 2.3 follows the measurements", () => {
    expect([roundTrip(100).smoothedMs, roundTrip(100).variationMs, roundTrip(100).rtoMs]).toEqual([100, 50, 300]);
    const third = roundTrip(100, 100, 300);
    // RTTVAR: 50, 37.5, 0.75 * 37.5 + 0.25 * 200; SRTT: 100, 100, 125.
    expect([third.smoothedMs, third.variationMs, third.rtoMs]).toEqual([125, 78.125, 437.5]);
  });

  it("RFC6298 2.4 2.5 stays between 1 s and 60 s", () => {
    const settled = new RoundTrip(DEFAULT_TCP_SETTINGS);
    settled.start(0, 0);
    settled.acknowledged(1, 1);
    expect(settled.rtoMs).toBe(1000);
    for (let i = 0; i < 20; i++) settled.backOff();
    expect(settled.rtoMs).toBe(60_000);
  });

  it("RFC6298 3 takes one sample a round trip, and none that was cancelled", () => {
    const trip = new RoundTrip(DEFAULT_TCP_SETTINGS);
    trip.start(10, 0);
    trip.start(20, 50);
    trip.acknowledged(10, 70);
    expect(trip.smoothedMs).toBe(-1);
    trip.acknowledged(11, 100);
    expect(trip.smoothedMs).toBe(100);
    trip.start(30, 200);
    trip.cancel();
    trip.acknowledged(31, 9000);
    expect(trip.smoothedMs).toBe(100);
  });
});

describe("congestion control", () => {
  const MSS = 1000;

  function congestion(): Congestion {
    const result = new Congestion();
    result.reset(0);
    result.begin(MSS, false);
    return result;
  }

  it("RFC5681 3.1 slow start grows by no more than a segment for each ACK, however much it acknowledges", () => {
    const control = congestion();
    expect(control.windowBytes).toBe(4000);
    control.acknowledged(1000, 1000, 3000, MSS);
    control.acknowledged(4000, 3000, 0, MSS);
    control.acknowledged(4100, 100, 0, MSS);
    expect(control.windowBytes).toBe(6100);
  });

  it("RFC5681 3.1 avoidance grows by a segment for each window acknowledged", () => {
    const control = congestion();
    control.timedOut(10_000, 10_000, MSS, false);
    expect([control.thresholdBytes, control.windowBytes]).toEqual([5000, 1000]);
    for (let ack = 1; ack <= 4; ack++) control.acknowledged(ack * 1000, 1000, 1000, MSS);
    expect(control.windowBytes).toBe(5000);
    for (let ack = 5; ack <= 8; ack++) control.acknowledged(ack * 1000, 1000, 1000, MSS);
    expect(control.windowBytes).toBe(5000);
    control.acknowledged(9000, 1000, 1000, MSS);
    expect(control.windowBytes).toBe(6000);
  });

  it("RFC5681 3.1 halves once for a segment that times out again and again, and keeps two segments at least", () => {
    const control = congestion();
    control.timedOut(10_000, 10_000, MSS, false);
    control.timedOut(10_000, 1000, MSS, true);
    expect(control.thresholdBytes).toBe(5000);
    control.timedOut(10_000, 1000, MSS, false);
    expect(control.thresholdBytes).toBe(2000);
  });

  it("RFC6582 3.2 inflates for each duplicate, deflates for a partial ACK, and ends at the threshold", () => {
    const control = congestion();
    const sndMax = 10_001;
    for (let i = 1; i <= 3; i++) expect(control.duplicate(1, sndMax, 10_000, MSS)).toBe(i === 3);
    expect([control.inRecovery, control.thresholdBytes, control.windowBytes]).toEqual([true, 5000, 8000]);
    expect(control.duplicate(1, sndMax, 10_000, MSS)).toBe(false);
    expect(control.windowBytes).toBe(9000);
    expect(control.acknowledged(3001, 3000, 7000, MSS)).toBe(true);
    expect(control.windowBytes).toBe(7000);
    expect(control.acknowledged(sndMax, 7000, 0, MSS)).toBe(false);
    expect([control.inRecovery, control.windowBytes]).toEqual([false, 2000]);
  });

  it("RFC6582 3.2 does not answer duplicates of what a timeout has sent again", () => {
    const control = congestion();
    control.timedOut(10_001, 10_000, MSS, false);
    for (let i = 0; i < 5; i++) expect(control.duplicate(5001, 10_001, 5000, MSS)).toBe(false);
    control.acknowledged(12_001, 7000, 5000, MSS);
    for (let i = 1; i <= 3; i++) expect(control.duplicate(12_001, 17_001, 5000, MSS)).toBe(i === 3);
  });
});

describe("reassembly", () => {
  it("knows what is complete, for any pieces in any order, across the wrap of sequence numbers", () => {
    const piece = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.constantFrom(0, -30, 2 ** 31 - 30), (pieces, base) => {
        const reassembly = new Reassembly();
        const held = new Set<number>();
        let next = 0;
        for (const [start, size] of pieces) {
          const from = Math.max(start, next);
          const end = start + size;
          if (end <= from) continue;
          if (from === next) {
            for (let i = from; i < end; i++) held.add(i);
            next = end;
            while (held.has(next)) next++;
            expect(reassembly.advance((base + end) | 0)).toBe((base + next) | 0);
          } else if (reassembly.insert((base + from) | 0, (base + end) | 0)) {
            for (let i = from; i < end; i++) held.add(i);
          }
        }
        expect(reassembly.isEmpty).toBe([...held].every((position) => position < next));
      }),
    );
  });

  it("refuses a fifth interval, but not what joins two", () => {
    const reassembly = new Reassembly();
    expect([10, 20, 30, 40, 50].map((start) => reassembly.insert(start, start + 5))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(reassembly.insert(15, 20)).toBe(true);
    expect(reassembly.insert(50, 55)).toBe(true);
    expect([reassembly.advance(10), reassembly.advance(30), reassembly.advance(60), reassembly.isEmpty]).toEqual([
      25,
      35,
      60,
      true,
    ]);
  });
});

describe("deadlines", () => {
  it("know the earliest, whatever is set and taken out", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 100 }))), (steps) => {
        const deadlines = new Deadlines<Timed>();
        const entries = Array.from({ length: 16 }, (): Timed => ({ deadline: NEVER, heapIndex: -1 }));
        for (const [index, time] of steps) {
          deadlines.set(entries[index] as Timed, time > 80 ? NEVER : time);
          const earliest = Math.min(...entries.map((entry) => entry.deadline));
          expect([deadlines.next, deadlines.first?.deadline ?? NEVER]).toEqual([earliest, earliest]);
        }
      }),
    );
  });
});
