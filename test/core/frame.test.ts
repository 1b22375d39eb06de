import { describe, expect, it } from "vitest";
import { ETHERNET_AT, ETHERNET_HEADER_BYTES, Frame, MAX_FRAME_BYTES, NETWORK_AT } from "../../src/core/frame.js";

describe("Frame", () => {
  it("aligns the network header to four bytes", () => {
    expect(ETHERNET_AT + ETHERNET_HEADER_BYTES).toBe(NETWORK_AT);
    expect(NETWORK_AT % 4).toBe(0);
  });

  it("holds a frame of its capacity behind the padding, in whole words", () => {
    const frame = new Frame();
    expect(frame.capacity).toBe(MAX_FRAME_BYTES);
    expect(frame.bytes.length).toBeGreaterThanOrEqual(ETHERNET_AT + MAX_FRAME_BYTES);
    expect(frame.bytes.length % 4).toBe(0);
  });

  it("shows the same memory as bytes, words and view", () => {
    const frame = new Frame(64);
    frame.words[NETWORK_AT >> 2] = -1;
    expect(frame.bytes[NETWORK_AT]).toBe(0xff);
    expect(frame.view.getInt32(NETWORK_AT)).toBe(-1);
  });
});
