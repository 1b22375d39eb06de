import { describe, expect, it } from "vitest";
import { LAN } from "../../src/gateway.js";
import {
  between,
  decodeIpv4,
  decodeUdp,
  expectFrame,
  FRAGMENT_ORDERS,
  fragmentsOf,
  GatewayBench,
  ISP_ADDRESS,
  icmpErrorFrame,
  icmpFrame,
  ip,
  ipv4Frame,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  LAN_ADDRESS,
  packetOf,
  patternBytes,
  tcpFrame,
  udpFrame,
  W1_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

const LARGE_PING = icmpFrame({ ...L1_TO_LAN_ADDRESS, payload: patternBytes(1992), identification: 7 });

/** The payload of an echo reply that came in one or more frames, in order. */
function echoed(frames: Uint8Array[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((frame) => [...expectFrame(frame).bytes.subarray(34)])).subarray(8);
}

describe("addresses", () => {
  it("RFC1122 §3.2.1.3: a packet that is not for us and cannot be forwarded is dropped in silence", () => {
    const bench = new GatewayBench({ wan: false });
    bench.gateway.setAddress(LAN, 0, 0);
    for (const build of [udpFrame, tcpFrame, icmpFrame])
      bench.expectSilence("lan", build(L1_TO_W1), { interfaceDown: 1 });
    const whole = new GatewayBench();
    whole.expectSilence("wan", udpFrame(between(W1_ADDRESS, "198.51.100.7")), { wanUnsolicited: 1 });
  });

  it("RFC1122 §3.2.1.3 (source), §4.1.3.6: what we send comes from the address of the side it leaves by", () => {
    const own = new GatewayBench();
    const socket = own.gateway.udp.bind({ port: 4000 });
    socket.send(Uint8Array.of(1), ip(L1_ADDRESS), 9);
    socket.send(Uint8Array.of(1), ip(W1_ADDRESS), 9);
    own.gateway.tcp.connect({ address: ip(W1_ADDRESS), port: 80 });
    expect(own.lan().map((frame) => decodeIpv4(packetOf(frame)).source)).toEqual([LAN_ADDRESS]);
    expect(own.wan().map((frame) => decodeIpv4(packetOf(frame)).source)).toEqual([WAN_ADDRESS, WAN_ADDRESS]);
  });
});

describe("errors that come in", () => {
  it("RFC1122 §3.2.2.1 (report): a destination unreachable reaches the socket, with its code", () => {
    const bench = new GatewayBench();
    const codes: number[] = [];
    const socket = bench.gateway.udp.bind({ port: 4000, handler: { onError: () => codes.push(codes.length) } });
    for (const code of [0, 1, 2, 3, 5, 13]) {
      socket.send(Uint8Array.of(1), ip(W1_ADDRESS), 9);
      const about = bench.wan()[0] as Uint8Array;
      bench.fromWan(icmpErrorFrame({ ...between(ISP_ADDRESS, WAN_ADDRESS), code, about }));
    }
    expect(codes).toHaveLength(6);
    expect(bench.drops()).toEqual({});
  });

  it("RFC1122 §3.2.2.1 (hint): net, host and source route unreachable end no connection", () => {
    const bench = new GatewayBench();
    const socket = bench.gateway.tcp.connect({ address: ip(W1_ADDRESS), port: 80, localPort: 50_000 });
    const syn = bench.wan()[0] as Uint8Array;
    const sequence = expectFrame(syn).bytes.subarray(38, 42);
    const acknowledgement = (new DataView(sequence.slice().buffer).getInt32(0) + 1) | 0;
    const answer = { ...W1_TO_US, sourcePort: 80, destinationPort: 50_000, sequence: 9000, acknowledgement };
    bench.fromWan(tcpFrame({ ...answer, flags: "SYN ACK" }));
    for (const code of [0, 1, 5]) {
      bench.fromWan(icmpErrorFrame({ ...between(ISP_ADDRESS, WAN_ADDRESS), code, about: syn }));
    }
    expect(socket.state).toBe("ESTABLISHED");
  });
});

describe("reassembly of what is for us", () => {
  it("RFC1122 §3.3.2, RFC815, RFC791 §3.2 (reassembly): any order, with duplicates, and several datagrams at a time", () => {
    const bench = new GatewayBench();
    const fragments = fragmentsOf(LARGE_PING, 672);
    for (const order of [...FRAGMENT_ORDERS, [0, 0, 2, 2, 1]]) {
      for (const i of order) bench.fromLan(fragments[i] as Uint8Array);
      expect(echoed(bench.lan())).toEqual(patternBytes(1992));
      bench.clear();
    }
    // The same identification, but of another source or protocol: no part of it.
    const [first, ...rest] = fragments as [Uint8Array, ...Uint8Array[]];
    bench.fromLan(first);
    const stranger = { ...between("192.168.1.50", LAN_ADDRESS), protocol: 1, identification: 7 };
    bench.fromLan(ipv4Frame({ ...stranger, fragmentOffset: 672, moreFragments: true, payload: patternBytes(672) }));
    bench.fromLan(...rest);
    expect(echoed(bench.lan())).toEqual(patternBytes(1992));
  });

  it("RFC815 (bounds): nothing beyond 65,535 bytes, and no overlap that says something else", () => {
    const bench = new GatewayBench();
    const part = { ...L1_TO_LAN_ADDRESS, protocol: 1, identification: 9 };
    bench.expectSilence("lan", ipv4Frame({ ...part, fragmentOffset: 65_528, payload: patternBytes(64) }), {
      fragmentTooBig: 1,
    });
    const fragments = fragmentsOf(LARGE_PING, 400);
    bench.fromLan(fragments[0] as Uint8Array);
    bench.fromLan(
      ipv4Frame({ ...part, identification: 7, fragmentOffset: 200, moreFragments: true, payload: patternBytes(400) }),
    );
    bench.fromLan(...fragments.slice(1));
    for (const frame of bench.lan()) expect(echoed([frame])).not.toEqual(patternBytes(1992));
  });

  it("RFC1122 §3.3.2 (timeout), §3.3.2 (error): the rest is waited for 60 s; then 11/1 goes out if the first part came", () => {
    const bench = new GatewayBench();
    const [first, second] = fragmentsOf(LARGE_PING, 1008) as [Uint8Array, Uint8Array];
    bench.fromLan(first);
    bench.advance(59_999);
    expect(bench.lan()).toEqual([]);
    bench.advance(1);
    const [error, ...others] = bench.lan();
    expectFrame(error).ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS }).icmp({ type: 11, code: 1 }).quote();
    expect(others).toEqual([]);
    bench.fromLan(second);
    bench.advance(120_000);
    expect(bench.lan()).toEqual([]);
    expect(bench.drops()).toEqual({ fragmentTimeout: 2 });
  });

  it("RFC1122 §3.3.2 (EMTU_R): a datagram of 3,072 bytes is put together", () => {
    const bench = new GatewayBench();
    bench.gateway.udp.bind({ port: 4000 });
    const large = udpFrame({ ...L1_TO_LAN_ADDRESS, destinationPort: 4000, payload: patternBytes(1900) });
    bench.fromLan(...fragmentsOf(large, 1480));
    expect(bench.drops()).toEqual({});
    bench.fromLan(...fragmentsOf(icmpFrame({ ...L1_TO_LAN_ADDRESS, payload: patternBytes(3072 - 28) }), 1480));
    expect(echoed(bench.lan())).toEqual(patternBytes(3072 - 28));
  });

  it("RFC1858 §3, RFC3128 §2: TCP fragments that split or follow the header are dropped at once, for us and in transit", () => {
    for (const ends of [L1_TO_LAN_ADDRESS, L1_TO_W1]) {
      const bench = new GatewayBench();
      const tiny = ipv4Frame({ ...ends, protocol: 6, moreFragments: true, payload: patternBytes(16) });
      bench.expectSilence("lan", tiny, { fragmentMalformed: 1 });
      const behind = (identification: number) =>
        ipv4Frame({
          ...ends,
          protocol: 6,
          identification,
          fragmentOffset: 8,
          moreFragments: true,
          payload: "12345678",
        });
      // Of a datagram that is refused already, and alone.
      bench.expectSilence("lan", behind(0x4321), { fragmentRefused: 1 });
      bench.expectSilence("lan", behind(1), { fragmentMalformed: 1 });
    }
  });
});

