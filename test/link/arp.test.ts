import { beforeEach, describe, expect, it } from "vitest";
import type { Verdict } from "../../src/core/drops.js";
import { DEFEND_INTERVAL_MS, receiveArp } from "../../src/link/arp.js";
import { expectFrame } from "../support/expectFrame.js";
import { type ArpFields, arpFrame, BROADCAST, HOST_MAC, loadFrame, paddedTo60 } from "../support/frames.js";
import { LAN_MAC, StackFixture } from "../support/stackFixture.js";

const ROUTER = "192.168.1.1";
const LAPTOP = "192.168.1.10";

let stack: StackFixture;

function receive(fields: ArpFields, cutBytes = 0): Verdict {
  const bytes = paddedTo60(arpFrame(fields));
  const length = cutBytes === 0 ? bytes.length : 42 - cutBytes;
  return receiveArp(stack.clock, stack.neighbours, stack.lan, loadFrame(bytes), length);
}

beforeEach(() => {
  stack = new StackFixture();
});

describe("ARP", () => {
  it("RFC826: answers a request for our address to the asker, and remembers him", () => {
    expect(receive({})).toBe("ok");
    expect(stack.lanPort.sent).toHaveLength(1);
    expectFrame(stack.lanPort.sent[0]).ethernet({ source: LAN_MAC, destination: HOST_MAC }).arp({
      operation: "reply",
      senderMac: LAN_MAC,
      senderAddress: ROUTER,
      targetMac: HOST_MAC,
      targetAddress: LAPTOP,
    });
    expect(stack.neighbours.entries()).toMatchObject([{ mac: 0x020000000010, state: "fresh" }]);
  });

  it.each<[string, ArpFields]>([
    ["a request for another host", { targetAddress: "192.168.1.20" }],
    ["an announcement", { targetAddress: LAPTOP }],
    ["a reply to another host", { operation: "reply", targetAddress: "192.168.1.20" }],
  ])("RFC826: learns no new neighbour from %s", (_, fields) => {
    expect(receive(fields)).toBe("ok");
    expect(stack.neighbours.entries()).toEqual([]);
    expect(stack.lanPort.sent).toEqual([]);
  });

  it("learns no new neighbour from a reply that we did not ask for", () => {
    expect(receive({ operation: "reply", targetAddress: ROUTER })).toBe("ok");
    expect(stack.neighbours.entries()).toEqual([]);
  });

  it.each<[string, ArpFields]>([
    ["a request for another host", { targetAddress: "192.168.1.20" }],
    ["an announcement", { targetAddress: LAPTOP }],
    ["a reply", { operation: "reply", targetAddress: ROUTER }],
  ])("RFC826: updates a known neighbour from %s", (_, fields) => {
    stack.know(LAPTOP, 0x99);
    receive({ ...fields, senderMac: "02:00:00:00:00:77" });
    expect(stack.neighbours.entries()).toMatchObject([{ mac: 0x020000000077 }]);
  });

  it("RFC5227 §2.5: answers a probe for our address, and learns nothing from it", () => {
    expect(receive({ senderAddress: 0 })).toBe("ok");
    expectFrame(stack.lanPort.sent[0]).ethernet({ destination: HOST_MAC }).arp({
      operation: "reply",
      senderAddress: ROUTER,
      targetMac: HOST_MAC,
      targetAddress: "0.0.0.0",
    });
    expect(stack.neighbours.entries()).toEqual([]);
    expect(stack.lan.conflicts).toBe(0);
  });

  it("leaves a probe for another address alone, and a reply without a sender address", () => {
    expect(receive({ senderAddress: 0, targetAddress: "192.168.1.20" })).toBe("ok");
    expect(receive({ senderAddress: 0, operation: "reply", targetAddress: ROUTER })).toBe("ok");
    expect(stack.lanPort.sent).toEqual([]);
  });

  it("RFC5227 §2.4: defends our address with an announcement, at most once in 10 seconds", () => {
    const thief: ArpFields = { senderAddress: ROUTER, senderMac: "02:00:00:00:00:66", targetAddress: ROUTER };
    for (let second = 0; second <= 20; second++) {
      expect(receive(thief)).toBe("arpConflict");
      stack.clock.now += 1000;
    }
    expect(stack.lan.conflicts).toBe(21);
    expect(stack.lan.conflictMac).toBe(0x020000000066);
    expect(DEFEND_INTERVAL_MS).toBe(10_000);
    expect(stack.lanPort.sent).toHaveLength(3);
    expectFrame(stack.lanPort.sent[0]).ethernet({ destination: BROADCAST }).arp({
      operation: "request",
      senderMac: LAN_MAC,
      senderAddress: ROUTER,
      targetAddress: ROUTER,
    });
    expect(stack.neighbours.entries()).toEqual([]);
  });

  it("RFC5227 §2.4: notices a conflict in a reply and in a request for another host", () => {
    expect(receive({ operation: "reply", senderAddress: ROUTER, targetAddress: LAPTOP })).toBe("arpConflict");
    expect(receive({ senderAddress: ROUTER, targetAddress: LAPTOP })).toBe("arpConflict");
    expect(stack.lan.conflicts).toBe(2);
  });

  it.each<[string, ArpFields]>([
    ["a sender outside the link's prefix", { senderAddress: "10.0.0.1" }],
    ["a broadcast sender address", { senderAddress: "192.168.1.255" }],
    ["a multicast sender address", { senderAddress: "224.0.0.1" }],
    ["a loopback sender address", { senderAddress: "127.0.0.1" }],
    ["a broadcast station as sender", { senderMac: BROADCAST }],
    ["a multicast station as sender", { senderMac: "01:00:5e:00:00:01" }],
    ["our own station as sender", { senderMac: LAN_MAC }],
  ])("refuses %s", (_, fields) => {
    expect(receive(fields)).toBe("arpMalformed");
    expect(stack.neighbours.entries()).toEqual([]);
    expect(stack.lanPort.sent).toEqual([]);
  });

  it("refuses a packet cut off", () => {
    expect(receive({}, 1)).toBe("arpMalformed");
  });

  it("says nothing while the interface has no address", () => {
    stack.lan.setAddress(0, 0);
    expect(receive({ targetAddress: 0 })).toBe("interfaceDown");
    expect(stack.lanPort.sent).toEqual([]);
  });

  it("counts an answer that a full port does not take", () => {
    stack.lanPort.room = 0;
    expect(receive({})).toBe("ok");
    expect(stack.dropped()).toEqual({ portFull: 1 });
  });
});
