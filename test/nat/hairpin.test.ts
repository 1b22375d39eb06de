import { describe, expect, it } from "vitest";
import { LAN, WAN } from "../../src/flow/table.js";
import type { Packet } from "../../src/wire/packet.js";
import { TCP_ACK, TCP_SYN } from "../../src/wire/tcp.js";
import { type Bench, makeBench, WAN_ADDRESS } from "./support/bench.js";
import { at, bytesOf, destination, expectSound, icmp, source, tcp, udp } from "./support/packets.js";

const L1 = at("192.168.1.10:5000");
const L2 = at("192.168.1.50:6000");
const W1 = at("198.51.100.1:80");

/** A packet from the inside to our external address goes through the NAT twice. */
function around(bench: Bench, packet: Packet): Packet {
  const turned = bench.in(bench.out(packet));
  expectSound(turned);
  return turned;
}

describe("a hairpin", () => {
  it("RFC4787 REQ-9, 9a: reaches a mapping, and shows the sender's external endpoint", () => {
    const bench = makeBench();
    const external1 = source(bench.out(udp(L1, W1)));
    const external2 = source(bench.out(udp(L2, W1)));
    const there = around(bench, udp(L1, external2));
    expect(source(there)).toEqual(external1);
    expect(destination(there)).toEqual(L2);
    const back = around(bench, udp(L2, external1));
    expect(source(back)).toEqual(external2);
    expect(destination(back)).toEqual(L1);
  });

  it("RFC5382 REQ-8: opens a TCP connection to a forward", () => {
    const bench = makeBench();
    const ports = { first: 443, last: 443 };
    bench.nat.forwards.add({ protocol: "tcp", ports, insideAddress: L2.address, insidePort: L2.port });
    const published = { address: WAN_ADDRESS, port: 443 };
    const syn = around(bench, tcp(L1, published, TCP_SYN, { sequence: 10 }));
    expect(destination(syn)).toEqual(L2);
    const external1 = source(syn);
    expect(external1.address).toBe(WAN_ADDRESS);
    const answer = around(bench, tcp(L2, external1, TCP_SYN | TCP_ACK, { sequence: 20, acknowledgement: 11 }));
    expect(source(answer)).toEqual(published);
    expect(destination(answer)).toEqual(L1);
    around(bench, tcp(L1, published, TCP_ACK, { sequence: 11, acknowledgement: 21 }));
    expect(bench.nat.sessions().map((session) => session.state)).toEqual(["ESTABLISHED", "ESTABLISHED"]);
  });

  it("is never carried by the flow cache", () => {
    const bench = makeBench();
    bench.nat.flows.setNeighbour(0, 1, 2);
    const external2 = source(bench.out(udp(L2, W1)));
    bench.out(udp(L1, external2));
    for (const side of [LAN, WAN]) bench.nat.setNextHop(side, 0);
    around(bench, udp(L1, external2));
    for (const side of [LAN, WAN]) bench.nat.setNextHop(side, 0);
    expect(bench.nat.sessions().some((session) => session.isCarried)).toBe(false);
  });

  it("RFC5508 REQ-7, 7a: carries an ICMP error back, quoting what the sender sent", () => {
    const bench = makeBench();
    const ports = { first: 7000, last: 7000 };
    bench.nat.forwards.add({ protocol: "udp", ports, insideAddress: L2.address, insidePort: L2.port });
    const question = udp(L1, { address: WAN_ADDRESS, port: 7000 });
    const sent = bytesOf(question);
    const delivered = around(bench, question);
    const error = around(bench, icmp(L2.address, delivered.source, 3, 3, 0, bytesOf(delivered)));
    expect(error.source).toBe(WAN_ADDRESS);
    expect(error.destination).toBe(L1.address);
    expect(bytesOf(error).slice(28)).toEqual(sent);
  });

  it("to a port that nobody owns is dropped", () => {
    const bench = makeBench();
    expect(bench.nat.inbound(bench.out(udp(L1, { address: WAN_ADDRESS, port: 9 })))).toBe("wanUnsolicited");
  });
});
