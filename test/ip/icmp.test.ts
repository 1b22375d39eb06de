import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Frame, NETWORK_AT } from "../../src/core/frame.js";
import { ICMP_ERROR_BURST, ICMP_ERRORS_PER_SECOND, Icmp } from "../../src/ip/icmp.js";
import { Packet } from "../../src/wire/packet.js";
import { expectFrame, expectPacket } from "../support/expectFrame.js";
import {
  icmpErrorFrame,
  icmpFrame,
  ipv4Frame,
  loadFrame,
  patternBytes,
  tcpFrame,
  type UdpFields,
  udpFrame,
} from "../support/frames.js";
import { StackFixture } from "../support/stackFixture.js";

const LAPTOP = "192.168.1.10";
const ROUTER = "192.168.1.1";
const UNREACHABLE = 3;
const PORT = 3;
const TIME_EXCEEDED = 11;

let stack: StackFixture;
let icmp: Icmp;

function packetOf(bytes: Uint8Array, isLinkBroadcast = false): Packet {
  const packet = new Packet(new Frame());
  packet.read(loadFrame(bytes), 0, isLinkBroadcast);
  return packet;
}

beforeEach(() => {
  stack = new StackFixture();
  stack.know(LAPTOP, 0x0a);
  stack.know("203.0.113.1", 0x0b);
  icmp = new Icmp(stack.clock, stack.drops, stack.output, 2);
});

