import { describe, expect, it } from "vitest";
import { parseRule } from "../../src/firewall/rule.js";
import { decodeTcp, decodeUdp, expectFrame } from "../support/expectFrame.js";
import { icmpErrorFrame, icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import {
  GatewayBench,
  L1_ADDRESS,
  L1_TO_LAN_ADDRESS,
  L1_TO_W1,
  L1_TO_W2,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_TO_W1,
  L2_TO_WAN_ADDRESS,
  LAN_ADDRESS,
  W1_ADDRESS,
  W1_TO_US,
  W2_TO_US,
  WAN_ADDRESS,
} from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

function add(bench: GatewayBench, ...texts: string[]): void {
  const { rules } = bench.gateway.firewall;
  for (const text of texts) expect(rules.insert(rules.count, parseRule(text.split(" ")))).toBeUndefined();
  bench.advance(0);
}

function benchWith(...texts: string[]): GatewayBench {
  const bench = new GatewayBench();
  add(bench, ...texts);
  return bench;
}

const hits = (bench: GatewayBench) => bench.gateway.firewall.rules.list().map((one) => one.hits);

/** The last hits of logged rules, as text. */
const lastHits = (bench: GatewayBench) =>
  bench.gateway.firewall.rules
    .list()
    .map(({ last }) => last && [last.protocol, last.source, last.sourcePort, last.destination, last.destinationPort]);

function forward(bench: GatewayBench, port = 80): void {
  const ports = { first: port, last: port };
  const spec = { protocol: "both", ports, insideAddress: ip(L2_ADDRESS), insidePort: 8080 } as const;
  expect(bench.gateway.nat.forwards.add(spec)).toBeUndefined();
}

const portOf = (frame: Uint8Array) => decodeUdp(frame.subarray(14)).sourcePort;

const SYN = { flags: "SYN", sourcePort: 40000, sequence: 1000 };

describe("a firewall rule", () => {
  it("denies in silence, and counts", () => {
    const bench = benchWith("deny tcp to any:25 out wan");
    bench.expectSilence("lan", tcpFrame({ ...L1_TO_W1, ...SYN, destinationPort: 25 }), { firewallDenied: 1 });
    bench.out(tcpFrame({ ...L1_TO_W1, ...SYN, destinationPort: 26 }));
    bench.out(udpFrame({ ...L1_TO_W1, destinationPort: 25 }));
    expect(hits(bench)).toEqual([1]);
    expect(bench.gateway.nat.sessionCount).toBe(2);
  });

  it("rejects TCP with a reset in the name of the server, the rest with administratively prohibited", () => {
    const bench = benchWith("reject out wan");
    const reset = bench.complaint("lan", tcpFrame({ ...L1_TO_W1, ...SYN, destinationPort: 443 }), "firewallRejected");
    expectFrame(reset)
      .ipv4({ source: W1_ADDRESS, destination: L1_ADDRESS })
      .tcp({ sourcePort: 443, destinationPort: 40000, flags: "RST ACK", sequence: 0, acknowledgement: 1001 })
      .payload([]);
    for (const frame of [udpFrame(L1_TO_W1), icmpFrame(L1_TO_W1)]) {
      const error = bench.complaint("lan", frame, "firewallRejected");
      const inner = expectFrame(error)
        .ipv4({ source: LAN_ADDRESS, destination: L1_ADDRESS })
        .icmp({ type: 3, code: 13 });
      expect([...inner.quote().packet]).toEqual([...frame.subarray(14)]);
    }
    expect(hits(bench)).toEqual([3]);
  });

  it("is asked once, when a conversation opens, whichever way carries the rest", () => {
    const bench = benchWith("allow udp to any:53", "deny udp");
    const question = udpFrame({ ...L1_TO_W1, destinationPort: 53 });
    const answer = udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: portOf(bench.out(question)) });
    for (let i = 0; i < 3; i++) {
      bench.in(answer);
      bench.out(question);
    }
    // With an option in its header a packet takes the slow path.
    bench.out(udpFrame({ ...L1_TO_W1, destinationPort: 53, options: [1, 1, 1, 1] }));
    expect(hits(bench)).toEqual([1, 0]);
  });

  it("lets answers come back that no rule allows", () => {
    const bench = benchWith("allow in lan", "deny");
    const port = portOf(bench.out(udpFrame({ ...L1_TO_W1, destinationPort: 53 })));
    bench.in(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: port }));
    const syn = decodeTcp(bench.out(tcpFrame({ ...L1_TO_W1, ...SYN, destinationPort: 80 })).subarray(14));
    const ends = { sourcePort: 80, destinationPort: syn.sourcePort };
    bench.in(tcpFrame({ ...W1_TO_US, ...ends, flags: "SYN ACK", acknowledgement: 1001 }));
    const ping = bench.out(icmpFrame({ ...L1_TO_W1, type: 8 }));
    const identifier = ((ping[38] as number) << 8) | (ping[39] as number);
    bench.in(icmpFrame({ ...W1_TO_US, type: 0, identifier }));
    expect(hits(bench)).toEqual([3, 0]);
  });

  it("is asked about a SYN that begins a new connection where one is over, from either side", () => {
    const bench = new GatewayBench();
    const ends = { sourcePort: 40000, destinationPort: 80 };
    const port = decodeTcp(bench.out(tcpFrame({ ...L1_TO_W1, ...ends, flags: "SYN" })).subarray(14)).sourcePort;
    bench.out(tcpFrame({ ...L1_TO_W1, ...ends, flags: "RST" }));
    const call = tcpFrame({ ...W1_TO_US, sourcePort: 80, destinationPort: port, flags: "SYN" });
    add(bench, "deny tcp in wan");
    bench.expectSilence("wan", call, { firewallDenied: 1 });
    expect([hits(bench), bench.gateway.nat.sessionCount]).toEqual([[1], 1]);
    bench.gateway.firewall.rules.remove(0);
    bench.in(call);
    bench.out(tcpFrame({ ...L1_TO_W1, ...ends, flags: "RST" }));
    // It was begun from outside, and stays.
    add(bench, "reject tcp out wan");
    expect(bench.gateway.nat.sessionCount).toBe(1);
    bench.complaint("lan", tcpFrame({ ...L1_TO_W1, ...ends, flags: "SYN" }), "firewallRejected");
    bench.in(call);
    expect(hits(bench)).toEqual([1]);
  });

  it("lets ICMP errors about a conversation pass", () => {
    const bench = benchWith("allow udp in lan", "deny");
    const about = bench.out(udpFrame({ ...L1_TO_W1, destinationPort: 53 }));
    bench.in(icmpErrorFrame({ ...W1_TO_US, type: 3, code: 3, about }));
    expect(hits(bench)).toEqual([1, 0]);
  });

  it("knows hosts of the LAN by their own addresses, before translation outward and behind it inward", () => {
    const bench = benchWith(
      `deny udp from ${L1_ADDRESS} to ${W1_ADDRESS} out wan`,
      `deny tcp from ${W1_ADDRESS} to ${L2_ADDRESS}:8080 in wan`,
      `deny from ${WAN_ADDRESS}`,
      `deny to ${WAN_ADDRESS}`,
    );
    forward(bench);
    bench.expectSilence("lan", udpFrame(L1_TO_W1), { firewallDenied: 1 });
    bench.out(udpFrame(L1_TO_W2));
    bench.out(udpFrame(L2_TO_W1));
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, ...SYN, destinationPort: 80 }), { firewallDenied: 1 });
    bench.in(tcpFrame({ ...W2_TO_US, ...SYN, destinationPort: 80 }));
    expect(hits(bench)).toEqual([1, 1, 0, 0]);
  });

  it("filters who may use a forward by his prefix", () => {
    const bench = benchWith("allow from 198.51.100.80/29 to 192.168.1.50:8080", "reject tcp to 192.168.1.50 in wan");
    forward(bench);
    expectFrame(bench.in(tcpFrame({ ...W1_TO_US, ...SYN, destinationPort: 80 }))).ipv4({ destination: L2_ADDRESS });
    const reset = bench.complaint("wan", tcpFrame({ ...W2_TO_US, ...SYN, destinationPort: 80 }), "firewallRejected");
    expectFrame(reset).ipv4({ source: WAN_ADDRESS }).tcp({ sourcePort: 80, flags: "RST ACK", acknowledgement: 1001 });
    expect(bench.gateway.nat.forwards.list()).toMatchObject([{ hits: 1 }]);
    expect(hits(bench)).toEqual([1, 1]);
  });

  it("opens no port that leads nowhere", () => {
    const bench = benchWith("allow");
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, ...SYN, destinationPort: 80 }), { wanUnsolicited: 1 });
    bench.expectSilence("wan", udpFrame({ ...W1_TO_US, destinationPort: 80 }), { wanUnsolicited: 1 });
  });

  it("sees a hairpin as a way from the LAN to the LAN, by both hosts' own addresses", () => {
    const call = tcpFrame({ ...L1_TO_WAN_ADDRESS, ...SYN, destinationPort: 80 });
    for (const [text, isHit] of [
      [`deny from ${L1_ADDRESS} to ${L2_ADDRESS}:8080 in lan`, true],
      [`deny from ${L1_ADDRESS} to ${L2_ADDRESS}:8080 out lan`, true],
      ["deny out wan", false],
      ["deny in wan", false],
      [`deny to ${WAN_ADDRESS}`, false],
    ] as const) {
      const bench = benchWith(text);
      forward(bench);
      if (isHit) bench.expectSilence("lan", call, { firewallDenied: 1 });
      else bench.back(call);
      expect(hits(bench), text).toEqual([isHit ? 1 : 0]);
      expect(bench.gateway.nat.sessionCount).toBe(isHit ? 0 : 2);
    }
  });

  it("with log remembers its last hit, with the hosts' own addresses", () => {
    const bench = benchWith("deny log tcp in wan", "allow log udp", "deny icmp");
    forward(bench);
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...SYN, destinationPort: 80 }));
    bench.fromLan(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 }), icmpFrame(L1_TO_W1));
    expect(hits(bench)).toEqual([1, 1, 1]);
    expect(lastHits(bench)).toEqual([
      [6, ip(W1_ADDRESS), 40000, ip(L2_ADDRESS), 8080],
      [17, ip(L1_ADDRESS), 5000, ip(W1_ADDRESS), 53],
      undefined,
    ]);
  });

  it("hides a forward from those whom it denies, when their packets are too old", () => {
    const bench = benchWith(`deny from ${W1_ADDRESS} in wan`);
    forward(bench);
    bench.expectSilence("wan", udpFrame({ ...W1_TO_US, destinationPort: 80, ttl: 1 }), { firewallDenied: 1 });
    expectFrame(bench.complaint("wan", udpFrame({ ...W2_TO_US, destinationPort: 80, ttl: 1 }), "ipTtlExceeded"))
      .ipv4()
      .icmp({ type: 11, code: 0 });
  });

  it("is told in answers no more often than ICMP errors are", () => {
    const bench = benchWith("reject in wan");
    forward(bench);
    for (let i = 0; i < 200; i++) {
      bench.fromWan(tcpFrame({ ...W1_TO_US, ...SYN, sourcePort: 1000 + i, destinationPort: 80 }));
      bench.fromWan(udpFrame({ ...W1_TO_US, sourcePort: 1000 + i, destinationPort: 80 }));
    }
    // Of the 50 that there are, each takes one or two.
    const answers = bench.wan().length;
    expect(answers).toBeGreaterThan(24);
    expect(answers).toBeLessThan(50);
    expect(bench.drops()).toMatchObject({ firewallRejected: 400 });
  });
});

