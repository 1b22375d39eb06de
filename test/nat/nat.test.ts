import { describe, expect, it } from "vitest";
import { PROTOCOL_TCP } from "../../src/wire/ipv4.js";
import { TCP_ACK, TCP_SYN } from "../../src/wire/tcp.js";
import { makeBench, WAN_ADDRESS } from "./support/bench.js";
import { address, at, destination, echo, expectSound, identifier, source, tcp, udp } from "./support/packets.js";

const L1 = at("192.168.1.10:5000");
const L2 = at("192.168.1.50:5000");
const W1 = at("198.51.100.1:80");
const W2 = at("198.51.100.2:80");

describe("Nat", () => {
  it("translates a UDP exchange there and back", () => {
    const bench = makeBench();
    const sent = bench.out(udp(L1, W1));
    expectSound(sent);
    expect(sent.source).toBe(WAN_ADDRESS);
    const back = bench.in(udp(W1, source(sent)));
    expectSound(back);
    expect(destination(back)).toEqual(L1);
  });

  it("translates a TCP handshake there and back", () => {
    const bench = makeBench();
    const external = source(bench.out(tcp(L1, W1, TCP_SYN, { sequence: 100 })));
    const answer = bench.in(tcp(W1, external, TCP_SYN | TCP_ACK, { sequence: 900, acknowledgement: 101 }));
    expectSound(answer);
    expect(destination(answer)).toEqual(L1);
    expectSound(bench.out(tcp(L1, W1, TCP_ACK, { sequence: 101, acknowledgement: 901 }, [1, 2, 3])));
    expect(bench.nat.sessions()).toMatchObject([{ protocol: PROTOCOL_TCP, state: "ESTABLISHED", expiresInS: 7440 }]);
  });

  it("RFC5508 REQ-1, REQ-1a: gives two hosts with the same echo identifier different ones, the same for every target", () => {
    const bench = makeBench();
    const first = bench.out(echo(L1.address, W1.address, 8, 7));
    const second = bench.out(echo(L2.address, W1.address, 8, 7));
    expectSound(first);
    expect(identifier(bench.out(echo(L1.address, W2.address, 8, 7)))).toBe(identifier(first));
    expect(identifier(second)).not.toBe(identifier(first));
    const reply = bench.in(echo(W1.address, WAN_ADDRESS, 0, identifier(second)));
    expectSound(reply);
    expect(reply.destination).toBe(L2.address);
    expect(identifier(reply)).toBe(7);
  });

  it("lets a forward's caller in, and shows the server with its public port", () => {
    const bench = makeBench();
    const friend = at("198.51.100.7:40000");
    const published = { address: WAN_ADDRESS, port: 25565 };
    expect(bench.nat.inbound(tcp(friend, published, TCP_SYN))).toBe("wanUnsolicited");
    const spec = {
      protocol: "tcp",
      ports: { first: 25565, last: 25565 },
      insideAddress: L2.address,
      insidePort: 25565,
    } as const;
    expect(bench.nat.forwards.add(spec)).toBeUndefined();
    const call = bench.in(tcp(friend, published, TCP_SYN));
    expectSound(call);
    const server = { address: L2.address, port: 25565 };
    expect(destination(call)).toEqual(server);
    expect(source(bench.out(tcp(server, friend, TCP_SYN | TCP_ACK, { acknowledgement: 1 })))).toEqual(published);
    expect(source(bench.out(tcp(server, W1, TCP_SYN)))).toEqual(published);
    expect(bench.nat.forwards.get(0)?.hits).toBe(1);
    expect(bench.nat.forwards.add({ ...spec, insideAddress: address("192.168.1.9") })).toBe(
      "tcp port 25565 is taken by the forward to 192.168.1.50; remove that first, or choose another port",
    );
  });
});
