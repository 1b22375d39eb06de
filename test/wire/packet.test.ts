import { describe, expect, it } from "vitest";
import { Frame } from "../../src/core/frame.js";
import { Packet } from "../../src/wire/packet.js";
import { icmpFrame, ipv4Frame, loadFrame, tcpFrame, udpFrame } from "../support/frames.js";

function read(bytes: Uint8Array): Packet {
  const packet = new Packet(new Frame());
  packet.read(loadFrame(bytes), 1, false);
  return packet;
}

describe("Packet", () => {
  it("tells the facts of a packet with options", () => {
    expect(
      read(udpFrame({ options: [148, 4, 0, 0], payload: "abc", ttl: 7, sourcePort: 5, destinationPort: 6 })),
    ).toMatchObject({
      interfaceIndex: 1,
      isLinkBroadcast: false,
      source: 0xc0a8010a | 0,
      destination: 0xc6336450 | 0,
      protocol: 17,
      ttl: 7,
      totalBytes: 35,
      transportAt: 40,
      payloadBytes: 11,
      isFragment: false,
      sourcePort: 5,
      destinationPort: 6,
    });
  });

  it("has ports in the first fragment, and none in a later one", () => {
    expect(read(tcpFrame({ moreFragments: true }))).toMatchObject({ isFragment: true, sourcePort: 40000 });
    expect(read(tcpFrame({ fragmentOffset: 1480 }))).toMatchObject({
      isFragment: true,
      fragmentOffset: 1480,
      sourcePort: 0,
      destinationPort: 0,
    });
  });

  it("has no ports where there are none to read", () => {
    expect(read(icmpFrame())).toMatchObject({ sourcePort: 0, destinationPort: 0 });
    expect(read(ipv4Frame({ protocol: 17, payload: [1, 2, 3] }))).toMatchObject({ sourcePort: 0, destinationPort: 0 });
  });

  it("keeps nothing of the packet before", () => {
    const packet = read(udpFrame({ moreFragments: true }));
    packet.read(loadFrame(icmpFrame()), 0, true);
    expect(packet).toMatchObject({ interfaceIndex: 0, isLinkBroadcast: true, isFragment: false, sourcePort: 0 });
  });
});
