import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DROP_REASONS } from "../../src/core/drops.js";
import { Host } from "../../src/host.js";
import { expectFrame } from "../support/expectFrame.js";
import * as entry from "./gateway.entry.js";
import { CARRIED_CASES, SLOW_CASES } from "./gatewayCases.js";
import type { Replay } from "./packetCase.js";
import { XsWorker } from "./xsWorker.js";

const ENTRY_FILE = fileURLToPath(new URL("gateway.entry.ts", import.meta.url));

describe("a fixed set of frames", () => {
  const onNode = entry.replay();

  it("gives the same frames and counters on XS as on Node, byte for byte", async () => {
    const worker = await XsWorker.start(ENTRY_FILE);
    const { value: onXs } = await worker.call<Replay>("replay");
    await worker.close();
    expect(onXs).toEqual(onNode);
  }, 60_000);

  it("gives the same twice", () => {
    expect(entry.replay()).toEqual(onNode);
  });

  it("comes out with correct lengths and checksums", () => {
    const wellFormed = onNode.frames.slice(0, onNode.counters.wellFormed);
    expect(wellFormed.length).toBeGreaterThan(80);
    for (const frame of wellFormed) expectFrame(Buffer.from(frame.slice(2), "hex"));
  });

  it("meets most of the drop reasons", () => {
    const met = Object.keys(DROP_REASONS).filter((reason) => onNode.counters[reason] !== 0);
    expect(met.length).toBeGreaterThan(35);
  });
});

describe("the cases that are measured", () => {
  afterEach(() => vi.restoreAllMocks());

  it.each(CARRIED_CASES.map(({ name }) => name))("%s is carried by the flow cache", (name) => {
    entry.prepare(name);
    const slowPath = vi.spyOn(Host.prototype, "receive");
    expect(entry.run(20, true)).toBe(20);
    expect(slowPath).not.toHaveBeenCalled();
  });

  it.each(SLOW_CASES.map(({ name }) => name))("%s takes the slow path", (name) => {
    entry.prepare(name);
    const slowPath = vi.spyOn(Host.prototype, "receive");
    expect(entry.run(20, true)).toBe(20);
    expect(slowPath).toHaveBeenCalledTimes(20);
  });
});
