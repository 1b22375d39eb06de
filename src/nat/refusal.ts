/**
 * What was known of a packet when it was refused, for the console's `explain last drop`: by then the tables have changed.
 *
 * The most frequent refusal, of what nobody asked for at a port that nobody owns, leaves this as it is: there is nothing to
 * keep.
 */
import type { Drops, Verdict } from "../core/drops.js";
import type { Rule } from "../firewall/rule.js";
import type { PortOwnerKind } from "../transport/portSpace.js";
import type { Forward } from "./forwards.js";

export class Refusal {
  reason: Verdict = "ok";
  /** How many drops for that reason had been counted before. */
  before = 0;
  /** Who owned the port of ours that the packet was for; undefined for nobody, or when it was for none. */
  owner: PortOwnerKind | undefined;
  /** Where that was a port forward: that forward, which may have been removed since. */
  forward: Forward | undefined;
  /** The firewall rule that refused it. */
  rule: Rule | undefined;

  /** Whether this is about the last drop. */
  isOfLatest({ latest, counts }: Drops): boolean {
    return latest !== "ok" && latest === this.reason && counts[latest] === this.before + 1;
  }
}
