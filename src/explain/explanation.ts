/** What `explain` finds out about a packet, as data. */
import type { Verdict } from "../core/drops.js";

/** One thing that was looked at on the packet's way, and what came of it. */
export interface Step {
  readonly name: string;
  readonly text: string;
}

/** Of an ICMP query the ports are its identifier, on the side of whom it belongs to; 0 where there is none. */
export interface Ends {
  readonly protocol: number;
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
}

/** As what a packet leaves that passes, and by which side; or that it is for Porter itself. */
export interface Outcome extends Ends {
  readonly side: "lan" | "wan" | "self";
  /** The source's port is a new one, which only chance decides; `sourcePort` is 0. */
  readonly hasNewPort: boolean;
}

export interface Explanation {
  readonly steps: readonly Step[];
  /** "ok", or why it is dropped. */
  readonly verdict: Verdict;
  /** Of a packet that passes. */
  readonly outcome: Outcome | undefined;
  /** What would let it pass, as far as that is in an administrator's hands; "" for nothing. */
  readonly remedy: string;
}
