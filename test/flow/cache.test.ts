import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Frame, NETWORK_AT, TRANSPORT_AT } from "../../src/core/frame.js";
import { MISS } from "../../src/flow/cache.js";
import { LAN, WAN } from "../../src/flow/table.js";
import { writeEthernet } from "../../src/wire/ethernet.js";
import { writeIpChecksum } from "../../src/wire/ipv4.js";
import { Packet } from "../../src/wire/packet.js";
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from "../../src/wire/tcp.js";
import { type Bench, makeBench, WAN_ADDRESS } from "../nat/support/bench.js";
import { address, at, type Endpoint, frameBytes, source, tcp, udp } from "../nat/support/packets.js";
import { asTwin, type TwinForward } from "./native/asTwin.js";

const LAN_MAC = 0x02_00_00_00_01_01;
const WAN_MAC = 0xf2_00_00_00_01_02;
const HOST_MAC = 0x02_00_00_00_02_10;
const ROUTER_MAC = 0xfe_dc_ba_98_76_54;
const HOST_HOP = 3;
const ROUTER_HOP = 31;

/** The NAT with what the gateway does around it. */
class MiniGateway {
  readonly bench: Bench;
  readonly forward: TwinForward;

  constructor(seed = 1) {
    this.bench = makeBench({}, {}, seed);
    const { flows } = this.bench.nat;
    flows.setInterface(LAN, LAN_MAC, 1500);
    flows.setInterface(WAN, WAN_MAC, 1500);
    flows.setNeighbour(HOST_HOP, HOST_MAC, LAN_MAC);
    flows.setNeighbour(ROUTER_HOP, ROUTER_MAC, WAN_MAC);
    this.forward = asTwin(flows);
  }

  /** A frame as it arrives by `side`. */
  arrive(packet: Packet, side: number): Packet {
    if (side === LAN) writeEthernet(packet.frame, LAN_MAC, HOST_MAC, 0x0800);
    else writeEthernet(packet.frame, WAN_MAC, ROUTER_MAC, 0x0800);
    return packet;
  }

  /** The slow path: the NAT, the hop count and the Ethernet header. */
  slow(packet: Packet, side: number): Packet {
    const { nat } = this.bench;
    expect(side === LAN ? nat.outbound(packet) : nat.inbound(packet)).toBe("ok");
    const { view } = packet.frame;
    view.setUint8(NETWORK_AT + 8, view.getUint8(NETWORK_AT + 8) - 1);
    writeIpChecksum(view, NETWORK_AT, 20);
    if (side === LAN) writeEthernet(packet.frame, ROUTER_MAC, WAN_MAC, 0x0800);
    else writeEthernet(packet.frame, HOST_MAC, LAN_MAC, 0x0800);
    nat.setNextHop(side === LAN ? WAN : LAN, side === LAN ? ROUTER_HOP : HOST_HOP);
    return packet;
  }

  /** Opens a session both ways; the external endpoint. */
  open(inside: Endpoint, remote: Endpoint, isTcp: boolean): Endpoint {
    if (!isTcp) {
      const external = source(this.slow(this.arrive(udp(inside, remote), LAN), LAN));
      this.slow(this.arrive(udp(remote, external), WAN), WAN);
      return external;
    }
    const syn = tcp(inside, remote, TCP_SYN, { sequence: 100 });
    const external = source(this.slow(this.arrive(syn, LAN), LAN));
    const answer = tcp(remote, external, TCP_SYN | TCP_ACK, { sequence: 300, acknowledgement: 101 });
    this.slow(this.arrive(answer, WAN), WAN);
    this.slow(this.arrive(tcp(inside, remote, TCP_ACK, { sequence: 101, acknowledgement: 301 }), LAN), LAN);
    return external;
  }
}

function copy(packet: Packet): Packet {
  const frame = new Frame();
  frame.bytes.set(packet.frame.bytes);
  const twin = new Packet(frame);
  twin.read(frame, packet.interfaceIndex, false);
  return twin;
}

const bytes = (packet: Packet) => [...packet.frame.bytes.subarray(2, 2 + frameBytes(packet))];

const endpoints = (hosts: readonly string[]) =>
  fc.record({
    address: fc.constantFrom(...hosts.map(address)),
    port: fc.integer({ min: 1, max: 65535 }),
  });
