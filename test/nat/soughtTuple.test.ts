import { describe, expect, it } from "vitest";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../src/wire/ipv4.js";
import { TCP_SYN } from "../../src/wire/tcp.js";
import { type Bench, makeBench, WAN_ADDRESS } from "./support/bench.js";
import { address, at, type Endpoint, echo, source, tcp, udp } from "./support/packets.js";

const L1 = at("192.168.1.10:5000");
const L2 = at("192.168.1.50:25565");
const W1 = at("198.51.100.1:80");
const W2 = at("198.51.100.2:81");
const IDENTIFIER = 77;

/** The NAT inserts what it looked for last: whatever it does in between, that must be the packet's own tuple. */
function expectFound(bench: Bench, protocol: number, inside: Endpoint, remote: Endpoint): void {
  const { flows } = bench.nat;
  const index = flows.findOutbound(protocol, inside.address, inside.port, remote.address, remote.port);
  expect(index).toBeGreaterThanOrEqual(0);
  expect(flows.findInbound(protocol, remote.address, remote.port, flows.externalPort(index))).toBe(index);
  const record = [flows.insideAddress(index), flows.insidePort(index), flows.remoteAddress(index)];
  expect([...record, flows.remotePort(index)]).toEqual([inside.address, inside.port, remote.address, remote.port]);
}

const ways: readonly (readonly [string, (bench: Bench) => void])[] = [
  [
    "a datagram from inside",
    (bench) => {
      bench.out(udp(L1, W2));
      expectFound(bench, PROTOCOL_UDP, L1, W2);
    },
  ],
  [
    "a SYN from inside",
    (bench) => {
      bench.out(tcp(L1, W2, TCP_SYN));
      expectFound(bench, PROTOCOL_TCP, L1, W2);
    },
  ],
  [
    "a ping from inside",
    (bench) => {
      bench.out(echo(L1.address, W2.address, 8, IDENTIFIER));
      const inside = { address: L1.address, port: IDENTIFIER };
      expectFound(bench, PROTOCOL_ICMP, inside, { address: W2.address, port: 0 });
    },
  ],
  [
    "a SYN from outside to a forward",
    (bench) => {
      bench.in(tcp(W2, { address: WAN_ADDRESS, port: 25565 }, TCP_SYN));
      expectFound(bench, PROTOCOL_TCP, L2, W2);
    },
  ],
  [
    "a datagram from outside to a mapping",
    (bench) => {
      const external = source(bench.out(udp(L1, W1)));
      bench.in(udp(W2, external));
      expectFound(bench, PROTOCOL_UDP, L1, W2);
    },
  ],
];

describe.each(ways)("%s makes a record of its own tuple", (_, open) => {
  const bench = (sessions: number, mappings: number) => {
    const made = makeBench({ filtering: "endpointIndependent" }, { sessions, mappings });
    const ports = { first: 25565, last: 25565 };
    made.nat.forwards.add({ protocol: "tcp", ports, insideAddress: L2.address, insidePort: 25565 });
    return made;
  };

  it("in an empty table", () => open(bench(8, 8)));

  it("where one of the same tuple has expired", () => {
    const made = bench(8, 8);
    open(made);
    // Without a poll, which would end it first.
    made.clock.now += 100_000_000;
    made.nat.flows.tick = made.clock.now / 1000;
    open(made);
  });

  it("when another session has to go, and another mapping", () => {
    const made = bench(2, 2);
    for (let port = 1; port <= 2; port++) made.out(udp({ address: address("192.168.1.99"), port }, W1));
    open(made);
    expect(made.nat.sessionCount).toBe(2);
  });
});
