import { describe, expect, it } from "vitest";
import { Console } from "../../src/console/console.js";
import { ETHERNET_HEADER_BYTES } from "../../src/core/frame.js";
import { paddedTo60, tcpFrame, udpFrame } from "../support/frames.js";
import {
  between,
  GatewayBench,
  L1_ADDRESS,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  W1_TO_US,
} from "../support/gatewayBench.js";

const CALL = { sourcePort: 4242, destinationPort: 25565, flags: "SYN" };

function fixture(options: ConstructorParameters<typeof GatewayBench>[0] = {}) {
  const bench = new GatewayBench(options);
  const storage = { read: () => undefined, write: () => {} };
  const console = new Console({ gateway: bench.gateway, storage: storage as never, version: "1" });
  const say = (line: string): string => {
    let text = "";
    console.execute(line, (part) => {
      text += part;
    });
    return text;
  };
  return { bench, say };
}

describe("explain", () => {
  it("tells why a call from outside is dropped, and what would let it in", () => {
    expect(fixture().say("explain tcp 198.51.100.7:4242 to wan:25565")).toBe(
      `packet      tcp SYN 198.51.100.7:4242 to 203.0.113.2:25565, from the WAN
source      198.51.100.7 may come from the WAN
for         Porter's WAN address
port        tcp 25565 belongs to nobody
dropped     wan-unsolicited: from the WAN to a port that nobody owns
advice      a forward would let it in: forward add tcp 25565 ADDRESS
`,
    );
  });

  it("advises no forward where the packet is not for the WAN address", () => {
    const { bench, say } = fixture();
    for (const there of ["192.0.2.1", "192.168.1.1", "255.255.255.255"]) {
      const advice = "advice      forwards are of the WAN address alone: send to 203.0.113.2\n";
      expect(say(`explain udp 198.51.100.7:4242 to ${there}:5000`)).toContain(advice);
      bench.fromWan(udpFrame({ ...W1_TO_US, destination: there, destinationPort: 5000 }));
      expect(say("explain last drop")).toContain(advice);
    }
  });

  it("tells the whole way of a call that a forward leads in", () => {
    const { say } = fixture();
    say("forward add tcp 25565 192.168.1.50");
    say("rule add allow tcp to 192.168.1.50");
    expect(say("explain tcp 198.51.100.7:4242 to wan:25565")).toBe(
      `packet      tcp SYN 198.51.100.7:4242 to 203.0.113.2:25565, from the WAN
source      198.51.100.7 may come from the WAN
for         Porter's WAN address
port        tcp 25565 belongs to the forward "tcp 25565 192.168.1.50"
size, TTL   40 bytes, the LAN's MTU is 1500; a TTL of 64 is enough
session     none yet, a SYN may open one
filter      the forward admits everybody
firewall    rule 1: allow tcp to 192.168.1.50
mapping     a new one: 192.168.1.50:25565 is 203.0.113.2:25565 outside
room        0 of 1024 sessions in use
next hop    192.168.1.50, station 02:00:00:00:00:50
flow cache  carries the connection once it is established
passes      leaves by the LAN: tcp 198.51.100.7:4242 to 192.168.1.50:25565
`,
    );
  });

  it("finds the session of a conversation under way", () => {
    const { bench, say } = fixture();
    bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 }));
    bench.in(
      udpFrame({ ...W1_TO_US, sourcePort: 53, destinationPort: bench.gateway.nat.mappings()[0]?.externalPort ?? 0 }),
    );
    const text = say("explain lan 192.168.1.10:5000 to 198.51.100.80:53 udp");
    expect(text).toContain("session     open, with 198.51.100.80:53, idle for 0s\n");
    expect(text).toContain("flow cache  carries the session: its packets come no further than there\n");
    expect(text).toMatch(/passes {6}leaves by the WAN: udp 203\.0\.113\.2:\d+ to 198\.51\.100\.80:53\n$/);
  });

  it("tells both ways of a hairpin", () => {
    const { say } = fixture();
    say("forward add tcp 25565 192.168.1.50");
    const text = say("explain tcp 192.168.1.10:5000 to wan:25565");
    expect(text).toContain("hairpin     back in, as tcp 203.0.113.2 (a new port) to 203.0.113.2:25565\n");
    expect(text).toContain(
      "passes      leaves by the LAN: tcp 203.0.113.2 (a new port) to\n            192.168.1.50:25565\n",
    );
  });

  it("keeps within 80 columns", () => {
    const { say } = fixture();
    say("forward add both 8000-8010 192.168.1.50 9000 from 198.51.100.0/24");
    for (const line of say("explain udp 203.0.113.99:65535 to wan:8005").split("\n"))
      expect(line.length).toBeLessThan(81);
  });

  it("says in one sentence what is wrong with the question", () => {
    const { say } = fixture({ wan: false });
    expect(say("explain tcp 192.168.1.10 to wan:5")).toBe(
      `error: "192.168.1.10" lacks its port; write an address and a port, such as 192.168.1.50:443\n`,
    );
    expect(say("explain tcp 1.2.3.4:5 to wan:5")).toBe(
      "error: the wan has no address that wan could stand for; write an address instead\n",
    );
    expect(say("explain icmp 192.168.1.10 to 1.1.1.300")).toMatch(/^error: "1\.1\.1\.300" is not an address; /);
  });
});

