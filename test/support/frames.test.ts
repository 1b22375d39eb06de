import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectFrame } from "./expectFrame.js";
import {
  arpFrame,
  BROADCAST,
  fragmentsOf,
  icmpErrorFrame,
  icmpFrame,
  naiveChecksum,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "./frames.js";

describe("frames and expectFrame", () => {
  it("agree on every kind of frame", () => {
    expectFrame(udpFrame({ source: 0x0a000001, destinationPort: 7, payload: "odd" }))
      .ethernet({ source: 0x020000000010 })
      .ipv4({ source: "10.0.0.1", destination: (198 << 24) | (51 << 16) | (100 << 8) | 80 })
      .udp({ destinationPort: 7 })
      .payload("odd");
    expectFrame(tcpFrame({ flags: "SYN ACK", tcpOptions: [2, 4, 5, 180], payload: "x" }))
      .ipv4()
      .tcp({ flags: "SYN ACK", sequence: 1000 })
      .payload("x");
    expectFrame(icmpFrame({ sequence: 9 }))
      .ipv4()
      .icmp({ type: 8, sequence: 9 })
      .payloadBytes(16);
    expectFrame(icmpErrorFrame({ about: udpFrame({ sourcePort: 4 }) }))
      .ipv4()
      .icmp({ type: 3, code: 3 })
      .quote()
      .ipv4({ ttl: 64 })
      .udp({ sourcePort: 4 });
    expectFrame(arpFrame())
      .ethernet({ destination: BROADCAST })
      .arp({ operation: "request", targetAddress: "192.168.1.1" });
  });

  it("has the checksum of RFC 1071 section 3's example", () => {
    expect(naiveChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(~0xddf2 & 0xffff);
  });

  it("refuses any single wrong bit of a packet whose checksums cover it", () => {
    const frame = tcpFrame({ payload: patternBytes(33) });
    fc.assert(
      fc.property(fc.integer({ min: 14 * 8, max: frame.length * 8 - 1 }), (bit) => {
        const damaged = frame.slice();
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(() => expectFrame(damaged)).toThrow();
      }),
    );
  });

  it("cut a packet into fragments with right headers", () => {
    const fragments = fragmentsOf(udpFrame({ payload: patternBytes(100) }), 48);
    expect(fragments).toHaveLength(3);
    expectFrame(fragments[0]).ipv4({ moreFragments: true, fragmentOffset: 0, totalBytes: 68 });
    expectFrame(fragments[2]).ipv4({ moreFragments: false, fragmentOffset: 96, totalBytes: 32 });
  });
});