describe("ICMP error", () => {
  it("RFC1812 §4.3.2.3/4: quotes the packet as it came in, from the address of the interface it leaves by", () => {
    const bytes = udpFrame({ ttl: 1, payload: patternBytes(40), options: [148, 4, 0, 0] });
    icmp.sendError(packetOf(bytes), stack.lan, TIME_EXCEEDED, 0);
    expect(stack.lanPort.sent).toHaveLength(1);
    expectFrame(stack.lanPort.sent[0])
      .ethernet({ destination: 0x0a })
      .ipv4({ source: ROUTER, destination: LAPTOP, protocol: 1, ttl: 64, dontFragment: false })
      .icmp({ type: TIME_EXCEEDED, code: 0, identifier: 0, sequence: 0 })
      .payload(bytes.subarray(14));
  });

  it.each([
    [547, 575],
    [548, 576],
    [549, 576],
    [1500, 576],
  ])("RFC1812 §4.3.2.3: about a packet of %i bytes is %i bytes long", (packetBytes, errorBytes) => {
    const bytes = udpFrame({ payload: patternBytes(packetBytes - 28) });
    icmp.sendError(packetOf(bytes), stack.lan, UNREACHABLE, PORT);
    expectFrame(stack.lanPort.sent[0])
      .ipv4({ totalBytes: errorBytes })
      .icmp()
      .payload(bytes.subarray(14, 14 + errorBytes - 28));
  });

  it("RFC5508 REQ-10d: carries the DSCP of the packet it is about, and no ECN", () => {
    icmp.sendError(packetOf(udpFrame({ tos: 0xbb })), stack.lan, UNREACHABLE, PORT);
    expectFrame(stack.lanPort.sent[0]).ipv4({ tos: 0xb8 });
  });

  it("RFC1191 §4: carries the MTU of the next hop", () => {
    icmp.sendError(packetOf(udpFrame({ dontFragment: true })), stack.lan, UNREACHABLE, 4, 1400);
    expectFrame(stack.lanPort.sent[0]).ipv4().icmp({ code: 4, identifier: 0, nextHopMtu: 1400 });
  });

  it.each<[string, Uint8Array]>([
    ["destination unreachable", icmpErrorFrame({ about: udpFrame() })],
    ["source quench", icmpErrorFrame({ type: 4, code: 0, about: udpFrame() })],
    ["a redirect", icmpErrorFrame({ type: 5, code: 1, about: udpFrame() })],
    ["time exceeded", icmpErrorFrame({ type: TIME_EXCEEDED, code: 0, about: udpFrame() })],
    ["a parameter problem", icmpErrorFrame({ type: 12, code: 0, about: udpFrame() })],
    ["an ICMP message without a type", ipv4Frame({ protocol: 1 })],
    ["a broadcast", udpFrame({ destination: "255.255.255.255" })],
    ["a directed broadcast", udpFrame({ destination: "192.168.1.255" })],
    ["an old form of directed broadcast", udpFrame({ destination: "192.168.1.0" })],
    ["a multicast", udpFrame({ destination: "224.0.0.251" })],
    ["a packet from net 0", udpFrame({ source: "0.0.0.0" })],
    ["a packet from a loopback address", udpFrame({ source: "127.0.0.1" })],
    ["a packet from a multicast address", udpFrame({ source: "239.1.1.1" })],
    ["a packet from class E", udpFrame({ source: "240.0.0.1" })],
    ["a packet from the link's broadcast address", udpFrame({ source: "192.168.1.255" })],
    ["a fragment beyond the first", udpFrame({ fragmentOffset: 8 })],
  ])("RFC1812 §4.3.2.7: is not sent about %s", (_, bytes) => {
    icmp.sendError(packetOf(bytes), stack.lan, UNREACHABLE, PORT);
    expect(icmp.buildError(packetOf(bytes), stack.lan, UNREACHABLE, PORT)).toBe(false);
    expect(stack.lanPort.sent).toEqual([]);
    expect(stack.dropped()).toEqual({});
  });

  it("RFC1812 §4.3.2.7: is not sent about a packet in a broadcast frame", () => {
    icmp.sendError(packetOf(udpFrame(), true), stack.lan, UNREACHABLE, PORT);
    expect(stack.lanPort.sent).toEqual([]);
  });

  it.each<[string, Uint8Array]>([
    ["an echo request", icmpFrame()],
    ["an echo reply", icmpFrame({ type: 0 })],
    ["a first fragment", udpFrame({ moreFragments: true })],
    ["a TCP segment", tcpFrame()],
    ["an unknown protocol", ipv4Frame({ payload: [] })],
  ])("is sent about %s", (_, bytes) => {
    icmp.sendError(packetOf(bytes), stack.lan, TIME_EXCEEDED, 0);
    expect(stack.lanPort.sent).toHaveLength(1);
  });

  it("is not sent from an interface without an address", () => {
    stack.lan.setAddress(0, 0);
    icmp.sendError(packetOf(udpFrame()), stack.lan, UNREACHABLE, PORT);
    expect(stack.lanPort.sent).toEqual([]);
  });

  it("RFC791 §3.2: is cut into fragments where the link asks for it", () => {
    stack.lan.mtuBytes = 300;
    icmp.sendError(packetOf(udpFrame({ payload: patternBytes(1400) })), stack.lan, UNREACHABLE, PORT);
    expect(stack.lanPort.sent.map((frame) => frame.length - 14)).toEqual([300, 296]);
  });

  it("is counted when the link does not take it", () => {
    stack.lanPort.room = 0;
    icmp.sendError(packetOf(udpFrame()), stack.lan, UNREACHABLE, PORT);
    expect(stack.dropped()).toEqual({ portFull: 1 });
  });

  it("is built without being sent, as the whole packet that would be sent", () => {
    const bytes = udpFrame({ source: "203.0.113.2", destination: "198.51.100.80", tos: 0x28 });
    expect(icmp.buildError(packetOf(bytes), stack.wan, UNREACHABLE, 1)).toBe(true);
    expect(stack.wanPort.sent).toEqual([]);
    const built = stack.output.frame;
    expectPacket(built.bytes.slice(NETWORK_AT, NETWORK_AT + built.view.getUint16(NETWORK_AT + 2)))
      .ipv4({ source: "203.0.113.2", destination: "203.0.113.2", tos: 0x28 })
      .icmp({ type: UNREACHABLE, code: 1 })
      .payload(bytes.subarray(14));
  });
});

