import { describe, expect, it } from "vitest";
import { WAN } from "../../src/gateway.js";
import {
  Connection,
  connected,
  decodeTcp,
  decodeUdp,
  expectFrame,
  forwardToL2,
  GatewayBench,
  ip,
  L1_ADDRESS,
  L1_TO_W1,
  L2_ADDRESS,
  mapped,
  packetOf,
  tcpFrame,
  udpFrame,
  W1_TO_US,
} from "../conformance/fixture.js";

const PLENTY_BYTES = 100_000;

/** What a restart of `bench` leaves: a fresh gateway with the same settings, and how many sessions it has taken over. */
function restarted(bench: GatewayBench, mostBytes = PLENTY_BYTES, seed = 2) {
  const bytes = bench.gateway.nat.keepSessions(mostBytes);
  const next = new GatewayBench({ seed });
  for (const forward of bench.gateway.nat.forwards.list()) next.gateway.nat.forwards.add(forward);
  return { bench: next, bytes, count: next.gateway.restoreSessions(bytes) };
}

/** The same connection, on another gateway. */
function moved(connection: Connection, bench: GatewayBench): Connection {
  return Object.assign(Object.create(Connection.prototype), { bench, external: connection.external });
}

describe("a planned restart", () => {
  it("an established connection goes on, both ways, on its external port, and the flow cache takes it again", () => {
    const before = connected().exchange();
    const { bench, count } = restarted(before.bench);
    expect(count).toBe(1);
    moved(before, bench).exchange();
    expect(bench.gateway.nat.sessions()).toMatchObject([
      { externalPort: before.external, state: "ESTABLISHED", isCarried: true },
    ]);
  });

  it("the server may speak first", () => {
    const before = connected();
    const { bench } = restarted(before.bench);
    expectFrame(bench.in(before.server("PSH ACK", { payload: "news" })))
      .ipv4({ destination: L1_ADDRESS })
      .tcp({ destinationPort: 5000 })
      .payload("news");
  });

  it("a blind reset outside the window is still dropped, one inside ends the connection", () => {
    const before = connected().exchange();
    const { bench } = restarted(before.bench);
    bench.expectSilence("wan", before.server("RST", { sequence: 9001 + 2_000_000 }), { natTcpWindow: 1 });
    bench.in(before.server("RST ACK", { sequence: 9001 }));
    expect(bench.gateway.nat.sessions()).toMatchObject([{ state: "TRANS" }]);
  });

  it("a UDP mapping keeps its port and its filter", () => {
    const { bench: old, external, inward } = mapped();
    const { bench, count } = restarted(old);
    expect(count).toBe(1);
    expectFrame(bench.in(inward({ payload: "answer" })))
      .ipv4({ destination: L1_ADDRESS })
      .udp({ destinationPort: 5000 });
    bench.expectSilence("wan", udpFrame({ ...W1_TO_US, source: "198.51.100.90", destinationPort: external }), {
      natFiltered: 1,
    });
    const again = bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 54 }));
    expect(decodeUdp(packetOf(again)).sourcePort).toBe(external);
  });

  it("a connection through a forward goes on through it", () => {
    const old = new GatewayBench();
    forwardToL2(old, 25565);
    const call = { ...W1_TO_US, sourcePort: 4242, destinationPort: 25565 };
    old.in(tcpFrame({ ...call, sequence: 1, flags: "SYN" }));
    old.out(
      tcpFrame({
        source: L2_ADDRESS,
        destination: W1_TO_US.source,
        sourceMac: "02:00:00:00:00:50",
        destinationMac: L1_TO_W1.destinationMac,
        sourcePort: 25565,
        destinationPort: 4242,
        sequence: 7,
        acknowledgement: 2,
        flags: "SYN ACK",
      }),
    );
    old.in(tcpFrame({ ...call, sequence: 2, acknowledgement: 8, flags: "ACK" }));
    const { bench, count } = restarted(old);
    expect(count).toBe(1);
    expectFrame(bench.in(tcpFrame({ ...call, sequence: 2, acknowledgement: 8, flags: "PSH ACK", payload: "hi" })))
      .ipv4({ destination: L2_ADDRESS })
      .tcp({ destinationPort: 25565 })
      .payload("hi");
    expect(bench.gateway.nat.mappings()).toMatchObject([{ isStatic: true, externalPort: 25565, sessions: 1 }]);
  });

  it("connections that open, and queries, are not kept; established ones come first where there is little room", () => {
    const old = new GatewayBench();
    new Connection(old, L1_TO_W1, 6000);
    old.out(udpFrame({ ...L1_TO_W1, sourcePort: 5001 }));
    const before = new Connection(old).establish();
    expect(restarted(old).count).toBe(2);
    const { bench, bytes, count } = restarted(old, 12 + 24);
    expect([bytes.length, count]).toEqual([36, 1]);
    moved(before, bench).exchange();
    expect(restarted(old, 12 + 23).count).toBe(0);
  });

  it("what nobody has answered is kept last, and is unanswered behind the restart, too", () => {
    const old = new GatewayBench();
    let externalPort = 0;
    for (const sourcePort of [5001, 5002, 5003]) {
      externalPort = decodeUdp(packetOf(old.out(udpFrame({ ...L1_TO_W1, sourcePort })))).sourcePort;
    }
    old.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: externalPort }));
    const classes = (bench: GatewayBench) => {
      const { answered, unanswered } = bench.gateway.nat.use.classes;
      return [answered.now, unanswered.now];
    };
    expect(classes(old)).toEqual([1, 2]);
    expect(classes(restarted(old).bench)).toEqual([1, 2]);
    const { bench } = restarted(old, 12 + 24);
    expect(classes(bench)).toEqual([1, 0]);
    expect(bench.gateway.nat.mappings()).toMatchObject([{ externalPort }]);
  });

  it("nothing comes back for another address of ours, from damaged bytes, or twice", () => {
    const { bench, bytes } = restarted(connected().bench);
    expect(bench.gateway.restoreSessions(bytes)).toBe(0);
    expect(bench.gateway.nat.sessionCount).toBe(1);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ 1;
      expect(new GatewayBench().gateway.restoreSessions(damaged)).toBe(0);
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(new GatewayBench().gateway.restoreSessions(bytes.slice(0, length))).toBe(0);
    }
    const elsewhere = new GatewayBench();
    elsewhere.gateway.setAddress(WAN, ip("203.0.113.3"), 24);
    expect(elsewhere.gateway.restoreSessions(bytes)).toBe(0);
    expect(new GatewayBench({ wan: false }).gateway.restoreSessions(bytes)).toBe(0);
  });

  it("a port that a forward has by now, and an inside host that is no longer on the LAN, lose their sessions only", () => {
    const before = connected();
    const bytes = before.bench.gateway.nat.keepSessions(PLENTY_BYTES);
    const taken = new GatewayBench();
    forwardToL2(taken, before.external);
    expect(taken.gateway.restoreSessions(bytes)).toBe(0);
    expect(taken.gateway.nat.mappingCount).toBe(0);
    const other = new GatewayBench();
    other.gateway.setAddress(0, ip("192.168.2.1"), 24);
    expect(other.gateway.restoreSessions(bytes)).toBe(0);
  });

  it("without them, the server's next segment is reset, in the first five minutes; nothing else from outside is", () => {
    const before = connected();
    const bench = new GatewayBench({ seed: 2 });
    bench.expectSilence("wan", before.server("PSH ACK", { payload: "news" }), { wanUnsolicited: 1 });
    bench.gateway.disownForgotten();
    const reset = bench.complaint("wan", before.server("PSH ACK", { payload: "news" }), "wanUnsolicited");
    expectFrame(reset)
      .ipv4({ destination: W1_TO_US.source })
      .tcp({ destinationPort: 80, flags: "RST", sequence: 1001 });
    for (const flags of ["SYN", "SYN ACK", "RST", "RST ACK", "FIN"]) {
      bench.expectSilence("wan", before.server(flags), { wanUnsolicited: 1 });
    }
    forwardToL2(bench, 25565);
    const toForward = { ...W1_TO_US, sourcePort: 9, destinationPort: 25565, sequence: 7, acknowledgement: 3 };
    expectFrame(bench.complaint("wan", tcpFrame({ ...toForward, flags: "ACK" }), "natTcpState"))
      .ipv4({})
      .tcp({
        sourcePort: 25565,
        flags: "RST",
        sequence: 3,
      });
    bench.advance(300_000);
    bench.expectSilence("wan", before.server("ACK"), { wanUnsolicited: 1 });
    bench.expectSilence("wan", tcpFrame({ ...toForward, flags: "ACK" }), { natTcpState: 1 });
  });

  it("no more resets leave than ICMP errors, whoever asks for them", () => {
    const bench = new GatewayBench();
    bench.gateway.disownForgotten();
    for (let port = 2000; port < 4000; port++) {
      bench.fromWan(tcpFrame({ ...W1_TO_US, sourcePort: 80, destinationPort: port, flags: "ACK" }));
    }
    // Of the 50 that there are, each takes one or two.
    const answers = bench.wan().length;
    expect(answers).toBeGreaterThan(24);
    expect(answers).toBeLessThan(50);
  });

  it("without them, the client of a connection from before hears a reset at its next segment", () => {
    const before = connected();
    const bench = new GatewayBench({ seed: 2 });
    const reset = bench.complaint("lan", before.client("PSH ACK", { payload: "hello?" }), "natTcpState");
    expectFrame(reset).ipv4({ source: W1_TO_US.source, destination: L1_ADDRESS }).tcp({ flags: "RST", sequence: 9001 });
    expect(decodeTcp(packetOf(reset)).destinationPort).toBe(5000);
  });
});
