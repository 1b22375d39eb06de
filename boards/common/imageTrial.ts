/**
 * A new image's first minute: it has to forward a conversation, or the one before comes back. (If it crashes, the bootloader sees
 * to that by itself.)
 */
import { NEVER } from "../../src/core/clock.js";
import type { Gateway } from "../../src/gateway.js";

export const TRIAL_MS = 60_000;
/** Looking costs a few milliseconds, with a full table. */
const LOOK_MS = 1000;

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
  #lookAtMs = 0;

  constructor(gateway: Gateway, isOnTrial: boolean, hooks: TrialHooks) {
    this.#gateway = gateway;
    this.#hooks = hooks;
    this.#untilMs = isOnTrial ? gateway.clock.now + TRIAL_MS : NEVER;
  }

  get isOnTrial(): boolean {
    return this.#untilMs !== NEVER;
  }

  poll(): void {
    const now = this.#gateway.clock.now;
    if (!this.isOnTrial || now < this.#lookAtMs) return;
    this.#lookAtMs = now + LOOK_MS;
    if (hasForwarded(this.#gateway)) {
      this.#untilMs = NEVER;
      this.#hooks.confirm();
    } else if (now >= this.#untilMs) {
      this.#untilMs = NEVER;
      this.#hooks.reject();
    }
  }

  nextDeadline(): number {
    return this.isOnTrial ? Math.min(this.#untilMs, this.#lookAtMs) : NEVER;
  }
}

/**
 * A conversation has passed through the NAT both ways: the flow table knows a next hop on either side, and TCP is beyond its
 * handshake. What goes out alone may go nowhere.
 */
function hasForwarded({ nat: { flows } }: Gateway): boolean {
  for (let index = 0; index < flows.capacity; index++) {
    if (flows.isUsed(index) && flows.isCarried(index)) return true;
  }
  return false;
}
