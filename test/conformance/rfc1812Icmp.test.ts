import { describe, expect, it } from "vitest";
import { WAN } from "../../src/gateway.js";
import { decodeIcmp, decodeTcp, decodeUdp, expectFrame } from "../support/expectFrame.js";
import {
  BROADCAST,
  fragmentsOf,
  icmpErrorFrame,
  icmpFrame,
  ipv4Frame,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "../support/frames.js";
import {
  between,
  GatewayBench,
  ISP_ADDRESS,
  L1_ADDRESS,
  L1_MAC,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  LAN_ADDRESS,
  NEAR_ADDRESS,
  W1_ADDRESS,
  W1_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip, LAN_MAC } from "../support/stackFixture.js";

function forwardGame(bench: GatewayBench, insideAddress = L2_ADDRESS): void {
  bench.gateway.nat.forwards.add({
    protocol: "both",
    ports: { first: 25565, last: 25565 },
    insideAddress: ip(insideAddress),
    insidePort: 25565,
  });
}

describe("ping", () => {
  for (const destination of [LAN_ADDRESS, WAN_ADDRESS]) {
    it(`RFC1812 §4.3.3.6 (source), §4.3.2.2, §4.3.2.5 (replies): ${destination} answers the LAN from the address that was asked`, () => {
      const bench = new GatewayBench();
      const request = icmpFrame({
        ...between(L1_ADDRESS, destination),
        ttl: 9,
        identifier: 7,
        sequence: 9,
        tos: 0xc0,
        payload: "data",
      });
      expectFrame(bench.back(request))
        .ethernet({ source: LAN_MAC, destination: L1_MAC })
        .ipv4({ source: destination, destination: L1_ADDRESS, ttl: 64, tos: 0xc0 })
        .icmp({ type: 0, code: 0, identifier: 7, sequence: 9 })
        .payload("data");
    });
  }

  for (const source of [W1_ADDRESS, ISP_ADDRESS, NEAR_ADDRESS]) {
    it(`RFC1812 §4.3.3.6 (source): the WAN address answers ${source}`, () => {
      const bench = new GatewayBench();
      bench.fromWan(icmpFrame({ ...between(source, WAN_ADDRESS), payload: "data" }));
      expectFrame(bench.wan()[0]).ipv4({ source: WAN_ADDRESS, destination: source }).icmp({ type: 0 }).payload("data");
      expect(bench.drops()).toEqual({});
    });
  }

  for (const bytes of [0, 1, 1472, 3000]) {
    it(`RFC1812 §4.3.3.6, RFC1122 §3.3.2, §3.3.2 (EMTU_R): echoes all of ${bytes} bytes`, () => {
      const bench = new GatewayBench();
      const request = icmpFrame({ ...L1_TO_LAN_ADDRESS, payload: patternBytes(bytes) });
      bench.fromLan(...fragmentsOf(request, 1480));
      const payload = bench.lan().flatMap((frame) => [...expectFrame(frame).bytes.subarray(34)]);
      expect(payload.slice(8)).toEqual([...patternBytes(bytes)]);
      expect(payload[0]).toBe(0);
      expect(bench.drops()).toEqual({});
    });
  }

  it("does not answer a wrong checksum, a broadcast, or a truncated request", () => {
    const bench = new GatewayBench();
    bench.expectSilence("lan", icmpFrame({ ...L1_TO_LAN_ADDRESS, checksum: 0x1234 }), { icmpChecksum: 1 });
    bench.expectSilence("lan", ipv4Frame({ ...L1_TO_LAN_ADDRESS, protocol: 1, payload: [8, 0, 0xf7, 0xff] }), {
      icmpMalformed: 1,
    });
    bench.expectSilence("wan", ipv4Frame({ ...W1_TO_US, protocol: 1, payload: [] }), { icmpMalformed: 1 });
  });
});

describe("what is never answered", () => {
  for (const type of [3, 4, 5, 11, 12]) {
    it(`RFC1812 §4.3.2.7: no error about an ICMP error of type ${type}`, () => {
      const bench = new GatewayBench();
      const about = udpFrame({ source: W1_ADDRESS, destination: L1_ADDRESS });
      const drops = { ipTtlExceeded: 1 };
      bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_W1, type, ttl: 1, about }), drops);
    });
  }

  it("RFC1812 §4.3.2.7: no error about a fragment other than the first", () => {
    const bench = new GatewayBench();
    const [first, second] = fragmentsOf(udpFrame({ ...L1_TO_W1, ttl: 1, payload: patternBytes(1200) }), 608);
    bench.expectSilence("lan", second as Uint8Array, { ipTtlExceeded: 1 });
    const error = bench.complaint("lan", first as Uint8Array, "ipTtlExceeded");
    expectFrame(error).ipv4().icmp({ type: 11, code: 0 });
  });

  it("RFC1812 §4.3.2.7: no error about a broadcast or multicast, on the link or in the address", () => {
    const bench = new GatewayBench();
    const fields = { ...L1_TO_LAN_ADDRESS, destinationMac: BROADCAST };
    bench.expectSilence("lan", udpFrame(fields), { ipBroadcastMismatch: 1 });
    const limited = { ...fields, destination: "255.255.255.255" };
    bench.expectSilence("lan", udpFrame(limited), { udpPortClosed: 1 });
    bench.expectSilence("lan", ipv4Frame({ ...limited, protocol: 99 }), { ipProtocolUnknown: 1 });
    for (const destination of ["192.168.1.255", "192.168.1.0"]) {
      bench.expectSilence("lan", udpFrame({ ...fields, destination }), { ipDestinationMartian: 1 });
    }
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, destination: "224.0.0.251", ttl: 1 }), {
      ipDestinationMartian: 1,
    });
  });

  it("no reset for a SYN to a broadcast address", () => {
    const bench = new GatewayBench();
    bench.fromLan(tcpFrame({ ...L1_TO_W1, destination: "192.168.1.255" }));
    bench.fromLan(tcpFrame({ ...L1_TO_W1, destination: "255.255.255.255", destinationMac: BROADCAST }));
    expect(bench.lan()).toEqual([]);
    expect(bench.wan()).toEqual([]);
  });

  it("RFC1812 §4.3.2.1, §4.3.3.7, RFC6633 §3, RFC6918 §3: unknown and obsolete types, redirects and source quench are ignored", () => {
    const bench = new GatewayBench();
    const about = udpFrame({ source: LAN_ADDRESS, destination: L1_ADDRESS });
    for (const type of [4, 5]) {
      bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_LAN_ADDRESS, type, about }), { icmpIgnored: 1 });
      bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, type, about }), { icmpIgnored: 1 });
    }
    for (const type of [1, 2, 7, 9, 10, 13, 15, 17, 30, 200, 255]) {
      bench.expectSilence("lan", icmpFrame({ ...L1_TO_LAN_ADDRESS, type }), { icmpTypeUnknown: 1 });
      bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, type }), { icmpTypeUnknown: 1 });
    }
    expect(bench.gateway.wan.gateway).toBe(ip(ISP_ADDRESS));
  });

  it("unsolicited packets from the WAN, whatever they are", () => {
    const bench = new GatewayBench();
    for (const flags of ["SYN", "SYN ACK", "ACK", "FIN ACK", "RST", "", "FIN PSH URG"]) {
      bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, flags }), { wanUnsolicited: 1 });
    }
    bench.expectSilence("wan", udpFrame(W1_TO_US), { wanUnsolicited: 1 });
    bench.expectSilence("wan", udpFrame({ ...W1_TO_US, ttl: 1 }), { wanUnsolicited: 1 });
    bench.expectSilence("wan", ipv4Frame({ ...W1_TO_US, protocol: 17, payload: [1, 2, 3, 4] }), { wanUnsolicited: 1 });
    bench.expectSilence("wan", icmpFrame({ ...W1_TO_US, type: 0, identifier: 99 }), { icmpIgnored: 1 });
  });

  it("a stranger cannot tell a mapping from a closed port by its TTL or size", () => {
    const bench = new GatewayBench();
    const external = decodeUdp(bench.out(udpFrame(L1_TO_W1)).subarray(14)).sourcePort;
    bench.gateway.setMtu(0, 1000);
    const stranger = { ...between("198.51.100.99", WAN_ADDRESS), sourcePort: 53, destinationPort: external };
    bench.fromWan(udpFrame({ ...stranger, ttl: 1 }));
    bench.fromWan(udpFrame({ ...stranger, dontFragment: true, payload: patternBytes(1200) }));
    expect(bench.wan()).toEqual([]);
  });
});

