import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameBatch, FrameDecoder, MAX_STREAM_FRAME_BYTES } from "../../../host-sim/ports/streamFraming.js";
import { ETHERNET_AT, Frame, MAX_FRAME_BYTES } from "../../../src/core/frame.js";

function frameOf(bytes: Uint8Array): Frame {
  const frame = new Frame();
  frame.bytes.set(bytes, ETHERNET_AT);
  return frame;
}

function patterned(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 7 + seed);
}

function prefixed(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes.length);
  return Buffer.concat([prefix, bytes]);
}

function decoding(): { decoder: FrameDecoder; frames: Uint8Array[] } {
  const frames: Uint8Array[] = [];
  const decoder = new FrameDecoder((frame, length) => {
    frames.push(frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length));
  });
  return { decoder, frames };
}

describe("FrameDecoder", () => {
  const first = patterned(60, 1);
  const second = patterned(MAX_FRAME_BYTES, 2);

  test("hands over two frames of one chunk", () => {
    const { decoder, frames } = decoding();
    expect(decoder.push(Buffer.concat([prefixed(first), prefixed(second)]))).toBe(true);
    expect(frames).toEqual([first, second]);
  });

  test("puts frames together that were split at any byte", () => {
    const stream = Buffer.concat([prefixed(first), prefixed(first)]);
    for (let at = 0; at <= stream.length; at++) {
      const { decoder, frames } = decoding();
      decoder.push(stream.subarray(0, at));
      decoder.push(stream.subarray(at));
      expect(frames, `split at ${at}`).toEqual([first, first]);
    }
  });

  test("puts frames together however they were cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 14, maxLength: 200 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
        (sent, cuts) => {
          const { decoder, frames } = decoding();
          const stream = Buffer.concat(sent.map(prefixed));
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const take = cuts[turn % cuts.length]!;
            decoder.push(stream.subarray(at, at + take));
            at += take;
          }
          expect(frames).toEqual(sent);
        },
      ),
    );
  });

  test.each([0, 1, 13, MAX_FRAME_BYTES + 1, MAX_STREAM_FRAME_BYTES])(
    "skips and counts a frame of %d bytes",
    (length) => {
      const { decoder, frames } = decoding();
      expect(decoder.push(Buffer.concat([prefixed(new Uint8Array(length)), prefixed(first)]))).toBe(true);
      expect(frames).toEqual([first]);
      expect(decoder.discarded).toBe(1);
    },
  );

  test.each([MAX_STREAM_FRAME_BYTES + 1, 0x47455420, 0xffffffff])("gives up at an announced length of %d", (length) => {
    const { decoder, frames } = decoding();
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(length);
    expect(decoder.push(Buffer.concat([prefixed(first), prefix, prefixed(first)]))).toBe(false);
    expect(decoder.announcedLength).toBe(length);
    expect(frames).toEqual([first]);
  });

  test("begins a new stream after reset", () => {
    const { decoder, frames } = decoding();
    decoder.push(prefixed(first).subarray(0, 30));
    decoder.reset();
    decoder.push(prefixed(second));
    expect(frames).toEqual([second]);
  });
});

describe("FrameBatch", () => {
  test("collects frames, each behind its length", () => {
    const batch = new FrameBatch(1000);
    const bytes = patterned(60, 3);
    batch.add(frameOf(bytes), 60);
    batch.add(frameOf(bytes), 14);
    expect(batch.bytes).toEqual(Buffer.concat([prefixed(bytes), prefixed(bytes.subarray(0, 14))]));
  });

  test("takes no frame that does not fit, and takes it after clear", () => {
    const batch = new FrameBatch(128);
    const frame = frameOf(patterned(60, 4));
    expect([batch.add(frame, 60), batch.add(frame, 60), batch.add(frame, 60)]).toEqual([true, true, false]);
    expect(batch.bytes.length).toBe(128);
    batch.clear();
    expect(batch.empty).toBe(true);
    expect(batch.add(frame, 60)).toBe(true);
  });
});
