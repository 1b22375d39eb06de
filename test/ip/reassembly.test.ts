import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Clock, NEVER } from "../../src/core/clock.js";
import { Drops, type Verdict } from "../../src/core/drops.js";
import { Frame, NETWORK_AT } from "../../src/core/frame.js";
import { REASSEMBLY_TIMEOUT_MS, Reassembly, UNDISTURBED_MS } from "../../src/ip/reassembly.js";
import { Packet } from "../../src/wire/packet.js";
import { expectPacket } from "../support/expectFrame.js";
import {
  fragmentsOf,
  type Ipv4Fields,
  icmpFrame,
  ipv4Frame,
  loadFrame,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "../support/frames.js";

const DATAGRAM_BYTES = 4352;

let clock: Clock;
let drops: Drops;
let reassembly: Reassembly;

function add(bytes: Uint8Array | undefined, interfaceIndex = 0): Verdict {
  const packet = new Packet(new Frame());
  packet.read(loadFrame(bytes as Uint8Array), interfaceIndex, false);
  return reassembly.add(packet);
}

/** A fragment of a datagram of protocol 254. */
function piece(fragmentOffset: number, bytes: number, moreFragments: boolean, fields: Ipv4Fields = {}): Uint8Array {
  return ipv4Frame({ fragmentOffset, moreFragments, payload: patternBytes(bytes), ...fields });
}

/** The datagram put together, from its IPv4 header on. */
function whole(): Uint8Array | undefined {
  const frame = reassembly.whole;
  return frame?.bytes.slice(NETWORK_AT, NETWORK_AT + frame.view.getUint16(NETWORK_AT + 2));
}

beforeEach(() => {
  clock = new Clock();
  drops = new Drops();
  reassembly = new Reassembly(clock, drops, 2, DATAGRAM_BYTES);
});

describe("putting together", () => {
  it("RFC815: gives back the datagram for fragments in any order, with duplicates", () => {
    const shuffled = fc
      .tuple(fc.integer({ min: 17, max: 4300 }), fc.integer({ min: 3, max: 180 }))
      .chain(([size, units]) => {
        const payload = patternBytes(size);
        const fragments = fragmentsOf(udpFrame({ payload }), 8 * units);
        return fc.record({
          payload: fc.constant(payload),
          fragments: fc.shuffledSubarray(fragments, { minLength: fragments.length }),
        });
      });
    fc.assert(
      fc.property(shuffled, ({ payload, fragments }) => {
        if (fragments.length < 2) return;
        fragments.forEach((fragment, turn) => {
          const isLast = turn === fragments.length - 1;
          expect(add(fragment)).toBe("ok");
          expect(reassembly.whole !== undefined).toBe(isLast);
          if (!isLast) expect(add(fragment)).toBe("fragmentDuplicate");
        });
        expectPacket(whole()).udp().payload(payload);
      }),
    );
  });

  it("gives the whole one plain header, with tos and ttl of the first fragment", () => {
    const fields = { options: [148, 4, 0, 0], protocol: 254 };
    add(piece(16, 5, false, { ...fields, ttl: 9, tos: 1 }));
    add(piece(0, 16, true, { ...fields, ttl: 33, tos: 0xb8 }));
    expectPacket(whole()).ipv4({
      headerBytes: 20,
      ttl: 33,
      tos: 0xb8,
      totalBytes: 41,
      moreFragments: false,
      fragmentOffset: 0,
    });
  });

  it("RFC791 §3.2: keeps datagrams apart by source, destination, protocol and identification, and by interface", () => {
    const others: Ipv4Fields[] = [
      { source: "192.168.1.11" },
      { destination: "1.2.3.4" },
      { protocol: 253 },
      { identification: 1 },
    ];
    for (const other of others) {
      reassembly = new Reassembly(clock, drops, 2, DATAGRAM_BYTES);
      add(piece(0, 16, true));
      expect(add(piece(16, 8, false, other))).toBe("ok");
      expect(reassembly.whole).toBeUndefined();
      add(piece(16, 8, false));
      expect(reassembly.whole).toBeDefined();
    }
    add(piece(0, 16, true), 0);
    add(piece(16, 8, false), 1);
    expect(reassembly.whole).toBeUndefined();
  });

  it("takes the largest datagram of the capacity, and nothing beyond it", () => {
    const fragments = fragmentsOf(icmpFrame({ payload: patternBytes(DATAGRAM_BYTES - 28) }), 1480);
    for (const fragment of fragments) expect(add(fragment)).toBe("ok");
    expectPacket(whole()).ipv4({ totalBytes: DATAGRAM_BYTES }).icmp();
    expect(add(piece(4328, 5, false))).toBe("fragmentTooBig");
    expect(add(piece(65528, 100, false))).toBe("fragmentTooBig");
    expect(reassembly.nextDeadline()).toBe(NEVER);
  });
});

describe("impossible fragments", () => {
  it("give up the buffer of a datagram that turns out too large", () => {
    expect(add(piece(0, 4000, true))).toBe("ok");
    expect(add(piece(4000, 400, true))).toBe("fragmentTooBig");
    expect(reassembly.nextDeadline()).toBe(NEVER);
  });

  it.each([
    ["without data", piece(16, 0, true)],
    ["that leaves a hole between units of 8", piece(16, 12, true)],
  ])("refuses one %s", (_, bytes) => {
    expect(add(bytes)).toBe("fragmentMalformed");
    expect(reassembly.nextDeadline()).toBe(NEVER);
  });

  const end = piece(56, 4, false);
  it.each([
    ["overlaps the one before", [], piece(8, 16, true)],
    ["overlaps the one behind", [], piece(16, 24, true)],
    ["ends before data that are there", [], piece(16, 8, false)],
    ["goes beyond the end", [end], piece(64, 8, true)],
    ["moves the end", [end], piece(64, 4, false)],
    ["fills more than the end left open", [end], piece(56, 8, true)],
  ])("RFC1858: ends the datagram at a fragment that %s", (_, before, bad) => {
    for (const one of [piece(0, 16, true), piece(32, 16, true), ...before]) expect(add(one)).toBe("ok");
    expect(add(bad)).toBe("fragmentMalformed");
    expect(reassembly.nextDeadline()).toBe(NEVER);
  });

  it("does not count data behind the end for data that are missing", () => {
    expect(add(piece(1000, 504, true))).toBe("ok");
    expect(add(piece(504, 496, false))).toBe("fragmentMalformed");
    expect(reassembly.whole).toBeUndefined();
    expect(reassembly.nextDeadline()).toBe(NEVER);
  });

  it("hands up only datagrams without a hole, whatever comes in", () => {
    const fragment = fc.record({ at: fc.nat(12), units: fc.integer({ min: 1, max: 6 }), more: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), (fragments) => {
        reassembly = new Reassembly(clock, drops, 1, 200);
        const held = new Set<number>();
        for (const { at, units, more } of fragments) {
          const verdict = add(piece(8 * at, 8 * units, more));
          if (verdict === "ok") for (let unit = at; unit < at + units; unit++) held.add(unit);
          if (reassembly.whole !== undefined) {
            expectPacket(whole()).ipv4({ totalBytes: 20 + 8 * held.size });
            expect([...held].sort((a, b) => a - b)).toEqual([...held].map((_, i) => i));
          }
          if (reassembly.nextDeadline() === NEVER) held.clear();
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("RFC1858/3128: refuses a TCP header that is split, and a fragment that lies within one", () => {
    const [tiny, second] = fragmentsOf(tcpFrame({ payload: patternBytes(64) }), 16);
    expect(add(tiny)).toBe("fragmentMalformed");
    expect(add(second)).toBe("fragmentMalformed");
    expect(add(ipv4Frame({ protocol: 6, fragmentOffset: 8, payload: patternBytes(64) }))).toBe("fragmentMalformed");
    const [first, last] = fragmentsOf(tcpFrame({ payload: patternBytes(64) }), 48);
    expect(add(last)).toBe("ok");
    expect(add(first)).toBe("ok");
    expectPacket(whole()).ipv4().tcp({ flags: "SYN" }).payload(patternBytes(64));
  });
});

// The second start is past 2^31 ms.
describe.each([0, 60 * 86_400_000])("a datagram begun at %i ms", (startMs) => {
  let timedOut: { index: number; bytes: Uint8Array }[];

  beforeEach(() => {
    clock.now = startMs;
    timedOut = [];
    reassembly.onTimeout = (index, frame, totalBytes) =>
      timedOut.push({ index, bytes: frame.bytes.slice(NETWORK_AT, NETWORK_AT + totalBytes) });
  });

  it("RFC1122 §3.3.2: is given up after 60 seconds, however late its last fragment came", () => {
    add(piece(0, 16, true, { ttl: 12 }), 1);
    clock.now += REASSEMBLY_TIMEOUT_MS - 1;
    add(piece(64, 16, true), 1);
    reassembly.poll();
    expect(timedOut).toEqual([]);
    expect(reassembly.nextDeadline()).toBe(startMs + 60_000);
    clock.now += 1;
    reassembly.poll();
    expect(drops.counts.fragmentTimeout).toBe(1);
    expect(reassembly.nextDeadline()).toBe(NEVER);
    expect(timedOut).toHaveLength(1);
    expect(timedOut[0]?.index).toBe(1);
    // An ICMP error quotes it as it came in (RFC 1812 section 4.3.2.3).
    expect(timedOut[0]?.bytes).toEqual(piece(0, 16, true, { ttl: 12 }).subarray(14));
  });

  it("RFC1122 §3.3.2: is given up in silence when its first fragment never came", () => {
    add(piece(16, 16, false));
    clock.now += REASSEMBLY_TIMEOUT_MS;
    reassembly.poll();
    expect(drops.counts.fragmentTimeout).toBe(1);
    expect(timedOut).toEqual([]);
  });

  it("makes place for a newer one when all buffers are busy, the oldest first", () => {
    for (let identification = 1; identification <= 3; identification++) {
      clock.now++;
      expect(add(piece(0, 16, true, { identification }))).toBe("ok");
    }
    expect(drops.counts.fragmentTableFull).toBe(1);
    add(piece(16, 8, false, { identification: 2 }));
    expect(reassembly.whole).toBeDefined();
    add(piece(16, 8, false, { identification: 1 }));
    expect(reassembly.whole).toBeUndefined();
    expect(drops.counts.fragmentTableFull).toBe(1);
  });
});

describe("the only buffer", () => {
  beforeEach(() => {
    reassembly = new Reassembly(clock, drops, 1, DATAGRAM_BYTES);
  });

  /** Another first fragment each ms, until this many ms have passed. */
  function flood(ms: number, interfaceIndex: number, sourceOf: (i: number) => string): void {
    for (let i = 0; i < ms; i++) {
      clock.now++;
      add(piece(0, 16, true, { source: sourceOf(i), identification: 1000 + i }), interfaceIndex);
    }
  }

  it.each([
    ["another source", 0, () => "192.168.1.66"],
    ["many sources of the other link", 1, (i: number) => `198.51.100.${1 + (i % 200)}`],
  ])("comes back from %s after 20 ms, and is kept for as long", (_, link, sourceOf) => {
    flood(100, link, sourceOf);
    expect(add(piece(0, 16, true))).toBe("ok");
    flood(UNDISTURBED_MS - 1, link, sourceOf);
    expect(add(piece(16, 8, false))).toBe("ok");
    expect(reassembly.whole).toBeDefined();
    flood(UNDISTURBED_MS - 1, link, sourceOf);
    expect(add(piece(0, 16, true))).toBe("fragmentTableFull");
    flood(2, link, sourceOf);
    expect(add(piece(0, 16, true))).toBe("ok");
  });
});
