/**
 * Claiming an address on a link (RFC 5227): three probes ask whether somebody has it already, two announcements correct
 * what others remember.
 *
 * Section 2.1 would have the address wait for 4 to 7 s until the probes have found nobody. An address is in use from the
 * start instead: it is the administrator's choice and defended for ever (section 2.4 (c)), so that waiting would delay
 * the network of a whole household after each power cut and change nothing else. The probes go out beside its use, and
 * whoever answers one counts as a conflict like any other.
 */
import { NEVER } from "../core/clock.js";
import { type Random, randomBelow } from "../core/random.js";
import type { Interface } from "./interface.js";

/** RFC 5227 section 1.1: PROBE_WAIT, PROBE_NUM, PROBE_MIN and PROBE_MAX, ANNOUNCE_INTERVAL. */
const PROBE_WAIT_MS = 1000;
const PROBES = 3;
const PROBE_MIN_MS = 1000;
const PROBE_MAX_MS = 2000;
const ANNOUNCE_INTERVAL_MS = 2000;

/** Broadcasts what a claim consists of. */
export interface ClaimSender {
  announce(out: Interface): void;
  probe(out: Interface): void;
}

/** Announces an interface's new address and sets out its probes. */
export function beginClaim(one: Interface, now: number, random: Random, sender: ClaimSender): void {
  sender.announce(one);
  one.announceAtMs = now + ANNOUNCE_INTERVAL_MS;
  one.probesLeft = PROBES;
  one.probeAtMs = now + randomBelow(random, PROBE_WAIT_MS + 1);
}

/** Sends what is due of an interface's claim; returns when it wants to be called again, in ms. */
export function continueClaim(one: Interface, now: number, random: Random, sender: ClaimSender): number {
  if (now >= one.announceAtMs) {
    one.announceAtMs = NEVER;
    sender.announce(one);
  }
  if (now >= one.probeAtMs) {
    one.probesLeft--;
    const pauseMs = PROBE_MIN_MS + randomBelow(random, PROBE_MAX_MS - PROBE_MIN_MS + 1);
    one.probeAtMs = one.probesLeft > 0 ? now + pauseMs : NEVER;
    sender.probe(one);
  }
  return Math.min(one.announceAtMs, one.probeAtMs);
}
