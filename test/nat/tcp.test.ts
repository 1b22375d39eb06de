import { describe, expect, it } from "vitest";
import { LAN, WAN } from "../../src/flow/table.js";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../../src/wire/tcp.js";
import { type Bench, makeBench } from "./support/bench.js";
import { at, destination, type Endpoint, expectSound, source, tcp } from "./support/packets.js";

const L1 = at("192.168.1.10:5000");
const W1 = at("198.51.100.1:80");
/** A window scale option with shift 7, and a NOP. */
const SCALE_7 = [3, 3, 7, 1];
const INSIDE_SEQUENCE = 1000;
const OUTSIDE_SEQUENCE = -3;

class Connection {
  readonly bench: Bench;
  external: Endpoint = { address: 0, port: 0 };

  constructor(bench = makeBench()) {
    this.bench = bench;
  }

  /** A segment from inside, as it leaves. */
  inside(
    flags: number,
    sequence = INSIDE_SEQUENCE + 1,
    acknowledgement = OUTSIDE_SEQUENCE + 1,
    options: number[] = [],
  ) {
    const packet = this.bench.out(tcp(L1, W1, flags, { sequence, acknowledgement, options }));
    expectSound(packet);
    this.external = source(packet);
    return packet;
  }

  /** The verdict on a segment from outside. */
  outside(
    flags: number,
    sequence = OUTSIDE_SEQUENCE + 1,
    acknowledgement = INSIDE_SEQUENCE + 1,
    options: number[] = [],
  ) {
    return this.bench.nat.inbound(tcp(W1, this.external, flags, { sequence, acknowledgement, options }));
  }

  open(options: number[] = []): this {
    this.inside(TCP_SYN, INSIDE_SEQUENCE, 0, options);
    expect(this.outside(TCP_SYN | TCP_ACK, OUTSIDE_SEQUENCE, INSIDE_SEQUENCE + 1, options)).toBe("ok");
    this.inside(TCP_ACK);
    return this;
  }

  get state() {
    return this.bench.nat.sessions()[0]?.state;
  }

  get expiresInS() {
    return this.bench.nat.sessions()[0]?.expiresInS;
  }
}

