import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { NAT_PORTS, PortSpace, SOCKET_PORTS } from "../../src/transport/portSpace.js";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../src/wire/ipv4.js";

const SEEDS = Array.from({ length: 128 }, (_, index) => index + 1);

function portSpace(seed: number, claims = 64, ranges = 4): PortSpace {
  return new PortSpace(new SeededRandom(seed), claims, ranges);
}

describe("claims", () => {
  it("give a port to one owner of one protocol, until it is released", () => {
    const ports = portSpace(1);
    expect(ports.claim(PROTOCOL_TCP, 80, "listener", 7)).toBe(true);
    expect(ports.claim(PROTOCOL_TCP, 80, "mapping", 8)).toBe(false);
    expect(ports.claim(PROTOCOL_UDP, 80, "mapping", 16_383)).toBe(true);
    expect([ports.ownerKind(PROTOCOL_TCP, 80), ports.ownerId(PROTOCOL_TCP, 80)]).toEqual(["listener", 7]);
    expect([ports.ownerKind(PROTOCOL_UDP, 80), ports.ownerId(PROTOCOL_UDP, 80)]).toEqual(["mapping", 16_383]);
    ports.release(PROTOCOL_TCP, 80);
    ports.release(PROTOCOL_TCP, 80);
    expect([ports.isFree(PROTOCOL_TCP, 80), ports.ownerId(PROTOCOL_TCP, 80), ports.count]).toEqual([true, -1, 1]);
  });

  it("stop when the registry is full, and go on after a release", () => {
    const ports = portSpace(1, 2);
    expect([1, 2, 3].map((port) => ports.claim(PROTOCOL_TCP, port, "socket", 0))).toEqual([true, true, false]);
    expect(ports.allocate(PROTOCOL_TCP, SOCKET_PORTS, "socket", 0)).toBe(0);
    ports.release(PROTOCOL_TCP, 1);
    expect(ports.claim(PROTOCOL_TCP, 3, "socket", 0)).toBe(true);
  });

  it("of ranges and of single ports exclude each other", () => {
    const ports = portSpace(1);
    expect(ports.claimRange(PROTOCOL_TCP, { first: 100, last: 110 }, "forward", 3)).toBe(true);
    expect(ports.claim(PROTOCOL_TCP, 110, "socket", 0)).toBe(false);
    expect(ports.claim(PROTOCOL_TCP, 111, "socket", 0)).toBe(true);
    expect([ports.ownerKind(PROTOCOL_TCP, 105), ports.ownerId(PROTOCOL_TCP, 105)]).toEqual(["forward", 3]);
    expect(ports.claimRange(PROTOCOL_TCP, { first: 111, last: 120 }, "forward", 4)).toBe(false);
    expect(ports.firstOwned(PROTOCOL_TCP, { first: 90, last: 120 })).toBe(100);
    ports.releaseRange(PROTOCOL_TCP, { first: 100, last: 110 });
    expect(ports.firstOwned(PROTOCOL_TCP, { first: 90, last: 120 })).toBe(111);
  });

  it("survive any order of claims and releases", () => {
    for (const seed of SEEDS) {
      const random = new SeededRandom(seed);
      const ports = portSpace(seed, 32);
      const model = new Map<number, number>();
      for (let step = 0; step < 500; step++) {
        // Few and neighbouring ports, so that hash chains run into each other.
        const port = 1 + (random.next32() & 63);
        const id = random.next32() & 0x3fff;
        if ((random.next32() & 1) === 0) {
          const expected = !model.has(port) && model.size < 32;
          expect(ports.claim(PROTOCOL_UDP, port, "mapping", id), `seed ${seed}`).toBe(expected);
          if (expected) model.set(port, id);
        } else {
          ports.release(PROTOCOL_UDP, port);
          model.delete(port);
        }
      }
      expect(ports.count).toBe(model.size);
      for (let port = 1; port <= 64; port++) {
        expect(ports.ownerId(PROTOCOL_UDP, port), `seed ${seed}`).toBe(model.get(port) ?? -1);
      }
    }
  });
});

describe("allocation", () => {
  it("RFC6056 3.3.2 gives free ports of the range, to its very ends, and fails only when none is left", () => {
    const range = { first: 65_520, last: 65_535 };
    for (const seed of SEEDS) {
      const ports = portSpace(seed);
      ports.claim(PROTOCOL_TCP, 65_525, "listener", 0);
      const given = new Set<number>();
      for (let i = 0; i < 15; i++) given.add(ports.allocate(PROTOCOL_TCP, range, "socket", i));
      expect(given.size, `seed ${seed}`).toBe(15);
      expect([Math.min(...given), Math.max(...given), given.has(65_525)]).toEqual([65_520, 65_535, false]);
      expect(ports.allocate(PROTOCOL_TCP, range, "socket", 0)).toBe(0);
      ports.release(PROTOCOL_TCP, 65_535);
      expect(ports.allocate(PROTOCOL_TCP, range, "socket", 0)).toBe(65_535);
    }
  });

  it("finds the one free port of a large range", () => {
    const range = { first: 2000, last: 2999 };
    for (const seed of SEEDS.slice(0, 16)) {
      const ports = portSpace(seed, 2000);
      const free = 2000 + ((seed * 61) % 1000);
      for (let port = 2000; port <= 2999; port++) if (port !== free) ports.claim(PROTOCOL_UDP, port, "mapping", 0);
      expect(ports.allocate(PROTOCOL_UDP, range, "mapping", 0), `seed ${seed}`).toBe(free);
    }
  });

  it("RFC4787 REQ-4 keeps the parity while a port of it is free, and gives the other one then", () => {
    for (const seed of SEEDS) {
      for (const inside of [5000, 5001]) {
        const ports = portSpace(seed);
        const range = { first: 1024 + (seed & 1), last: 1033 };
        const size = range.last - range.first + 1;
        const given: number[] = [];
        for (let i = 0; i < size; i++) given.push(ports.allocate(PROTOCOL_UDP, range, "mapping", i, inside));
        const matching = given.filter((port) => (port & 1) === (inside & 1)).length;
        expect(
          given.slice(0, matching).every((port) => (port & 1) === (inside & 1)),
          `seed ${seed}`,
        ).toBe(true);
        expect(new Set(given).size, `seed ${seed}`).toBe(size);
        expect(ports.allocate(PROTOCOL_UDP, range, "mapping", 0, inside)).toBe(0);
      }
    }
  });

  it("RFC6056 3.2 spreads evenly over the range", () => {
    const ports = portSpace(7);
    const buckets = new Array<number>(16).fill(0);
    const draws = 16_000;
    for (let i = 0; i < draws; i++) {
      const port = ports.allocate(PROTOCOL_TCP, NAT_PORTS, "mapping", 0);
      ports.release(PROTOCOL_TCP, port);
      const bucket = Math.floor(((port - NAT_PORTS.first) * 16) / (NAT_PORTS.last - NAT_PORTS.first + 1));
      buckets[bucket] = (buckets[bucket] as number) + 1;
    }
    const chiSquared = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // The 99.9 % quantile for 15 degrees of freedom.
    expect(chiSquared).toBeLessThan(37.7);
  });

  it("keeps the ranges of sockets and NAT apart", () => {
    expect(NAT_PORTS.last).toBeLessThan(SOCKET_PORTS.first);
  });
});