describe("rules about the gateway itself", () => {
  function listening(...texts: string[]): GatewayBench {
    const bench = benchWith(...texts);
    bench.gateway.tcp.listen({ port: 2323, onConnection: () => {} });
    return bench;
  }

  const call = tcpFrame({ ...W1_TO_US, ...SYN, destinationPort: 2323 });

  /** Takes the three-way handshake to its end. */
  function connect(bench: GatewayBench): void {
    bench.fromWan(call);
    const [answer] = bench.wan();
    const { sequence } = decodeTcp((answer as Uint8Array).subarray(14));
    const rest = { sourcePort: 40000, destinationPort: 2323, sequence: 1001, acknowledgement: sequence + 1 };
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...rest, flags: "ACK" }));
    bench.clear();
  }

  const connections = ({ gateway }: GatewayBench) => gateway.sockets.count;

  it("are not needed by the LAN, and keep the WAN out while there are none", () => {
    const bench = listening();
    expectFrame(bench.back(tcpFrame({ ...L1_TO_LAN_ADDRESS, ...SYN, destinationPort: 2323 })))
      .ipv4()
      .tcp({ flags: "SYN ACK" });
    bench.expectSilence("wan", call, { wanUnsolicited: 1 });
  });

  it("open a service to the WAN, for the addresses that they name", () => {
    const bench = listening(`allow tcp from ${W1_ADDRESS} to self:2323 in wan`);
    bench.fromWan(call);
    expectFrame(bench.wan()[0]).ipv4({ source: WAN_ADDRESS }).tcp({ flags: "SYN ACK", sourcePort: 2323 });
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, ...SYN, destinationPort: 2323 }), { wanUnsolicited: 1 });
    expect(hits(bench)).toEqual([1]);
  });

  it("are asked once for a connection, and end it when they deny it later", () => {
    const bench = listening("allow tcp to self:2323 in wan");
    connect(bench);
    const data = { sourcePort: 40000, destinationPort: 2323, sequence: 1001, flags: "PSH ACK" };
    expect([connections(bench), hits(bench)]).toEqual([1, [1]]);
    bench.gateway.firewall.rules.insert(0, parseRule(["deny", "icmp"]));
    expect(connections(bench)).toBe(1);
    bench.gateway.firewall.rules.remove(1);
    expect(connections(bench)).toBe(0);
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, ...data }), { wanUnsolicited: 1 });
  });

  it("keep the LAN out where they say so, by either of our addresses", () => {
    const bench = listening("reject tcp to self:2323 in lan", "deny icmp to self");
    for (const [ends, source] of [
      [L1_TO_LAN_ADDRESS, LAN_ADDRESS],
      [L1_TO_WAN_ADDRESS, WAN_ADDRESS],
    ] as const) {
      const reset = bench.complaint("lan", tcpFrame({ ...ends, ...SYN, destinationPort: 2323 }), "firewallRejected");
      expectFrame(reset).ipv4({ source, destination: L1_ADDRESS }).tcp({ flags: "RST ACK", sourcePort: 2323 });
      bench.expectSilence("lan", icmpFrame({ ...ends, type: 8 }), { firewallDenied: 1 });
    }
    expect(hits(bench)).toEqual([2, 2]);
  });

  it("leave nothing known of the port that another packet was for", () => {
    const bench = benchWith("deny icmp to self in lan");
    forward(bench);
    bench.gateway.nat.forwards.setEnabled(0, false);
    bench.expectSilence("wan", tcpFrame({ ...W1_TO_US, ...SYN, destinationPort: 80 }), { forwardDisabled: 1 });
    expect(bench.gateway.refusal.owner).toBe("forward");
    bench.expectSilence("lan", icmpFrame({ ...L1_TO_LAN_ADDRESS, type: 8 }), { firewallDenied: 1 });
    expect([bench.gateway.refusal.owner, bench.gateway.refusal.forward]).toEqual([undefined, undefined]);
  });

  it("are not asked about answers to what the gateway began", () => {
    const bench = benchWith("deny to self");
    const { tcp, udp, echo } = bench.gateway;
    const socket = tcp.connect({ address: ip(W1_ADDRESS), port: 80 });
    const syn = decodeTcp((bench.wan()[0] as Uint8Array).subarray(14));
    const ends = { sourcePort: 80, destinationPort: syn.sourcePort };
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...ends, flags: "SYN ACK", acknowledgement: syn.sequence + 1 }));
    expect(socket.state).toBe("ESTABLISHED");
    const asking = udp.bind();
    bench.fromWan(udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: asking.localPort }));
    let isAnswered = false;
    echo.ping(ip(W1_ADDRESS), 1, 1000, () => {
      isAnswered = true;
    });
    const ping = bench.wan().at(-1) as Uint8Array;
    bench.fromWan(
      icmpFrame({ ...W1_TO_US, type: 0, identifier: ((ping[38] as number) << 8) | (ping[39] as number), sequence: 1 }),
    );
    expect(isAnswered).toBe(true);
    expect([bench.drops(), hits(bench)]).toEqual([{}, [0]]);
  });

  it("are asked about each datagram to a port that a service has chosen", () => {
    const bench = benchWith("deny udp to self:69 in wan", "allow udp to self:70 in wan");
    for (const port of [69, 70, 71]) bench.gateway.udp.bind({ port });
    bench.expectSilence("wan", udpFrame({ ...W1_TO_US, destinationPort: 69 }), { firewallDenied: 1 });
    for (const destinationPort of [70, 70, 71])
      bench.expectSilence("wan", udpFrame({ ...W1_TO_US, destinationPort }), {});
    expect(hits(bench)).toEqual([1, 2]);
  });
});

