import { beforeEach, describe, expect, it } from "vitest";
import { NEVER } from "../../src/core/clock.js";
import type { Verdict } from "../../src/core/drops.js";
import { expectFrame } from "../support/expectFrame.js";
import { BROADCAST, loadFrame, udpFrame } from "../support/frames.js";
import { ip, LAN_MAC, StackFixture, WAN_MAC } from "../support/stackFixture.js";

const LAPTOP = "192.168.1.10";
const LAPTOP_MAC = 0x020000000010;

let stack: StackFixture;

/** Sends a datagram with this payload to a LAN address. */
function send(address: string, payload = "hello"): Verdict {
  const bytes = udpFrame({ source: "192.168.1.1", destination: address, payload });
  return stack.neighbours.send(stack.lan, ip(address), loadFrame(bytes), bytes.length);
}

beforeEach(() => {
  stack = new StackFixture();
});

describe("sending to a neighbour", () => {
  it.each([0.1, 0.7, 123_456.789])("asks at once, at a time of %d ms too", (now) => {
    stack.clock.now = now;
    send(LAPTOP);
    expect(stack.lanPort.sent).toHaveLength(1);
  });

  it("asks by broadcast first, and sends the waiting frame when the answer comes", () => {
    expect(send(LAPTOP)).toBe("ok");
    expect(stack.lanPort.sent).toHaveLength(1);
    expectFrame(stack.lanPort.take()[0]).ethernet({ source: LAN_MAC, destination: BROADCAST }).arp({
      operation: "request",
      senderMac: LAN_MAC,
      senderAddress: "192.168.1.1",
      targetMac: 0,
      targetAddress: LAPTOP,
    });
    stack.neighbours.learn(stack.lan, ip(LAPTOP), LAPTOP_MAC, false);
    expect(stack.lanPort.sent).toHaveLength(1);
    expectFrame(stack.lanPort.sent[0])
      .ethernet({ source: LAN_MAC, destination: LAPTOP_MAC })
      .ipv4({ destination: LAPTOP })
      .udp()
      .payload("hello");
    expect(stack.dropped()).toEqual({});
  });

  it("RFC1122 §2.3.2.2: keeps the newest frame of those that wait for one neighbour", () => {
    for (const payload of ["one", "two", "three"]) expect(send(LAPTOP, payload)).toBe("ok");
    stack.lanPort.take();
    stack.know(LAPTOP, LAPTOP_MAC);
    expect(stack.lanPort.sent).toHaveLength(1);
    expectFrame(stack.lanPort.sent[0]).ipv4().udp().payload("three");
    expect(stack.dropped()).toEqual({ neighbourQueueFull: 2 });
  });

  it("keeps a copy, so that the caller may reuse the frame", () => {
    const bytes = udpFrame({ destination: LAPTOP });
    const frame = loadFrame(bytes);
    stack.neighbours.send(stack.lan, ip(LAPTOP), frame, bytes.length);
    frame.bytes.fill(0xee);
    stack.know(LAPTOP, LAPTOP_MAC);
    expectFrame(stack.lanPort.sent[1]).ipv4().udp().payload("hello");
  });

  it("refuses a frame when no waiting room is left", () => {
    stack = new StackFixture(8, 2);
    expect(send("192.168.1.10")).toBe("ok");
    expect(send("192.168.1.11")).toBe("ok");
    expect(send("192.168.1.12")).toBe("neighbourQueueFull");
    expect(send("192.168.1.11")).toBe("ok");
    expect(stack.dropped()).toEqual({ neighbourQueueFull: 1 });
  });

  it("RFC1122 §2.3.2.1: asks at most once a second, however often it is used", () => {
    for (let ms = 0; ms < 2000; ms += 10) {
      send(LAPTOP);
      stack.advance(10);
    }
    expect(stack.lanPort.sent).toHaveLength(3);
  });

  it("asks three times, then drops the waiting frame and reports it", () => {
    const reported: [string, number][] = [];
    stack.neighbours.onUnresolved = (out, frame, length) => {
      reported.push([out.name, length]);
      expectFrame(frame.bytes.slice(2, 2 + length)).ipv4({ destination: LAPTOP });
    };
    send(LAPTOP);
    stack.advance(999);
    expect(stack.lanPort.sent).toHaveLength(1);
    stack.advance(1);
    stack.advance(1000);
    expect(stack.lanPort.sent).toHaveLength(3);
    stack.advance(999);
    expect(stack.dropped()).toEqual({});
    stack.advance(1);
    expect(stack.lanPort.sent).toHaveLength(3);
    expect(stack.dropped()).toEqual({ neighbourUnresolved: 1 });
    expect(reported).toEqual([["lan", udpFrame().length]]);
    expect(stack.neighbours.entries()).toEqual([]);
    expect(stack.neighbours.nextDeadline()).toBe(NEVER);
  });

  it("writes group addresses without asking", () => {
    expect(send("192.168.1.255")).toBe("ok");
    expect(send("255.255.255.255")).toBe("ok");
    expect(send("224.0.0.251")).toBe("ok");
    // RFC 1112 section 6.4: the upper nine bits of the group are lost.
    expect(send("239.129.2.3")).toBe("ok");
    const [directed, limited, group, other] = stack.lanPort.sent;
    expectFrame(directed).ethernet({ destination: BROADCAST });
    expectFrame(limited).ethernet({ destination: BROADCAST });
    expectFrame(group).ethernet({ destination: "01:00:5e:00:00:fb" });
    expectFrame(other).ethernet({ destination: "01:00:5e:01:02:03" });
    expect(stack.neighbours.lastIndex).toBe(-1);
    expect(stack.neighbours.entries()).toEqual([]);
  });

  it("says so when the port is full", () => {
    stack.know(LAPTOP, LAPTOP_MAC);
    stack.lanPort.room = 0;
    expect(send(LAPTOP)).toBe("portFull");
    expect(stack.lan.txRefused).toBe(1);
  });

  it("counts a request and a waiting frame that a full port does not take", () => {
    stack.lanPort.room = 0;
    expect(send(LAPTOP)).toBe("ok");
    expect(stack.dropped()).toEqual({ portFull: 1 });
    stack.know(LAPTOP, LAPTOP_MAC);
    expect(stack.dropped()).toEqual({ portFull: 2 });
  });

  it("tells the same address on two links apart", () => {
    stack.neighbours.learn(stack.lan, ip(LAPTOP), 0x0a, true);
    stack.neighbours.learn(stack.wan, ip(LAPTOP), 0x0b, true);
    const bytes = udpFrame();
    stack.neighbours.send(stack.wan, ip(LAPTOP), loadFrame(bytes), bytes.length);
    expectFrame(stack.wanPort.sent[0]).ethernet({ source: WAN_MAC, destination: 0x0b });
    send(LAPTOP);
    expectFrame(stack.lanPort.sent[0]).ethernet({ source: LAN_MAC, destination: 0x0a });
  });
});

