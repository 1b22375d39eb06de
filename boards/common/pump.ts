/**
 * Drives the gateway on a board: frames from the ports, time, and one timer.
 *
 * The engine has one thread and a short queue of messages, so each turn is bounded; and an exception that leaves a callback
 * restarts the device, so no turn lets one out: it ends one part of
 * the turn, is counted and shown, and the turn does not feed the watchdog.
 */
import { NEVER } from "../../src/core/clock.js";
import { Frame } from "../../src/core/frame.js";
import { type Gateway, LAN, WAN } from "../../src/gateway.js";

/** Frames of a port in a turn: about 10 ms of work on the slow path, after which the timers get their turn. */
const MAX_FRAMES = 32;
/** The longest sleep. The watchdog is fed at this pace, and a frame whose message was lost waits no longer. */
const HEARTBEAT_MS = 1000;

/** A port's side for frames that came in. */
export interface FrameSource {
  /** Moves the oldest waiting frame to offset 2 of `bytes`; returns its length, 0 when none waits. */
  read(bytes: Uint8Array): number;
}

/** Works beside the gateway: is polled after it, and has deadlines as it has. */
export interface Companion {
  poll(): void;
  /** In ms of the gateway's clock; NEVER for none. */
  nextDeadline(): number;
}

export interface PumpOptions {
  readonly gateway: Gateway;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** Sets the one timer, which calls `ring` after `delayMs` and from then on every `repeatMs`, unless it is set again. */
  readonly setTimer: (delayMs: number, repeatMs: number) => void;
  /** Tells the watchdog that the gateway works. */
  readonly feedWatchdog: () => void;
}

export class Pump {
  /** Parts of turns that an exception ended, and what the last one said. */
  faults = 0;
  lastFault = "";
  readonly #gateway: Gateway;
  readonly #now: () => number;
  readonly #setTimer: (delayMs: number, repeatMs: number) => void;
  readonly #feedWatchdog: () => void;
  readonly #frame = new Frame();
  readonly #sources: (FrameSource | undefined)[] = [undefined, undefined];
  readonly #companions: Companion[] = [];
  /** NEVER when it has rung, and is to be set anew. */
  #timerAtMs = NEVER;

  constructor({ gateway, now, setTimer, feedWatchdog }: PumpOptions) {
    this.#gateway = gateway;
    this.#now = now;
    this.#setTimer = setTimer;
    this.#feedWatchdog = feedWatchdog;
  }

  /** From now on the frames of an interface come from `source`; undefined for none. */
  setSource(interfaceIndex: number, source: FrameSource | undefined): void {
    this.#sources[interfaceIndex] = source;
  }

  add(companion: Companion): void {
    this.#companions.push(companion);
  }

  /** Frames wait at an interface. What is left after the turn's share announces itself again. */
  readable(interfaceIndex: number): void {
    this.#poll();
    this.#drain(interfaceIndex);
    this.#pollCompanions();
    this.#arm();
  }

  /** The timer rang. */
  ring(): void {
    this.#timerAtMs = NEVER;
    const faultsBefore = this.faults;
    this.#poll();
    this.#drain(LAN);
    this.#drain(WAN);
    this.#pollCompanions();
    if (this.faults === faultsBefore) this.#try(this.#feedWatchdog);
    this.#arm();
  }

  /**
   * Carries out `action` on the gateway at the present time, and sees to what it is due to do next. Never throws, and
   * carries it out whatever else fails: a serial line whose callback reads nothing never calls back again.
   */
  run(action: () => void): void {
    this.#poll();
    this.#try(action);
    this.#pollCompanions();
    this.#arm();
  }

  #drain(interfaceIndex: number): void {
    try {
      this.#receive(interfaceIndex);
    } catch (error) {
      this.#report(error);
    }
  }

  #receive(interfaceIndex: number): void {
    const source = this.#sources[interfaceIndex];
    if (source === undefined) return;
    const gateway = this.#gateway;
    const frame = this.#frame;
    for (let i = 0; i < MAX_FRAMES; i++) {
      const length = source.read(frame.bytes);
      if (length === 0) return;
      gateway.receive(interfaceIndex, frame, length);
    }
  }

  #poll(): void {
    try {
      this.#gateway.poll(this.#now());
    } catch (error) {
      this.#report(error);
    }
  }

  #pollCompanions(): void {
    for (let i = 0; i < this.#companions.length; i++) this.#pollOne(this.#companions[i] as Companion);
  }

  /** By itself, so that one that fails keeps no other from its work. */
  #pollOne(companion: Companion): void {
    try {
      companion.poll();
    } catch (error) {
      this.#report(error);
    }
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    this.faults++;
    this.lastFault = `${error}`;
  }

  #arm(): void {
    try {
      this.#setDeadline();
    } catch (error) {
      // The timer repeats by itself.
      this.#report(error);
    }
  }

  /** A timer that rings too early does no harm, so that only an earlier deadline needs another one. */
  #setDeadline(): void {
    const nowMs = this.#gateway.clock.now;
    let deadlineMs = this.#gateway.nextDeadline();
    for (let i = 0; i < this.#companions.length; i++) {
      deadlineMs = Math.min(deadlineMs, (this.#companions[i] as Companion).nextDeadline());
    }
    deadlineMs = Math.min(deadlineMs, nowMs + HEARTBEAT_MS);
    if (deadlineMs >= this.#timerAtMs) return;
    this.#timerAtMs = deadlineMs;
    this.#setTimer(Math.max(Math.ceil(deadlineMs - nowMs), 0), HEARTBEAT_MS);
  }
}
