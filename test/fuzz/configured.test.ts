/**
 * Mutated frames on both sides while the configuration changes: rules, stations, DMZ host, forwards, limits, restarts. The
 * same run with questions to `explain` in between must send the same frames: asking changes nothing.
 */
import { describe, expect, it } from "vitest";
import { checkNothingLost, checkTables } from "./checkTables.js";
import { FrameSource } from "./frameSource.js";
import { FuzzedGateway } from "./fuzzedGateway.js";
import { checkRules, Reconfigurer } from "./reconfigurer.js";

const FRAMES = Number(process.env.FUZZ_FRAMES ?? 40_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20261123);
const SMALL = {
  mappings: 24,
  sessions: 48,
  neighbours: 6,
  pendingFrames: 2,
  sockets: 6,
  listeners: 2,
  fragmentedDatagrams: 4,
  rules: 8,
};

function run(seed: number, capacity: object, total: number, isAsking: boolean) {
  const fuzzed = new FuzzedGateway(seed, capacity, true);
  const source = new FrameSource(fuzzed);
  const administrator = new Reconfigurer(fuzzed);
  // Has its own chance, so that both runs are the same otherwise.
  const curious = new Reconfigurer(fuzzed.observer(seed + 7));
  let changes = 0;
  for (let n = 0; fuzzed.received < total; n++) {
    try {
      if (n % 40 === 0) {
        administrator.change();
        changes++;
      }
      if (isAsking) curious.ask();
      source.next();
      if (n % 100 === 0) {
        checkTables(fuzzed.gateway);
        checkRules(fuzzed.gateway);
      }
    } catch (error) {
      throw new Error(`frame ${fuzzed.received} of seed ${seed}`, { cause: error });
    }
  }
  fuzzed.gateway.nat.clear();
  fuzzed.end();
  checkNothingLost(fuzzed.gateway);
  return { fuzzed, changes, administrator, curious };
}

describe("mutated frames while the configuration changes", () => {
  for (const { name, capacity, seed } of [
    { name: "default capacity", capacity: {}, seed: SEED },
    { name: "small tables, always full", capacity: SMALL, seed: SEED + 1 },
  ]) {
    it(`${name}: seed ${seed}, ${FRAMES / 4} frames, twice`, { timeout: 60_000 + FRAMES }, () => {
      const total = Math.ceil(FRAMES / 4);
      const asked = run(seed, capacity, total, true);
      const quiet = run(seed, capacity, total, false);
      expect(asked.fuzzed.digest).toBe(quiet.fuzzed.digest);
      expect(asked.fuzzed.gateway.drops.counts).toEqual(quiet.fuzzed.gateway.drops.counts);
      expect(quiet.fuzzed.translatedOutward).toBeGreaterThan(total / 100);
      expect(quiet.fuzzed.translatedInward).toBeGreaterThan(total / 100);
      expect(quiet.administrator.worked).toBeGreaterThan(quiet.changes / 4);
      expect(asked.curious.worked).toBeGreaterThan(total / 8);
    });
  }
});
