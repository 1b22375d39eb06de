import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as control from "./control.entry.js";
import type { Replay } from "./packetCase.js";
import { allocatesChunks, measurePacket } from "./packetCost.js";
import { XsWorker } from "./xsWorker.js";

const CONTROL = fileURLToPath(new URL("control.entry.ts", import.meta.url));

describe("the meters of the XS engine, on a control", () => {
  let worker: XsWorker;
  beforeEach(async () => {
    worker = await XsWorker.start(CONTROL);
  });
  afterEach(() => worker.close());

  it("see no slot where a packet allocates none", async () => {
    expect((await measurePacket(worker, "flat", 2000)).slots).toBe(0);
  });

  it("see the two slots of an object with one property, per packet", async () => {
    expect((await measurePacket(worker, "an object a packet", 2000)).slots).toBe(2);
  });

  it("count the same computrons every time, and more where a packet does more", async () => {
    const flat = await measurePacket(worker, "flat", 2000);
    expect(await measurePacket(worker, "flat", 2000)).toEqual(flat);
    expect(await measurePacket(worker, "flat", 1000)).toEqual(flat);
    const withObject = await measurePacket(worker, "an object a packet", 2000);
    expect(withObject.computrons).toBeGreaterThan(flat.computrons);
  });

  it("refuse to count where garbage was collected in between", async () => {
    await expect(measurePacket(worker, "objects beyond the heap", 200_000)).rejects.toThrow("garbage was collected");
  });

  it("see that a packet allocates no bytes", async () => {
    expect(await allocatesChunks(worker, "flat", 20_000)).toBe(false);
  });

  it("see that a packet allocates bytes", async () => {
    expect(await allocatesChunks(worker, "a string a packet", 2000)).toBe(true);
  });

  it("see it with 400 packets", async () => {
    expect(await allocatesChunks(worker, "a string a packet, few packets", 400)).toBe(true);
  });

  it("refuse to count packets that went another way", async () => {
    await expect(measurePacket(worker, "expired", 2000)).rejects.toThrow("0 of 1000 packets went");
  });

  it("report what the module throws", async () => {
    await expect(worker.call("run", 1, true)).rejects.toThrow("No case of this name was prepared.");
  });
});

it("XS and Node produce the same bytes and counters for the control", async () => {
  const worker = await XsWorker.start(CONTROL);
  const { value } = await worker.call<Replay>("replay");
  await worker.close();
  expect(value).toEqual(control.replay());
  expect(value.counters).toEqual({ sent: 5, expired: 2 });
});
