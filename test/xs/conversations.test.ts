import { expect, it } from "vitest";
import { BUCKETS, CHAINS, RECORD_WORDS, RECORDS } from "../../src/flow/layout.js";
import { openOnce } from "./host/conversations.js";

const FLOWS = 700;

/** How many records stand before a record in its chain, on average. */
function meanStrangers(words: Int32Array, indexOf: (links: number) => number): number {
  const recordsAt = words[RECORDS] as number;
  let strangers = 0;
  for (let bucket = words[BUCKETS] as number; bucket < recordsAt; bucket++) {
    let index = indexOf(words[bucket] as number);
    for (let before = 0; index >= 0; before++) {
      strangers += before;
      index = indexOf(words[recordsAt + index * RECORD_WORDS + CHAINS] as number);
    }
  }
  return strangers / FLOWS;
}

it.each(["udp", "tcp"] as const)("prices 700 %s flows whose chains are as long as random ones", (protocol) => {
  const { words } = openOnce(protocol, FLOWS).rig.gateway.nat.flows;
  const buckets = (words[RECORDS] as number) - (words[BUCKETS] as number);
  const random = (FLOWS - 1) / (2 * buckets);
  for (const indexOf of [(links: number) => (links << 16) >> 16, (links: number) => links >> 16]) {
    const mean = meanStrangers(words, indexOf);
    expect(mean).toBeGreaterThan(0.9 * random);
    expect(mean).toBeLessThan(1.1 * random);
  }
});
