/** The firewall as it is configured: rules, stations of the LAN, and how the WAN is answered. */
import type { Capacity } from "../core/capacity.js";
import type { Random } from "../core/random.js";
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

  readonly #random: Random;

  constructor(capacity: Capacity, random: Random, effects: FirewallEffects) {
    this.#random = random;
    this.rules = new Rules(capacity.rules, effects);
  }

  /**
   * Whether an answer to a stranger costs two of the allowance instead of one, at random. If each cost one, who sends probes
   * in another's name could see by what is left for his own how many went unanswered, and so find the ports that are open to
   * that other (CVE-2020-25705, "SAD DNS").
   */
  isAnswerDear(): boolean {
    return this.#random.next32() < 0;
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
