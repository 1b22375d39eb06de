import type { Stage } from "./stage.js";

export type Verdict = "pass" | "fail" | "not applicable" | "not judged";

export interface Outcome {
  readonly verdict: Verdict;
  /** One line, the same in each run that went alike: no numbers that chance has chosen. */
  readonly observation: string;
}

/** One question to a device, by what it lets through. The same code asks all devices. */
export interface Probe {
  /** "RFC4787 REQ-1", or "T6" of the list of known failures of other gateways. */
  readonly id: string;
  /** The document's word for it; "" where there is no document. */
  readonly strength: "MUST" | "SHOULD" | "";
  /** What is asked, in a few words; with the id, unlike all other probes' . */
  readonly title: string;
  /** How long it lets the device alone, at most. */
  readonly waitMs?: number;
  /** It takes what other probes need, so it comes when they are done. */
  readonly isLast?: boolean;
  /** What would make Linux pass, if one well-known parameter or rule does. */
  readonly linuxCure?: string;
  run(stage: Stage): Promise<Outcome>;
}

export const pass = (observation: string): Outcome => ({ verdict: "pass", observation });
export const fail = (observation: string): Outcome => ({ verdict: "fail", observation });

/** Thrown when what must work for the question to make sense does not. */
export class ControlFailed extends Error {}

/** Returns what a probe's control has brought, or throws ControlFailed. */
export function control<T>(value: T | undefined | false, what: string): T {
  if (value === undefined || value === false) throw new ControlFailed(what);
  return value;
}
