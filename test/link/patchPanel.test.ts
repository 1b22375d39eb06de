import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type DropReason, Drops } from "../../src/core/drops.js";
import { ETHERNET_AT, type Frame, MAX_FRAME_BYTES } from "../../src/core/frame.js";
import { PatchPanel } from "../../src/link/patchPanel.js";
import { type LinkBinding, UNTAGGED } from "../../src/platform/linkPorts.js";
import { FakeLinkPort } from "../support/fakeLinkPort.js";
import { ethernetFrame, loadFrame, patternBytes, udpFrame } from "../support/frames.js";
import { taggedFrame, untaggedFrame } from "../support/vlanFrames.js";

const LAN = 0;
const WAN = 1;
const LAN_ON_10 = { port: "ethernet", vlan: 10 };
const WAN_ON_20 = { port: "ethernet", vlan: 20 };
const WAN_UNTAGGED = { port: "ethernet", vlan: UNTAGGED };
const FRAME = udpFrame();

/** A stack that keeps what it gets. */
class Sink {
  readonly drops = new Drops();
  readonly received: [interfaceIndex: number, bytes: Uint8Array][] = [];

  receive(interfaceIndex: number, frame: Frame, length: number): void {
    this.received.push([interfaceIndex, frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length)]);
  }

  dropped(): Partial<Record<DropReason, number>> {
    return Object.fromEntries(Object.entries(this.drops.counts).filter(([, count]) => count !== 0));
  }
}

let ethernet: FakeLinkPort;
let station: FakeLinkPort;
let sink: Sink;
let panel: PatchPanel;

function setUp(...bindings: LinkBinding[]): void {
  ethernet = new FakeLinkPort("ethernet", 0x02e000000001);
  station = new FakeLinkPort("station", 0x025a00000001, false);
  sink = new Sink();
  panel = new PatchPanel([ethernet, station], bindings);
}

function arrives(bytes: Uint8Array, port = ethernet, length = bytes.length): void {
  panel.receive(sink, port, loadFrame(bytes), length);
}

function sends(index: number, bytes: Uint8Array): boolean {
  return panel.outlets[index]!.send(loadFrame(bytes), bytes.length);
}

beforeEach(() => setUp(LAN_ON_10, WAN_ON_20));

describe("two VLANs on one port", () => {
  it("hand each frame to the interface of its VLAN, without the tag", () => {
    arrives(taggedFrame(FRAME, 20));
    arrives(taggedFrame(FRAME, 10));
    expect(sink.received).toEqual([
      [WAN, FRAME],
      [LAN, FRAME],
    ]);
    expect(sink.dropped()).toEqual({});
  });

  it("take a frame of any priority", () => {
    arrives(taggedFrame(FRAME, 0xf00a));
    expect(sink.received).toEqual([[LAN, FRAME]]);
  });

  it("send each interface's frames with its VLAN's tag", () => {
    expect([sends(LAN, FRAME), sends(WAN, FRAME)]).toEqual([true, true]);
    expect(ethernet.take()).toEqual([taggedFrame(FRAME, 10), taggedFrame(FRAME, 20)]);
  });

  it("leave a frame to its sender as it was, taken or not", () => {
    for (const room of [1, 0]) {
      ethernet.room = room;
      const frame = loadFrame(FRAME);
      expect(panel.outlets[LAN]!.send(frame, FRAME.length)).toBe(room === 1);
      expect(frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + FRAME.length)).toEqual(FRAME);
    }
  });

  it("have the port's station address both", () => {
    expect(panel.outlets.map((outlet) => outlet.mac)).toEqual([ethernet.mac, ethernet.mac]);
  });

  it("carry a full frame, four bytes longer with its tag", () => {
    const full = ethernetFrame({}, 0x0800, patternBytes(MAX_FRAME_BYTES - 14));
    sends(LAN, full);
    const [tagged] = ethernet.take();
    expect(tagged).toEqual(taggedFrame(full, 10));
    arrives(tagged!);
    expect(sink.received).toEqual([[LAN, full]]);
  });
});

it("gives the sender its frame back with what lies behind it, such as a datagram's next fragment", () => {
  const bytes = patternBytes(200);
  const frame = loadFrame(bytes);
  const before = frame.bytes.slice();
  for (const length of [60, 61, 62, 63, 100]) {
    panel.outlets[WAN]!.send(frame, length);
    expect(frame.bytes).toEqual(before);
  }
});

