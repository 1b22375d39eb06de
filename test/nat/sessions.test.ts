import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { Clock } from "../../src/core/clock.js";
import { FlowTable } from "../../src/flow/table.js";
import { Hosts } from "../../src/nat/hosts.js";
import { List } from "../../src/nat/list.js";
import { Mappings } from "../../src/nat/mappings.js";
import { Sessions } from "../../src/nat/sessions.js";
import { DEFAULT_NAT_SETTINGS } from "../../src/nat/settings.js";
import { PortSpace } from "../../src/transport/portSpace.js";
import { longestChain, withWords } from "./support/chains.js";

const SESSIONS = 1024;
const MAPPINGS = 512;
/** Four sessions in a chain on average when all are open: so many in one happen by chance in one of 100 million tables. */
const MOST_IN_CHAIN = 24;
/** Peers that an attacker has found to share a chain. */
const COLLIDING = 256;

/** Sessions with these peers, each a mapping and a remote address; and the chains that these are in. */
function withPeers(seed: number, peers: readonly (readonly [mapping: number, remote: number])[]) {
  const random = new SeededRandom(seed);
  const flows = new FlowTable(SESSIONS, 4, random);
  const mappings = new Mappings(new PortSpace(random, MAPPINGS, 2), random, MAPPINGS);
  const hosts = new Hosts(new Clock(), SESSIONS, MAPPINGS, DEFAULT_NAT_SETTINGS);
  const { made, words, heads } = withWords(() => new Sessions(flows, mappings, hosts, DEFAULT_NAT_SETTINGS, random));
  for (const [at, [mapping, remote]] of peers.entries()) {
    flows.findOutbound(17, 0x0a000001, 1024 + mapping, remote, 1024 + at);
    expect(made.open(mapping, 1024 + at, remote, List.UDP, 0)).toBe(at);
  }
  // The next of a chain stands in the upper half of each session's third word.
  return { heads, next: (index: number) => (words[index * 4 + 2] as number) >> 16 };
}

describe("hash of the peers", () => {
  /** What somebody would try: `step` remote addresses apart, mappings one by one, and both against each other. */
  function patterns(step: number): Record<string, [mapping: number, remote: number][]> {
    const list = (peer: (i: number) => [number, number]) => Array.from({ length: SESSIONS }, (_, i) => peer(i));
    const base = 0xc6336400 | 0;
    return {
      "remote addresses of one mapping": list((i) => [7, (base + i * step) | 0]),
      "mappings with one remote address": list((i) => [i % MAPPINGS, (base + (i < MAPPINGS ? 0 : step)) | 0]),
      "both, against each other": list((i) => [i % MAPPINGS, (base ^ ((i % MAPPINGS) * step) ^ (i & ~511)) | 0]),
    };
  }

  it("keeps chains short whatever differs, addresses in a row or bits apart, or mappings", () => {
    for (let seed = 1; seed <= 3; seed++) {
      for (let bit = 0; bit <= 22; bit++) {
        for (const [what, peers] of Object.entries(patterns(1 << bit))) {
          const { heads, next } = withPeers(seed, peers);
          expect.soft(longestChain(heads, next), `${what}, bit ${bit}, seed ${seed}`).toBeLessThan(MOST_IN_CHAIN);
        }
      }
    }
  });

  it("is keyed: peers that share a chain in one gateway are spread in every other", () => {
    const colliding: [number, number][] = [];
    for (let from = 0; colliding.length < COLLIDING; from += SESSIONS) {
      const peers = Array.from({ length: SESSIONS }, (_, i): [number, number] => [i & 3, (0x08000000 + from + i) | 0]);
      const { heads, next } = withPeers(1, peers);
      for (let index = heads[0] as number; index >= 0; index = next(index)) {
        if (colliding.length < COLLIDING) colliding.push(peers[index] as [number, number]);
      }
    }
    const together = withPeers(1, colliding);
    expect(longestChain(together.heads, together.next)).toBe(COLLIDING);
    for (let seed = 2; seed <= 10; seed++) {
      const { heads, next } = withPeers(seed, colliding);
      expect.soft(longestChain(heads, next), `seed ${seed}`).toBeLessThan(MOST_IN_CHAIN);
    }
  });
});
