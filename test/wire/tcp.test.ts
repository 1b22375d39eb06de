import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Frame, TRANSPORT_AT } from "../../src/core/frame.js";
import {
  TCP_ACK,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  tcpAcknowledgement,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderBytes,
  tcpSequence,
  tcpSourcePort,
  tcpUrgentPointer,
  tcpWindow,
  validateTcp,
  validateTcpShape,
  writeTcp,
} from "../../src/wire/tcp.js";
import { loadFrame, type TcpFields, tcpFrame } from "../support/frames.js";

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const port = fc.integer({ min: 1, max: 0xffff });
const SOURCE = 0xc0a8010a | 0;
const DESTINATION = 0xc6336450 | 0;

function validated(fields: TcpFields, available?: number) {
  const bytes = tcpFrame(fields);
  return validateTcp(loadFrame(bytes).view, TRANSPORT_AT, available ?? bytes.length - 34, SOURCE, DESTINATION);
}

describe("TCP header", () => {
  it("is written as a frame built from RFC 9293 has it, for any fields, options and data", () => {
    fc.assert(
      fc.property(
        fc.tuple(int32, int32, port, port, int32, int32, fc.nat(0xffff)),
        fc.nat(10),
        fc.uint8Array({ maxLength: 100 }),
        ([source, destination, sourcePort, destinationPort, sequence, acknowledgement, window], words, payload) => {
          const tcpOptions = new Array<number>(4 * words).fill(1);
          const bytes = tcpFrame({
            ...{ source, destination, sourcePort, destinationPort, sequence, acknowledgement, window },
            ...{ flags: "PSH ACK", tcpOptions, payload },
          });
          const headerBytes = 20 + 4 * words;
          const length = headerBytes + payload.length;
          const frame = new Frame();
          const view = frame.view;
          frame.bytes.set(bytes.subarray(54), TRANSPORT_AT + 20);
          writeTcp(
            ...([view, TRANSPORT_AT, sourcePort, destinationPort, sequence, acknowledgement] as const),
            ...([headerBytes, TCP_PSH | TCP_ACK, window, length, source, destination] as const),
          );
          expect([...frame.bytes.subarray(TRANSPORT_AT, TRANSPORT_AT + length)]).toEqual([...bytes.subarray(34)]);
          expect(validateTcp(view, TRANSPORT_AT, length, source, destination)).toBe("ok");
          expect(tcpSourcePort(view, TRANSPORT_AT)).toBe(sourcePort);
          expect(tcpDestinationPort(view, TRANSPORT_AT)).toBe(destinationPort);
          expect(tcpSequence(view, TRANSPORT_AT)).toBe(sequence);
          expect(tcpAcknowledgement(view, TRANSPORT_AT)).toBe(acknowledgement);
          expect(tcpHeaderBytes(view, TRANSPORT_AT)).toBe(headerBytes);
          expect(tcpWindow(view, TRANSPORT_AT)).toBe(window);
          expect(tcpUrgentPointer(view, TRANSPORT_AT)).toBe(0);
        },
      ),
    );
  });

  it.each([
    ["FIN", TCP_FIN],
    ["SYN", TCP_SYN],
    ["RST", TCP_RST],
    ["PSH", TCP_PSH],
    ["ACK", TCP_ACK],
    ["URG", TCP_URG],
    ["FIN SYN RST PSH ACK URG ECE CWR", 255],
  ])("has the flags %s", (flags, bits) => {
    expect(tcpFlags(loadFrame(tcpFrame({ flags })).view, TRANSPORT_AT)).toBe(bits);
  });

  it("reads the urgent pointer", () => {
    expect(tcpUrgentPointer(loadFrame(tcpFrame({ urgentPointer: 0xfffe })).view, TRANSPORT_AT)).toBe(0xfffe);
  });

  it.each<[string, TcpFields, number | undefined]>([
    ["cut off", {}, 19],
    ["its options are cut off", { tcpOptions: [2, 4, 5, 180] }, 23],
    ["from port 0", { sourcePort: 0 }, undefined],
    ["for port 0", { destinationPort: 0 }, undefined],
  ])("is malformed when %s", (_, fields, available) => {
    expect(validated(fields, available)).toBe("tcpMalformed");
  });

  it.each([0, 1, 4])("is malformed with a data offset of %i words", (words) => {
    const bytes = tcpFrame({ payload: "some data" });
    bytes[46] = words << 4;
    expect(validateTcp(loadFrame(bytes).view, TRANSPORT_AT, bytes.length - 34, SOURCE, DESTINATION)).toBe(
      "tcpMalformed",
    );
  });

  it("RFC9293 §3.1: a wrong checksum is noticed, and 0 is no exception", () => {
    expect(validated({})).toBe("ok");
    expect(validated({ checksum: 0 })).toBe("tcpChecksum");
    expect(validated({ destination: "198.51.100.81" })).toBe("tcpChecksum");
  });

  it("RFC5382 §8: its shape is judged without its checksum", () => {
    const bytes = tcpFrame({ checksum: 1 });
    expect(validateTcpShape(loadFrame(bytes).view, TRANSPORT_AT, 20)).toBe("ok");
  });
});
