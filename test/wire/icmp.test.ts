import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Frame, TRANSPORT_AT } from "../../src/core/frame.js";
import {
  icmpCode,
  icmpIdentifier,
  icmpNextHopMtu,
  icmpSequence,
  icmpType,
  isIcmpError,
  validateIcmp,
  writeIcmp,
} from "../../src/wire/icmp.js";
import { icmpErrorFrame, icmpFrame, loadFrame, udpFrame } from "../support/frames.js";

describe("ICMP message", () => {
  it("is written as a frame built from RFC 792 has it, for any fields and data", () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(255), fc.nat(255), fc.nat(0xffff), fc.nat(0xffff)),
        fc.uint8Array({ maxLength: 100 }),
        ([type, code, identifier, sequence], payload) => {
          const bytes = icmpFrame({ type, code, identifier, sequence, payload });
          const length = 8 + payload.length;
          const frame = new Frame();
          const view = frame.view;
          frame.bytes.set(payload, TRANSPORT_AT + 8);
          writeIcmp(view, TRANSPORT_AT, type, code, (identifier << 16) | sequence, length);
          expect([...frame.bytes.subarray(TRANSPORT_AT, TRANSPORT_AT + length)]).toEqual([...bytes.subarray(34)]);
          expect(validateIcmp(view, TRANSPORT_AT, length)).toBe("ok");
          expect(icmpType(view, TRANSPORT_AT)).toBe(type);
          expect(icmpCode(view, TRANSPORT_AT)).toBe(code);
          expect(icmpIdentifier(view, TRANSPORT_AT)).toBe(identifier);
          expect(icmpSequence(view, TRANSPORT_AT)).toBe(sequence);
        },
      ),
    );
  });

  it("RFC1191 §4: carries the next hop's MTU in its last 16 bits", () => {
    const frame = loadFrame(icmpErrorFrame({ code: 4, nextHopMtu: 1400, about: udpFrame() }));
    expect(icmpNextHopMtu(frame.view, TRANSPORT_AT)).toBe(1400);
  });

  it("is malformed when shorter than its header", () => {
    expect(validateIcmp(loadFrame(icmpFrame()).view, TRANSPORT_AT, 7)).toBe("icmpMalformed");
  });

  it("has a checksum that is always verified", () => {
    expect(validateIcmp(loadFrame(icmpFrame({ checksum: 0 })).view, TRANSPORT_AT, 24)).toBe("icmpChecksum");
  });

  it("RFC1122 §3.2.2: is an error for five types", () => {
    const errors = Array.from({ length: 256 }, (_, type) => type).filter(isIcmpError);
    expect(errors).toEqual([3, 4, 5, 11, 12]);
  });
});
