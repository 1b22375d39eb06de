import { describe, expect, it } from "vitest";
import { NEVER } from "../../src/core/clock.js";
import { ETHERNET_HEADER_BYTES, Frame, NETWORK_AT } from "../../src/core/frame.js";
import { ClosedPorts, REMEMBERED_SYNS } from "../../src/firewall/closedPorts.js";
import { Packet } from "../../src/wire/packet.js";
import { loadFrame, type TcpFields, tcpFrame } from "../support/frames.js";

function syn(fields: TcpFields): { packet: Packet; bytes: number[] } {
  const bytes = tcpFrame({ flags: "SYN", ...fields });
  const packet = new Packet(new Frame(1514));
  expect(packet.take(loadFrame(bytes), bytes.length - ETHERNET_HEADER_BYTES, 1, false)).toBe("ok");
  return { packet, bytes: [...bytes.subarray(ETHERNET_HEADER_BYTES)] };
}

const quoted = (packet: Packet | undefined) =>
  packet === undefined ? undefined : [...packet.frame.bytes.subarray(NETWORK_AT, NETWORK_AT + packet.totalBytes)];

describe("SYNs to closed ports", () => {
  it("are due after 6 s, each with its IP header and 8 bytes", () => {
    const closed = new ClosedPorts();
    const first = syn({ destinationPort: 4000 });
    const second = syn({ destinationPort: 4001, options: [7, 7, 4, 0, 0, 0, 0, 0, 1] });
    expect(closed.nextDeadline()).toBe(NEVER);
    closed.remember(first.packet, 1000);
    closed.remember(second.packet, 2000);
    expect(closed.nextDeadline()).toBe(7000);
    expect(closed.take(6999, 1)).toBeUndefined();
    const told = closed.take(7000, 1);
    expect(told).toMatchObject({ interfaceIndex: 1, sourcePort: 40000, destinationPort: 4000, totalBytes: 28 });
    expect(quoted(told)).toEqual(first.bytes.slice(0, 28));
    expect(closed.take(7000, 1)).toBeUndefined();
    expect(closed.nextDeadline()).toBe(8000);
    const withOptions = second.bytes.slice(0, ((second.bytes[0] as number) & 15) * 4 + 8);
    expect(quoted(closed.take(9000, 1))).toEqual(withOptions);
    expect(closed.nextDeadline()).toBe(NEVER);
  });

  it("that are sent again neither wait again nor take another place", () => {
    const closed = new ClosedPorts();
    for (const nowMs of [0, 1000, 3000]) closed.remember(syn({ destinationPort: 4000 }).packet, nowMs);
    expect(closed.count).toBe(1);
    expect(closed.nextDeadline()).toBe(6000);
  });

  it("are a few at a time: of a scan the last ones", () => {
    const closed = new ClosedPorts();
    for (let i = 0; i < 3 * REMEMBERED_SYNS + 3; i++) closed.remember(syn({ destinationPort: 4000 + i }).packet, i);
    expect([closed.count, closed.forgotten]).toEqual([REMEMBERED_SYNS, 2 * REMEMBERED_SYNS + 3]);
    for (let i = 0; i < REMEMBERED_SYNS; i++) {
      expect(closed.take(10_000, 1)).toMatchObject({ destinationPort: 4000 + 2 * REMEMBERED_SYNS + 3 + i });
    }
    expect(closed.take(10_000, 1)).toBeUndefined();
    expect(closed.nextDeadline()).toBe(NEVER);
  });
});
