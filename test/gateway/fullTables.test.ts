import { describe, expect, it } from "vitest";
import { decodeTcp, decodeUdp, expectFrame } from "../support/expectFrame.js";
import { icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  type BenchOptions,
  GatewayBench,
  L1_ADDRESS,
  L1_TO_W1,
  L2_TO_W1,
  LAN_ADDRESS,
  W1_TO_US,
} from "../support/gatewayBench.js";

/** L2:9000 has an established connection to W1:80; what it and its server send. */
function withConnection(options: BenchOptions) {
  const bench = new GatewayBench(options);
  const client = { ...L2_TO_W1, sourcePort: 9000, destinationPort: 80 };
  const external = decodeTcp(bench.out(tcpFrame({ ...client, sequence: 1000 })).subarray(14)).sourcePort;
  const server = { ...W1_TO_US, sourcePort: 80, destinationPort: external };
  bench.in(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" }));
  const use = () => {
    bench.out(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK", payload: "x" }));
    bench.in(tcpFrame({ ...server, sequence: 9001, acknowledgement: 1002, flags: "ACK", payload: "y" }));
  };
  use();
  return { bench, use };
}

describe("full session table", () => {
  it("an established TCP connection outlives any number of new UDP, ICMP and half-open TCP sessions (T13)", () => {
    const { bench, use } = withConnection({ capacity: { sessions: 16, mappings: 64 } });
    for (let i = 0; i < 600; i++) {
      bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 1 + i }));
      bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 6000, destinationPort: 1 + i }));
      bench.out(icmpFrame({ ...L1_TO_W1, identifier: i % 40 }));
      if (i % 50 === 0) use();
      bench.advance(20);
    }
    // One host has half of the table.
    expect(bench.gateway.nat.sessionCount).toBe(8 + 1);
    bench.advance(7_000_000);
    use();
  });

  it("RFC5508 REQ-8: full of established connections, a new session is refused with 3/13, and harms none", () => {
    const bench = new GatewayBench({ capacity: { sessions: 8, mappings: 64 }, nat: { hostSessions: 8 } });
    const uses: (() => void)[] = [];
    for (let i = 0; i < 8; i++) {
      // The last eighth is not for who has much already.
      const client = { ...(i < 7 ? L2_TO_W1 : L1_TO_W1), sourcePort: 9000 + i, destinationPort: 80 };
      const external = decodeTcp(bench.out(tcpFrame({ ...client, sequence: 1000 })).subarray(14)).sourcePort;
      const server = { ...W1_TO_US, sourcePort: 80, destinationPort: external };
      bench.in(tcpFrame({ ...server, sequence: 9000, acknowledgement: 1001, flags: "SYN ACK" }));
      uses.push(() => {
        bench.out(tcpFrame({ ...client, sequence: 1001, acknowledgement: 9001, flags: "ACK" }));
        bench.in(tcpFrame({ ...server, sequence: 9001, acknowledgement: 1001, flags: "ACK" }));
      });
    }
    for (const use of uses) use();
    for (const frame of [udpFrame(L1_TO_W1), tcpFrame(L1_TO_W1), icmpFrame(L1_TO_W1)]) {
      expectFrame(bench.complaint("lan", frame, "natNoSession"))
        .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
        .icmp({ type: 3, code: 13 })
        .payload(frame.subarray(14));
    }
    for (const use of uses) use();
    // Its place is free again when one of them ends.
    bench.advance(7_442_000);
    bench.out(udpFrame(L1_TO_W1));
  });
});

describe("full mapping table", () => {
  it("RFC5508 REQ-8: a new inside endpoint is refused with 3/13 while all mappings carry established connections", () => {
    const { bench, use } = withConnection({ capacity: { mappings: 1 } });
    for (const frame of [udpFrame(L1_TO_W1), tcpFrame(L1_TO_W1), icmpFrame(L1_TO_W1)]) {
      const error = bench.complaint("lan", frame, "natNoMapping");
      expectFrame(error).ipv4().icmp({ type: 3, code: 13 }).payload(frame.subarray(14));
    }
    use();
    bench.advance(7_442_000);
    bench.out(udpFrame(L1_TO_W1));
  });

  it("one host's burst of datagrams does not shut the others out: what is idle longest makes way", () => {
    const { bench, use } = withConnection({ capacity: { mappings: 7 }, nat: { hostMappings: 7 } });
    for (let i = 0; i < 6; i++) {
      bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000 + i }));
      bench.advance(1000);
    }
    // The table is full of L1's one-off datagrams; L2 wants to open a page.
    const external = decodeTcp(bench.out(tcpFrame({ ...L2_TO_W1, sourcePort: 9001 })).subarray(14)).sourcePort;
    bench.in(
      tcpFrame({ ...W1_TO_US, sourcePort: 80, destinationPort: external, flags: "SYN ACK", acknowledgement: 1001 }),
    );
    // L1's first mapping is its fair share of a table so small.
    const datagrams = bench.gateway.nat.mappings().filter((one) => one.protocol === 17);
    expect(datagrams.map((one) => one.insidePort).sort((a, b) => a - b)).toEqual([5000, 5002, 5003, 5004, 5005]);
    use();
  });
});

describe("no port free", () => {
  it("RFC5508 REQ-8: is refused with 3/13, and works again when one is", () => {
    const ports = { first: 2000, last: 2003 };
    const bench = new GatewayBench({ nat: { ports } });
    const taken = [0, 1, 2, 3].map(
      (i) => decodeUdp(bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000 + i })).subarray(14)).sourcePort,
    );
    expect(taken.sort()).toEqual([2000, 2001, 2002, 2003]);
    expectFrame(bench.complaint("lan", udpFrame({ ...L2_TO_W1, sourcePort: 5000 }), "natNoPort"))
      .ipv4()
      .icmp({ type: 3, code: 13 });
    // The other protocol has ports of its own.
    bench.out(tcpFrame({ ...L2_TO_W1, sourcePort: 5000 }));
    bench.advance(302_000);
    bench.out(udpFrame({ ...L2_TO_W1, sourcePort: 5000 }));
  });
});
