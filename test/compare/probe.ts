import type { Outcome } from "./outcome.js";
import type { Stage } from "./stage.js";

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
