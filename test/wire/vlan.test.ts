import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ETHERNET_AT, ETHERNET_HEADER_BYTES, Frame, MAX_FRAME_BYTES, VLAN_TAG_BYTES } from "../../src/core/frame.js";
import { etherType } from "../../src/wire/ethernet.js";
import {
  ETHERTYPE_VLAN,
  innerEtherType,
  insertVlanTag,
  isEthernetLength,
  removeVlanTag,
  TAGGED_HEADER_BYTES,
  vlanId,
} from "../../src/wire/vlan.js";
import { ethernetFrame, loadFrame, patternBytes } from "../support/frames.js";
import { taggedFrame } from "../support/vlanFrames.js";

const HEADERS = ethernetFrame({}, 0x0806, [0, 1]);

function onWire(frame: Frame, length: number): Uint8Array {
  return frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length);
}

describe("a VLAN tag", () => {
  it("stands between the source address and the type, with priority 0", () => {
    const frame = loadFrame(HEADERS);
    insertVlanTag(frame, 16, 10);
    expect(onWire(frame, 20)).toEqual(taggedFrame(HEADERS, 10));
    expect([etherType(frame), vlanId(frame), innerEtherType(frame)]).toEqual([ETHERTYPE_VLAN, 10, 0x0806]);
  });

  it("is read without its priority and its drop eligibility", () => {
    const [urgent, all, priorityOnly] = [0xf00a, 0xffff, 0xe000].map((control) => {
      return vlanId(loadFrame(taggedFrame(HEADERS, control)));
    });
    expect([urgent, all, priorityOnly]).toEqual([10, 4095, 0]);
  });

  it("goes into any frame and out again, in any buffer that holds the frame", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: ETHERNET_HEADER_BYTES, max: MAX_FRAME_BYTES }),
        fc.integer({ min: 0, max: 4095 }),
        fc.integer({ min: 0, max: 3000 }),
        (length, vlan, spareBytes) => {
          const frame = new Frame(length + spareBytes);
          const bytes = patternBytes(length);
          frame.bytes.set(bytes, ETHERNET_AT);
          insertVlanTag(frame, length, vlan);
          const tagged = onWire(frame, length + VLAN_TAG_BYTES);
          expect(tagged.slice(0, 12)).toEqual(bytes.slice(0, 12));
          expect(tagged.slice(12, 16)).toEqual(Uint8Array.of(0x81, 0x00, vlan >> 8, vlan & 0xff));
          expect(tagged.slice(16)).toEqual(bytes.slice(12));
          removeVlanTag(frame, length + VLAN_TAG_BYTES);
          expect(onWire(frame, length)).toEqual(bytes);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("goes in and out at every length, in a buffer no larger than the frame", () => {
    const bytes = patternBytes(MAX_FRAME_BYTES);
    for (let length = ETHERNET_HEADER_BYTES; length <= MAX_FRAME_BYTES; length++) {
      const frame = new Frame(length);
      frame.bytes.set(bytes.subarray(0, length), ETHERNET_AT);
      insertVlanTag(frame, length, 10);
      const tagged = onWire(frame, length + VLAN_TAG_BYTES);
      removeVlanTag(frame, length + VLAN_TAG_BYTES);
      const isWhole = Buffer.compare(tagged.subarray(16), bytes.subarray(12, length)) === 0;
      const isAsBefore = Buffer.compare(onWire(frame, length), bytes.subarray(0, length)) === 0;
      expect({ length, isWhole, isAsBefore }).toEqual({ length, isWhole: true, isAsBefore: true });
    }
  });

  it("leaves room for the longest frame in every frame's buffer", () => {
    const frame = new Frame();
    frame.bytes.set(patternBytes(MAX_FRAME_BYTES), ETHERNET_AT);
    insertVlanTag(frame, MAX_FRAME_BYTES, 4094);
    expect(onWire(frame, MAX_FRAME_BYTES + VLAN_TAG_BYTES).slice(TAGGED_HEADER_BYTES)).toEqual(
      patternBytes(MAX_FRAME_BYTES).slice(ETHERNET_HEADER_BYTES),
    );
  });
});

it("gives a tagged frame four bytes more than others may have", () => {
  const [plain, tagged] = [loadFrame(HEADERS), loadFrame(taggedFrame(HEADERS, 10))];
  const longest = (frame: Frame) =>
    Math.max(...[13, 14, 1514, 1515, 1518, 1519].filter((n) => isEthernetLength(frame, n)));
  expect([longest(plain), longest(tagged)]).toEqual([1514, 1518]);
  expect([isEthernetLength(plain, 13), isEthernetLength(plain, 14)]).toEqual([false, true]);
});