describe("a next hop that does not answer ARP", () => {
  it("RFC1812 §4.3.3.1 (host), RFC1122 §2.3.2.1 (rate): the LAN host gets host unreachable about its own packet, as it sent it", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.introduce(L1_ADDRESS, L1_MAC);
    bench.absent.add(ISP_ADDRESS);
    bench.clear();
    const frame = udpFrame(L1_TO_W1);
    bench.fromLan(frame);
    expect(bench.arp().length).toBe(1);
    bench.advance(10_000);
    // RFC 1122 section 2.3.2.1: one request a second, three in all.
    expect(bench.arp().length).toBe(2);
    expect(bench.drops()).toEqual({ neighbourUnresolved: 1 });
    const [error, ...others] = bench.lan();
    expect(others).toEqual([]);
    expectFrame(error)
      .ethernet({ source: LAN_MAC, destination: L1_MAC })
      .ipv4({ destination: L1_ADDRESS })
      .icmp({ type: 3, code: 1 })
      .quote()
      .ipv4({ source: L1_ADDRESS, destination: W1_ADDRESS })
      .udp({ sourcePort: 40000, destinationPort: 53 })
      .payload("hello");
    expect(bench.wan()).toEqual([]);
  });

  for (const { kind, frame } of [
    { kind: "UDP", frame: udpFrame({ ...W1_TO_US, sourcePort: 50000, destinationPort: 25565 }) },
    { kind: "TCP", frame: tcpFrame({ ...W1_TO_US, sourcePort: 50000, destinationPort: 25565 }) },
  ]) {
    it(`RFC1812 §4.3.3.1 (host): a friend's ${kind} to an absent inside server comes back with our address in the quote`, () => {
      const bench = new GatewayBench();
      forwardGame(bench, "192.168.1.200");
      bench.fromWan(frame);
      bench.advance(10_000);
      expect(bench.drops()).toEqual({ neighbourUnresolved: 1 });
      const [error, ...others] = bench.wan();
      expect(others).toEqual([]);
      expectFrame(error)
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
        .icmp({ type: 3, code: 1 })
        .quote()
        .ipv4({ source: W1_ADDRESS, destination: WAN_ADDRESS });
      const quoted = (error as Uint8Array).subarray(42);
      expect(decodeTcp(quoted)).toMatchObject({ sourcePort: 50000, destinationPort: 25565 });
      expect(bench.lan()).toEqual([]);
    });
  }

  it("a hairpinned packet to an absent inside server: its LAN sender is told", () => {
    const bench = new GatewayBench();
    forwardGame(bench, "192.168.1.200");
    bench.fromLan(udpFrame({ ...L1_TO_WAN_ADDRESS, destinationPort: 25565 }));
    bench.advance(10_000);
    expect(bench.drops()).toEqual({ neighbourUnresolved: 1 });
    const [error, ...others] = bench.lan();
    expect(others).toEqual([]);
    expectFrame(error)
      .ipv4({ destination: L1_ADDRESS })
      .icmp({ type: 3, code: 1 })
      .quote()
      .ipv4({ source: L1_ADDRESS, destination: WAN_ADDRESS })
      .udp({ sourcePort: 40000, destinationPort: 25565 });
    expect(bench.wan()).toEqual([]);
  });

  it("RFC1122 §2.3.2.2: the latest packet waits, and leaves translated when the answer comes", () => {
    const bench = new GatewayBench({ resolved: false });
    bench.absent.add(ISP_ADDRESS);
    bench.fromLan(udpFrame({ ...L1_TO_W1, payload: "first" }));
    bench.fromLan(udpFrame({ ...L1_TO_W1, payload: "second" }));
    expect(bench.drops()).toEqual({ neighbourQueueFull: 1 });
    bench.absent.delete(ISP_ADDRESS);
    bench.advance(1000);
    const [frame, ...others] = bench.wan();
    expect(others).toEqual([]);
    expectFrame(frame).ipv4({ source: WAN_ADDRESS }).udp().payload("second");
    expect(bench.drops()).toEqual({});
  });
});

