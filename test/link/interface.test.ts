import { describe, expect, it } from "vitest";
import { Interface } from "../../src/link/interface.js";
import { expectFrame } from "../support/expectFrame.js";
import { FakePort } from "../support/fakePort.js";
import { loadFrame, udpFrame } from "../support/frames.js";
import { ip } from "../support/stackFixture.js";

function makeInterface(address: string, prefixLength: number, port = new FakePort()): Interface {
  const one = new Interface(0, "lan", 1, port);
  one.setAddress(ip(address), prefixLength);
  return one;
}

describe("Interface", () => {
  it("is on-link with exactly the addresses of its prefix", () => {
    const one = makeInterface("192.168.1.130", 25);
    expect(one.isOnLink(ip("192.168.1.128"))).toBe(true);
    expect(one.isOnLink(ip("192.168.1.127"))).toBe(false);
  });

  it("is on-link with nothing while it has no address", () => {
    const one = makeInterface("0.0.0.0", 0);
    expect(one.isOnLink(ip("10.0.0.1"))).toBe(false);
    expect(one.isOnLink(0)).toBe(false);
    expect(one.nextHop(ip("10.0.0.1"))).toBe(0);
  });

  it("RFC1812 §4.2.3.1: takes all ones and all zeros of its prefix as broadcasts, and 255.255.255.255", () => {
    const one = makeInterface("10.1.2.3", 16);
    for (const broadcast of ["10.1.255.255", "10.1.0.0", "255.255.255.255"]) {
      expect(one.isBroadcast(ip(broadcast)), broadcast).toBe(true);
    }
    for (const other of ["10.1.2.255", "10.1.2.0", "10.2.255.255", "10.1.2.3"]) {
      expect(one.isBroadcast(ip(other)), other).toBe(false);
    }
  });

  it("RFC3021: has no directed broadcast with a /31", () => {
    const one = makeInterface("10.0.0.0", 31);
    expect(one.isBroadcast(ip("10.0.0.0"))).toBe(false);
    expect(one.isBroadcast(ip("10.0.0.1"))).toBe(false);
    expect(one.isBroadcast(-1)).toBe(true);
    expect(one.nextHop(ip("10.0.0.1"))).toBe(ip("10.0.0.1"));
  });

  it("sends to on-link stations, groups and broadcasts themselves, and to the gateway for the rest", () => {
    const one = makeInterface("192.168.1.1", 24);
    one.gateway = ip("192.168.1.254");
    for (const direct of ["192.168.1.10", "192.168.1.255", "255.255.255.255", "224.0.0.251"]) {
      expect(one.nextHop(ip(direct)), direct).toBe(ip(direct));
    }
    expect(one.nextHop(ip("198.51.100.1"))).toBe(one.gateway);
  });

  it("counts what the port takes and what it refuses", () => {
    const port = new FakePort();
    const one = makeInterface("192.168.1.1", 24, port);
    port.room = 1;
    const bytes = udpFrame();
    expect(one.transmit(loadFrame(bytes), bytes.length)).toBe(true);
    expect(one.transmit(loadFrame(bytes), bytes.length)).toBe(false);
    expect([one.txFrames, one.txBytes, one.txRefused]).toEqual([1, bytes.length, 1]);
    expectFrame(port.sent[0]).ipv4().udp().payload("hello");
  });

  it("RFC6864 §4.3: repeats no identification before 32,768 datagrams, and leaves the others to the driver", () => {
    const one = makeInterface("192.168.1.130", 25);
    const seen = Array.from({ length: 40_000 }, () => one.nextIdentification());
    expect(new Set(seen.slice(0, 32_768)).size).toBe(32_768);
    expect(seen.slice(32_768)).toEqual(seen.slice(0, 40_000 - 32_768));
    expect(seen.every((identification) => (identification >> 8) & 1)).toBe(true);
  });
});
