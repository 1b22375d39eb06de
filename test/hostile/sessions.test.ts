import { beforeEach, describe, expect, it } from "vitest";
import { decodeTcp, decodeUdp, expectFrame } from "../support/expectFrame.js";
import { icmpErrorFrame, tcpFrame, udpFrame } from "../support/frames.js";
import { type Ends, GatewayBench, L1_TO_W1, L2_TO_W1, W1_TO_US, W2_TO_US } from "../support/gatewayBench.js";

let bench: GatewayBench;
/** L2:9000 has an established connection to W1:80. */
let client: Ends & { sourcePort: number; destinationPort: number };
/** As its server, or one who forges its address and has guessed the port, sends. */
let server: Ends & { sourcePort: number; destinationPort: number };

beforeEach(() => {
  bench = new GatewayBench();
  client = { ...L2_TO_W1, sourcePort: 9000, destinationPort: 80 };
  const syn = bench.out(tcpFrame({ ...client, sequence: 1000 }));
  server = { ...W1_TO_US, sourcePort: 80, destinationPort: decodeTcp(syn.subarray(14)).sourcePort };
  bench.in(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" }));
  bench.out(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK" }));
});

/** The connection lasts as long as an established one, and the flow cache carries it. */
function expectUnharmed(): void {
  bench.clear();
  bench.out(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK", payload: "x" }));
  bench.in(tcpFrame({ ...server, sequence: 9001, acknowledgement: 1002, flags: "ACK", payload: "y" }));
  expect(bench.gateway.nat.sessions()).toMatchObject([{ state: "ESTABLISHED", isCarried: true, expiresInS: 7440 }]);
}

describe("a forger who has guessed the port of somebody's TCP connection", () => {
  it("does not end it by resets outside the window", () => {
    for (let i = 1; i < 256; i++) {
      const forged = { ...server, sequence: (9001 + 65_536 + i * 0x00ff0000) >>> 0, acknowledgement: 1001 };
      bench.expectSilence("wan", tcpFrame({ ...forged, flags: i & 1 ? "RST" : "RST ACK" }), { natTcpWindow: 1 });
    }
    expectUnharmed();
  });

  it("does not end it by one reset inside the window, if either end speaks afterwards", () => {
    bench.fromWan(tcpFrame({ ...server, sequence: 9001, flags: "RST" }));
    expectUnharmed();
  });

  it("does not slow it down, or shorten its life, by FINs outside the window", () => {
    for (const sequence of [0, 9000, 9001 + 70_000, 0x80000000]) {
      bench.fromWan(tcpFrame({ ...server, sequence, acknowledgement: 1001, flags: "FIN ACK" }));
    }
    expectUnharmed();
  });

  it("does not make it a new one by SYNs", () => {
    for (const flags of ["SYN", "SYN ACK"]) {
      bench.fromWan(tcpFrame({ ...server, sequence: 77, acknowledgement: 5, flags }));
    }
    expectUnharmed();
  });

  it("does not end it by ICMP errors of any kind, from anywhere", () => {
    const about = tcpFrame({
      ...server,
      source: W1_TO_US.destination,
      destination: W1_TO_US.source,
      sourcePort: server.destinationPort,
      destinationPort: 80,
      sequence: 1001,
      flags: "ACK",
    });
    for (const type of [3, 4, 5, 11, 12]) {
      for (let code = 0; code < 16; code++) {
        bench.fromWan(icmpErrorFrame({ ...W2_TO_US, about, type, code, nextHopMtu: 68 }));
      }
    }
    expectUnharmed();
  });
});

describe("a forger in the middle of a handshake", () => {
  it("does not keep the answer away by resets or SYNs that do not know the sequence number", () => {
    const opening = { ...L1_TO_W1, sourcePort: 7000, destinationPort: 80 };
    const syn = bench.out(tcpFrame({ ...opening, sequence: 5000 }));
    const answer = { ...W1_TO_US, sourcePort: 80, destinationPort: decodeTcp(syn.subarray(14)).sourcePort };
    bench.expectSilence("wan", tcpFrame({ ...answer, sequence: 1, flags: "RST" }), { natTcpWindow: 1 });
    bench.expectSilence("wan", tcpFrame({ ...answer, acknowledgement: 99, flags: "RST ACK" }), { natTcpWindow: 1 });
    bench.fromWan(tcpFrame({ ...answer, sequence: 4, flags: "SYN" }));
    bench.clear();
    bench.in(tcpFrame({ ...answer, sequence: 8000, acknowledgement: 5001, flags: "SYN ACK" }));
    bench.out(tcpFrame({ ...opening, sequence: 5001, acknowledgement: 8001, flags: "ACK" }));
    const own = bench.gateway.nat.sessions().find((session) => session.insidePort === 7000);
    expect(own).toMatchObject({ state: "ESTABLISHED" });
  });
});

describe("UDP checksums", () => {
  it("of no, of wrong and of turned value neither crash nor hide anything from the receiver", () => {
    const external = decodeUdp(
      bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 })).subarray(14),
    );
    const answer = { ...W1_TO_US, sourcePort: 53, destinationPort: external.sourcePort, payload: "answer" };
    expectFrame(bench.in(udpFrame({ ...answer, checksum: 0 })))
      .ipv4()
      .udp({ checksum: 0 });
    for (const checksum of [1, 0xffff, 0x8000]) {
      bench.fromWan(udpFrame({ ...answer, checksum }));
      const [frame] = bench.lan();
      expect(decodeUdp((frame as Uint8Array).subarray(14)).checksum).not.toBe(0);
    }
  });
});
