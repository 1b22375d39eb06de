/**
 * A new image's first minute: it has to forward a packet, or the one before comes back. (If it crashes, the bootloader sees
 * to that by itself.)
 */
import { NEVER } from "../../src/core/clock.js";
import type { Gateway } from "../../src/gateway.js";

export const TRIAL_MS = 60_000;

export interface TrialHooks {
  /** The image is good, and stays. */
  confirm(): void;
  /** Restarts with the image before. */
  reject(): void;
}

export class ImageTrial {
  readonly #gateway: Gateway;
  readonly #hooks: TrialHooks;
  #untilMs: number;

  constructor(gateway: Gateway, isOnTrial: boolean, hooks: TrialHooks) {
    this.#gateway = gateway;
    this.#hooks = hooks;
    this.#untilMs = isOnTrial ? gateway.clock.now + TRIAL_MS : NEVER;
  }

  get isOnTrial(): boolean {
    return this.#untilMs !== NEVER;
  }

  poll(): void {
    if (!this.isOnTrial) return;
    if (hasForwarded(this.#gateway)) {
      this.#untilMs = NEVER;
      this.#hooks.confirm();
    } else if (this.#gateway.clock.now >= this.#untilMs) {
      this.#untilMs = NEVER;
      this.#hooks.reject();
    }
  }

  nextDeadline(): number {
    return this.#untilMs;
  }
}

/** A packet of the LAN has found its way through the NAT, and out. */
function hasForwarded({ lan, wan, nat }: Gateway): boolean {
  return nat.sessionCount > 0 && lan.rxFrames > 0 && wan.txFrames > 0;
}
