import { beforeEach, describe, expect, test } from "vitest";
import { Network } from "../../../host-sim/network/network.js";
import type { Conditions, Segment, Station } from "../../../host-sim/network/segment.js";
import { Frame } from "../../../src/core/frame.js";
import { writeEthernet } from "../../../src/wire/ethernet.js";

const BROADCAST = 0xffffffffffff;
const EXPERIMENTAL = 0x88b5;
const FRAMES = 10_000;

interface Arrival {
  atMs: number;
  number: number;
  bytes: Uint8Array;
}

let network: Network;
let segment: Segment;
let sender: Station;
let arrivals: Arrival[];

function setUp(conditions: Partial<Conditions> = {}, seed = 5): void {
  network = new Network({ seed });
  segment = network.addSegment("lan", conditions);
  sender = network.addStation("sender", segment);
  arrivals = collect(network.addStation("receiver", segment));
}

function collect(station: Station): Arrival[] {
  const list: Arrival[] = [];
  station.receiver = (frame, length) => {
    const bytes = frame.bytes.slice(2, 2 + length);
    list.push({ atMs: network.nowMs, number: frame.view.getUint32(16), bytes });
  };
  return list;
}

function frameTo(mac: number, number: number): Frame {
  const frame = new Frame();
  writeEthernet(frame, mac, sender.mac, EXPERIMENTAL);
  frame.view.setUint32(16, number);
  return frame;
}

/** Sends numbered frames to the receiver, one a millisecond. */
function sendMany(count: number, length = 60): void {
  for (let number = 0; number < count; number++) {
    network.after(number, () => sender.send(frameTo(sender.mac + 1, number), length));
  }
  network.runUntilIdle();
}

beforeEach(() => setUp());

describe("a switch", () => {
  test("carries a frame to the station it is addressed to, and a group frame to all others", () => {
    const third = collect(network.addStation("third", segment));
    const own = collect(sender);
    sender.send(frameTo(sender.mac + 1, 1), 60);
    sender.send(frameTo(BROADCAST, 2), 60);
    network.runUntilIdle();
    expect(arrivals.map((one) => one.number)).toEqual([1, 2]);
    expect(third.map((one) => one.number)).toEqual([2]);
    expect(own).toEqual([]);
    expect(segment.counters).toMatchObject({ sent: 2, delivered: 3, unclaimed: 0 });
  });

  test("counts what is addressed to nobody", () => {
    sender.send(frameTo(0x02ffffffffff, 1), 60);
    network.runUntilIdle();
    expect(segment.counters).toMatchObject({ sent: 1, delivered: 0, unclaimed: 1 });
  });

  test("has copied the frame when send returns", () => {
    const frame = frameTo(sender.mac + 1, 1);
    sender.send(frame, 60);
    frame.bytes.fill(0);
    network.runUntilIdle();
    expect(arrivals[0]?.number).toBe(1);
  });

  test("gives each receiver of a group frame one of its own", () => {
    const second = network.addStation("second", segment);
    const third = collect(network.addStation("third", segment));
    second.receiver = (frame) => frame.bytes.fill(0);
    sender.send(frameTo(BROADCAST, 9), 60);
    network.runUntilIdle();
    expect(third[0]?.number).toBe(9);
  });

  test("refuses frames that no Ethernet carries", () => {
    expect(sender.send(frameTo(BROADCAST, 1), 13)).toBe(false);
    expect(sender.send(new Frame(2000), 1515)).toBe(false);
    expect(segment.counters).toMatchObject({ sent: 0, refused: 2 });
  });
});