describe("ICMP error rate (RFC1812 §4.3.2.8)", () => {
  /** How many of `count` errors, one every `intervalMs`, are sent. */
  function sentOf(count: number, intervalMs: number, fields: UdpFields = {}): number {
    const packet = packetOf(udpFrame(fields));
    for (let i = 0; i < count; i++) {
      icmp.sendError(packet, stack.lan, UNREACHABLE, PORT);
      stack.clock.now += intervalMs;
    }
    return stack.lanPort.take().filter((frame) => frame[12] === 8 && frame[13] === 0).length;
  }

  it("lets a burst of 50 pass, then 50 a second", () => {
    expect([ICMP_ERROR_BURST, ICMP_ERRORS_PER_SECOND]).toEqual([50, 50]);
    expect(sentOf(200, 0)).toBe(50);
    expect(stack.dropped()).toEqual({ icmpRateLimited: 150 });
    expect(sentOf(1, 19)).toBe(0);
    stack.clock.now += 1;
    expect(sentOf(2, 0)).toBe(1);
    stack.clock.now += 1000;
    expect(sentOf(10_000, 1)).toBe(50 + 499);
  });

  it("saves up no more than a burst in a long silence, past 2^31 ms as well", () => {
    sentOf(50, 0);
    // The neighbour is asked whether it is still there; that is no error.
    stack.clock.now += 60 * 86_400_000;
    expect(sentOf(200, 0)).toBe(50);
  });

  it("limits each interface for itself", () => {
    sentOf(51, 0);
    icmp.sendError(packetOf(udpFrame({ source: "203.0.113.1" })), stack.wan, UNREACHABLE, PORT);
    expect(stack.wanPort.sent).toHaveLength(1);
  });

  it("takes nothing from the budget for an error that is never sent", () => {
    sentOf(200, 0, { destination: "224.0.0.1" });
    expect(sentOf(200, 0)).toBe(50);
  });
});

describe("echo reply", () => {
  function reply(bytes: Uint8Array): void {
    expect(icmp.sendEchoReply(packetOf(bytes))).toBe("ok");
  }

  it("RFC1812 §4.3.3.6: holds all the data, and comes from the address that was asked", () => {
    const asked = { destination: ROUTER, ttl: 1, tos: 0x48, dontFragment: true };
    reply(icmpFrame({ ...asked, identifier: 0xbeef, sequence: 0xffff, payload: patternBytes(1472) }));
    expectFrame(stack.lanPort.sent[0])
      .ethernet({ source: stack.lan.mac, destination: 0x0a })
      .ipv4({ source: ROUTER, destination: LAPTOP, ttl: 64, tos: 0x48, identification: 0x0300, dontFragment: false })
      .icmp({ type: 0, code: 0, identifier: 0xbeef, sequence: 0xffff })
      .payload(patternBytes(1472));
  });

  it("has a right checksum for any identifier, sequence and data", () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.uint8Array({ maxLength: 50 }), (identifier, sequence, payload) => {
        reply(icmpFrame({ destination: ROUTER, identifier, sequence, payload }));
        expectFrame(stack.lanPort.take()[0]).ipv4().icmp({ type: 0, identifier, sequence }).payload(payload);
      }),
    );
  });

  it("has a right checksum where the answer is nothing but zeros", () => {
    reply(icmpFrame({ destination: ROUTER, identifier: 0, sequence: 0, payload: "" }));
    expectFrame(stack.lanPort.take()[0]).ipv4().icmp({ type: 0, identifier: 0, sequence: 0 });
  });

  it("answers for the address of another interface with that address", () => {
    reply(icmpFrame({ destination: "203.0.113.2" }));
    expectFrame(stack.lanPort.sent[0]).ipv4({ source: "203.0.113.2", destination: LAPTOP }).icmp();
  });

  it("is cut into fragments where the request was", () => {
    reply(icmpFrame({ destination: ROUTER, payload: patternBytes(3000) }));
    expect(stack.lanPort.sent.map((frame) => frame.length - 14)).toEqual([1500, 1500, 68]);
  });

  it("keeps the request's options in place", () => {
    reply(icmpFrame({ destination: ROUTER, options: [148, 4, 0, 0], payload: "data" }));
    expectFrame(stack.lanPort.sent[0]).ipv4({ headerBytes: 24 }).icmp({ type: 0 }).payload("data");
  });

  it("is not sent where there is no way back", () => {
    stack.wan.gateway = 0;
    expect(icmp.sendEchoReply(packetOf(icmpFrame({ source: "198.51.100.80", destination: ROUTER })))).toBe("ipNoRoute");
    expect(stack.lanPort.sent).toEqual([]);
  });
});