describe("the table", () => {
  it("gives up an unanswered entry without a waiting frame first, then the one confirmed longest ago", () => {
    stack = new StackFixture(4, 1);
    stack.know("192.168.1.11", 11);
    stack.clock.now = 10;
    stack.know("192.168.1.12", 12);
    stack.clock.now = 20;
    send("192.168.1.13"); // waits
    expect(send("192.168.1.14")).toBe("neighbourQueueFull"); // unanswered, without a frame
    const addresses = () => stack.neighbours.entries().map((entry) => entry.address & 255);
    expect(addresses()).toEqual([11, 12, 13, 14]);
    send("192.168.1.15");
    expect(addresses()).toEqual([11, 12, 13, 15]);
    stack.know("192.168.1.15", 15);
    send("192.168.1.16");
    expect(addresses()).toEqual([16, 12, 13, 15]);
  });

  it("refuses a new neighbour when a frame waits for every entry", () => {
    stack = new StackFixture(2, 2);
    send("192.168.1.11");
    send("192.168.1.12");
    expect(send("192.168.1.13")).toBe("neighbourTableFull");
    stack.know("192.168.1.14", 14);
    expect(stack.neighbours.entries()).toHaveLength(2);
    expect(stack.dropped()).toEqual({});
  });

  it("loses no more known neighbours to a scan than frames may wait, and one", () => {
    stack = new StackFixture(16, 4);
    for (let i = 0; i < 16; i++) stack.know(`192.168.1.${10 + i}`, 10 + i);
    for (let i = 0; i < 100; i++) send(`192.168.1.${100 + i}`);
    expect(stack.neighbours.entries().filter((entry) => entry.state === "fresh")).toHaveLength(16 - 5);
  });

  it("forgets what was learnt on an interface whose address changes, and drops what waited there", () => {
    stack.know("192.168.1.11", 11);
    stack.know("203.0.113.1", 1);
    send(LAPTOP);
    stack.neighbours.flush(stack.lan);
    expect(stack.neighbours.entries()).toMatchObject([{ interfaceName: "wan", mac: 1, state: "fresh" }]);
    expect(stack.dropped()).toEqual({ neighbourUnresolved: 1 });
  });
});
