import { describe, expect, test } from "vitest";
import { type CapturedFrame, complaints, framesFrom, ipv4Packets, readPcap, sourceOf } from "./support/frameOracle.js";

/* The judge of the integration tests is judged here, by frames that a Linux router made, whole and damaged. */

const TO_FROM = "624bf0c393abceb0aefd826b";
const ROUTER = "ce:b0:ae:fd:82:6b";
const ARP_REPLY = `${TO_FROM}08060001080006040002ceb0aefd826bc0a80101624bf0c393abc0a8010a`;
const ECHO_REPLY = `${TO_FROM}080045000027be9a00003f01bf87cb007101c0a8010a000090ec50f90001000102030405060708090a`;
const DATAGRAM = `${TO_FROM}080045000021d83840003f1165dfcb007101c0a8010a0007a783000d51c84c83b1490b`;
const PORT_UNREACHABLE =
  `${TO_FROM}080045c0003fbed000003f01be79cb007101c0a8010a0303fad100000000` +
  "45000023055a40003f1138bcc0a8010acb007101ca5f0009000faf6f616e796f6e653f";
const SEGMENT =
  `${TO_FROM}0800450000468f7840003f06ae85cb007101c0a8010a` +
  "0050ecc624d4ef2d50a27c2a80180040ed9800000101080ad115e49c7dc5bd263230332e302e3131332e323a36303631340a";
const IPV4_FRAMES = { ECHO_REPLY, DATAGRAM, PORT_UNREACHABLE, SEGMENT };

function frame(hex: string): CapturedFrame {
  return { number: 1, bytes: Uint8Array.from(Buffer.from(hex, "hex")) };
}

/** A pcap file, little-endian with microseconds, of the frames. */
function pcap(...frames: readonly string[]): Uint8Array {
  const records = frames.map((hex) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(hex.length / 2);
    return Buffer.concat([Buffer.alloc(8), length, length, Buffer.from(hex, "hex")]);
  });
  return Buffer.concat([Buffer.from("d4c3b2a1020004000000000000000000ffff000001000000", "hex"), ...records]);
}

describe("the frame oracle", () => {
  test("finds nothing wrong in frames that Linux made", () => {
    expect(complaints([ARP_REPLY, ...Object.values(IPV4_FRAMES)].map(frame))).toEqual([]);
  });

  test("is not misled by the padding of short frames", () => {
    expect(complaints([frame(`${ECHO_REPLY}ffffffff`)])).toEqual([]);
  });

  test.each(Object.entries(IPV4_FRAMES))("finds every wrong bit behind the Ethernet header of %s", (_name, hex) => {
    const damaged = frame(hex).bytes;
    for (let bit = 14 * 8; bit < damaged.length * 8; bit++) {
      const at = bit >> 3;
      damaged[at] = (damaged[at] as number) ^ (1 << (bit & 7));
      expect(complaints([{ number: 7, bytes: damaged }]), `bit ${bit}`).toEqual([expect.stringMatching(/^frame 7: /)]);
      damaged[at] = (damaged[at] as number) ^ (1 << (bit & 7));
    }
  });

  test.each([
    ["IPv4 header", 44, "quoting a wrong header checksum"],
    ["UDP header", 62, "quoting a wrong UDP checksum"],
  ])("finds an untranslated %s quoted in an ICMP error with a right checksum", (_name, at, problem) => {
    const { bytes } = frame(PORT_UNREACHABLE);
    const unused = 38;
    // A word moved from the quotation to the unused field leaves the outer checksum right.
    bytes.copyWithin(unused, at + 10, at + 12);
    bytes.fill(0, at + 10, at + 12);
    expect(complaints([{ number: 1, bytes }])).toEqual([`frame 1: an ICMP error ${problem}`]);
  });

  test("finds frames that are too long or cut off", () => {
    const long = new Uint8Array(1515);
    expect(complaints([{ number: 1, bytes: long }])).toEqual(["frame 1: an Ethernet frame of 1515 bytes"]);
    expect(complaints([frame(SEGMENT.slice(0, -2))])).toEqual(["frame 1: an IPv4 total length of 70 in 69 bytes"]);
    expect(complaints([frame(ARP_REPLY.slice(0, -2))])).toEqual(["frame 1: an ARP packet cut off"]);
  });

  test("reads the frames of a pcap file, and tells who sent them", () => {
    const frames = readPcap(pcap(ARP_REPLY, SEGMENT));
    expect(frames.map(({ number, bytes }) => [number, Buffer.from(bytes).toString("hex")])).toEqual([
      [1, ARP_REPLY],
      [2, SEGMENT],
    ]);
    expect(framesFrom(ROUTER, frames)).toHaveLength(2);
    expect(framesFrom("62:4b:f0:c3:93:ab", frames)).toHaveLength(0);
    expect(ipv4Packets(frames).map(sourceOf)).toEqual(["203.0.113.1"]);
  });

  test("refuses a file that is no pcap, or is cut off", () => {
    expect(() => readPcap(new Uint8Array(100))).toThrow("not a pcap file");
    expect(() => readPcap(pcap(SEGMENT).subarray(0, -1))).toThrow("Frame 1 is cut off");
  });
});