describe("a frame that is nobody's is counted, as", () => {
  it("vlanUnknown with the VLAN of no interface, 4095 among them", () => {
    for (const vlan of [1, 11, 4094, 4095]) arrives(taggedFrame(FRAME, vlan));
    expect(sink.dropped()).toEqual({ vlanUnknown: 4 });
  });

  it("vlanMissing without a tag, or with one that gives a priority only", () => {
    arrives(FRAME);
    arrives(taggedFrame(FRAME, 0xe000));
    expect(sink.dropped()).toEqual({ vlanMissing: 2 });
  });

  it("vlanNested with a second tag, or a service provider's", () => {
    const ours = taggedFrame(FRAME, 10);
    arrives(taggedFrame(ours, 10));
    arrives(taggedFrame(taggedFrame(FRAME, 10, 0x88a8), 10));
    arrives(taggedFrame(ours, 10, 0x88a8));
    arrives(taggedFrame(FRAME, 10, 0x88a8));
    expect(sink.dropped()).toEqual({ vlanNested: 4 });
  });

  it("vlanNested whatever the tags' VLANs, the null one among them", () => {
    setUp(LAN_ON_10, WAN_UNTAGGED);
    for (const outer of [0, 10])
      for (const inner of [0, 10, 20]) arrives(taggedFrame(taggedFrame(FRAME, inner), outer));
    expect(sink.dropped()).toEqual({ vlanNested: 6 });
  });

  it("frameTooShort when it ends within its tag or before the type behind it", () => {
    const tagged = taggedFrame(FRAME, 10);
    for (const length of [14, 15, 16, 17]) arrives(tagged, ethernet, length);
    expect(sink.dropped()).toEqual({ frameTooShort: 4 });
    arrives(tagged, ethernet, 18);
    expect(sink.received).toEqual([[LAN, FRAME.slice(0, 14)]]);
  });

  it("portUnused by a port without an interface, tagged or not", () => {
    arrives(FRAME, station);
    arrives(taggedFrame(FRAME, 10), station);
    expect(sink.dropped()).toEqual({ portUnused: 2 });
  });
});

describe("an untagged interface beside a tagged one", () => {
  beforeEach(() => setUp(LAN_ON_10, WAN_UNTAGGED));

  it("has the frames without a tag, and those with a priority only", () => {
    arrives(FRAME);
    arrives(taggedFrame(FRAME, 0xe000));
    arrives(taggedFrame(FRAME, 10));
    expect(sink.received).toEqual([
      [WAN, FRAME],
      [WAN, FRAME],
      [LAN, FRAME],
    ]);
  });

  it("sends as it is", () => {
    sends(WAN, FRAME);
    expect(ethernet.take()).toEqual([FRAME]);
  });

  it("hears of a frame that is shorter than any header", () => {
    arrives(FRAME, ethernet, 13);
    expect(sink.received.map(([index, bytes]) => [index, bytes.length])).toEqual([[WAN, 13]]);
  });
});

describe("attaching anew", () => {
  it("holds for the next frame, in both directions", () => {
    panel.attach([WAN_ON_20, LAN_ON_10]);
    arrives(taggedFrame(FRAME, 20));
    sends(LAN, FRAME);
    expect(sink.received).toEqual([[LAN, FRAME]]);
    expect(ethernet.take()).toEqual([taggedFrame(FRAME, 20)]);
  });

  it("moves an interface to another port", () => {
    panel.attach([LAN_ON_10, { port: "station", vlan: UNTAGGED }]);
    arrives(FRAME, station);
    sends(WAN, FRAME);
    expect(sink.received).toEqual([[WAN, FRAME]]);
    expect([station.take(), ethernet.take()]).toEqual([[FRAME], []]);
    expect(panel.outlets[WAN]!.mac).toBe(station.mac);
  });
});

it("carries any frame from one panel's interface to the other's, and to no other", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4094 }),
      fc.integer({ min: 0, max: 4094 }),
      fc.uint8Array({ minLength: 0, maxLength: 1500 }),
      (lanVlan, wanVlan, payload) => {
        fc.pre(lanVlan !== wanVlan);
        setUp({ port: "ethernet", vlan: lanVlan }, { port: "ethernet", vlan: wanVlan });
        const frame = ethernetFrame({}, 0x0800, payload);
        for (const index of [LAN, WAN]) {
          sends(index, frame);
          arrives(ethernet.take()[0]!);
          expect(sink.received.pop()).toEqual([index, frame]);
        }
        expect([sink.received, sink.dropped()]).toEqual([[], {}]);
      },
    ),
    { numRuns: 200 },
  );
});

it("hands over or counts every frame, whatever its bytes, and nothing else changes", () => {
  const types = fc.constantFrom(0x8100, 0x88a8, 0x0800, 0x9100);
  const hostile = fc.tuple(types, fc.integer({ min: 0, max: 0xffff }), types, fc.integer({ min: 0, max: 1518 }));
  fc.assert(
    fc.property(hostile, fc.boolean(), ([outer, control, inner, length], isMixed) => {
      setUp(LAN_ON_10, isMixed ? WAN_UNTAGGED : WAN_ON_20);
      const bytes = taggedFrame(ethernetFrame({}, inner, patternBytes(1500)), control, outer);
      arrives(bytes, ethernet, length);
      const drops = Object.values(sink.dropped()).reduce((sum, count) => sum + count, 0);
      expect(sink.received.length + drops).toBe(1);
      const [, received] = sink.received[0] ?? [];
      if (received === undefined) return;
      const isTagged = length >= 14 && outer === 0x8100;
      expect(received).toEqual(isTagged ? untaggedFrame(bytes.slice(0, length)) : bytes.slice(0, length));
    }),
    { numRuns: 500 },
  );
});