describe("TCP through the NAT", () => {
  it("does not take an acknowledgement back that the fast path has seen meanwhile", () => {
    const { bench } = new Connection().open();
    const { flows } = bench.nat;
    flows.setAck(0, LAN, OUTSIDE_SEQUENCE + 5000);
    flows.setAck(0, WAN, INSIDE_SEQUENCE + 5000);
    const packets = [OUTSIDE_SEQUENCE + 100, OUTSIDE_SEQUENCE + 6000];
    const seen = packets.map((acknowledgement) => {
      bench.out(tcp(L1, W1, TCP_ACK, { sequence: INSIDE_SEQUENCE + 1, acknowledgement }));
      return flows.ack(0, LAN);
    });
    expect(seen).toEqual([OUTSIDE_SEQUENCE + 5000, OUTSIDE_SEQUENCE + 6000]);
  });

  it("follows a connection that begins anew on the same ports, with lower sequence numbers, after half a close", () => {
    const connection = new Connection().open();
    connection.inside(TCP_FIN | TCP_ACK);
    const restart = OUTSIDE_SEQUENCE - 0x60000000;
    connection.inside(TCP_SYN, 7000, 0);
    connection.outside(TCP_SYN | TCP_ACK, restart, 7001);
    connection.inside(TCP_ACK, 7001, restart + 1);
    expect(connection.outside(TCP_RST, restart + 1)).toBe("ok");
  });

  it("takes no FIN from outside for one before the outside has spoken", () => {
    const connection = new Connection();
    connection.inside(TCP_SYN, INSIDE_SEQUENCE, 0);
    for (let sequence = 0; sequence < 65_536; sequence += 4096) connection.outside(TCP_FIN | TCP_ACK, sequence, 1);
    connection.outside(TCP_SYN | TCP_ACK, OUTSIDE_SEQUENCE);
    connection.inside(TCP_ACK);
    expect(connection.state).toBe("ESTABLISHED");
  });

  it("RFC7857 2: goes from INIT to ESTABLISHED by the three-way handshake", () => {
    const connection = new Connection();
    connection.inside(TCP_SYN, INSIDE_SEQUENCE, 0);
    expect([connection.state, connection.expiresInS]).toEqual(["INIT", 240]);
    connection.outside(TCP_SYN | TCP_ACK, OUTSIDE_SEQUENCE);
    expect([connection.state, connection.expiresInS]).toEqual(["INIT", 240]);
    connection.inside(TCP_ACK);
    expect([connection.state, connection.expiresInS]).toEqual(["ESTABLISHED", 7440]);
  });

  it("RFC5382 REQ-2a: carries a simultaneous open", () => {
    const connection = new Connection();
    connection.inside(TCP_SYN, INSIDE_SEQUENCE, 0);
    expect(connection.outside(TCP_SYN, OUTSIDE_SEQUENCE, 0)).toBe("ok");
    connection.inside(TCP_SYN | TCP_ACK, INSIDE_SEQUENCE);
    expect(connection.outside(TCP_SYN | TCP_ACK, OUTSIDE_SEQUENCE)).toBe("ok");
    connection.inside(TCP_ACK);
    expect(connection.state).toBe("ESTABLISHED");
  });

  it("RFC5382 REQ-5: keeps an established and a half-closed connection for 7440 seconds", () => {
    for (const half of ["none", "inside", "outside"]) {
      const connection = new Connection().open();
      if (half === "inside") connection.inside(TCP_FIN | TCP_ACK);
      if (half === "outside") expect(connection.outside(TCP_FIN | TCP_ACK)).toBe("ok");
      expect(connection.state).toBe(half === "none" ? "ESTABLISHED" : half === "inside" ? "C-FIN" : "S-FIN");
      connection.bench.advance(7439);
      expect(connection.outside(TCP_ACK)).toBe("ok");
      connection.inside(TCP_ACK);
      connection.bench.advance(7442);
      expect(connection.outside(TCP_ACK)).toBe("wanUnsolicited");
    }
  });

  it("RFC5382 REQ-5: keeps a closing connection for 240 seconds, and delivers the last ACK", () => {
    const connection = new Connection().open();
    connection.inside(TCP_FIN | TCP_ACK);
    connection.outside(TCP_FIN | TCP_ACK);
    expect(connection.state).toBe("C+S-FIN");
    connection.bench.advance(239);
    connection.inside(TCP_ACK);
    connection.bench.advance(242);
    expect(connection.bench.nat.sessionCount).toBe(0);
  });

  it("refuses anything but a SYN without a session, from both sides", () => {
    const connection = new Connection();
    for (const flags of [TCP_ACK, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, 0]) {
      expect(connection.bench.nat.outbound(tcp(L1, W1, flags))).toBe("natTcpState");
    }
    connection.inside(TCP_SYN, INSIDE_SEQUENCE, 0);
    const other = { ...W1, port: 81 };
    expect(connection.bench.nat.inbound(tcp(other, connection.external, TCP_ACK))).toBe("natTcpState");
  });

  it("lets a new SYN reopen a closed connection: it gets the full life of a new one", () => {
    for (const close of ["fins", "reset"]) {
      const connection = new Connection().open();
      if (close === "fins") {
        connection.inside(TCP_FIN | TCP_ACK);
        connection.outside(TCP_FIN | TCP_ACK);
      } else {
        connection.inside(TCP_RST);
      }
      connection.bench.advance(5);
      connection.open();
      expect([connection.state, connection.expiresInS]).toEqual(["ESTABLISHED", 7440]);
    }
  });

  it("counts a forged handshake from outside as established only when it acknowledges the inside SYN", () => {
    const bench = makeBench();
    bench.nat.forwards.add({
      protocol: "tcp",
      ports: { first: 80, last: 80 },
      insideAddress: L1.address,
      insidePort: 80,
    });
    const server = { ...L1, port: 80 };
    const published = { address: bench.nat.externalAddress, port: 80 };
    bench.in(tcp(W1, published, TCP_SYN, { sequence: 5 }));
    bench.out(tcp(server, W1, TCP_SYN | TCP_ACK, { sequence: 70_000, acknowledgement: 6 }));
    bench.in(tcp(W1, published, TCP_ACK, { sequence: 6, acknowledgement: 60_000 }));
    expect(bench.nat.sessions()[0]?.state).toBe("INIT");
    bench.in(tcp(W1, published, TCP_ACK, { sequence: 6, acknowledgement: 70_001 }));
    expect(bench.nat.sessions()[0]?.state).toBe("ESTABLISHED");
  });
});

