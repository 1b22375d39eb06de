import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Attachment, AttachmentCounters, type AttachmentListener } from "../../host-sim/ports/attachment.js";
import { ETHERNET_AT } from "../../src/core/frame.js";
import { arpFrame, loadFrame, udpFrame } from "../support/frames.js";
import { DEVICE_LAN, DEVICE_WAN, ISP, ISP_MAC, L1, MARK_PEER } from "./addresses.js";
import { control, type Outcome } from "./outcome.js";
import { readPacket } from "./packet.js";
import type { Probe } from "./probe.js";
import { PROBES } from "./probes/index.js";
import { runProbes } from "./run.js";
import { type Side, Wire } from "./wire.js";

const DEVICE_MAC = "02:00:00:00:00:01";

/** A gateway of a few lines: it answers ARP, and carries datagrams that `carries` names, without any state. */
class FakeDevice {
  readonly name = "fake";
  readonly configuration = [];
  readonly lan = this.#attachment("lan");
  readonly wan = this.#attachment("wan");
  /** By a packet's addresses as it comes in. */
  carries: (source: string, destination: string) => boolean = () => true;
  readonly #listeners: Partial<Record<Side, AttachmentListener>> = {};

  async close(): Promise<void> {}

  #attachment(side: Side): Attachment {
    return {
      counters: new AttachmentCounters(),
      up: true,
      start: (listener) => {
        this.#listeners[side] = listener;
      },
      send: (frame, length) => {
        const bytes = frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length);
        // A device answers later, not while it is being told.
        setTimeout(() => this.#take(side, bytes), 1);
        return true;
      },
      close: () => {},
      describe: () => side,
    };
  }

  #emit(side: Side, frame: Uint8Array): void {
    this.#listeners[side]?.onFrame(loadFrame(frame), frame.length);
  }

  #take(side: Side, frame: Uint8Array): void {
    const packet = readPacket(frame);
    if (packet === undefined) {
      const address = side === "lan" ? DEVICE_LAN : DEVICE_WAN;
      const [targetMac, targetAddress] = side === "lan" ? [L1.mac, L1.address] : [ISP_MAC, ISP];
      const reply = { senderMac: DEVICE_MAC, senderAddress: address, targetMac, targetAddress };
      this.#emit(side, arpFrame({ operation: "reply", ...reply }));
      return;
    }
    if (!this.carries(packet.source, packet.destination)) return;
    const { sourcePort, destinationPort } = packet;
    const payload = packet.payload.subarray(8);
    const ends =
      side === "lan"
        ? { source: DEVICE_WAN, destination: packet.destination }
        : { source: packet.source, destination: L1.address };
    this.#emit(side === "lan" ? "wan" : "lan", udpFrame({ ...ends, sourcePort, destinationPort, payload }));
  }
}

const onlyMarks = (source: string, destination: string): boolean => source === MARK_PEER || destination === MARK_PEER;

describe("the prober's wire", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** What comes of it when time goes on as far as is needed. */
  async function inTime<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = promise.finally(() => {
      isDone = true;
    });
    settled.catch(() => {});
    for (let ms = 0; ms < 10_000 && !isDone; ms += 10) await vi.advanceTimersByTimeAsync(10);
    return await settled;
  }

  const question = { source: L1.address, destination: "198.51.100.9", sourceMac: L1.mac, destinationMac: DEVICE_MAC };

  it("finds a packet that comes, once", async () => {
    const wire = await inTime(Wire.open(new FakeDevice()));
    wire.send("lan", udpFrame(question));
    const isIts = (packet: { destination: string }): boolean => packet.destination === question.destination;
    expect(await inTime(wire.arrives("wan", isIts))).toMatchObject({ source: DEVICE_WAN });
    expect(await inTime(wire.arrives("wan", isIts))).toBeUndefined();
  });

  it("takes silence for a drop when a later datagram has gone through", async () => {
    const device = new FakeDevice();
    device.carries = onlyMarks;
    const wire = await inTime(Wire.open(device));
    wire.send("lan", udpFrame(question));
    expect(await inTime(wire.arrives("wan", (packet) => packet.destination === question.destination))).toBeUndefined();
  });

  it("takes no silence of a dead device for a drop", async () => {
    const device = new FakeDevice();
    const wire = await inTime(Wire.open(device));
    device.carries = () => false;
    await expect(inTime(wire.arrives("wan", () => false))).rejects.toThrow("carries nothing to the outside any more");
  });

  it("opens on no device that forwards nothing", async () => {
    const device = new FakeDevice();
    device.carries = () => false;
    await expect(inTime(Wire.open(device))).rejects.toThrow("carries nothing to the outside");
  });

  it("leaves a probe without verdict whose control fails", async () => {
    const [first] = PROBES as [Probe];
    const failing: Probe = { ...first, run: async () => control<Outcome>(undefined, "nothing leaves") };
    expect(await inTime(runProbes(new FakeDevice(), [failing]))).toEqual([
      { verdict: "not judged", observation: "nothing leaves" },
    ]);
  });

  it("lets a device pass no probe that carries the prober's marks and nothing else", async () => {
    const passed: string[] = [];
    for (const probe of PROBES.filter(({ waitMs = 0 }) => waitMs === 0)) {
      const device = new FakeDevice();
      device.carries = onlyMarks;
      const [outcome] = await inTime(runProbes(device, [probe]));
      if (outcome?.verdict === "pass") passed.push(`${probe.id}: ${probe.title}`);
    }
    expect(passed).toEqual([]);
  });
});
