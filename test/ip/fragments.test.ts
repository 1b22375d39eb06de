import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeIpv4, expectFrame } from "../support/expectFrame.js";
import { type Ipv4Fields, ipv4Frame, loadFrame, patternBytes } from "../support/frames.js";
import { ip, StackFixture } from "../support/stackFixture.js";

let stack: StackFixture;

beforeEach(() => {
  stack = new StackFixture();
  stack.know("203.0.113.1", 0x0b);
});

/** Sends a packet by the WAN with this MTU; returns the packets that came out, from the IPv4 header on. */
function emit(mtuBytes: number, fields: Ipv4Fields): Uint8Array[] {
  stack.wan.mtuBytes = mtuBytes;
  const bytes = ipv4Frame(fields);
  expect(stack.output.emit(stack.wan, loadFrame(bytes), bytes.length - 14)).toBe("ok");
  const frames = stack.wanPort.take();
  for (const frame of frames) expectFrame(frame).ipv4();
  return frames.map((frame) => frame.subarray(14));
}

function payloadOf(packet: Uint8Array): Uint8Array {
  return packet.subarray(decodeIpv4(packet).headerBytes);
}

describe("fragmentation", () => {
  it("RFC1812 §4.2.2.7: cuts into the fewest fragments and sends them in order", () => {
    const payload = patternBytes(3008);
    const packets = emit(1400, { payload, identification: 99, ttl: 7, tos: 0xb8 });
    expect(packets.map(decodeIpv4)).toMatchObject([
      { fragmentOffset: 0, totalBytes: 1396, moreFragments: true, identification: 99, ttl: 7, tos: 0xb8 },
      { fragmentOffset: 1376, totalBytes: 1396, moreFragments: true, identification: 99, ttl: 7, tos: 0xb8 },
      { fragmentOffset: 2752, totalBytes: 276, moreFragments: false, identification: 99, ttl: 7, tos: 0xb8 },
    ]);
    expect(packets.flatMap((packet) => [...payloadOf(packet)])).toEqual([...payload]);
  });

  it("RFC1812 §4.2.2.7: lets the last fragment fill an MTU that is no multiple of 8", () => {
    expect(emit(1401, { payload: patternBytes(1376 + 1381) })).toHaveLength(2);
    expect(emit(1401, { payload: patternBytes(1376 + 1382) })).toHaveLength(3);
  });

  it("leaves a packet of exactly the MTU whole", () => {
    expect(emit(576, { payload: patternBytes(556) }).map(decodeIpv4)).toMatchObject([
      { moreFragments: false, fragmentOffset: 0, totalBytes: 576 },
    ]);
  });

  it("RFC6864 §4.3b: refuses to cut a packet with DF", () => {
    stack.wan.mtuBytes = 100;
    const bytes = ipv4Frame({ payload: patternBytes(81), dontFragment: true });
    expect(stack.output.emit(stack.wan, loadFrame(bytes), bytes.length - 14)).toBe("ipTooBig");
    expect(stack.wanPort.sent).toEqual([]);
  });

  it("is the identity when put together again, for any MTU and size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 68, max: 1500 }), fc.nat(4000), fc.nat(10), (mtu, size, optionWords) => {
        const payload = patternBytes(size);
        const packets = emit(mtu, { payload, options: new Array<number>(4 * optionWords).fill(1) });
        const headerBytes = 20 + 4 * optionWords;
        expect(packets.flatMap((packet) => [...payloadOf(packet)])).toEqual([...payload]);
        let offset = 0;
        for (const packet of packets) {
          expect(packet.length).toBeLessThanOrEqual(mtu);
          expect(decodeIpv4(packet)).toMatchObject({ fragmentOffset: offset, headerBytes });
          offset += packet.length - headerBytes;
        }
        expect(packets.map((packet) => decodeIpv4(packet).moreFragments)).toEqual(
          packets.map((_, i) => i < packets.length - 1),
        );
        const chunk = (mtu - headerBytes) & ~7;
        const fewest = 1 + Math.max(0, Math.ceil((size - (mtu - headerBytes)) / chunk));
        expect(packets).toHaveLength(fewest);
      }),
    );
  });

  it("RFC791 §3.2: keeps the place of a fragment in the whole when it is cut again, and its MF", () => {
    const packets = emit(68, { payload: patternBytes(96), fragmentOffset: 1480, moreFragments: true });
    expect(packets.map(decodeIpv4)).toMatchObject([
      { fragmentOffset: 1480, moreFragments: true },
      { fragmentOffset: 1528, moreFragments: true },
    ]);
    expect(emit(68, { payload: patternBytes(96), fragmentOffset: 1480 }).map(decodeIpv4)).toMatchObject([
      { fragmentOffset: 1480, moreFragments: true },
      { fragmentOffset: 1528, moreFragments: false },
    ]);
  });

  it("RFC1812 §4.2.2.3: passes the reserved flag on in every fragment", () => {
    const packets = emit(68, { payload: patternBytes(96), reservedFlag: true });
    expect(packets.map((packet) => (packet[6] as number) >> 7)).toEqual([1, 1]);
  });

  it("RFC791 §3.1: carries only options with the copied bit beyond the first fragment", () => {
    const routerAlert = [148, 4, 0, 0];
    const recordRoute = [7, 7, 4, 0, 0, 0, 0];
    const options = [1, ...recordRoute, ...routerAlert, 0, 0, 0, 0];
    const [first, second] = emit(100, { options, payload: patternBytes(100) });
    expect([...(first as Uint8Array).subarray(20, 36)]).toEqual(options);
    expect([...(second as Uint8Array).subarray(20, 36)]).toEqual([
      ...new Array<number>(8).fill(1),
      ...routerAlert,
      ...[0, 0, 0, 0],
    ]);
  });

  it("ends at the first fragment that is not sent", () => {
    stack.wan.mtuBytes = 100;
    stack.wanPort.room = 2;
    const bytes = ipv4Frame({ payload: patternBytes(800) });
    expect(stack.output.emit(stack.wan, loadFrame(bytes), bytes.length - 14)).toBe("portFull");
    expect(stack.wanPort.sent).toHaveLength(2);
    expect(stack.wan.txRefused).toBe(1);
  });

  it("sends the largest datagram of the capacity", () => {
    stack.output.frame.bytes.set(patternBytes(4332), 36);
    expect(stack.output.send(stack.wan.address, ip("198.51.100.80"), 254, stack.output.maxPayloadBytes, false)).toBe(
      "ok",
    );
    const packets = stack.wanPort.sent.map((frame) => frame.subarray(14));
    expect(packets.flatMap((packet) => [...payloadOf(packet)])).toEqual([...patternBytes(4332)]);
  });
});
