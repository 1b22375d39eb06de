/**
 * The table of rules, in order: the first that fits decides. `judge` changes nothing; `countHit` counts.
 *
 * Rules are plain objects, made when they are configured: XS reads a property at a fifth of what an element of a typed array
 * costs, and a gateway without rules holds an empty array.
 */
import { prefixMask } from "../core/address.js";
import type { Verdict } from "../core/drops.js";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";
import type { FirewallEffects } from "./effects.js";
import { ANY_PROTOCOL, ANY_ZONE, formatRule, type Rule, type RuleAction } from "./rule.js";

/** In place of a rule's number: none fits. */
export const NO_RULE = -1;

/** The packet that hit a logged rule last. */
export interface RuleHit {
  /** 0 for "none yet". */
  readonly protocol: number;
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
}

/** What `show rules` prints of a rule. */
export interface RuleInfo {
  readonly rule: Rule;
  /** Conversations that it has decided about. */
  readonly hits: number;
  /** Of a logged rule only. */
  readonly last: RuleHit | undefined;
}

const VERDICTS: Readonly<Record<RuleAction, Verdict>> = Object.freeze({
  allow: "ok",
  deny: "firewallDenied",
  reject: "firewallRejected",
});
const LAST_PORT = 0xffff;

class Hit implements RuleHit {
  protocol = 0;
  source = 0;
  sourcePort = 0;
  destination = 0;
  destinationPort = 0;
}

/** A rule, and what `judge` compares, spelled out: first what is looked at first. */
class Entry implements RuleInfo {
  readonly protocol: number;
  readonly zoneIn: number;
  readonly zoneOut: number;
  readonly sourceMask: number;
  readonly source: number;
  readonly destinationMask: number;
  readonly destination: number;
  readonly hasPorts: boolean;
  readonly sourceFirst: number;
  readonly sourceLast: number;
  readonly destinationFirst: number;
  readonly destinationLast: number;
  readonly verdict: Verdict;
  readonly rule: Rule;
  readonly last: Hit | undefined;
  hits = 0;

  constructor(rule: Rule) {
    const { from, to } = rule;
    this.protocol = rule.protocol;
    this.zoneIn = rule.zoneIn;
    this.zoneOut = rule.zoneOut;
    this.sourceMask = prefixMask(from.length);
    this.source = from.address;
    this.destinationMask = prefixMask(to.length);
    this.destination = to.address;
    this.hasPorts = from.firstPort + to.firstPort > 0;
    this.sourceFirst = from.firstPort;
    this.sourceLast = from.firstPort === 0 ? LAST_PORT : from.lastPort;
    this.destinationFirst = to.firstPort;
    this.destinationLast = to.firstPort === 0 ? LAST_PORT : to.lastPort;
    this.verdict = VERDICTS[rule.action];
    this.rule = rule;
    this.last = rule.isLogged ? new Hit() : undefined;
  }
}

export class Rules {
  /** Rules there are. */
  count = 0;
  readonly capacity: number;
  readonly effects: FirewallEffects;
  readonly #entries: Entry[] = [];

  constructor(capacity: number, effects: FirewallEffects) {
    this.capacity = capacity;
    this.effects = effects;
  }

  /**
   * The first rule that fits a conversation which its first packet opens, by its place in the table; NO_RULE for none. Ports
   * count for TCP and UDP only. Addresses are int32; zones as in rule.ts.
   */
  judge(
    protocol: number,
    zoneIn: number,
    zoneOut: number,
    source: number,
    sourcePort: number,
    destination: number,
    destinationPort: number,
  ): number {
    const entries = this.#entries;
    const count = this.count;
    for (let index = 0; index < count; index++) {
      const entry = entries[index] as Entry;
      if (entry.protocol !== protocol && entry.protocol !== ANY_PROTOCOL) continue;
      if (entry.zoneIn !== zoneIn && entry.zoneIn !== ANY_ZONE) continue;
      if (entry.zoneOut !== zoneOut && entry.zoneOut !== ANY_ZONE) continue;
      if (((source ^ entry.source) & entry.sourceMask) !== 0) continue;
      if (((destination ^ entry.destination) & entry.destinationMask) !== 0) continue;
      if (entry.hasPorts) {
        if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) continue;
        if (sourcePort < entry.sourceFirst || sourcePort > entry.sourceLast) continue;
        if (destinationPort < entry.destinationFirst || destinationPort > entry.destinationLast) continue;
      }
      return index;
    }
    return NO_RULE;
  }

  /** What rule `index` says of a packet that it fits. */
  verdict(index: number): Verdict {
    return (this.#entries[index] as Entry).verdict;
  }

  /** Rule `index` has decided about a packet with these ends. */
  countHit(
    index: number,
    protocol: number,
    source: number,
    sourcePort: number,
    destination: number,
    destinationPort: number,
  ): void {
    const entry = this.#entries[index] as Entry;
    entry.hits++;
    const last = entry.last;
    if (last === undefined) return;
    last.protocol = protocol;
    last.source = source;
    last.sourcePort = sourcePort;
    last.destination = destination;
    last.destinationPort = destinationPort;
  }

  /**
   * Puts a rule at place `at`, 0 for the first, `count` for behind the last. What stands against it, in one sentence, if it
   * cannot be: then nothing has changed.
   */
  insert(at: number, rule: Rule): string | undefined {
    if (this.count >= this.capacity) return `all ${this.capacity} rules are in use; remove one first`;
    if (at < 0 || at > this.count) return `there is no place ${at + 1} for a rule; use ${upTo(this.count + 1)}`;
    this.#entries.splice(at, 0, new Entry(rule));
    this.count++;
    this.effects.rulesChanged();
    return undefined;
  }

  remove(at: number): string | undefined {
    if (at < 0 || at >= this.count) return this.noSuchRule(at);
    this.#entries.splice(at, 1);
    this.count--;
    this.effects.rulesChanged();
    return undefined;
  }

  /** Takes rule `from` out, with its hits, and puts it where it will be rule `to`. */
  move(from: number, to: number): string | undefined {
    for (const at of [from, to]) if (at < 0 || at >= this.count) return this.noSuchRule(at);
    const [entry] = this.#entries.splice(from, 1);
    this.#entries.splice(to, 0, entry as Entry);
    this.effects.rulesChanged();
    return undefined;
  }

  /** The place of the rule that reads like this one; NO_RULE for none. */
  find(rule: Rule): number {
    const text = formatRule(rule);
    return this.#entries.findIndex((entry) => formatRule(entry.rule) === text);
  }

  list(): readonly RuleInfo[] {
    return this.#entries;
  }

  private noSuchRule(at: number): string {
    return `there is no rule ${at + 1}; ${this.count === 0 ? "there are no rules" : `use ${upTo(this.count)}`}`;
  }
}

function upTo(last: number): string {
  return last === 1 ? "1" : `1 to ${last}`;
}
