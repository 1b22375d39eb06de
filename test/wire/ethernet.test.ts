import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ETHERNET_AT, Frame } from "../../src/core/frame.js";
import { etherDestination, etherSource, etherType, writeEthernet } from "../../src/wire/ethernet.js";
import { ethernetFrame, loadFrame } from "../support/frames.js";

const mac = fc.integer({ min: 0, max: 0xffffffffffff });

describe("Ethernet header", () => {
  it("is destination, source, type", () => {
    const frame = new Frame(60);
    writeEthernet(frame, 0xffffffffffff, 0x8123456789ab, 0x0806);
    expect(Buffer.from(frame.bytes.subarray(ETHERNET_AT, ETHERNET_AT + 14)).toString("hex")).toBe(
      "ffffffffffff8123456789ab0806",
    );
    expect([...frame.bytes.subarray(0, ETHERNET_AT)]).toEqual([0, 0]);
  });

  it("is read and written alike", () => {
    fc.assert(
      fc.property(mac, mac, fc.nat(0xffff), (destinationMac, sourceMac, type) => {
        const bytes = ethernetFrame({ sourceMac, destinationMac }, type, []);
        const frame = loadFrame(bytes);
        expect([etherDestination(frame), etherSource(frame), etherType(frame)]).toEqual([
          destinationMac,
          sourceMac,
          type,
        ]);
        const written = new Frame();
        writeEthernet(written, destinationMac, sourceMac, type);
        expect(written.bytes).toEqual(frame.bytes);
      }),
    );
  });
});
