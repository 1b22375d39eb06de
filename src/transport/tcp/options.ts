/** TCP options (RFC 9293 section 3.2): MSS is read and written; all others are skipped. */

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const MSS_OPTION_BYTES = 4;

/** What a SYN's header is longer by. */
export const SYN_OPTION_BYTES = MSS_OPTION_BYTES;

/**
 * The MSS option between `from` and `end`; 0 when there is none. An option with an impossible length ends the search:
 * what follows it cannot be told from its contents (RFC 9293 MUST-7).
 */
export function mssOption(view: DataView, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === OPTION_END) return 0;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return 0;
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > end) return 0;
    if (kind === OPTION_MSS && length === MSS_OPTION_BYTES) return view.getUint16(at + 2);
    at += length;
  }
  return 0;
}

export function writeMssOption(view: DataView, at: number, mssBytes: number): void {
  view.setUint8(at, OPTION_MSS);
  view.setUint8(at + 1, MSS_OPTION_BYTES);
  view.setUint16(at + 2, mssBytes);
}