const insides = endpoints(["192.168.1.10", "192.168.1.254", "10.255.255.254"]);
const remotes = endpoints(["198.51.100.1", "8.8.8.8", "223.255.255.254", "1.0.0.1"]);
const data = fc.array(fc.nat(255), { maxLength: 60 });

describe("the flow cache", () => {
  it("rewrites every packet of a random established flow exactly as the slow path does", () => {
    const property = fc.property(
      insides,
      remotes,
      fc.boolean(),
      fc.integer(),
      fc.array(
        fc.record({ isOutbound: fc.boolean(), data, ttl: fc.integer({ min: 2, max: 255 }), ack: fc.integer() }),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
      (inside, remote, isTcp, seed, packets) => {
        const gateway = new MiniGateway(seed);
        const external = gateway.open(inside, remote, isTcp);
        for (const { isOutbound, data: payload, ttl, ack } of packets) {
          const side = isOutbound ? LAN : WAN;
          const [from, to] = isOutbound ? [inside, remote] : [remote, external];
          const fields = { sequence: 5, acknowledgement: ack };
          const packet = isTcp ? tcp(from, to, TCP_ACK | TCP_PSH, fields, payload) : udp(from, to, payload);
          packet.frame.view.setUint8(NETWORK_AT + 8, ttl);
          writeIpChecksum(packet.frame.view, NETWORK_AT, 20);
          gateway.arrive(packet, side);
          const twin = copy(packet);
          expect(gateway.forward(packet.frame, frameBytes(packet), side)).toBe(isOutbound ? WAN : LAN);
          gateway.slow(twin, side);
          expect(bytes(packet)).toEqual(bytes(twin));
          if (isTcp) expect(gateway.bench.nat.flows.ack(0, side)).toBe(ack);
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("RFC768: sends a computed UDP checksum of 0 as 0xffff and leaves 0 alone, like the slow path", () => {
    const gateway = new MiniGateway();
    const inside = at("192.168.1.10:5000");
    const remote = at("198.51.100.1:53");
    gateway.open(inside, remote, false);
    const seen = new Set<number>();
    for (let filler = 0; filler < 65536; filler++) {
      const packet = gateway.arrive(udp(inside, remote, [filler >> 8, filler & 255]), LAN);
      if (filler === 7) packet.frame.view.setUint16(TRANSPORT_AT + 6, 0);
      gateway.forward(packet.frame, frameBytes(packet), LAN);
      const checksum = packet.frame.view.getUint16(TRANSPORT_AT + 6);
      if (checksum === 0 || checksum === 0xffff) seen.add(checksum);
      if (filler !== 7) expect(checksum).not.toBe(0);
    }
    expect(seen).toEqual(new Set([0, 0xffff]));
  });

  it("takes a short packet in a padded frame", () => {
    const gateway = new MiniGateway();
    const [inside, remote] = [at("192.168.1.10:5000"), at("198.51.100.1:53")];
    gateway.open(inside, remote, false);
    expect(gateway.forward(gateway.arrive(udp(inside, remote, [1]), LAN).frame, 60, LAN)).toBe(WAN);
  });

  it("keeps the session alive", () => {
    const gateway = new MiniGateway();
    const [inside, remote] = [at("192.168.1.10:5000"), at("198.51.100.1:53")];
    gateway.open(inside, remote, false);
    for (let round = 0; round < 3; round++) {
      gateway.bench.advance(299);
      const packet = gateway.arrive(udp(inside, remote), LAN);
      expect(gateway.forward(packet.frame, frameBytes(packet), LAN)).toBe(WAN);
    }
    gateway.bench.advance(301);
    expect(gateway.bench.nat.sessionCount).toBe(0);
  });

  describe("misses, and leaves untouched,", () => {
    const inside = at("192.168.1.10:5000");
    const remote = at("198.51.100.1:80");
    let gateway: MiniGateway;
    let external: Endpoint;
    let published: Endpoint;

    beforeEach(() => {
      gateway = new MiniGateway();
      external = gateway.open(inside, remote, true);
      published = gateway.open(inside, remote, false);
    });

    const segment = (flags = TCP_ACK) => gateway.arrive(tcp(inside, remote, flags, { sequence: 101 }, [1, 2]), LAN);
    const datagram = () => gateway.arrive(udp(inside, remote, [1, 2, 3, 4]), LAN);

    function change(packet: Packet, offset: number, value: number, isHeader = true): Packet {
      packet.frame.view.setUint8(offset, value);
      if (isHeader) writeIpChecksum(packet.frame.view, NETWORK_AT, 20);
      return packet;
    }

    function expectMiss(packet: Packet, length = frameBytes(packet), side = LAN): void {
      const before = [...packet.frame.bytes];
      const table = [...gateway.bench.nat.flows.words];
      expect(gateway.forward(packet.frame, length, side)).toBe(MISS);
      expect([...packet.frame.bytes]).toEqual(before);
      expect([...gateway.bench.nat.flows.words]).toEqual(table);
    }

    it.each([
      ["a SYN", TCP_SYN],
      ["a SYN-ACK", TCP_SYN | TCP_ACK],
      ["a FIN", TCP_FIN | TCP_ACK],
      ["a RST", TCP_RST],
      ["a segment without ACK", TCP_PSH],
    ])("%s", (_, flags) => {
      expectMiss(segment(flags));
    });

    it("a frame for another station", () => expectMiss(change(segment(), 7, 0x99, false)));
    it("a broadcast frame", () => {
      const packet = segment();
      writeEthernet(packet.frame, 0xffffffffffff, HOST_MAC, 0x0800);
      expectMiss(packet);
    });
    it("another EtherType", () => expectMiss(change(segment(), 15, 6, false)));
    it("another IP version", () => expectMiss(change(segment(), NETWORK_AT, 0x65)));
    it("IP options", () => expectMiss(change(segment(), NETWORK_AT, 0x46)));
    it("a first fragment", () => expectMiss(change(datagram(), NETWORK_AT + 6, 0x20)));
    it("a later fragment", () => expectMiss(change(datagram(), NETWORK_AT + 7, 1)));
    it("a time to live of 1", () => expectMiss(change(datagram(), NETWORK_AT + 8, 1)));
    it("another protocol", () => expectMiss(change(datagram(), NETWORK_AT + 9, 1)));
    it("a wrong header checksum", () => expectMiss(change(datagram(), NETWORK_AT + 1, 9, false)));
    it("a packet longer than its frame", () => expectMiss(datagram(), frameBytes(datagram()) - 1));
    it("a long frame with a trailer", () => expectMiss(datagram(), 61));
    it("a UDP length that differs from the packet's", () =>
      expectMiss(change(datagram(), TRANSPORT_AT + 5, 11, false)));
    it("a TCP header longer than the segment", () => expectMiss(change(segment(), TRANSPORT_AT + 12, 0xf0, false)));
    it("a TCP header of less than 20 bytes", () => expectMiss(change(segment(), TRANSPORT_AT + 12, 0x40, false)));
    it("an unknown port", () => expectMiss(change(datagram(), TRANSPORT_AT, 0x77, false)));
    it("a packet to an address that is not ours", () => {
      const stray = { address: WAN_ADDRESS + 1, port: published.port };
      expectMiss(gateway.arrive(udp(remote, stray), WAN), undefined, WAN);
    });
    it("a packet that came in by the other side", () =>
      expectMiss(gateway.arrive(udp(inside, remote), WAN), undefined, WAN));
    it("a packet above the outgoing MTU", () => {
      gateway.bench.nat.flows.setInterface(WAN, WAN_MAC, datagram().totalBytes - 1);
      expectMiss(datagram());
    });
    it("an expired record", () => {
      gateway.bench.nat.flows.tick = 301;
      expectMiss(datagram());
    });
    it("a next hop that was lost, even when it is known again", () => {
      const { flows } = gateway.bench.nat;
      flows.clearNeighbour(ROUTER_HOP);
      expectMiss(datagram());
      flows.setNeighbour(ROUTER_HOP, ROUTER_MAC, WAN_MAC);
      expectMiss(datagram());
      gateway.slow(datagram(), LAN);
      expect(gateway.forward(datagram().frame, frameBytes(datagram()), LAN)).toBe(WAN);
    });
    it("a connection that one side has closed", () => {
      gateway.slow(segment(TCP_FIN | TCP_ACK), LAN);
      expectMiss(segment());
      expectMiss(gateway.arrive(tcp(remote, external, TCP_ACK), WAN), undefined, WAN);
    });
    it("a connection whose handshake is not over", () => {
      const other = at("192.168.1.10:6000");
      gateway.slow(gateway.arrive(tcp(other, remote, TCP_SYN), LAN), LAN);
      expectMiss(gateway.arrive(tcp(other, remote, TCP_ACK), LAN));
    });
    it("a cleared session", () => {
      gateway.bench.nat.clear();
      expectMiss(datagram());
    });
  });
});
