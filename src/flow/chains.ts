/**
 * The chains of records that begin at the flow table's buckets: one for packets out, and one for packets in.
 *
 * The hash of a tuple chooses its bucket. It is universal (Carter and Wegman, 1979): whatever records somebody chooses who
 * does not know the secrets, two of them share a bucket of `m` with a probability of 2 / m at most, and as there are twice
 * as many buckets as records, a packet meets no more than one stranger in its chain on average (two in a table of more than
 * 16,384). An address is hashed by its halves, `(a + lower) * (b + upper)` modulo 2^32: with the secrets a and b two
 * addresses differ there by any amount with about the same probability, in the upper 17 bits (pair-multiply-shift;
 * Dietzfelbinger, 1996). So no ports can make up for it on purpose.
 * The last product is multiply-shift (Dietzfelbinger et al., 1997): two words that differ, in whatever bits, share the
 * upper bits with a probability of 2 / m. The shift by 16 is for progressions, which products alone leave progressions.
 *
 * One secret factor for each word, with the products combined by exclusive or or by further products of words, is not
 * enough, however it mixes: what differs in the upper b bits of a word differs in those of the product, whatever the
 * factor is, so that 2^2b pairs of two words meet in 2^b buckets.
 */
import type { WordAccess } from "./memory.js";
import { Word } from "./word.js";

/** Empties all buckets: a chain ends with its bucket's number, inverted, so that a record leads to its bucket. */
export function emptyBuckets(words: Int32Array, bucketsAt: number, end: number): void {
  for (let at = bucketsAt; at < end; at++) words[at] = (~(at - bucketsAt) & 0xffff) * 0x10001;
}

/** The number of the bucket at whose outbound chain's end `index` and its successors lead. */
export function outboundEnd(words: Int32Array, recordsAt: number, index: number): number {
  let next = index;
  while (next >= 0) next = ((words[recordsAt + next * Word.RECORD_WORDS + Word.CHAINS] as number) << 16) >> 16;
  return ~next;
}

/** As `outboundEnd`, of the inbound chain. */
export function inboundEnd(words: Int32Array, recordsAt: number, index: number): number {
  let next = index;
  while (next >= 0) next = (words[recordsAt + next * Word.RECORD_WORDS + Word.CHAINS] as number) >> 16;
  return ~next;
}

/** Takes a record out of the outbound chain of `bucket`, if it is there. Both are word indices, as `recordsAt`. */
export function unchainOutbound(
  words: Int32Array,
  access: WordAccess,
  recordsAt: number,
  bucket: number,
  index: number,
): void {
  const next = (words[recordsAt + index * Word.RECORD_WORDS + Word.CHAINS] as number) & 0xffff;
  let link = bucket;
  for (;;) {
    const word = words[link] as number;
    const head = (word << 16) >> 16;
    if (head < 0) return;
    if (head === index) {
      access.store(link, (word & ~0xffff) | next);
      return;
    }
    link = recordsAt + head * Word.RECORD_WORDS + Word.CHAINS;
  }
}

/** As `unchainOutbound`, for the inbound chain. */
export function unchainInbound(
  words: Int32Array,
  access: WordAccess,
  recordsAt: number,
  bucket: number,
  index: number,
): void {
  const next = (words[recordsAt + index * Word.RECORD_WORDS + Word.CHAINS] as number) & ~0xffff;
  let link = bucket;
  for (;;) {
    const word = words[link] as number;
    const head = word >> 16;
    if (head < 0) return;
    if (head === index) {
      access.store(link, (word & 0xffff) | next);
      return;
    }
    link = recordsAt + head * Word.RECORD_WORDS + Word.CHAINS;
  }
}
