/**
 * What the judge found out about a packet, and what is to be done with it.
 *
 * One instance is filled anew for each packet. The judge only reads the tables and writes here; whoever carries the
 * decision out changes the tables, and looks nothing up again. So the console's `explain` can ask the very same judge, and
 * nothing happens.
 */
import type { PortOwnerKind } from "../transport/portSpace.js";
import { List, type TimerClass } from "./list.js";

/** An entry of a table. */
// biome-ignore lint/suspicious/noConstEnum: a captured variable costs XS 65 instructions in each function.
export const enum Entry {
  NONE = -1,
}

/**
 * Where a packet goes: to the gateway itself, through the NAT, from the LAN to a mapping of the WAN address through both its
 * ways, or, untranslated, back to the LAN it came from.
 */
export type Way = "none" | "local" | "outward" | "inward" | "hairpin" | "back";

/**
 * For each packet the judge resets the session, the rule, the victim, and the way; the others mean something only where one
 * of these says so.
 */
export class Decision {
  // Those first that are used most: XS looks through an object's properties in their order.
  /** The living session that the packet belongs to; NONE if it opens one, or needs none. */
  session: number = Entry.NONE;
  /** The firewall rule that decides about a new session or call; NONE if none fits, or none is asked. */
  rule: number = Entry.NONE;
  /** Where no session is: one between the same ends that is over, and makes way first; negative for none. */
  finished: number = Entry.NONE;
  /** The session that makes way for a new one, in a full table or for its host's sake. */
  victim: number = Entry.NONE;
  timerClass: TimerClass = List.UDP;
  /** The mapping that a new session is to use; NONE for a new one. */
  mapping: number = Entry.NONE;
  /** The port forward that a new session's mapping belongs to; NONE for a dynamic one. */
  forward: number = Entry.NONE;
  /** Who pays for a new session; what it holds, as `Hosts.held`; whether that is much, and if so, whether it is all it may. */
  account = 0;
  isLarge = false;
  held = 0;
  isAtLimit = false;
  way: Way = "none";
  /** The next hop towards the outside; 0 for none. */
  nextHop = 0;
  /** The half-open TCP connection that makes way for another, when there are as many as may be; NONE for none. */
  halfOpenVictim: number = Entry.NONE;
  /** It is the mapping of `victim` that is wanted: it goes with all that it has. */
  givesMapping = false;
  /** The port of the inside endpoint that a new session is for; of any ICMP query its identifier, and NONE of an ICMP error. */
  port = 0;
  /** Of a TCP segment. */
  tcpFlags = 0;
  /** The inside host that a new session from outside is for. */
  insideAddress = 0;
  /** Who owns the port of ours that a packet from outside is for. */
  owner: PortOwnerKind | undefined;
}
