import { beforeEach, describe, expect, it } from "vitest";
import { Clock, NEVER } from "../../src/core/clock.js";
import { Drops } from "../../src/core/drops.js";
import { Frame, NETWORK_AT } from "../../src/core/frame.js";
import { fragmentKey } from "../../src/ip/fragmentKey.js";
import { FRAGMENT_TIMEOUT_MS } from "../../src/ip/fragmentTable.js";
import { HeldFragments } from "../../src/ip/heldFragments.js";
import { Packet } from "../../src/wire/packet.js";
import { type Ipv4Fields, ipv4Frame, loadFrame, patternBytes } from "../support/frames.js";

let clock: Clock;
let drops: Drops;
let held: HeldFragments;

function packetFrom(fields: Ipv4Fields, link = 0, capacity?: number): Packet {
  const packet = new Packet(new Frame());
  packet.read(loadFrame(ipv4Frame({ fragmentOffset: 8, payload: "12345678", ...fields }), capacity), link, false);
  return packet;
}

function keep(fields: Ipv4Fields, link = 0): boolean {
  return held.keep(packetFrom(fields, link));
}

/** The fragments of a datagram that are released, each from its IPv4 header on. */
function released(fields: Ipv4Fields, link = 0): Uint8Array[] {
  const { source, destination, ...rest } = packetFrom(fields, link);
  const key = fragmentKey(packetFrom(fields, link));
  const packet = new Packet(rest.frame);
  const found: Uint8Array[] = [];
  const frame = new Frame();
  while (held.release(key, source, destination, frame, packet)) {
    expect(packet.interfaceIndex).toBe(link);
    found.push(frame.bytes.slice(NETWORK_AT, NETWORK_AT + packet.totalBytes));
  }
  return found;
}

beforeEach(() => {
  clock = new Clock();
  drops = new Drops();
  held = new HeldFragments(clock, drops, 4);
});

describe("held fragments", () => {
  it("come out in the order in which they came, byte for byte, and only those of the datagram asked for", () => {
    const mine = [24, 8, 16].map((fragmentOffset) => ({ fragmentOffset, identification: 1 }));
    for (const fields of mine) {
      expect(keep(fields)).toBe(true);
      if (fields.fragmentOffset === 8) keep({ identification: 2 });
    }
    expect(released({ identification: 3 })).toEqual([]);
    expect(released({ identification: 1 }, 1)).toEqual([]);
    expect(released({ identification: 1 })).toEqual(
      mine.map((fields) => ipv4Frame({ payload: "12345678", ...fields }).subarray(14)),
    );
    expect(released({ identification: 1 })).toEqual([]);
    expect(released({ identification: 2 })).toHaveLength(1);
  });

  it("may fill a frame, and come in frames larger than a driver's", () => {
    const fields = { identification: 1, payload: patternBytes(1480) };
    held.keep(packetFrom(fields, 0, 4096));
    expect(released(fields)).toEqual([ipv4Frame({ fragmentOffset: 8, ...fields }).subarray(14)]);
  });

  it("are dropped after 5 s", () => {
    keep({ identification: 1 });
    clock.now += 1000;
    keep({ identification: 2 }, 1);
    expect(held.nextDeadline()).toBe(FRAGMENT_TIMEOUT_MS);
    clock.now = FRAGMENT_TIMEOUT_MS;
    held.poll();
    expect(drops.counts.fragmentTimeout).toBe(1);
    expect(held.nextDeadline()).toBe(FRAGMENT_TIMEOUT_MS + 1000);
    clock.now += 1000;
    held.poll();
    expect(drops.counts.fragmentTimeout).toBe(2);
    expect(held.nextDeadline()).toBe(NEVER);
  });

  it("are dropped together, for a reason", () => {
    keep({ identification: 1 });
    keep({ identification: 1, fragmentOffset: 16 });
    keep({ identification: 2 });
    const { source, destination } = packetFrom({ identification: 1 });
    held.discard(fragmentKey(packetFrom({ identification: 1 })), source, destination, "fragmentRefused");
    expect(drops.counts.fragmentRefused).toBe(2);
    expect(released({ identification: 2 })).toHaveLength(1);
  });

  it("are forgotten with their link", () => {
    keep({ identification: 1 });
    keep({ identification: 1 }, 1);
    held.forget(0);
    expect(released({ identification: 1 })).toEqual([]);
    expect(released({ identification: 1 }, 1)).toHaveLength(1);
  });

  it("are none where there are no pages", () => {
    held = new HeldFragments(clock, drops, 0);
    expect(keep({ identification: 1 })).toBe(false);
  });
});

describe("full pages", () => {
  const flood = (count: number, link: number, fields: (i: number) => Ipv4Fields) => {
    for (let i = 0; i < count; i++) expect(keep({ identification: 1000 + i, ...fields(i) }, link)).toBe(true);
  };

  it("leave a source its fragments when another one floods", () => {
    keep({ source: "192.168.1.10", identification: 1 });
    keep({ source: "192.168.1.10", identification: 1, fragmentOffset: 16 });
    flood(100, 0, () => ({ source: "192.168.1.66" }));
    expect(released({ source: "192.168.1.10", identification: 1 })).toHaveLength(2);
    expect(drops.counts.fragmentTableFull).toBe(98);
  });

  it("have room for a source that comes into another one's flood", () => {
    flood(100, 0, () => ({ source: "192.168.1.66" }));
    keep({ source: "192.168.1.10", identification: 1 });
    flood(100, 0, () => ({ source: "192.168.1.66" }));
    keep({ source: "192.168.1.10", identification: 1, fragmentOffset: 16 });
    flood(100, 0, () => ({ source: "192.168.1.66" }));
    expect(released({ source: "192.168.1.10", identification: 1 })).toHaveLength(2);
  });

  it("leave a link its half when all sources of the other one flood", () => {
    flood(100, 1, (i) => ({ source: `198.51.100.${i + 1}` }));
    keep({ identification: 1 });
    flood(100, 1, (i) => ({ source: `198.51.100.${i + 1}` }));
    keep({ identification: 1, fragmentOffset: 16 });
    flood(100, 1, (i) => ({ source: `198.51.100.${i + 1}` }));
    expect(released({ identification: 1 })).toHaveLength(2);
  });

  it("give the newest of many sources the oldest one's", () => {
    flood(100, 0, (i) => ({ source: `192.168.1.${i + 1}` }));
    for (let i = 96; i < 100; i++) {
      expect(released({ source: `192.168.1.${i + 1}`, identification: 1000 + i })).toHaveLength(1);
    }
  });
});
