import { describe, expect, it } from "vitest";
import {
  between,
  Connection,
  connected,
  decodeTcp,
  expectFrame,
  forwardToL2,
  GatewayBench,
  icmpErrorFrame,
  L1_ADDRESS,
  L1_TO_W1,
  L1_TO_W2,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_TO_W1,
  L2_TO_WAN_ADDRESS,
  patternBytes,
  type TcpFields,
  tcpFrame,
  tcpPortOf,
  udpFrame,
  W1_ADDRESS,
  W1_TO_US,
  W2_TO_US,
  WAN_ADDRESS,
} from "./fixture.js";

describe("RFC 5382: TCP", () => {
  it("RFC5382 REQ-1, T11: three connections from one port have one external port, and live side by side", () => {
    const bench = new GatewayBench();
    const external = tcpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000, destinationPort: 80 });
    expect(tcpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000, destinationPort: 81 })).toBe(external);
    expect(tcpPortOf(bench, { ...L1_TO_W2, sourcePort: 5000, destinationPort: 80 })).toBe(external);
    const peers = [
      { ...W1_TO_US, sourcePort: 80 },
      { ...W1_TO_US, sourcePort: 81 },
      { ...W2_TO_US, sourcePort: 80 },
    ];
    for (const peer of peers) {
      bench.in(tcpFrame({ ...peer, destinationPort: external, flags: "SYN ACK", sequence: 1, acknowledgement: 1001 }));
    }
    for (let i = 0; i < 3; i++) {
      for (const peer of peers) {
        const fields = { ...peer, destinationPort: external, flags: "ACK", sequence: 2, acknowledgement: 1001 };
        expectFrame(bench.in(tcpFrame({ ...fields, payload: "data" })))
          .ipv4({ source: peer.source, destination: L1_ADDRESS })
          .tcp({ sourcePort: peer.sourcePort, destinationPort: 5000 });
        const answer = { sourcePort: 5000, destinationPort: peer.sourcePort, flags: "ACK", sequence: 1001 };
        bench.out(tcpFrame({ ...between(L1_ADDRESS, peer.source), ...answer, acknowledgement: 6 }));
      }
    }
    expect(bench.gateway.nat.sessions().map((one) => one.state)).toEqual(["ESTABLISHED", "ESTABLISHED", "ESTABLISHED"]);
  });

  it("RFC5382 REQ-2: handshake with options, data, retransmission, half-close, the rest of the data, close", () => {
    const bench = new GatewayBench();
    const tcpOptions = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
    const syn = bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000, sequence: 1000, tcpOptions }));
    expect([...syn.subarray(54)]).toEqual(tcpOptions);
    bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000, sequence: 1000, tcpOptions }));
    const connection = new Connection(bench).establish().exchange();
    expect(connection.state).toBe("ESTABLISHED");
    bench.out(connection.client("FIN ACK"));
    expect(connection.state).toBe("C-FIN");
    bench.in(connection.server("ACK", { acknowledgement: 1002 }));
    for (let i = 0; i < 3; i++) {
      bench.in(connection.server("PSH ACK", { acknowledgement: 1002, payload: patternBytes(1460) }));
      bench.out(connection.client("ACK", { sequence: 1002, acknowledgement: 9001 + 1460 }));
    }
    bench.in(connection.server("FIN ACK", { sequence: 9001 + 1460, acknowledgement: 1002 }));
    expect(connection.state).toBe("C+S-FIN");
    bench.out(connection.client("ACK", { sequence: 1002, acknowledgement: 9002 + 1460 }));
  });

  it("RFC5382 REQ-2, T3: source ports below 1024 connect, from a port below 1024", () => {
    for (const port of [1, 22, 1023]) {
      expect(tcpPortOf(new GatewayBench(), { ...L1_TO_W1, sourcePort: port })).toBeLessThan(1024);
    }
  });

  it("RFC5382 REQ-2: segments out of order and twice, probes of a zero window and of a silent peer, urgent data, ECN", () => {
    const connection = connected().exchange();
    const { bench } = connection;
    const segments: [flags: string, fields: TcpFields][] = [
      ["ACK", { sequence: 3000, payload: "later" }],
      ["ACK", { sequence: 1001, payload: "earlier" }],
      ["ACK", { sequence: 1001, payload: "earlier" }],
      ["ACK", { window: 0 }],
      ["ACK", { sequence: 1000, payload: "x" }],
      ["ACK", { sequence: 1000 }],
      ["PSH ACK URG", { urgentPointer: 3, payload: "urgent" }],
      ["ACK ECE CWR", { payload: "marked", tos: 3 }],
      ["ACK", { tcpOptions: [1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9], payload: "with SACK" }],
      ["ACK", { payload: patternBytes(1460) }],
    ];
    for (const [flags, fields] of segments) {
      const out = bench.out(connection.client(flags, fields));
      const sent = connection.client(flags, fields);
      // All behind the ports is the sender's own, but for the checksum, which the bench has verified.
      expect([...out.subarray(38, 50), ...out.subarray(52)]).toEqual([...sent.subarray(38, 50), ...sent.subarray(52)]);
      const shifted = { ...fields, sequence: (fields.sequence ?? 1001) + 8000 };
      const received = bench.in(connection.server(flags, shifted));
      const reply = connection.server(flags, shifted);
      expect([...received.subarray(38, 50), ...received.subarray(52)]).toEqual([
        ...reply.subarray(38, 50),
        ...reply.subarray(52),
      ]);
    }
    connection.exchange();
  });

  it.each([
    ["by the flow cache", {}],
    ["on the slow path", { flowCache: () => ({ outbound: () => -1, inbound: () => -1 }) }],
  ])("RFC5382 REQ-2: a connection whose windows are all 0 opens, lives and closes as any, carried %s", (_, options) => {
    const connection = new Connection(new GatewayBench(options));
    const { bench } = connection;
    const window = 0;
    const sent = (frame: Uint8Array) => expectFrame(bench.out(frame)).ipv4({ source: WAN_ADDRESS }).tcp({ window });
    const answered = (frame: Uint8Array) =>
      expectFrame(bench.in(frame)).ipv4({ destination: L1_ADDRESS }).tcp({ window });
    answered(connection.server("SYN ACK", { sequence: 9000, window }));
    sent(connection.client("ACK", { window }));
    expect(connection.state).toBe("ESTABLISHED");
    for (let i = 0; i < 3; i++) {
      answered(connection.server("ACK", { window }));
      sent(connection.client("PSH ACK", { window, payload: "x" }));
    }
    bench.advance(7_000_000);
    answered(connection.server("ACK", { window, acknowledgement: 1002 }));
    sent(connection.client("FIN ACK", { window, sequence: 1002 }));
    expect(connection.state).toBe("C-FIN");
    answered(connection.server("FIN ACK", { window, acknowledgement: 1003 }));
    sent(connection.client("ACK", { window, sequence: 1003, acknowledgement: 9002 }));
    expect(connection.state).toBe("C+S-FIN");
  });

  it("RFC5382 REQ-2: both sides close at once; a refused connection is opened again from the same port", () => {
    const closing = connected().exchange();
    closing.bench.out(closing.client("FIN ACK"));
    closing.bench.in(closing.server("FIN ACK"));
    closing.bench.out(closing.client("ACK", { sequence: 1002, acknowledgement: 9002 }));
    closing.bench.in(closing.server("ACK", { sequence: 9002, acknowledgement: 1002 }));

    const refused = new Connection(new GatewayBench());
    refused.bench.in(refused.server("RST ACK", { sequence: 0 }));
    expect(new Connection(refused.bench).establish().exchange().external).toBe(refused.external);
  });

  it("RFC5382 REQ-2a: simultaneous open reaches the established state", () => {
    const bench = new GatewayBench();
    const connection = new Connection(bench);
    bench.in(connection.server("SYN", { sequence: 9000, acknowledgement: 0 }));
    bench.out(connection.client("SYN ACK", { sequence: 1000 }));
    bench.in(connection.server("SYN ACK", { sequence: 9000 }));
    bench.out(connection.client("ACK"));
    expect(connection.state).toBe("ESTABLISHED");
    connection.exchange();
  });

  it("RFC5382 REQ-2: a connection from outside through a forward", () => {
    const bench = new GatewayBench();
    forwardToL2(bench, 8080, 80);
    const friend = { ...W1_TO_US, sourcePort: 40000, destinationPort: 8080 };
    expectFrame(bench.in(tcpFrame({ ...friend, sequence: 9000 })))
      .ipv4({ source: W1_ADDRESS, destination: L2_ADDRESS })
      .tcp({ sourcePort: 40000, destinationPort: 80, flags: "SYN" });
    const server = { ...L2_TO_W1, sourcePort: 80, destinationPort: 40000 };
    expectFrame(bench.out(tcpFrame({ ...server, sequence: 1000, acknowledgement: 9001, flags: "SYN ACK" })))
      .ipv4({ source: WAN_ADDRESS })
      .tcp({ sourcePort: 8080, destinationPort: 40000 });
    bench.in(tcpFrame({ ...friend, sequence: 9001, acknowledgement: 1001, flags: "ACK" }));
    expect(bench.gateway.nat.sessions()).toMatchObject([{ state: "ESTABLISHED", externalPort: 8080, insidePort: 80 }]);
    for (let i = 0; i < 3; i++) {
      bench.out(tcpFrame({ ...server, sequence: 1001, acknowledgement: 9001, flags: "ACK", payload: "page" }));
      bench.in(tcpFrame({ ...friend, sequence: 9001, acknowledgement: 1005, flags: "ACK", payload: "more" }));
    }
  });

  it("RFC5382 REQ-3: filtering is address-dependent, a known host may connect from another port", () => {
    const connection = connected();
    const { bench } = connection;
    const syn = { flags: "SYN", destinationPort: connection.external };
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, ...syn }), { natFiltered: 1 });
    expectFrame(bench.in(tcpFrame({ ...W1_TO_US, sourcePort: 999, ...syn })))
      .ipv4()
      .tcp({ destinationPort: 5000 });
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, sourcePort: 998, ...syn, flags: "ACK" }), { natTcpState: 1 });
  });

  it("RFC5382 REQ-3a: endpoint-independent filtering on request: anyone may connect", () => {
    const bench = new GatewayBench({ nat: { filtering: "endpointIndependent" } });
    const { external } = new Connection(bench).establish();
    expectFrame(bench.in(tcpFrame({ ...W2_TO_US, sourcePort: 999, destinationPort: external, flags: "SYN" })))
      .ipv4({ destination: L1_ADDRESS })
      .tcp({ destinationPort: 5000 });
  });

  it("RFC5382 REQ-4, REQ-4 (answer): where closed ports answer, an unsolicited SYN hears nothing for 6 s, then port unreachable", () => {
    for (const destinationPort of [1024, 20000, 49151]) {
      const bench = new GatewayBench();
      bench.gateway.firewall.rejectsClosedPorts = true;
      const call = tcpFrame({ ...W1_TO_US, sourcePort: 80, destinationPort });
      bench.expectSilence("wan", call, { wanUnsolicited: 1 });
      bench.advance(5999);
      expect(bench.wan()).toEqual([]);
      bench.advance(1001);
      const [error, ...others] = bench.wan();
      expect(others).toEqual([]);
      expectFrame(error)
        .ipv4({ source: WAN_ADDRESS, destination: W1_ADDRESS })
        .icmp({ type: 3, code: 3 })
        .quote()
        .ipv4({ source: W1_ADDRESS, destination: WAN_ADDRESS });
      expect([...(error as Uint8Array).subarray(62, 70)]).toEqual([...call.subarray(34, 42)]);
      bench.advance(30_000);
      expect(bench.wan()).toEqual([]);
    }
  });

  it("RFC5382 REQ-4 (own SYN): and nothing at all when the inside opens that very connection within the 6 s", () => {
    // One port, so that it is known beforehand.
    const bench = new GatewayBench({ nat: { ports: { first: 2000, last: 2000 } } });
    bench.gateway.firewall.rejectsClosedPorts = true;
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, sourcePort: 80, destinationPort: 2000 }), { wanUnsolicited: 1 });
    bench.advance(3000);
    const connection = new Connection(bench);
    expect(connection.external).toBe(2000);
    connection.establish().exchange();
    bench.advance(30_000);
    expect([...bench.wan(), ...bench.lan()]).toEqual([]);
    connection.exchange();
  });

  it("RFC5382 REQ-4, REQ-4 (own SYN), REQ-4a, T15: by default, an unsolicited SYN gets no answer in 30 s; the host's own SYN meanwhile opens", () => {
    const bench = new GatewayBench();
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, destinationPort: 20000 }), { wanUnsolicited: 1 });
    bench.advance(3000);
    new Connection(bench).establish().exchange();
    bench.advance(30_000);
    expect(bench.wan()).toEqual([]);
    expect(bench.lan()).toEqual([]);
  });

  it("RFC5382 REQ-5 (established), T12b: an established connection survives 7440 s of silence, and no more than 7441", () => {
    const connection = connected().exchange();
    for (let i = 0; i < 2; i++) {
      connection.bench.advance(7_440_000);
      connection.exchange();
    }
    connection.bench.advance(7_442_000);
    connection.bench.expectSilence("wan", connection.server("ACK"), { wanUnsolicited: 1 });
    expect(connection.bench.gateway.nat.sessionCount).toBe(0);
  });

  it("RFC5382 REQ-5 (established): a half-closed one lives just as long, by either side", () => {
    for (const isClient of [true, false]) {
      const connection = connected().exchange();
      const { bench } = connection;
      if (isClient) bench.out(connection.client("FIN ACK"));
      else bench.in(connection.server("FIN ACK"));
      bench.advance(7_440_000);
      bench.in(connection.server("ACK", { payload: "late" }));
      bench.out(connection.client("ACK", { payload: "late" }));
    }
  });

  it("RFC5382 REQ-5 (transitory), RFC7857 §2.1 (default): an opening and a closing connection live 240 s of silence, and no more than 241", () => {
    const opening = new Connection(new GatewayBench());
    opening.bench.advance(240_000);
    opening.establish();
    const closing = opening;
    closing.bench.out(closing.client("FIN ACK"));
    closing.bench.in(closing.server("FIN ACK", { acknowledgement: 1002 }));
    closing.bench.advance(240_000);
    closing.bench.out(closing.client("ACK", { sequence: 1002, acknowledgement: 9002 }));
    closing.bench.advance(242_000);
    closing.bench.expectSilence("wan", closing.server("ACK"), { wanUnsolicited: 1 });
    expect(closing.bench.gateway.ports.count).toBe(0);
  });

  it("RFC5382 REQ-5a: the timers are what the administrator sets", () => {
    const nat = { tcpEstablishedTimeoutS: 600, tcpOpeningTimeoutS: 300 };
    const connection = new Connection(new GatewayBench({ nat }));
    connection.bench.advance(300_000);
    connection.establish();
    connection.bench.advance(600_000);
    connection.exchange();
    connection.bench.advance(602_000);
    connection.bench.expectSilence("wan", connection.server("ACK"), { wanUnsolicited: 1 });
  });

  it("RFC5382 REQ-6: payloads that name inside addresses pass as they are, both ways, new and established", () => {
    const connection = connected();
    for (const payload of [
      "PORT 192,168,1,10,19,137\r\n",
      "227 Entering Passive Mode (203,0,113,2,19,137)\r\n",
      "INVITE sip:x SIP/2.0\r\nContact: <sip:me@192.168.1.10:5000>\r\n",
    ]) {
      for (let i = 0; i < 3; i++) {
        expectFrame(connection.bench.out(connection.client("PSH ACK", { payload })))
          .ipv4()
          .tcp()
          .payload(payload);
        expectFrame(connection.bench.in(connection.server("PSH ACK", { payload })))
          .ipv4()
          .tcp()
          .payload(payload);
      }
    }
  });

  it("RFC5382 REQ-7: two hosts with the same port to the same server get different external ports", () => {
    const bench = new GatewayBench();
    const one = tcpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000 });
    const two = tcpPortOf(bench, { ...L2_TO_W1, sourcePort: 5000 });
    expect(two).not.toBe(one);
    for (const [destinationPort, destination] of [
      [one, L1_ADDRESS],
      [two, L2_ADDRESS],
    ] as const) {
      const answer = { sourcePort: 80, destinationPort, flags: "SYN ACK", acknowledgement: 1001 };
      expectFrame(bench.in(tcpFrame({ ...W1_TO_US, ...answer })))
        .ipv4({ destination })
        .tcp({ destinationPort: 5000 });
    }
  });

  it("RFC5382 REQ-8, REQ-8a, T9b: hairpin through a forward, with the external source", () => {
    const bench = new GatewayBench();
    forwardToL2(bench, 25565);
    const client = { ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: 25565 };
    const syn = bench.back(tcpFrame({ ...client, sequence: 1000 }));
    expectFrame(syn).ipv4({ source: WAN_ADDRESS, destination: L2_ADDRESS }).tcp({ destinationPort: 25565 });
    const { sourcePort: external } = decodeTcp(syn.subarray(14));
    const server = { ...L2_TO_WAN_ADDRESS, sourcePort: 25565, destinationPort: external };
    const answer = bench.back(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" }));
    expectFrame(answer)
      .ipv4({ source: WAN_ADDRESS, destination: L1_ADDRESS })
      .tcp({ sourcePort: 25565, destinationPort: 5000, flags: "SYN ACK" });
    for (let i = 0; i < 4; i++) {
      bench.back(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK", payload: "hello" }));
      bench.back(tcpFrame({ ...server, sequence: 9001, acknowledgement: 1006, flags: "ACK", payload: "world" }));
    }
    expect(bench.gateway.nat.sessions().map((one) => one.state)).toEqual(["ESTABLISHED", "ESTABLISHED"]);
    // Also by the server itself, to its own public address.
    expectFrame(bench.back(tcpFrame({ ...L2_TO_WAN_ADDRESS, sourcePort: 77, destinationPort: 25565 })))
      .ipv4({ source: WAN_ADDRESS, destination: L2_ADDRESS })
      .tcp({ destinationPort: 25565 });
  });

  it("RFC5382 REQ-8, REQ-8a: hairpin to the mapping that another host's connection has", () => {
    const bench = new GatewayBench();
    const listener = tcpPortOf(bench, { ...L2_TO_W1, sourcePort: 6000 });
    const caller = tcpPortOf(bench, { ...L1_TO_W1, sourcePort: 5000 });
    const client = { ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: listener };
    expectFrame(bench.back(tcpFrame({ ...client, sequence: 1000 })))
      .ipv4({ source: WAN_ADDRESS, destination: L2_ADDRESS })
      .tcp({ sourcePort: caller, destinationPort: 6000, flags: "SYN" });
    const server = { ...L2_TO_WAN_ADDRESS, sourcePort: 6000, destinationPort: caller };
    expectFrame(bench.back(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" })))
      .ipv4({ source: WAN_ADDRESS, destination: L1_ADDRESS })
      .tcp({ sourcePort: listener, destinationPort: 5000, flags: "SYN ACK" });
    for (let i = 0; i < 3; i++) {
      bench.back(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK", payload: "hello" }));
      bench.back(tcpFrame({ ...server, sequence: 9001, acknowledgement: 1006, flags: "ACK", payload: "world" }));
    }
  });

  it("RFC5382 REQ-9, REQ-10: unreachables reach the host with the header it knows; none ends the connection", () => {
    const connection = connected().exchange();
    const { bench, external } = connection;
    const about = tcpFrame({
      source: WAN_ADDRESS,
      destination: W1_ADDRESS,
      sourcePort: external,
      destinationPort: 80,
      sequence: 1001,
      acknowledgement: 9001,
      flags: "ACK",
      payload: "request",
    });
    for (const quoteBytes of [28, 40, 548]) {
      for (let code = 0; code < 16; code++) {
        const error = bench.in(
          icmpErrorFrame({ ...W1_TO_US, code, nextHopMtu: code === 4 ? 1400 : 0, about, quoteBytes }),
        );
        expectFrame(error)
          .ipv4({ destination: L1_ADDRESS })
          .icmp({ type: 3, code, nextHopMtu: code === 4 ? 1400 : 0 });
        const quoted = error.subarray(42);
        expect([...quoted.subarray(12, 24)]).toEqual([192, 168, 1, 10, 198, 51, 100, 80, 5000 >> 8, 5000 & 255, 0, 80]);
        expectFrame(error).ipv4().quote();
      }
    }
    expect(connection.state).toBe("ESTABLISHED");
    connection.exchange();
    bench.advance(7_000_000);
    connection.exchange();
  });
});

describe("what is no valid segment", () => {
  it("refuses a reset in answer to a SYN that acknowledges something else", () => {
    const connection = new Connection(new GatewayBench());
    const { bench } = connection;
    bench.expectSilence("wan", connection.server("RST ACK", { acknowledgement: 77 }), { natTcpWindow: 1 });
    bench.in(connection.server("RST ACK", { sequence: 0, acknowledgement: 1001 }));
  });

  it("a forged SYN of an established connection changes neither its state nor its timer", () => {
    const connection = connected().exchange();
    const { bench } = connection;
    bench.in(connection.server("SYN", { sequence: 12345, acknowledgement: 0 }));
    expect(connection.state).toBe("ESTABLISHED");
    connection.exchange();
    bench.advance(7_000_000);
    connection.exchange();
  });

  it("segments with impossible headers are dropped, in both directions", () => {
    const connection = connected().exchange();
    const { bench } = connection;
    const withDataOffset = (frame: Uint8Array, words: number) => {
      const changed = frame.slice();
      changed[46] = words << 4;
      return changed;
    };
    for (const words of [0, 4, 6, 15]) {
      bench.expectSilence("lan", withDataOffset(connection.client("ACK"), words), { tcpMalformed: 1 });
      bench.expectSilence("wan", withDataOffset(connection.server("ACK"), words), { tcpMalformed: 1 });
    }
    bench.expectSilence("lan", tcpFrame({ ...L1_TO_W1, sourcePort: 0 }), { tcpMalformed: 1 });
    bench.expectSilence("lan", tcpFrame({ ...L1_TO_W1, destinationPort: 0 }), { tcpMalformed: 1 });
    bench.expectSilence("lan", udpFrame({ ...L1_TO_W1, protocol: 6 }), { tcpMalformed: 1 });
    connection.exchange();
  });
});