describe("UDP of our own", () => {
  it("RFC1122 §4.1.3.4: leaves with a checksum; a wrong one is dropped, none is taken", () => {
    const bench = new GatewayBench();
    const socket = bench.gateway.udp.bind({ port: 4000 });
    socket.send(patternBytes(11), ip(L1_ADDRESS), 9);
    const sent = bench.lan()[0] as Uint8Array;
    // expectFrame verifies it.
    expectFrame(sent).ipv4().udp();
    expect(decodeUdp(packetOf(sent)).checksum).not.toBe(0);
    const fields = { ...L1_TO_LAN_ADDRESS, destinationPort: 4000 };
    bench.expectSilence("lan", udpFrame({ ...fields, checksum: 0x1234 }), { udpChecksum: 1 });
    expect(socket.nextBytes).toBe(-1);
    bench.expectSilence("lan", udpFrame({ ...fields, checksum: 0 }), {});
    expect(socket.nextBytes).toBe(5);
  });

  it("RFC1122 §4.1.3.4 (zero): a checksum that comes out as 0 leaves as 0xffff", () => {
    const bench = new GatewayBench();
    const socket = bench.gateway.udp.bind({ port: 4000 });
    const sent: number[] = [];
    for (let word = 0; word < 0x10000; word++) {
      socket.send(Uint8Array.of(word >> 8, word), ip(L1_ADDRESS), 9);
      for (const frame of bench.lanPort.take()) sent.push(decodeUdp(packetOf(frame)).checksum);
    }
    expect(sent).toHaveLength(0x10000);
    expect(sent.filter((checksum) => checksum === 0xffff)).toHaveLength(1);
    expect(sent).not.toContain(0);
  });

  it("RFC1122 §4.1.3.5: an answer comes from the address that was asked", () => {
    const bench = new GatewayBench();
    const socket = bench.gateway.udp.bind({ port: 4000 });
    for (const address of [LAN_ADDRESS, WAN_ADDRESS]) {
      bench.fromLan(udpFrame({ ...between(L1_ADDRESS, address), sourcePort: 5000, destinationPort: 4000 }));
      socket.receive(new Uint8Array(10));
      expect(socket.receivedAt).toBe(ip(address));
      socket.send(Uint8Array.of(1), socket.senderAddress, socket.senderPort, socket.receivedAt);
      expectFrame(bench.lan()[0])
        .ethernet({ destination: L1_MAC })
        .ipv4({ source: address })
        .udp({ destinationPort: 5000 });
    }
  });
});
