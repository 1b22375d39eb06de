/**
 * Notices a crash loop: three starts in a row that ended in a crash before the gateway was healthy for five minutes. The
 * next start leaves the saved configuration alone and runs with the defaults, so that somebody can repair it.
 */
import { NEVER } from "../../src/core/clock.js";
import { isCrash } from "./resetReason.js";
import type { KeyValue } from "./slotStorage.js";

export const HEALTHY_MS = 5 * 60_000;
export const MAX_CRASHES = 3;
/** One byte: starts since the last healthy one, this one included. */
const KEY = "starts";

export class BootGuard {
  /** Starts in a row that ended in a crash too soon. */
  readonly crashes: number;
  /** Why the store could not be read or written, in a sentence; "" when it could. */
  problem = "";
  readonly #store: KeyValue;
  #healthyAtMs = HEALTHY_MS;

  /** `reason` is the chip's for this start; `resetReason.ts` has the numbers. */
  constructor(store: KeyValue, reason: number) {
    this.#store = store;
    this.crashes = isCrash(reason) ? this.#read() : 0;
    this.#note(Math.min(this.crashes + 1, 0xff));
  }

  /** The saved configuration is better left alone. */
  get isCrashLoop(): boolean {
    return this.crashes >= MAX_CRASHES;
  }

  /** A restart that is wanted counts as a healthy end. */
  expectRestart(): void {
    this.#note(0);
  }

  /** To be called by the gateway's clock. Flash is written once, five minutes after the start. */
  poll(nowMs: number): void {
    if (nowMs < this.#healthyAtMs) return;
    this.#healthyAtMs = NEVER;
    this.#note(0);
  }

  nextDeadline(): number {
    return this.#healthyAtMs;
  }

  #read(): number {
    try {
      return this.#store.read(KEY)?.[0] ?? 0;
    } catch (error) {
      this.#report(error);
      return 0;
    }
  }

  #note(starts: number): void {
    try {
      this.#store.write(KEY, Uint8Array.of(starts));
    } catch (error) {
      this.#report(error);
    }
  }

  /** Without flash the loop is not noticed, and nothing else is lost. */
  #report(error: unknown): void {
    this.problem = `crash loops are not noticed: ${(error as Error).message}`;
  }
}
