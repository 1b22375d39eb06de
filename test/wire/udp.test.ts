import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Frame, TRANSPORT_AT } from "../../src/core/frame.js";
import { udpBytes, udpDestinationPort, udpSourcePort, validateUdp, writeUdp } from "../../src/wire/udp.js";
import { loadFrame, toBytes, type UdpFields, udpFrame } from "../support/frames.js";

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const SOURCE = 0xc0a8010a | 0;
const DESTINATION = 0xc6336450 | 0;

function validated(fields: UdpFields, available?: number) {
  const bytes = udpFrame(fields);
  return validateUdp(loadFrame(bytes).view, TRANSPORT_AT, available ?? bytes.length - 34, SOURCE, DESTINATION);
}

describe("UDP header", () => {
  it("is written as a frame built from RFC 768 has it, for any ports, addresses and data", () => {
    fc.assert(
      fc.property(
        fc.tuple(int32, int32, fc.nat(0xffff), fc.integer({ min: 1, max: 0xffff })),
        fc.uint8Array({ maxLength: 100 }),
        ([source, destination, sourcePort, destinationPort], payload) => {
          const bytes = udpFrame({ source, destination, sourcePort, destinationPort, payload });
          const length = 8 + payload.length;
          const frame = new Frame();
          frame.bytes.set(payload, TRANSPORT_AT + 8);
          writeUdp(frame.view, TRANSPORT_AT, sourcePort, destinationPort, length, source, destination);
          expect([...frame.bytes.subarray(TRANSPORT_AT, TRANSPORT_AT + length)]).toEqual([...bytes.subarray(34)]);
          expect(validateUdp(frame.view, TRANSPORT_AT, length, source, destination)).toBe("ok");
          expect(udpSourcePort(frame.view, TRANSPORT_AT)).toBe(sourcePort);
          expect(udpDestinationPort(frame.view, TRANSPORT_AT)).toBe(destinationPort);
          expect(udpBytes(frame.view, TRANSPORT_AT)).toBe(length);
        },
      ),
    );
  });

  it("RFC1122 §4.1.3.4: a computed checksum of 0 is written as FFFF, and is right", () => {
    const frame = new Frame();
    // Addresses 0, protocol 17, length 10 twice, ports 0 and 1: the data make up the rest to FFFF.
    frame.view.setUint16(TRANSPORT_AT + 8, 0xffff - (17 + 10 + 10 + 1));
    writeUdp(frame.view, TRANSPORT_AT, 0, 1, 10, 0, 0);
    expect(frame.view.getUint16(TRANSPORT_AT + 6)).toBe(0xffff);
    expect(validateUdp(frame.view, TRANSPORT_AT, 10, 0, 0)).toBe("ok");
  });

  it("RFC1122 §4.1.3.4: checksum 0 means that there is none", () => {
    expect(validated({ checksum: 0 })).toBe("ok");
  });

  it("RFC1122 §4.1.3.4: a wrong checksum is noticed", () => {
    expect(validated({ checksum: 0xffff })).toBe("udpChecksum");
    expect(validated({ source: "192.168.1.11" })).toBe("udpChecksum");
  });

  it.each<[string, UdpFields, number | undefined]>([
    ["cut off", {}, 7],
    ["longer than the packet", { length: 14 }, undefined],
    ["shorter than its header", { length: 7 }, undefined],
    ["of length 0", { length: 0 }, undefined],
    ["for port 0", { destinationPort: 0 }, undefined],
  ])("is malformed when %s", (_, fields, available) => {
    expect(validated(fields, available)).toBe("udpMalformed");
  });

  it("may be shorter than the packet, whose rest the checksum does not cover", () => {
    const bytes = Uint8Array.from([...udpFrame({ payload: "data" }), ...toBytes("rest")]);
    expect(validateUdp(loadFrame(bytes).view, TRANSPORT_AT, 16, SOURCE, DESTINATION)).toBe("ok");
  });

  it("may come from port 0, which asks for no answer (RFC 768)", () => {
    expect(validated({ sourcePort: 0 })).toBe("ok");
  });
});
