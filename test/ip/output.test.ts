import { beforeEach, describe, expect, it } from "vitest";
import { TRANSPORT_AT } from "../../src/core/frame.js";
import { decodeIpv4, expectFrame } from "../support/expectFrame.js";
import { BROADCAST, loadFrame, patternBytes, udpFrame } from "../support/frames.js";
import { ip, StackFixture } from "../support/stackFixture.js";

const LAPTOP = "192.168.1.10";
const SERVER = "198.51.100.80";

let stack: StackFixture;

/** Puts `length` bytes where a transport builds its datagram. */
function build(length: number): void {
  stack.output.frame.bytes.set(patternBytes(length), TRANSPORT_AT);
}

beforeEach(() => {
  stack = new StackFixture();
  stack.know(LAPTOP, 0x0a);
  stack.know("203.0.113.1", 0x0b);
});

describe("routing", () => {
  it("takes the interface that is on-link, else the one with a gateway", () => {
    expect(stack.output.route(ip(LAPTOP))).toBe(stack.lan);
    expect(stack.output.route(ip("203.0.113.77"))).toBe(stack.wan);
    expect(stack.output.route(ip(SERVER))).toBe(stack.wan);
    stack.wan.gateway = 0;
    expect(stack.output.route(ip(SERVER))).toBeUndefined();
  });

  it("names source address and MTU of the way, and 0 where there is none", () => {
    stack.wan.mtuBytes = 1400;
    expect(stack.output.sourceFor(ip(LAPTOP))).toBe(stack.lan.address);
    expect(stack.output.mtuTo(ip(SERVER))).toBe(1400);
    stack.wan.gateway = 0;
    expect(stack.output.sourceFor(ip(SERVER))).toBe(0);
    expect(stack.output.mtuTo(ip(SERVER))).toBe(0);
  });

  it("knows the stack's own addresses, and takes no 0 for one", () => {
    expect(stack.output.isOurs(stack.lan.address)).toBe(true);
    expect(stack.output.isOurs(stack.wan.address)).toBe(true);
    expect(stack.output.isOurs(ip("192.168.1.255"))).toBe(false);
    stack.lan.setAddress(0, 0);
    expect(stack.output.isOurs(0)).toBe(false);
  });
});

describe("sending", () => {
  it("writes a right header and sends to the next hop's station", () => {
    build(100);
    expect(stack.output.send(stack.wan.address, ip(SERVER), 254, 100, true, 0xb8, 7)).toBe("ok");
    expectFrame(stack.wanPort.sent[0])
      .ethernet({ source: stack.wan.mac, destination: 0x0b })
      .ipv4({ source: "203.0.113.2", destination: SERVER, protocol: 254, ttl: 7, tos: 0xb8, dontFragment: true })
      .payload(patternBytes(100));
  });

  it("sends a broadcast by the interface it is told", () => {
    build(8);
    expect(stack.output.sendOn(stack.lan, stack.lan.address, -1, 254, 8, false)).toBe("ok");
    expectFrame(stack.lanPort.sent[0])
      .ethernet({ destination: BROADCAST })
      .ipv4({ destination: "255.255.255.255", ttl: 64, dontFragment: false });
  });

  it("takes a datagram of exactly the MTU that must not be fragmented", () => {
    build(1480);
    expect(stack.output.send(stack.wan.address, ip(SERVER), 254, 1480, true)).toBe("ok");
    expectFrame(stack.wanPort.sent[0]).ipv4({ totalBytes: 1500, dontFragment: true });
  });

  it("returns why a datagram was not sent", () => {
    build(1500);
    expect(stack.output.send(1, ip(SERVER), 254, 1481, true)).toBe("ipTooBig");
    stack.wanPort.room = 0;
    expect(stack.output.send(1, ip(SERVER), 254, 10, true)).toBe("portFull");
    stack.wan.gateway = 0;
    expect(stack.output.send(1, ip(SERVER), 254, 10, true)).toBe("ipNoRoute");
    expect(stack.wanPort.sent).toEqual([]);
  });

  it("asks nobody for an address of its own", () => {
    build(8);
    expect(stack.output.send(stack.lan.address, stack.lan.address, 254, 8, false)).toBe("ipNoRoute");
    expect(stack.output.send(stack.lan.address, stack.wan.address, 254, 8, false)).toBe("ipNoRoute");
    expect([...stack.lanPort.sent, ...stack.wanPort.sent]).toEqual([]);
  });

  it("RFC6864 §4.3: gives every datagram its own identification", () => {
    for (let i = 0; i < 3; i++) {
      build(8);
      stack.output.send(stack.wan.address, ip(SERVER), 254, 8, false);
    }
    const sent = stack.wanPort.sent.map((frame) => decodeIpv4(frame.subarray(14)).identification);
    expect(sent).toEqual([0x0300, 0x0500, 0x0700]);
  });

  it("passes a finished packet on as it is", () => {
    const bytes = udpFrame({ ttl: 63, identification: 77 });
    expect(stack.output.emit(stack.wan, loadFrame(bytes), bytes.length - 14)).toBe("ok");
    expectFrame(stack.wanPort.sent[0]).ipv4({ ttl: 63, identification: 77 }).udp().payload("hello");
  });
});
