import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { Clock, NEVER } from "../../src/core/clock.js";
import { StationLink } from "../../src/wifi/stationLink.js";

let clock: Clock;
let link: StationLink;
let attemptsAt: number[];

beforeEach(() => {
  clock = new Clock();
  attemptsAt = [];
  link = new StationLink(clock, new SeededRandom(1, "station"), () => attemptsAt.push(clock.now));
});

/** Moves time to the link's own deadlines, up to `ms`. */
function runUntil(ms: number, onAttempt: () => void = () => {}): void {
  for (let seen = attemptsAt.length; link.nextDeadline() <= ms; ) {
    clock.now = link.nextDeadline();
    link.poll();
    if (attemptsAt.length > seen) {
      seen = attemptsAt.length;
      onAttempt();
    }
  }
  clock.now = ms;
}

describe("a station", () => {
  it("does nothing until a network is wanted", () => {
    link.onStation(true, 0);
    link.poll();
    expect(link).toMatchObject({ state: "off", attempts: 0 });
    expect(link.nextDeadline()).toBe(NEVER);
  });

  it("tries at once, and has nothing to do while it is up", () => {
    link.start();
    expect(attemptsAt).toEqual([0]);
    link.onStation(true, 0);
    expect(link).toMatchObject({ state: "up", attempts: 0 });
    expect(link.nextDeadline()).toBe(NEVER);
  });

  it("tries again after 1 s, then after twice as long each time up to a minute, and up to half as much later", () => {
    link.start();
    link.onStation(false, 201);
    runUntil(600_000, () => link.onStation(false, 201));
    const waits = attemptsAt.slice(1).map((at, index) => at - (attemptsAt[index] as number));
    const least = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000];
    least.forEach((ms, index) => {
      expect(waits[index]).toBeGreaterThanOrEqual(ms);
      expect(waits[index]).toBeLessThan(ms * 1.5);
    });
    expect(link.lastReason).toBe(201);
  });

  it("gives up on a driver that says nothing for 20 s", () => {
    link.start();
    runUntil(20_000);
    expect(link.state).toBe("waiting");
    runUntil(22_000);
    expect(attemptsAt).toHaveLength(2);
  });

  it("begins with short waits again when the link was good for a minute", () => {
    link.start();
    for (let i = 0; i < 5; i++) {
      link.onStation(false, 2);
      runUntil(link.nextDeadline());
    }
    link.onStation(true, 0);
    clock.now += 60_000;
    link.onStation(false, 4);
    expect(link.nextDeadline() - clock.now).toBeLessThan(1500);
  });

  it("keeps its long waits when the link was never good", () => {
    link.start();
    for (let i = 0; i < 4; i++) {
      link.onStation(true, 0);
      clock.now += 5000;
      link.onStation(false, 2);
      runUntil(link.nextDeadline());
    }
    link.onStation(false, 2);
    expect(link.nextDeadline() - clock.now).toBeGreaterThanOrEqual(16_000);
  });

  it("takes a loss that is reported twice for one", () => {
    link.start();
    link.onStation(false, 2);
    const deadlineMs = link.nextDeadline();
    link.onStation(false, 2);
    expect(link.nextDeadline()).toBe(deadlineMs);
  });

  it("does not take leaving the network before for the end of its attempt", () => {
    link.start();
    link.onStation(true, 0);
    clock.now += 5000;
    link.start();
    // The driver tells late that the old link is gone.
    link.onStation(false, 8);
    expect(link).toMatchObject({ state: "connecting", attempts: 1 });
    runUntil(clock.now + 10_000);
    expect(attemptsAt).toHaveLength(2);
    link.onStation(true, 0);
    // An access point that leaves says the same, and is lost.
    link.onStation(false, 8);
    expect(link).toMatchObject({ state: "waiting", lastReason: 8 });
  });

  it("does not try any more once no network is wanted", () => {
    link.start();
    link.onStation(false, 2);
    link.stop();
    runUntil(600_000);
    expect(attemptsAt).toHaveLength(1);
    expect(link.state).toBe("off");
  });
});
