/**
 * The order in which a packet is judged, and at which of the stages each verdict stops it: what comes behind it was not
 * asked.
 */
import type { DropReason, Verdict } from "../core/drops.js";
import type { Way } from "../nat/decision.js";

const STAGES = Object.freeze([
  "source",
  "destination",
  "port",
  "passage",
  "session",
  "filter",
  "segment",
  "rule",
  "ends",
  "room",
  "sending",
] as const);

export type Stage = (typeof STAGES)[number];

const STOPS: Readonly<Partial<Record<DropReason, Stage>>> = Object.freeze({
  interfaceDown: "source",
  ipSourceMartian: "source",
  ipSourceSpoofed: "source",
  ipBroadcastMismatch: "destination",
  ipDestinationMartian: "destination",
  ipNotForUs: "destination",
  wanNotReady: "destination",
  ipNoRoute: "destination",
  wanUnsolicited: "port",
  natProtocol: "port",
  ipTtlExceeded: "passage",
  ipTooBig: "passage",
  ipOptionRefused: "passage",
  natFiltered: "filter",
  forwardDisabled: "filter",
  forwardSourceRefused: "filter",
  natTcpState: "segment",
  natTcpWindow: "segment",
  firewallDenied: "rule",
  firewallRejected: "rule",
  natConflict: "ends",
  natNoMapping: "room",
  natNoSession: "room",
  natNoPort: "room",
  natHostQuota: "room",
  natReserve: "room",
  natHalfOpen: "room",
  natRateLimited: "room",
  natBusy: "room",
  neighbourTableFull: "sending",
  neighbourQueueFull: "sending",
  neighbourUnresolved: "sending",
  portFull: "sending",
} as const);

/** Where a verdict stops a packet; undefined when nothing does. What is not listed is said of the transport's header. */
export function stopOf(verdict: Verdict, way: Way): Stage | undefined {
  if (verdict === "ok") return undefined;
  // To the inside these are found out when the packet is translated already.
  const isInward = way === "inward" || way === "hairpin";
  if (isInward && (verdict === "ipDestinationMartian" || verdict === "ipNoRoute")) return "sending";
  return STOPS[verdict] ?? "segment";
}

/** Whether a packet that was stopped there came as far as `stage`. */
export function isReached(stage: Stage, stop: Stage | undefined): boolean {
  return stop === undefined || STAGES.indexOf(stage) <= STAGES.indexOf(stop);
}
