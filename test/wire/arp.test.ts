import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Frame, NETWORK_AT } from "../../src/core/frame.js";
import {
  ARP_BYTES,
  ARP_REPLY,
  ARP_REQUEST,
  arpOperation,
  arpSenderAddress,
  arpSenderMac,
  arpTargetAddress,
  isArpValid,
  writeArp,
} from "../../src/wire/arp.js";
import { arpFrame, loadFrame, paddedTo60 } from "../support/frames.js";

const mac = fc.integer({ min: 0, max: 0xffffffffffff });
const address = fc.integer({ min: -0x80000000, max: 0x7fffffff });

describe("ARP packet", () => {
  it("is laid out as RFC 826 says", () => {
    const frame = new Frame(60);
    writeArp(frame, ARP_REQUEST, 0x020000000001, 0xc0a80101 | 0, 0, 0xc0a8010a | 0);
    expect(Buffer.from(frame.bytes.subarray(NETWORK_AT, NETWORK_AT + ARP_BYTES)).toString("hex")).toBe(
      "0001080006040001020000000001c0a80101000000000000c0a8010a",
    );
  });

  it("is read and written alike", () => {
    fc.assert(
      fc.property(mac, address, mac, address, fc.boolean(), (senderMac, sender, targetMac, target, isReply) => {
        const operation = isReply ? "reply" : "request";
        const bytes = arpFrame({ operation, senderMac, senderAddress: sender, targetMac, targetAddress: target });
        const frame = loadFrame(bytes);
        expect(isArpValid(frame, ARP_BYTES)).toBe(true);
        expect(arpOperation(frame)).toBe(isReply ? ARP_REPLY : ARP_REQUEST);
        expect(arpSenderMac(frame)).toBe(senderMac);
        expect(arpSenderAddress(frame)).toBe(sender);
        expect(arpTargetAddress(frame)).toBe(target);
        const written = new Frame();
        writeArp(written, arpOperation(frame), senderMac, sender, targetMac, target);
        expect(written.bytes.subarray(NETWORK_AT)).toEqual(frame.bytes.subarray(NETWORK_AT));
      }),
    );
  });

  it("may be followed by Ethernet padding", () => {
    expect(isArpValid(loadFrame(paddedTo60(arpFrame())), 46)).toBe(true);
  });

  it("is refused when cut off", () => {
    expect(isArpValid(loadFrame(arpFrame()), ARP_BYTES - 1)).toBe(false);
    expect(isArpValid(loadFrame(arpFrame()), 0)).toBe(false);
  });

  it.each([
    ["another hardware type", 1, 6],
    ["another protocol", 2, 0x86],
    ["another hardware address length", 4, 8],
    ["another protocol address length", 5, 16],
    ["RARP's operation", 7, 3],
    ["operation 0", 7, 0],
  ])("RFC826: is refused with %s", (_, offset, value) => {
    const bytes = arpFrame();
    bytes[14 + offset] = value;
    expect(isArpValid(loadFrame(bytes), ARP_BYTES)).toBe(false);
  });
});
