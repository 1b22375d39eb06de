import { describe, expect, it } from "vitest";
import { decodeIpv4 } from "../support/expectFrame.js";
import { L2_TO_W1 } from "../support/gatewayBench.js";
import {
  answered,
  Connection,
  connected,
  expectFrame,
  forwardToL2,
  GatewayBench,
  icmpErrorFrame,
  L1_TO_W1,
  mapped,
  tcpFrame,
  tcpPortOf,
  udpFrame,
  udpPortOf,
  W1_TO_US,
  W2_TO_US,
} from "./fixture.js";

describe("RFC 7857", () => {
  it("RFC7857 §2: the timer that applies after each segment is that of the state machine's state", () => {
    const transitory = 240_000;
    const established = 7_440_000;
    const finClient = { sequence: 1001 };
    const finServer = { sequence: 9001 };
    const paths: [name: string, timeoutMs: number, walk: (one: Connection) => void][] = [
      ["SYN", transitory, () => {}],
      ["SYN, SYN ACK", transitory, (one) => one.bench.in(one.server("SYN ACK", { sequence: 9000 }))],
      ["established", established, (one) => one.establish()],
      ["client's FIN", established, (one) => one.establish().bench.out(one.client("FIN ACK", finClient))],
      ["server's FIN", established, (one) => one.establish().bench.in(one.server("FIN ACK", finServer))],
      [
        "client's FIN, server's FIN",
        transitory,
        (one) => {
          one.establish().bench.out(one.client("FIN ACK", finClient));
          one.bench.in(one.server("FIN ACK", { ...finServer, acknowledgement: 1002 }));
        },
      ],
      [
        "server's FIN, client's FIN",
        transitory,
        (one) => {
          one.establish().bench.in(one.server("FIN ACK", finServer));
          one.bench.out(one.client("FIN ACK", { ...finClient, acknowledgement: 9002 }));
        },
      ],
      ["client's RST", transitory, (one) => one.establish().bench.out(one.client("RST ACK"))],
      ["server's RST", transitory, (one) => one.establish().bench.in(one.server("RST ACK"))],
      [
        "RST, data",
        established,
        (one) => {
          one.establish().bench.in(one.server("RST ACK"));
          one.bench.out(one.client("ACK", { payload: "on" }));
        },
      ],
    ];
    for (const [name, timeoutMs, walk] of paths) {
      for (const [silenceMs, isAlive] of [
        [timeoutMs, true],
        [timeoutMs + 2000, false],
      ] as const) {
        const one = new Connection(new GatewayBench());
        walk(one);
        one.bench.clear();
        one.bench.advance(silenceMs);
        one.bench.clear();
        one.bench.fromWan(one.server("ACK", { sequence: 9001 }));
        expect([name, silenceMs, one.bench.lan().length]).toEqual([name, silenceMs, isAlive ? 1 : 0]);
      }
    }
  });

  it("RFC7857 §2: what closed or was reset opens anew by a SYN, and then lives as long as any", () => {
    for (const end of ["FIN", "RST"]) {
      const one = connected().exchange();
      if (end === "RST") {
        one.bench.in(one.server("RST ACK"));
      } else {
        one.bench.out(one.client("FIN ACK"));
        one.bench.in(one.server("FIN ACK", { acknowledgement: 1002 }));
      }
      one.bench.out(one.client("SYN", { sequence: 50_000, acknowledgement: 0 }));
      one.bench.in(one.server("SYN ACK", { sequence: 70_000, acknowledgement: 50_001 }));
      one.bench.out(one.client("ACK", { sequence: 50_001, acknowledgement: 70_001 }));
      one.bench.advance(7_440_000);
      one.bench.in(one.server("ACK", { sequence: 70_001, acknowledgement: 50_001 }));
    }
  });

  it("RFC7857 §2 (time-out): an established connection is gone 7442 s after its last segment", () => {
    const one = connected().exchange();
    one.bench.advance(7_442_000);
    one.bench.expectSilence("wan", one.server("ACK"), { wanUnsolicited: 1 });
  });

  const toOutside: [name: string, isOpening: boolean, walk: (one: Connection) => void][] = [
    ["SYN", true, () => {}],
    ["SYN, SYN ACK", true, (one) => one.bench.in(one.server("SYN ACK", { sequence: 9000 }))],
    ["SYN, RST", false, (one) => one.bench.in(one.server("RST ACK", { sequence: 0 }))],
    [
      "client's FIN, server's FIN",
      false,
      (one) => {
        one.establish().bench.out(one.client("FIN ACK"));
        one.bench.in(one.server("FIN ACK", { acknowledgement: 1002 }));
      },
    ],
    [
      "server's FIN, client's FIN",
      false,
      (one) => {
        one.establish().bench.in(one.server("FIN ACK"));
        one.bench.out(one.client("FIN ACK", { acknowledgement: 9002 }));
      },
    ],
    ["client's RST", false, (one) => one.establish().bench.out(one.client("RST ACK"))],
    ["server's RST", false, (one) => one.establish().bench.in(one.server("RST ACK"))],
    [
      "RST, SYN",
      true,
      (one) => {
        one.establish().bench.in(one.server("RST ACK"));
        one.bench.out(one.client("SYN", { sequence: 50_000, acknowledgement: 0 }));
      },
    ],
  ];
  /** After the caller's SYN; `<` comes in, `>` goes out. */
  const fromOutside: [isOpening: boolean, segments: string[]][] = [
    [true, []],
    [true, ["> SYN ACK"]],
    [false, ["> SYN ACK", "< ACK", "< FIN ACK", "> FIN ACK"]],
    [false, ["> SYN ACK", "< ACK", "> FIN ACK", "< FIN ACK"]],
    [false, ["> SYN ACK", "< ACK", "< RST ACK"]],
    [false, ["> SYN ACK", "< ACK", "> RST ACK"]],
    // Nobody has shown yet that the caller is no forger.
    [true, ["> RST ACK"]],
  ];

  function called(bench: GatewayBench, segments: readonly string[]): Uint8Array {
    forwardToL2(bench, 80);
    const caller = { ...W1_TO_US, sourcePort: 6000, destinationPort: 80, sequence: 1001, acknowledgement: 9001 };
    const host = { ...L2_TO_W1, sourcePort: 80, destinationPort: 6000, sequence: 9001, acknowledgement: 1001 };
    bench.in(tcpFrame({ ...caller, flags: "SYN", sequence: 1000, acknowledgement: 0 }));
    for (const segment of segments) {
      const flags = segment.slice(2);
      if (segment.startsWith("<")) bench.in(tcpFrame({ ...caller, flags }));
      else bench.out(tcpFrame({ ...host, flags, sequence: flags === "SYN ACK" ? 9000 : 9001 }));
    }
    return tcpFrame({ ...caller, flags: "ACK" });
  }

  it.each([
    [50, 90],
    [90, 50],
    [300, 20],
  ])(
    "RFC7857 §2.1 (separate): with %d s for opening and %d s for closing each ends in time, to the second, whoever began",
    (tcpOpeningTimeoutS, tcpClosingTimeoutS) => {
      /** What comes after so many whole seconds of silence passes, and not one second later. `walk` tells what comes. */
      function expectTimeout(name: string, isOpening: boolean, walk: (bench: GatewayBench) => Uint8Array): void {
        const timeoutMs = (isOpening ? tcpOpeningTimeoutS : tcpClosingTimeoutS) * 1000;
        for (const [silenceMs, passed] of [
          [timeoutMs + 999, 1],
          [timeoutMs + 1000, 0],
        ] as const) {
          const bench = new GatewayBench({ nat: { tcpOpeningTimeoutS, tcpClosingTimeoutS } });
          const next = walk(bench);
          bench.advance(silenceMs);
          bench.clear();
          bench.fromWan(next);
          expect([name, silenceMs, bench.lan().length]).toEqual([name, silenceMs, passed]);
        }
      }
      for (const [name, isOpening, walk] of toOutside) {
        expectTimeout(name, isOpening, (bench) => {
          const one = new Connection(bench);
          walk(one);
          return one.server("ACK");
        });
      }
      for (const [isOpening, segments] of fromOutside) {
        expectTimeout(["< SYN", ...segments].join(), isOpening, (bench) => called(bench, segments));
      }
    },
  );

  it("RFC7857 §2.1 (shorter): the timer of opening can be set below 4 min", () => {
    const one = new Connection(new GatewayBench({ nat: { tcpOpeningTimeoutS: 60 } }));
    one.bench.advance(60_000);
    one.bench.in(one.server("SYN ACK", { sequence: 9000 }));
    one.bench.advance(62_000);
    one.bench.expectSilence("wan", one.server("SYN ACK", { sequence: 9000 }), { wanUnsolicited: 1 });
  });

  it("RFC7857 §2.2c: a reset in the window is believed, any other is dropped, and the connection lives on", () => {
    const one = connected().exchange();
    for (const sequence of [9000, 9001 + 65536, 0, -1]) {
      one.bench.expectSilence("wan", one.server("RST", { sequence }), { natTcpWindow: 1 });
    }
    one.bench.advance(7_000_000);
    one.exchange();
    one.bench.in(one.server("RST"));
    one.bench.advance(242_000);
    one.bench.expectSilence("wan", one.server("ACK"), { wanUnsolicited: 1 });
  });

  it("RFC7857 §5: UDP and TCP from one port are mapped each for itself", () => {
    // Equal ports are possible, but not in each of twenty pairs.
    const bench = new GatewayBench();
    let equal = 0;
    for (let sourcePort = 5000; sourcePort < 5020; sourcePort++) {
      const udp = udpPortOf(bench, { ...L1_TO_W1, sourcePort });
      const tcp = tcpPortOf(bench, { ...L1_TO_W1, sourcePort });
      if (udp === tcp) equal++;
      // The TCP mapping outlives the UDP one: they share no timer.
      expect(udpPortOf(bench, { ...L1_TO_W1, sourcePort, destinationPort: 54 })).toBe(udp);
      expect(tcpPortOf(bench, { ...L1_TO_W1, sourcePort, destinationPort: 81 })).toBe(tcp);
    }
    expect(equal).toBeLessThan(20);
  });

  it("RFC7857 §6: a TCP mapping that anyone may use admits no datagram, and the other way round", () => {
    const bench = new GatewayBench({ nat: { filtering: "endpointIndependent" } });
    const udp = udpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000 });
    const tcp = tcpPortOf(bench, { ...L1_TO_W1, sourcePort: 5001 });
    bench.in(udpFrame({ ...W2_TO_US, destinationPort: udp }));
    bench.in(tcpFrame({ ...W2_TO_US, destinationPort: tcp }));
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, destinationPort: udp }), { wanUnsolicited: 1 });
    bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: tcp }), { wanUnsolicited: 1 });
  });

  it("RFC7857 §7: datagrams and SYNs that the filter refuses do not prolong a mapping", () => {
    const { bench, external, inward } = mapped();
    for (let i = 0; i < 6; i++) {
      bench.advance(50_000);
      bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: external }), { natFiltered: 1 });
    }
    bench.advance(2000);
    bench.expectSilence("wan", inward(), { wanUnsolicited: 1 });

    const one = new Connection(new GatewayBench());
    for (let i = 0; i < 4; i++) {
      one.bench.advance(60_000);
      one.bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, destinationPort: one.external }), { natFiltered: 1 });
    }
    one.bench.advance(2000);
    one.bench.expectSilence("wan", one.server("SYN ACK", { sequence: 9000 }), { wanUnsolicited: 1 });
  });

  it("RFC7857 §7.1: resets that the inside sends again and again do not prolong a session", () => {
    const one = connected().exchange();
    for (let i = 0; i < 5; i++) {
      one.bench.out(one.client("RST ACK"));
      one.bench.advance(48_400);
    }
    one.bench.expectSilence("wan", one.server("ACK"), { wanUnsolicited: 1 });
  });

  it("RFC7857 §7.1: errors do not prolong a session", () => {
    const { bench, received } = answered();
    for (let i = 0; i < 6; i++) {
      bench.advance(50_000);
      bench.out(icmpErrorFrame({ ...L1_TO_W1, about: received }));
    }
    bench.advance(2_000);
    bench.expectSilence("lan", icmpErrorFrame({ ...L1_TO_W1, about: received }), { icmpErrorUnmatched: 1 });
  });

  it("RFC7857 §2.2a: a reset passes, from either side", () => {
    const one = connected().exchange();
    expectFrame(one.bench.out(one.client("RST")))
      .ipv4()
      .tcp({ flags: "RST", sourcePort: one.external });
    const two = connected().exchange();
    expectFrame(two.bench.in(two.server("RST")))
      .ipv4()
      .tcp({ flags: "RST", destinationPort: 5000 });
  });

  it("RFC7857 §2.2b: after a reset the session lives 240 s and goes; data in between revives it", () => {
    const dead = connected().exchange();
    dead.bench.in(dead.server("RST ACK"));
    expect(dead.state).toBe("TRANS");
    dead.bench.advance(242_000);
    expect(dead.bench.gateway.nat.sessionCount).toBe(0);

    const alive = connected().exchange();
    alive.bench.in(alive.server("RST ACK"));
    alive.bench.advance(240_000);
    alive.exchange();
    expect(alive.state).toBe("ESTABLISHED");
    alive.bench.advance(7_000_000);
    alive.exchange();
  });

  it("RFC7857 §10: hosts that use the same identification towards one remote are told apart", () => {
    const bench = new GatewayBench();
    const seen = new Set<number>();
    for (let n = 0; n < 100; n++) {
      for (const ends of [L1_TO_W1, L2_TO_W1]) {
        const frame = bench.out(udpFrame({ ...ends, sourcePort: 5000, identification: 77 }));
        seen.add(decodeIpv4(frame.subarray(14)).identification);
      }
    }
    expect(seen.size).toBe(200);
  });
});