describe("resets", () => {
  it("RFC7857 2.2: translates a reset in the window from either side and keeps the session for 240 seconds", () => {
    for (const side of ["inside", "outside"]) {
      const connection = new Connection().open();
      if (side === "inside") connection.inside(TCP_RST);
      else expect(connection.outside(TCP_RST, OUTSIDE_SEQUENCE + 1)).toBe("ok");
      expect([connection.state, connection.expiresInS]).toEqual(["TRANS", 240]);
      connection.bench.advance(242);
      expect(connection.bench.nat.sessionCount).toBe(0);
    }
  });

  it.each([
    ["just below the window", -1, "natTcpWindow"],
    ["at the window's start", 0, "ok"],
    ["at the largest unscaled window's end", 65_535, "ok"],
    ["beyond it", 65_536, "natTcpWindow"],
    ["half the sequence space away", -(2 ** 31), "natTcpWindow"],
  ])("RFC7857 2.2: judges a reset from outside %s", (_, offset, verdict) => {
    const connection = new Connection().open();
    expect(connection.outside(TCP_RST, (OUTSIDE_SEQUENCE + 1 + offset) | 0)).toBe(verdict);
    expect(connection.state).toBe(verdict === "ok" ? "TRANS" : "ESTABLISHED");
  });

  it("takes the window scale into account when both sides offered it", () => {
    const connection = new Connection().open(SCALE_7);
    expect(connection.outside(TCP_RST, OUTSIDE_SEQUENCE + 2 + 65_535 * 128)).toBe("natTcpWindow");
    expect(connection.outside(TCP_RST, OUTSIDE_SEQUENCE + 1 + 65_535 * 128)).toBe("ok");
  });

  it("moves the window with the inside host's acknowledgements", () => {
    const connection = new Connection().open();
    connection.inside(TCP_ACK, INSIDE_SEQUENCE + 1, 500_000);
    expect(connection.outside(TCP_RST, OUTSIDE_SEQUENCE + 1)).toBe("natTcpWindow");
    expect(connection.outside(TCP_RST, 500_000)).toBe("ok");
  });

  it("passes the refusal of a connection, but not a forged one", () => {
    const connection = new Connection();
    connection.inside(TCP_SYN, INSIDE_SEQUENCE, 0);
    expect(connection.outside(TCP_RST, 0)).toBe("natTcpWindow");
    expect(connection.outside(TCP_RST | TCP_ACK, 0, INSIDE_SEQUENCE)).toBe("natTcpWindow");
    expect(connection.outside(TCP_RST | TCP_ACK, 0, INSIDE_SEQUENCE + 1)).toBe("ok");
  });

  it("RFC7857 2.2: data after a reset revives the connection", () => {
    const connection = new Connection().open();
    connection.outside(TCP_RST);
    connection.bench.advance(239);
    connection.inside(TCP_ACK);
    expect([connection.state, connection.expiresInS]).toEqual(["ESTABLISHED", 7440]);
  });

  it("a repeated reset does not prolong the session", () => {
    const connection = new Connection().open();
    connection.outside(TCP_RST);
    connection.bench.advance(200);
    connection.outside(TCP_RST);
    connection.bench.advance(42);
    expect(connection.bench.nat.sessionCount).toBe(0);
  });

  it("reach the inside endpoint", () => {
    const connection = new Connection().open();
    const reset = connection.bench.in(tcp(W1, connection.external, TCP_RST, { sequence: OUTSIDE_SEQUENCE + 1 }));
    expectSound(reset);
    expect(destination(reset)).toEqual(L1);
  });
});

describe("a full session table", () => {
  it("never gives up an established connection for a newcomer", () => {
    const bench = makeBench({ hostSessions: 4 }, { sessions: 4 });
    for (let port = 1; port <= 4; port++) {
      const remote = { ...W1, port };
      const external = source(bench.out(tcp(L1, remote, TCP_SYN)));
      bench.in(tcp(remote, external, TCP_SYN | TCP_ACK, { acknowledgement: 1 }));
      bench.out(tcp(L1, remote, TCP_ACK, { sequence: 1, acknowledgement: 1 }));
    }
    bench.advance(7000);
    expect(bench.nat.outbound(tcp(L1, { ...W1, port: 5 }, TCP_SYN))).toBe("natHostQuota");
    expect(bench.nat.sessions().map((session) => session.state)).toEqual(new Array(4).fill("ESTABLISHED"));
  });
});
