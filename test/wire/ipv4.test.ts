import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Frame, NETWORK_AT } from "../../src/core/frame.js";
import {
  ipDestination,
  ipFragmentField,
  ipHeaderBytes,
  ipIdentification,
  ipProtocol,
  ipSource,
  ipTos,
  ipTotalBytes,
  ipTtl,
  writeIpv4,
} from "../../src/wire/ipv4.js";
import { Packet } from "../../src/wire/packet.js";
import { type Ipv4Fields, ipv4Frame, loadFrame, paddedTo60, patternBytes } from "../support/frames.js";

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const octet = fc.nat(255);

function validated(bytes: Uint8Array, available = bytes.length - 14) {
  return new Packet(new Frame()).take(loadFrame(bytes), available, 0, false);
}

function withOptions(options: readonly number[]) {
  return validated(ipv4Frame({ options }));
}

describe("IPv4 header", () => {
  it("has the bytes and the checksum of a hand-checked header", () => {
    const frame = new Frame();
    // Length 115, DF, TTL 64, UDP, 192.168.0.1 to 192.168.0.199: the well-known worked example with checksum b861.
    writeIpv4(frame.view, NETWORK_AT, 0, 0x73, 0, 0x4000, 64, 17, 0xc0a80001 | 0, 0xc0a800c7 | 0);
    expect(Buffer.from(frame.bytes.subarray(NETWORK_AT, NETWORK_AT + 20)).toString("hex")).toBe(
      "4500007300004000" + "4011b861c0a80001c0a800c7",
    );
  });

  it("is read and written alike", () => {
    fc.assert(
      fc.property(
        fc.tuple(octet, fc.nat(0xffff), fc.nat(0xffff), octet, octet),
        fc.tuple(int32, int32, fc.nat(1400)),
        ([tos, identification, field, ttl, protocol], [source, destination, payloadBytes]) => {
          const frame = new Frame();
          const view = frame.view;
          const total = 20 + payloadBytes;
          writeIpv4(view, NETWORK_AT, tos, total, identification, field, ttl, protocol, source, destination);
          expect(new Packet(frame).take(frame, total, 0, false)).toBe("ok");
          expect(ipHeaderBytes(view, NETWORK_AT)).toBe(20);
          expect(ipTos(view, NETWORK_AT)).toBe(tos);
          expect(ipTotalBytes(view, NETWORK_AT)).toBe(total);
          expect(ipIdentification(view, NETWORK_AT)).toBe(identification);
          expect(ipFragmentField(view, NETWORK_AT)).toBe(field);
          expect(ipTtl(view, NETWORK_AT)).toBe(ttl);
          expect(ipProtocol(view, NETWORK_AT)).toBe(protocol);
          expect(ipSource(view, NETWORK_AT)).toBe(source);
          expect(ipDestination(view, NETWORK_AT)).toBe(destination);
          const bytes = ipv4Frame({ source, destination, protocol, ttl, tos, identification, totalBytes: total });
          // The builder and the writer agree where both can say the same: without reserved bits.
          writeIpv4(view, NETWORK_AT, tos, total, identification, 0, ttl, protocol, source, destination);
          expect([...frame.bytes.subarray(NETWORK_AT, NETWORK_AT + 20)]).toEqual([...bytes.subarray(14, 34)]);
        },
      ),
    );
  });

  it("may be followed by Ethernet padding", () => {
    expect(validated(paddedTo60(ipv4Frame()))).toBe("ok");
  });

  it.each<[string, Ipv4Fields, number | undefined]>([
    ["link length below 20", {}, 19],
    ["total length below the header", { totalBytes: 19, payload: "abcd" }, undefined],
    ["total length above the link length", { totalBytes: 25, payload: "abcd" }, undefined],
    ["header longer than the link length", { options: patternBytes(40).fill(1) }, 59],
  ])("RFC1812 §5.2.2: %s is malformed", (_, fields, available) => {
    expect(validated(ipv4Frame(fields), available)).toBe("ipMalformed");
  });

  it.each([0x55, 0x65, 0x05, 0x44, 0x40])("RFC1812 §5.2.2: version and header length of %i is malformed", (octet) => {
    const bytes = ipv4Frame({ payload: patternBytes(60) });
    bytes[14] = octet;
    expect(validated(bytes)).toBe("ipMalformed");
  });

  it("RFC1812 §5.2.2: a wrong header checksum is told from a malformed header", () => {
    expect(validated(ipv4Frame({ headerChecksum: 0x1234 }))).toBe("ipChecksum");
  });

  it("RFC1812 §5.2.2: any single wrong bit of the header is noticed", () => {
    const bytes = ipv4Frame({ options: [7, 7, 4, 0, 0, 0, 0, 0], payload: patternBytes(64) });
    for (let bit = 14 * 8; bit < 42 * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(validated(damaged), `bit ${bit}`).not.toBe("ok");
    }
  });

  it("RFC1812 §4.2.2.3: the reserved flag is ignored", () => {
    expect(validated(ipv4Frame({ reservedFlag: true }))).toBe("ok");
  });
});

describe("IPv4 options", () => {
  it.each([
    ["record route", [7, 7, 4, 0, 0, 0, 0]],
    ["timestamp", [68, 8, 5, 0, 0, 0, 0, 0]],
    ["router alert", [148, 4, 0, 0]],
    ["an unknown one", [200, 3, 9]],
    ["no-operations", [1, 1, 1, 1]],
    ["nothing after the end of the list", [1, 0, 131, 1]],
    ["a full 40 bytes", [7, 40, 4, ...new Array<number>(37).fill(0)]],
  ])("let %s through", (_, options) => {
    expect(withOptions(options)).toBe("ok");
  });

  it.each([
    ["a loose source route", [131, 7, 4, 10, 0, 0, 1]],
    ["a strict source route", [137, 7, 4, 10, 0, 0, 1]],
    ["a source route behind others", [1, 7, 7, 4, 0, 0, 0, 0, 131, 3, 4]],
    ["length 0", [7, 0, 0, 0]],
    ["length 1", [7, 1, 0, 0]],
    ["a length beyond the header", [7, 5, 4, 0]],
    ["a type without a length at the very end", [1, 1, 1, 7]],
  ])("refuse %s", (_, options) => {
    expect(withOptions(options)).toBe("ipOptionRefused");
  });

  it("end for any bytes, accepted or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (options) => {
        expect(["ok", "ipOptionRefused"]).toContain(validated(ipv4Frame({ options })));
      }),
      { numRuns: 1000 },
    );
  });
});