describe("pings from the WAN", () => {
  const ping = icmpFrame({ ...W1_TO_US, type: 8 });

  it("are answered unless told", () => {
    const bench = new GatewayBench();
    bench.fromWan(ping);
    expectFrame(bench.wan()[0]).ipv4({ source: WAN_ADDRESS }).icmp({ type: 0 });
    bench.gateway.firewall.answersPing = false;
    bench.expectSilence("wan", ping, { firewallDenied: 1 });
    expectFrame(bench.back(icmpFrame({ ...L1_TO_WAN_ADDRESS, type: 8 })))
      .ipv4()
      .icmp({ type: 0 });
  });

  it("obey a rule first, either way", () => {
    const bench = benchWith(`deny icmp from ${W2_TO_US.source}`, "allow icmp to self");
    bench.gateway.firewall.answersPing = false;
    bench.fromWan(ping);
    expect(bench.wan().length).toBe(1);
    bench.expectSilence("wan", icmpFrame({ ...W2_TO_US, type: 8 }), { firewallDenied: 1 });
    expect(hits(bench)).toEqual([1, 1]);
  });
});

describe("a change of the rules", () => {
  const sessions = ({ gateway }: GatewayBench) =>
    gateway.nat.sessions().map(({ insidePort, remotePort }) => `${insidePort} ${remotePort}`);

  it("ends the conversations that are denied now, and no others, also in the flow cache", () => {
    const bench = new GatewayBench();
    const carried = udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 });
    const port = portOf(bench.out(carried));
    const answer = udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: port });
    bench.in(answer);
    bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5001, destinationPort: 54 }));
    bench.out(tcpFrame({ ...L1_TO_W1, ...SYN, destinationPort: 53 }));
    expect(bench.gateway.nat.sessions().some((one) => one.isCarried)).toBe(true);
    add(bench, "deny udp to any:53");
    expect(sessions(bench)).toEqual(["5001 54", "40000 53"]);
    bench.expectSilence("wan", answer, { wanUnsolicited: 1 });
    bench.expectSilence("lan", carried, { firewallDenied: 1 });
    expect(hits(bench)).toEqual([1]);
  });

  it("judges each conversation the way it was begun", () => {
    const bench = new GatewayBench();
    forward(bench);
    bench.in(udpFrame({ ...W1_TO_US, sourcePort: 999, destinationPort: 80 }));
    bench.in(tcpFrame({ ...W1_TO_US, ...SYN, destinationPort: 80 }));
    bench.out(udpFrame({ ...L2_TO_W1, sourcePort: 8080, destinationPort: 998 }));
    bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 8080, destinationPort: 998 }));
    add(bench, `deny from ${W1_ADDRESS} in lan`, `deny to ${L2_ADDRESS} in lan`, `deny from ${L2_ADDRESS} in wan`);
    expect(bench.gateway.nat.sessionCount).toBe(4);
    add(bench, `deny from ${W1_ADDRESS} to ${L2_ADDRESS}:8080 in wan`);
    expect(bench.gateway.nat.sessionCount).toBe(2);
    add(bench, `deny from ${L2_ADDRESS} to ${W1_ADDRESS}:998 out wan`);
    expect(bench.gateway.nat.sessions()).toMatchObject([{ insideAddress: ip(L1_ADDRESS) }]);
  });

  it("ends both halves of a hairpin", () => {
    const bench = new GatewayBench();
    forward(bench);
    bench.back(tcpFrame({ ...L1_TO_WAN_ADDRESS, ...SYN, destinationPort: 80 }));
    bench.out(tcpFrame({ ...L1_TO_W1, ...SYN, destinationPort: 80 }));
    add(bench, "deny in wan", "deny to 192.168.1.10");
    expect(bench.gateway.nat.sessionCount).toBe(3);
    add(bench, `deny from ${L1_ADDRESS} to ${L2_ADDRESS}:8080`);
    expect(sessions(bench)).toEqual(["40000 80"]);
  });

  it("counts no hit for those that it ends", () => {
    const bench = new GatewayBench();
    bench.out(udpFrame(L1_TO_W1));
    add(bench, "deny log udp");
    expect([bench.gateway.nat.sessionCount, hits(bench)]).toEqual([0, [0]]);
  });

  it("looks at 32 sessions a poll, and is through with a full table in time", () => {
    const bench = new GatewayBench({
      capacity: { sessions: 292, mappings: 292 },
      nat: { hostSessions: 292, hostMappings: 292 },
    });
    for (let i = 0; i < 256; i++)
      bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 2000 + i, destinationPort: 53 + (i & 1) }));
    bench.gateway.firewall.rules.insert(0, parseRule("deny udp to any:53".split(" ")));
    expect(bench.gateway.nat.sessionCount).toBe(256);
    expect(bench.gateway.nextDeadline()).toBe(bench.now);
    bench.gateway.poll(bench.now);
    expect(bench.gateway.nat.sessionCount).toBe(240);
    for (let i = 1; i < 10; i++) bench.gateway.poll(bench.now);
    expect(bench.gateway.nat.sessionCount).toBe(128);
    expect(bench.gateway.nextDeadline()).toBeGreaterThan(bench.now);
  });

  it("ends nothing where it allows more", () => {
    const bench = benchWith("allow udp");
    bench.out(udpFrame(L1_TO_W1));
    bench.gateway.firewall.rules.remove(0);
    bench.advance(0);
    expect(bench.gateway.nat.sessionCount).toBe(1);
  });
});

describe("a full table of rules", () => {
  it("takes no more, and still decides", () => {
    const bench = new GatewayBench();
    const { rules } = bench.gateway.firewall;
    for (let i = 0; i < 32; i++)
      expect(rules.insert(i, parseRule(["deny", "tcp", "to", `any:${i + 1}`]))).toBeUndefined();
    expect(rules.insert(0, parseRule(["allow"]))).toBe("all 32 rules are in use; remove one first");
    bench.expectSilence("lan", tcpFrame({ ...L2_TO_WAN_ADDRESS, ...L1_TO_W1, ...SYN, destinationPort: 32 }), {
      firewallDenied: 1,
    });
    expect(hits(bench).at(-1)).toBe(1);
  });
});
