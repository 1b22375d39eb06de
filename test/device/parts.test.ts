/** The small parts of the firmware, each by itself. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { BootGuard, HEALTHY_MS } from "../../boards/common/bootGuard.js";
import { bytesOf, textOf } from "../../boards/common/latin1.js";
import { MonotonicClock } from "../../boards/common/monotonicClock.js";
import { NoisyRadio } from "../../boards/common/noisyRadio.js";
import { OutputQueue } from "../../boards/common/outputQueue.js";
import { resetReasonText } from "../../boards/common/resetReason.js";
import { Restarter } from "../../boards/common/restarter.js";
import { Clock, NEVER } from "../../src/core/clock.js";
import type { Radio } from "../../src/platform/radio.js";
import { MemoryStore } from "./engine/firmwareRig.js";

describe("MonotonicClock", () => {
  it("counts on over the wraps of a counter, signed or not", () => {
    for (const wrap of [(ms: number) => ms | 0, (ms: number) => ms >>> 0]) {
      let ms = 0x7fff_fff0;
      const clock = new MonotonicClock(() => wrap(ms));
      expect(clock.now()).toBe(0);
      for (const step of [16, 1, 0x7fff_ffff, 3, 0xffff_fffe, 0]) {
        const before = clock.now();
        ms += step;
        expect(clock.now()).toBe(before + step);
      }
    }
  });

  it("never goes back, and loses nothing", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.nat(0x7fff_ffff)), (start, steps) => {
        let ms = start;
        const clock = new MonotonicClock(() => ms | 0);
        let sum = 0;
        for (const step of steps) {
          ms += step;
          sum += step;
          expect(clock.now()).toBe(sum);
        }
      }),
    );
  });
});

describe("OutputQueue", () => {
  /** All that comes out, `step` bytes at a time. */
  function drain(queue: OutputQueue, step = 7): string {
    const target = new Uint8Array(step);
    let text = "";
    for (let count = queue.take(target, step); count > 0; count = queue.take(target, step)) {
      text += textOf(target, count);
    }
    return text;
  }

  it("gives out what it was given, in order", () => {
    const queue = new OutputQueue(256);
    let text = "";
    for (let i = 0; i < 100; i++) {
      queue.push(`line ${i}\n`);
      text += drain(queue, 1 + (i % 9));
    }
    expect(text).toBe(Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(""));
    expect(queue.isEmpty).toBe(true);
  });

  it("leaves out what does not fit, and says how much", () => {
    const queue = new OutputQueue(256);
    queue.push("x".repeat(1000));
    const text = drain(queue);
    const kept = /^x+/.exec(text)?.[0].length ?? 0;
    expect(kept).toBeGreaterThan(128);
    expect(text.slice(kept)).toBe(
      `\r\n[... ${1000 - kept} characters left out: the line is slower than the output]\r\n`,
    );
    queue.push("prompt> ");
    expect(drain(queue)).toBe("prompt> ");
  });

  it("goes on behind the mark when half of it is free again", () => {
    const queue = new OutputQueue(256);
    queue.push("x".repeat(300));
    queue.push("lost as well");
    queue.take(new Uint8Array(200), 200);
    queue.push("back");
    expect(drain(queue)).toMatch(/^x*\r\n\[\.\.\. \d+ characters left out[^\]]*\]\r\nback$/);
  });

  it("accounts for each character, whatever comes and goes", () => {
    const operations = fc.array(fc.record({ push: fc.nat(400), take: fc.nat(100) }), { maxLength: 60 });
    fc.assert(
      fc.property(operations, (steps) => {
        const queue = new OutputQueue(256);
        const target = new Uint8Array(128);
        let pushed = 0;
        let text = "";
        for (const { push, take } of steps) {
          queue.push("x".repeat(push));
          pushed += push;
          text += textOf(target, queue.take(target, take));
        }
        text += drain(queue);
        const lost = [...text.matchAll(/\[\.\.\. (\d+) characters/g)].reduce((sum, match) => sum + Number(match[1]), 0);
        const kept = text.replace(/\r\n\[[^\]]*\]\r\n/g, "");
        expect(kept).toMatch(/^x*$/);
        expect(kept.length + lost).toBe(pushed);
      }),
    );
  });

  it("shows a question mark for what a serial line does not have", () => {
    const queue = new OutputQueue(256);
    queue.push("caf\u00e9 \u2713");
    expect(drain(queue)).toBe("caf\u00e9 ?");
  });
});

describe("latin1", () => {
  it("turns bytes into text and back", () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index);
    expect(bytesOf(textOf(bytes))).toEqual(bytes);
    expect(textOf(bytes, 2)).toBe("\x00\x01");
  });
});