describe("rate limit", () => {
  it("RFC1812 §4.3.2.8, §4.3.2.8 (settable): a burst of 50 errors, then 50 a second; the rest is counted", () => {
    const bench = new GatewayBench();
    for (let i = 0; i < 1000; i++) bench.fromLan(udpFrame({ ...L1_TO_W1, ttl: 1 }));
    expect(bench.lan().length).toBe(50);
    expect(bench.drops()).toEqual({ ipTtlExceeded: 1000, icmpRateLimited: 950 });
    bench.advance(1000);
    for (let i = 0; i < 1000; i++) bench.fromLan(udpFrame({ ...L1_TO_W1, ttl: 1 }));
    expect(bench.lan().length).toBe(50);
    expect(bench.drops()).toEqual({ ipTtlExceeded: 1000, icmpRateLimited: 950 });
    bench.advance(100);
    for (let i = 0; i < 10; i++) bench.fromLan(udpFrame({ ...L1_TO_W1, ttl: 1 }));
    expect(bench.lan().length).toBe(5);
  });

  it("a flood from the WAN does not use up the LAN's errors, and echo replies are not limited", () => {
    const bench = new GatewayBench();
    const external = decodeUdp(bench.out(udpFrame(L1_TO_W1)).subarray(14)).sourcePort;
    const flood = udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: external, ttl: 1 });
    for (let i = 0; i < 200; i++) bench.fromWan(flood);
    expect(bench.wan().length).toBe(50);
    bench.drops();
    bench.complaint("lan", udpFrame({ ...L1_TO_W1, ttl: 1 }), "ipTtlExceeded");
    for (let i = 0; i < 200; i++) bench.back(icmpFrame(L1_TO_LAN_ADDRESS));
  });
});

