/** The rows of the score card: what a document asks for, in our words, and what we say about it when no test can. */

/** RFC 2119's words; "text" is a rule that a document states without one of them; a probe is of no document. */
export type Strength = "MUST" | "SHOULD" | "MAY" | "text" | "probe";

export interface Requirement {
  /** As the tests' names have it: `RFC4787 REQ-9a`, `T9b`. Unique among all lists; without ", " and ": ". */
  readonly id: string;
  readonly strength: Strength;
  /** One line. MUST covers MUST NOT, and so on. */
  readonly text: string;
  /** Why it is done otherwise, on purpose. Tests named by the id then show what is done instead. */
  readonly deviation?: string;
  /** Why there is nothing to meet; no test may name the id. */
  readonly notApplicable?: string;
  /** Why it is not there yet; no test may name the id. */
  readonly missing?: string;
}

export interface RequirementList {
  /** The heading of its table, which begins with what the ids begin with. */
  readonly title: string;
  readonly rows: readonly Requirement[];
}
