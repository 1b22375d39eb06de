/**
 * A gateway between two real links, in real time.
 *
 * Frames come in batches: the clock is read once a batch, and one timer, set again only for an earlier deadline, does the
 * rest. Nothing is allocated for a frame.
 */
import { DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { NEVER } from "../../src/core/clock.js";
import type { Random } from "../../src/core/random.js";
import { createFlowCache } from "../../src/flow/cache.js";
import { Gateway, LAN, WAN } from "../../src/gateway.js";
import type { Attachment } from "../ports/attachment.js";

/** The longest delay setTimeout takes. */
const MAX_DELAY_MS = 0x7fffffff;
/**
 * A lone frame is often a question, and looking for the answer this long costs less than to sleep and be woken by it.
 * Measured: up to twice the request-answer pairs per second, and nothing lost elsewhere.
 */
const LINGER_MS = 0.03;
/** Then timers and the console get their turn. */
const MAX_LINGERING_BATCHES = 64;

/** Works beside the gateway: is polled after it, and has deadlines as it has. */
export interface Companion {
  poll(): void;
  /** In ms of the gateway's clock; NEVER for none. */
  nextDeadline(): number;
}

export class Simulator {
  readonly gateway: Gateway;
  readonly #attachments: readonly [Attachment, Attachment];
  readonly #companions = new Set<Companion>();
  readonly #startedAtMs = performance.now();
  /** 0 between batches. */
  #batchFrames = 0;
  #wasLoneFrame = false;
  #isLingering = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = NEVER;

  constructor(lan: Attachment, wan: Attachment, random: Random, flowCache = createFlowCache) {
    this.#attachments = [lan, wan];
    this.gateway = new Gateway({
      random,
      flowCache,
      capacity: DEFAULT_CAPACITY,
      interfaces: [
        { name: "lan", mac: localMac(random), port: lan },
        { name: "wan", mac: localMac(random), port: wan },
      ],
    });
  }

  /** Takes frames from now on; `onNotice` gets a sentence when a link comes or goes. */
  start(onNotice: (sentence: string) => void): void {
    this.#take(LAN, onNotice);
    this.#take(WAN, onNotice);
    this.run(() => {});
  }

  /** Does nothing more by itself. The links stay open, and their owner's to close. */
  stop(): void {
    clearTimeout(this.#timer);
    // So that no call sets it again.
    this.#timerAtMs = Number.NEGATIVE_INFINITY;
  }

  add(companion: Companion): void {
    this.#companions.add(companion);
  }

  remove(companion: Companion): void {
    this.#companions.delete(companion);
  }

  /** Carries out `action` on the gateway at the present time, and sees to what it is due to do next. */
  run(action: () => void): void {
    this.#poll();
    action();
    this.#setTimer();
  }

  #take(index: number, onNotice: (sentence: string) => void): void {
    const { gateway } = this;
    (this.#attachments[index] as Attachment).start({
      onFrame: (frame, length) => {
        if (this.#batchFrames++ === 0) this.#poll();
        gateway.receive(index, frame, length);
      },
      onBatchEnd: () => {
        this.#wasLoneFrame = this.#batchFrames === 1;
        this.#batchFrames = 0;
        this.#pollCompanions();
        this.#setTimer();
        if (this.#wasLoneFrame && !this.#isLingering) this.#linger();
      },
      onNotice,
    });
  }

  #linger(): void {
    const [lan, wan] = this.#attachments;
    if (lan.takeWaiting === undefined || wan.takeWaiting === undefined) return;
    this.#isLingering = true;
    let untilMs = performance.now() + LINGER_MS;
    let batches = 0;
    while (this.#wasLoneFrame && batches < MAX_LINGERING_BATCHES && performance.now() < untilMs) {
      if (!lan.takeWaiting() && !wan.takeWaiting()) continue;
      batches++;
      untilMs = performance.now() + LINGER_MS;
    }
    this.#isLingering = false;
  }

  #poll(): void {
    this.gateway.poll(performance.now() - this.#startedAtMs);
    this.#pollCompanions();
  }

  #pollCompanions(): void {
    if (this.#companions.size === 0) return;
    for (const companion of this.#companions) companion.poll();
  }

  /** A timer that rings too early does no harm, so that only an earlier deadline needs another one. */
  #setTimer(): void {
    let deadlineMs = this.gateway.nextDeadline();
    if (this.#companions.size > 0) {
      for (const companion of this.#companions) deadlineMs = Math.min(deadlineMs, companion.nextDeadline());
    }
    if (deadlineMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    const nowMs = performance.now() - this.#startedAtMs;
    // Rounded up, for Node cuts off fractions and would ring a moment before there is something to do.
    const delayMs = Math.min(Math.max(Math.ceil(deadlineMs - nowMs), 0), MAX_DELAY_MS);
    this.#timerAtMs = deadlineMs;
    this.#timer = setTimeout(this.#ring, delayMs);
  }

  readonly #ring = (): void => {
    this.#timerAtMs = NEVER;
    this.#poll();
    this.#setTimer();
  };
}

/** A random station address with the "local" bit set and the group bit clear (IEEE 802). */
function localMac(random: Random): number {
  return 0x020000000000 + ((random.next32() & 0xff) * 0x100000000 + (random.next32() >>> 0));
}