describe("errors of the gateway's own ports", () => {
  it("RFC1122 §3.2.2.1 (port): a closed UDP port of the gateway is reported to the LAN, at either address", () => {
    const bench = new GatewayBench();
    for (const addresses of [L1_TO_LAN_ADDRESS, L1_TO_WAN_ADDRESS]) {
      const frame = udpFrame({ ...addresses, destinationPort: 9 });
      const error = bench.complaint("lan", frame, "udpPortClosed");
      expectFrame(error).ipv4({ destination: L1_ADDRESS }).icmp({ type: 3, code: 3 }).payload(frame.subarray(14));
    }
  });

  it("a closed TCP port of the gateway resets the LAN host, at either address", () => {
    const bench = new GatewayBench();
    for (const addresses of [L1_TO_LAN_ADDRESS, L1_TO_WAN_ADDRESS]) {
      const reset = bench.complaint("lan", tcpFrame({ ...addresses, sequence: 1000 }), "tcpPortClosed");
      expectFrame(reset)
        .ipv4({ source: addresses.destination, destination: L1_ADDRESS })
        .tcp({ flags: "RST ACK", acknowledgement: 1001 });
    }
  });

  it("an error about a non-first fragment of ours matches no socket", () => {
    const bench = new GatewayBench();
    const errors: string[] = [];
    const socket = bench.gateway.udp.bind({ port: 0x6162, handler: { onError: (_, reason) => errors.push(reason) } });
    socket.send(new Uint8Array(4), ip(W1_ADDRESS), 9);
    const sent = bench.wan()[0] as Uint8Array;
    const fragment = ipv4Frame({
      source: WAN_ADDRESS,
      destination: W1_ADDRESS,
      protocol: 17,
      fragmentOffset: 1480,
      // Read as ports, this is the socket's port and the peer's.
      payload: [0x61, 0x62, 0, 9, 0, 0, 0, 0],
    });
    bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, about: fragment }), { icmpMalformed: 1 });
    expect(errors).toEqual([]);
    bench.expectSilence("wan", icmpErrorFrame({ ...W1_TO_US, about: sent }), {});
    expect(errors.length).toBe(1);
  });
});

describe("the gateway's own pings", () => {
  it("go out by either side, and their answers are told from those of hosts behind it", () => {
    const bench = new GatewayBench();
    const results: unknown[] = [];
    for (const [sequence, destination] of [L1_ADDRESS, W1_ADDRESS].entries()) {
      bench.gateway.echo.ping(ip(destination), sequence, 5000, (result) => results.push(result));
      const request = [...bench.lan(), ...bench.wan()][0] as Uint8Array;
      const source = destination === L1_ADDRESS ? LAN_ADDRESS : WAN_ADDRESS;
      expectFrame(request).ipv4({ source, destination }).icmp({ type: 8, sequence });
      bench.advance(20);
      const { identifier } = decodeIcmp(request.subarray(14));
      const fields = { ...between(destination, source), type: 0, identifier, sequence, payload: patternBytes(32) };
      if (source === LAN_ADDRESS) bench.fromLan(icmpFrame(fields));
      else bench.fromWan(icmpFrame(fields));
    }
    expect(results).toEqual([
      { kind: "reply", roundTripMs: 20, bytes: 32 },
      { kind: "reply", roundTripMs: 20, bytes: 32 },
    ]);
    expect(bench.gateway.ports.count).toBe(0);
  });

  it("end as a timeout, or with the error that came back", () => {
    const bench = new GatewayBench();
    const results: unknown[] = [];
    bench.gateway.echo.ping(ip(W1_ADDRESS), 1, 2000, (result) => results.push(result));
    bench.advance(2000);
    bench.gateway.echo.ping(ip(W1_ADDRESS), 2, 2000, (result) => results.push(result));
    const about = bench.wan()[1] as Uint8Array;
    bench.fromWan(icmpErrorFrame({ ...between(ISP_ADDRESS, WAN_ADDRESS), type: 11, code: 0, about }));
    expect(results).toEqual([{ kind: "timeout" }, { kind: "error", type: 11, code: 0 }]);
    expect(bench.gateway.ports.count).toBe(0);
  });

  it("refuses without a route, and a ninth at a time, in one sentence", () => {
    const bench = new GatewayBench();
    const ping = () => bench.gateway.echo.ping(ip(W1_ADDRESS), 1, 2000, () => {});
    for (let i = 0; i < 8; i++) ping();
    expect(ping).toThrow("8 pings are under way already; wait for one to end");
    bench.gateway.setGateway(WAN, 0);
    expect(ping).toThrow("no route to 198.51.100.80; set an address and a gateway first");
  });
});
