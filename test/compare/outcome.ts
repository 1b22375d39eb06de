export type Verdict = "pass" | "fail" | "not applicable" | "not judged";

export interface Outcome {
  readonly verdict: Verdict;
  /** One line, the same in each run that went alike: no numbers that chance has chosen. */
  readonly observation: string;
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