describe("BootGuard", () => {
  const POWER = 1;
  const SOFTWARE = 3;
  const PANIC = 4;
  const TASK_WATCHDOG = 6;
  const BROWNOUT = 9;

  it("notices three starts that ended in a crash, and not two", () => {
    const store = new MemoryStore();
    expect(new BootGuard(store, POWER).isCrashLoop).toBe(false);
    expect(new BootGuard(store, PANIC)).toMatchObject({ crashes: 1, isCrashLoop: false });
    expect(new BootGuard(store, TASK_WATCHDOG)).toMatchObject({ crashes: 2, isCrashLoop: false });
    expect(new BootGuard(store, SOFTWARE)).toMatchObject({ crashes: 3, isCrashLoop: true });
    expect(new BootGuard(store, PANIC)).toMatchObject({ crashes: 4, isCrashLoop: true });
  });

  it("forgets them after five minutes of health", () => {
    const store = new MemoryStore();
    for (let i = 0; i < 3; i++) new BootGuard(store, PANIC);
    const guard = new BootGuard(store, PANIC);
    expect(guard.isCrashLoop).toBe(true);
    expect(guard.nextDeadline()).toBe(HEALTHY_MS);
    guard.poll(HEALTHY_MS);
    expect(guard.nextDeadline()).toBe(NEVER);
    expect(new BootGuard(store, PANIC).crashes).toBe(0);
  });

  it("does not count restarts that are wanted, power cuts, or brownouts", () => {
    const store = new MemoryStore();
    for (let i = 0; i < 5; i++) {
      const guard = new BootGuard(store, SOFTWARE);
      expect(guard.crashes).toBe(0);
      guard.expectRestart();
    }
    for (const reason of [POWER, BROWNOUT]) {
      for (let i = 0; i < 5; i++) expect(new BootGuard(store, reason).crashes).toBe(0);
    }
  });

  it("does without a store that fails", () => {
    const store = {
      read: () => undefined,
      write() {
        throw new Error("flash is worn out");
      },
    };
    expect(new BootGuard(store, PANIC).isCrashLoop).toBe(false);
  });
});

describe("Restarter", () => {
  it("restarts once, a second after the first wish", () => {
    const clock = new Clock();
    const restart = vi.fn();
    const restarter = new Restarter(clock, restart);
    expect(restarter.nextDeadline()).toBe(NEVER);
    restarter.soon(false);
    clock.now = 500;
    restarter.soon(false);
    restarter.poll();
    expect(restart).not.toHaveBeenCalled();
    clock.now = restarter.nextDeadline();
    expect(clock.now).toBe(1000);
    restarter.poll();
    restarter.poll();
    expect(restart).toHaveBeenCalledTimes(1);
  });
});

describe("NoisyRadio", () => {
  it("turns the other source of noise off before the radio starts, and on when it is off again", () => {
    const log: string[] = [];
    const note = (name: string) => () => void log.push(name);
    const radio: Radio = {
      connect: note("connect"),
      disconnect: note("disconnect"),
      openAccessPoint: note("open"),
      closeAccessPoint: note("close"),
      setCountry: note("country"),
      setTransmitPower: note("power"),
      scan: note("scan"),
      nextScanned: () => undefined,
      signal: () => 0,
      stations: () => 0,
      poll: () => undefined,
    };
    const open = () => {
      log.push("init");
      return radio;
    };
    const noisy = new NoisyRadio(open, { enableEntropy: note("noise on"), disableEntropy: note("noise off") });
    noisy.setCountry("DE");
    noisy.openAccessPoint("porter", "", 6, false, 8);
    noisy.openAccessPoint("porter", "", 7, false, 8);
    noisy.closeAccessPoint();
    const { openAccessPoint } = radio;
    radio.openAccessPoint = () => {
      throw new Error("refused");
    };
    expect(() => noisy.openAccessPoint("porter", "", 6, false, 8)).toThrow("refused");
    radio.openAccessPoint = openAccessPoint;
    noisy.connect("home", "");
    noisy.disconnect();
    noisy.closeAccessPoint();
    // The driver leaves a station's radio on.
    const inits = "noise off,init,noise on";
    const accessPoint = "country,noise off,open,open,close,noise on,noise off,noise on";
    expect(log.join()).toBe(`${inits},${accessPoint},noise off,connect,disconnect,close`);
  });
});

it("every reset reason has words", () => {
  expect(resetReasonText(6)).toBe("the task watchdog");
  expect(resetReasonText(99)).toBe("reset reason 99");
});
