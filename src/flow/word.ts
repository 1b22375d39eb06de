/**
 * A record's words as layout.ts has them, for the packet path: the compiler writes the numbers where they are used. As
 * captured variables they cost XS 500 to 900 instructions a packet.
 */
import type * as layout from "./layout.js";

// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum Word {
  INSIDE_PORTS = 1,
  INSIDE_ADDRESS = 2,
  EXTERNAL_PORTS = 3,
  INBOUND_WAY = 4,
  OUTBOUND_WAY = 5,
  LAST_SEEN = 6,
  CHAINS = 7,
  /** Words in a record. */
  RECORD_WORDS = 8,
  /** Flags of a way. */
  FLAG_HOP = 0x100,
  FLAG_SETTLED = 0x200,
  CARRIED = 0x300,
}

/** What is taken for granted: the index of a record's first word, and the factor 2 / 8 in shifts. */
interface Assumed {
  readonly REMOTE_ADDRESS: 0;
  readonly ACK_WORDS: 2;
}

/** Does not compile where Word or what is assumed differs from layout.ts. */
type Agreed<Members extends Pick<typeof layout, keyof typeof Word | keyof Assumed>> = Members;
export type WordsAsInLayout = Agreed<typeof Word & Assumed>;
