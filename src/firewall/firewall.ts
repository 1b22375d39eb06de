/** The firewall as it is configured: rules, stations of the LAN, and how the WAN is answered. */
import type { Capacity } from "../core/capacity.js";
import { ClosedPorts } from "./closedPorts.js";
import type { FirewallEffects } from "./effects.js";
import { MacFilter } from "./macFilter.js";
import { Rules } from "./rules.js";

export class Firewall {
  readonly rules: Rules;
  /** Pings of our WAN address that no rule decides about are answered. */
  answersPing = true;
  /** The SYNs that wait for an answer; undefined while closed ports are silent. */
  closedPorts: ClosedPorts | undefined;
  #stations: MacFilter | undefined;

  constructor(capacity: Capacity, effects: FirewallEffects) {
    this.rules = new Rules(capacity.rules, effects);
  }

  /** The MAC lists; made when they are first wanted. */
  get stations(): MacFilter {
    const { capacity, effects } = this.rules;
    this.#stations ??= new MacFilter(capacity, effects);
    return this.#stations;
  }

  /** Whether who knocks at a closed port of the WAN address is told that it is closed. */
  get rejectsClosedPorts(): boolean {
    return this.closedPorts !== undefined;
  }

  set rejectsClosedPorts(isRejected: boolean) {
    if (isRejected === this.rejectsClosedPorts) return;
    this.closedPorts = isRejected ? new ClosedPorts() : undefined;
  }
}