describe("a cable", () => {
  test("takes its latency", () => {
    setUp({ latencyMs: 12.5 });
    sender.send(frameTo(sender.mac + 1, 1), 60);
    network.runUntilIdle();
    expect(arrivals.map((one) => one.atMs)).toEqual([12.5]);
  });

  test("carries one frame after the other at its bandwidth, preamble and gap included", () => {
    setUp({ latencyMs: 1, bandwidthBps: 10_000_000 });
    for (let number = 0; number < 3; number++) sender.send(frameTo(sender.mac + 1, number), 1514);
    network.runUntilIdle();
    // (1514 + 24) bytes at 10 Mbit/s are 1.2304 ms.
    expect(arrivals.map((one) => one.atMs)).toEqual([2.2304, 3.4608, 4.6912]);
  });

  test("pads short frames", () => {
    setUp({ bandwidthBps: 8_000 });
    sender.send(frameTo(sender.mac + 1, 1), 20);
    network.runUntilIdle();
    expect(arrivals.map((one) => one.atMs)).toEqual([84]);
  });

  test("refuses what its queue has no room for", () => {
    setUp({ bandwidthBps: 1_000_000, queueFrames: 3 });
    const taken = Array.from({ length: 5 }, (_, number) => sender.send(frameTo(sender.mac + 1, number), 60));
    expect(taken).toEqual([true, true, true, false, false]);
    network.runUntilIdle();
    expect(arrivals.map((one) => one.number)).toEqual([0, 1, 2]);
    expect(segment.counters).toMatchObject({ sent: 3, refused: 2, delivered: 3 });
    expect(sender.send(frameTo(sender.mac + 1, 9), 60)).toBe(true);
  });
});

describe("faults", () => {
  test("lose the share of frames that was asked for", () => {
    setUp({ loss: 0.2 });
    sendMany(FRAMES);
    expect(segment.counters.lost + segment.counters.delivered).toBe(FRAMES);
    expect(segment.counters.lost / FRAMES).toBeCloseTo(0.2, 1);
    const { lost } = segment.counters;
    setUp({ loss: 0.2 });
    sendMany(FRAMES);
    expect(segment.counters.lost).toBe(lost);
  });

  test("deliver a share of frames twice", () => {
    setUp({ duplication: 0.1 });
    sendMany(FRAMES);
    expect(segment.counters.duplicated / FRAMES).toBeCloseTo(0.1, 1);
    expect(arrivals.length).toBe(FRAMES + segment.counters.duplicated);
    const numbers = new Set(arrivals.map((one) => one.number));
    expect(numbers.size).toBe(FRAMES);
  });

  test("let later frames overtake a share of them", () => {
    setUp({ reordering: 0.1, reorderingDelayMs: 3.5 });
    sendMany(FRAMES);
    const late = arrivals.filter((one, index) => index > 0 && one.number < arrivals[index - 1]!.number);
    expect(segment.counters.reordered / FRAMES).toBeCloseTo(0.1, 1);
    expect(late.length).toBeGreaterThan(FRAMES / 20);
    expect(arrivals.every((one) => one.atMs === one.number || one.atMs === one.number + 3.5)).toBe(true);
  });

  test("flip exactly one bit of a share of frames, behind the sender's back", () => {
    setUp({ corruption: 1 });
    const frame = frameTo(BROADCAST, 7);
    let tapped: Uint8Array = new Uint8Array();
    segment.addTap((_, seen, length) => {
      tapped = seen.bytes.slice(2, 2 + length);
    });
    // A group frame arrives unless just the group bit is hit.
    sender.send(frame, 60);
    network.runUntilIdle();
    const sent = frame.bytes.slice(2, 62);
    const bits = arrivals[0]!.bytes.reduce((sum, byte, at) => sum + popcount(byte ^ sent[at]!), 0);
    expect(bits).toBe(1);
    expect(tapped).toEqual(sent);
  });

  test("of one segment do not depend on another's traffic", () => {
    const lostOnLan = (otherFrames: number): number => {
      setUp({ loss: 0.3 });
      const other = network.addSegment("other", { loss: 0.5 });
      const talker = network.addStation("talker", other);
      for (let i = 0; i < otherFrames; i++) talker.send(frameTo(BROADCAST, i), 60);
      sendMany(1000);
      return segment.counters.lost;
    };
    expect(lostOnLan(100)).toBe(lostOnLan(0));
  });

  test("can be changed while the network runs", () => {
    sendMany(10);
    segment.conditions.loss = 1;
    sendMany(10);
    expect(segment.counters).toMatchObject({ delivered: 10, lost: 10 });
  });
});

describe("a filter", () => {
  test("decides about each frame, and may change it", () => {
    segment.filter = (frame) => {
      const number = frame.view.getUint32(16);
      frame.view.setUint32(16, number + 100);
      return number % 2 === 0;
    };
    sendMany(4);
    expect(arrivals.map((one) => one.number)).toEqual([100, 102]);
    expect(segment.counters).toMatchObject({ sent: 4, filtered: 2, delivered: 2 });
  });
});

function popcount(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}
