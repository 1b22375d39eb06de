import { beforeEach, describe, expect, it } from "vitest";
import { NEIGHBOUR_FRESH_MS } from "../../src/link/neighbours.js";
import { expectFrame } from "../support/expectFrame.js";
import { BROADCAST, loadFrame, udpFrame } from "../support/frames.js";
import { ip, StackFixture } from "../support/stackFixture.js";

const LAPTOP = "192.168.1.10";
const LAPTOP_MAC = 0x020000000010;

let stack: StackFixture;
let events: string[];

function send(): void {
  const bytes = udpFrame({ destination: LAPTOP });
  expect(stack.neighbours.send(stack.lan, ip(LAPTOP), loadFrame(bytes), bytes.length)).toBe("ok");
}

function state(): string | undefined {
  return stack.neighbours.entries()[0]?.state;
}

/** Polls whenever the table asks for it, until `ms` have passed. */
function runFor(ms: number): void {
  const end = stack.clock.now + ms;
  for (let rounds = 0; stack.neighbours.nextDeadline() <= end; rounds++) {
    if (rounds > 1000) throw new Error("The table asks to be polled without end.");
    stack.advance(stack.neighbours.nextDeadline() - stack.clock.now);
  }
  stack.advance(end - stack.clock.now);
}

// The second start is past 2^31 ms, 24.9 days.
describe.each([0, 60 * 86_400_000])("a neighbour known since %i ms", (startMs) => {
  beforeEach(() => {
    stack = new StackFixture();
    stack.clock.now = startMs;
    events = [];
    stack.neighbours.listener = {
      neighbourKnown: (index, mac, out) => events.push(`known ${index} ${mac.toString(16)} ${out.name}`),
      neighbourLost: (index) => events.push(`lost ${index}`),
    };
    stack.know(LAPTOP, LAPTOP_MAC);
  });

  it("is fresh for a minute, then stale, and forgotten a minute later when nobody uses it", () => {
    expect(stack.neighbours.nextDeadline()).toBe(startMs + NEIGHBOUR_FRESH_MS);
    runFor(NEIGHBOUR_FRESH_MS - 1);
    expect(state()).toBe("fresh");
    runFor(1);
    expect(state()).toBe("stale");
    runFor(NEIGHBOUR_FRESH_MS - 1);
    expect(state()).toBe("stale");
    runFor(1);
    expect(state()).toBeUndefined();
    expect(events).toEqual(["known 0 20000000010 lan", "lost 0", "lost 0"]);
    expect(stack.lanPort.sent).toEqual([]);
  });

  it("RFC1122 §2.3.2.1: is used while stale, and asked by unicast whether it is still there", () => {
    runFor(NEIGHBOUR_FRESH_MS);
    send();
    const [request, packet] = stack.lanPort.take();
    expectFrame(request).ethernet({ destination: LAPTOP_MAC }).arp({ operation: "request", targetAddress: LAPTOP });
    expectFrame(packet).ethernet({ destination: LAPTOP_MAC }).ipv4();
    stack.neighbours.learn(stack.lan, ip(LAPTOP), LAPTOP_MAC, false);
    expect(state()).toBe("fresh");
    expect(events.slice(1)).toEqual(["lost 0", "known 0 20000000010 lan"]);
    runFor(NEIGHBOUR_FRESH_MS - 1);
    expect(stack.lanPort.sent).toEqual([]);
  });

  it("ages when it is used late, even if no poll came between", () => {
    stack.clock.now += NEIGHBOUR_FRESH_MS;
    send();
    expect(state()).toBe("stale");
    expect(events.slice(1)).toEqual(["lost 0"]);
    expect(stack.lanPort.sent).toHaveLength(2);
  });

  it("is forgotten after three unanswered questions, one a second, and then asked for by broadcast", () => {
    runFor(NEIGHBOUR_FRESH_MS);
    for (let i = 0; i < 30; i++) {
      send();
      runFor(100);
    }
    const requests = stack.lanPort.take().filter((frame) => frame[13] === 6);
    expect(requests).toHaveLength(3);
    expect(state()).toBeUndefined();
    expect(stack.dropped()).toEqual({});
    send();
    expect(stack.lanPort.sent).toHaveLength(1);
    expectFrame(stack.lanPort.sent[0]).ethernet({ destination: BROADCAST }).arp();
    expect(state()).toBe("incomplete");
  });

  it("takes a new station address from whoever shows it, and tells the listener", () => {
    stack.neighbours.learn(stack.lan, ip(LAPTOP), 0x99, false);
    expect(events).toEqual(["known 0 20000000010 lan", "known 0 99 lan"]);
    send();
    expectFrame(stack.lanPort.sent[0]).ethernet({ destination: 0x99 });
  });
});
