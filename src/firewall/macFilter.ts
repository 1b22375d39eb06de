/**
 * Which stations of the LAN may use the gateway: none of the denied ones; and if any are allowed, only those.
 *
 * A station names itself in each frame, so this keeps the children's tablet off at night, and no attacker out.
 */
import { formatMac, macHead, macTail } from "../core/address.js";
import type { StationFilter } from "../link/interface.js";
import type { FirewallEffects } from "./effects.js";

export interface StationEntry {
  /** 48 bits. */
  readonly mac: number;
  readonly isAllowed: boolean;
}

interface Entry extends StationEntry {
  readonly head: number;
  readonly tail: number;
}

export class MacFilter implements StationFilter {
  readonly capacity: number;
  readonly #effects: FirewallEffects;
  readonly #entries: Entry[] = [];
  #allowed = 0;

  constructor(capacity: number, effects: FirewallEffects) {
    this.capacity = capacity;
    this.#effects = effects;
  }

  get count(): number {
    return this.#entries.length;
  }

  refuses(head: number, tail: number): boolean {
    const entries = this.#entries;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i] as Entry;
      if (entry.tail === tail && entry.head === head) return !entry.isAllowed;
    }
    return this.#allowed > 0;
  }

  /**
   * Allows or denies a station; a station that is listed already changes over. What stands against it, in one sentence, if
   * it cannot be: then nothing has changed.
   */
  set(mac: number, isAllowed: boolean): string | undefined {
    const at = this.find(mac);
    if (at < 0 && this.#entries.length >= this.capacity) {
      return `all ${this.capacity} places for stations are in use; remove one first`;
    }
    if (at >= 0) this.#entries.splice(at, 1);
    this.#entries.push({ mac, isAllowed, head: macHead(mac), tail: macTail(mac) });
    this.changed();
    return undefined;
  }

  /** What stands against it, in one sentence, if the station is not listed. */
  remove(mac: number): string | undefined {
    const at = this.find(mac);
    if (at < 0) return `station ${formatMac(mac)} is not listed; "show macs" lists those that are`;
    this.#entries.splice(at, 1);
    this.changed();
    return undefined;
  }

  list(): readonly StationEntry[] {
    return this.#entries;
  }

  private find(mac: number): number {
    return this.#entries.findIndex((entry) => entry.mac === mac);
  }

  private changed(): void {
    this.#allowed = this.#entries.filter((entry) => entry.isAllowed).length;
    this.#effects.stationsChanged();
  }
}