describe("explain last drop", () => {
  it("says so when there was none", () => {
    expect(fixture().say("explain last drop")).toBe("nothing has been dropped yet\n");
  });

  it("tells of a packet that nobody wanted, and how long ago that was", () => {
    const { bench, say } = fixture();
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...CALL }));
    bench.advance(3000);
    expect(say("explain last drop")).toBe(
      `packet      tcp 198.51.100.80:4242 to 203.0.113.2:25565, from the WAN
when        3s ago
port        tcp 25565 belonged to nobody
dropped     wan-unsolicited: from the WAN to a port that nobody owns
advice      a forward would let it in: forward add tcp 25565 ADDRESS
`,
    );
  });

  it("stays the same whatever is configured, and whatever passes, afterwards", () => {
    const { bench, say } = fixture();
    say("forward add tcp 25565 192.168.1.50 from 203.0.113.0/24");
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...CALL }));
    bench.clear();
    const then = say("explain last drop");
    expect(then).toContain("filter      the forward admits 203.0.113.0/24 only\n");
    say("forward remove tcp 25565");
    say("forward add tcp 25565 192.168.1.10");
    bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 }));
    expect(say("explain last drop")).toBe(then);
  });

  it("names the firewall rule", () => {
    const { bench, say } = fixture();
    say("rule add deny udp from 192.168.1.10");
    bench.fromLan(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 }));
    expect(say("explain last drop")).toContain("firewall    the rule: deny udp from 192.168.1.10\n");
  });

  it("shows a packet as it came in that was refused after its translation", () => {
    const { bench, say } = fixture();
    say("forward add udp 7000 192.168.1.255");
    bench.fromWan(udpFrame({ ...W1_TO_US, sourcePort: 4242, destinationPort: 7000 }));
    expect(say("explain last drop")).toContain(
      "packet      udp 198.51.100.80:4242 to 203.0.113.2:7000, from the WAN\n",
    );
    say("forward add udp 7001 192.168.1.50 from 198.51.100.80");
    bench.fromLan(udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 4242, destinationPort: 7001 }));
    const hairpin = say("explain last drop");
    expect(hairpin).toContain("packet      udp 192.168.1.10:4242 to 203.0.113.2:7001, from the LAN\n");
    expect(hairpin).toContain("dropped     forward-source-refused: ");
  });

  it("says of a packet from one LAN host to another nothing about the port that the packet before was for", () => {
    const { bench, say } = fixture();
    say("forward add udp 7000 192.168.1.50");
    bench.in(udpFrame({ ...W1_TO_US, sourcePort: 4242, destinationPort: 7000 }));
    bench.fromLan(udpFrame({ ...between(L1_ADDRESS, L2_ADDRESS), ttl: 1, sourcePort: 5000, destinationPort: 7000 }));
    const text = say("explain last drop");
    expect(text).toContain("dropped     ip-ttl-exceeded: ");
    expect(text).not.toContain("belonged to");
  });

  it("tells of a packet whose next hop did not answer", () => {
    const { bench, say } = fixture();
    say("forward add udp 7000 192.168.1.99");
    bench.fromWan(udpFrame({ ...W1_TO_US, sourcePort: 4242, destinationPort: 7000 }));
    bench.advance(5000);
    const text = say("explain last drop");
    expect(text).toContain("udp 198.51.100.80:4242 to 192.168.1.99:7000, leaving by the LAN\n");
    expect(text).toContain("dropped     neighbour-unresolved: the next hop did not answer ARP\n");
  });

  it("tells of no packet where none was read", () => {
    const { bench, say } = fixture();
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...CALL }));
    bench.fromWan(udpFrame({ ...W1_TO_US, headerChecksum: 1 }));
    expect(say("explain last drop")).toBe(
      "packet      not read: the frame was dropped before\nwhen        0s ago\ndropped     ip-checksum: wrong IPv4 header checksum\n",
    );
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...CALL }).slice(0, ETHERNET_HEADER_BYTES - 1));
    expect(say("explain last drop")).toContain("dropped     frame-too-short: ");
  });

  it("tells the side of a frame that the driver did not take", () => {
    const { bench, say } = fixture();
    bench.out(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 }));
    bench.wanPort.room = 0;
    bench.fromLan(paddedTo60(udpFrame({ ...L1_TO_W1, sourcePort: 5000, destinationPort: 53 })));
    expect(say("explain last drop")).toContain("dropped     port-full: ");
  });
});
