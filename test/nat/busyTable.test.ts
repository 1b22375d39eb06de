import { beforeEach, describe, expect, it } from "vitest";
import { PERIOD, READERS } from "../../src/flow/layout.js";
import { type FlowTable, LAN } from "../../src/flow/table.js";
import { tcpFrame, udpFrame } from "../support/frames.js";
import { GatewayBench, L1_TO_W1 } from "../support/gatewayBench.js";
import { type Bench, makeBench, WAN_ADDRESS } from "./support/bench.js";
import { at, source, udp } from "./support/packets.js";

const L1 = at("192.168.1.10:5000");
const L2 = at("192.168.1.50:5000");
const W1 = at("198.51.100.1:80");
const W2 = at("198.51.100.2:80");
const W3 = at("198.51.100.3:80");

/** As a driver's task does it. */
function enter({ words }: FlowTable): void {
  words[READERS] = words[PERIOD] as number;
}

function leave({ words }: FlowTable): void {
  words[READERS] = 0;
}

describe("while a driver reads the flow table", () => {
  let bench: Bench;
  const flows = () => bench.nat.flows;

  beforeEach(() => {
    bench = makeBench({ filtering: "endpointIndependent", hostSessions: 2 }, { sessions: 2, mappings: 1 });
  });

  it("a full session table gives one session up, not one for each try, and has its place later", () => {
    bench.out(udp(L1, W1));
    bench.out(udp(L1, W2));
    enter(flows());
    for (let tries = 0; tries < 3; tries++) {
      expect(bench.nat.outbound(udp(L1, W3))).toBe("natBusy");
      expect([bench.nat.sessionCount, bench.nat.mappingCount]).toEqual([1, 1]);
    }
    leave(flows());
    bench.out(udp(L1, W3));
    expect(bench.nat.sessionCount).toBe(2);
  });

  it("a mapping that goes for want of a session is on nobody's account any more", () => {
    const small = makeBench({}, { sessions: 1, mappings: 2 });
    small.out(udp(L1, W1));
    enter(small.nat.flows);
    expect(small.nat.outbound(udp(L1, W2))).toBe("natBusy");
    expect([small.nat.mappingCount, small.nat.hostUse(10)]).toEqual([0, []]);
    expect(small.nat.outbound(udp(L1, W2))).toBe("natBusy");
    leave(small.nat.flows);
    small.out(udp(L1, W2));
    expect(small.nat.hostUse(10)).toMatchObject([{ sessions: 1, mappings: 1 }]);
  });

  it("a full mapping table gives no mapping up for a session that cannot be had", () => {
    bench.out(udp(L1, W1));
    enter(flows());
    flows().setInterface(LAN, 1, 1400);
    expect(bench.nat.outbound(udp(L2, W1))).toBe("natBusy");
    expect(bench.nat.mappings()).toMatchObject([{ insideAddress: L1.address }]);
    leave(flows());
    bench.out(udp(L2, W1));
    expect(bench.nat.mappings()).toMatchObject([{ insideAddress: L2.address }]);
  });

  it("a caller from outside waits likewise, and no mapping changes", () => {
    const external = source(bench.out(udp(L1, W1)));
    bench.nat.forwards.add({
      protocol: "udp",
      ports: { first: 7, last: 7 },
      insideAddress: L2.address,
      insidePort: 7,
    });
    enter(flows());
    flows().setInterface(LAN, 1, 1400);
    for (const published of [external, { address: WAN_ADDRESS, port: 7 }]) {
      expect(bench.nat.inbound(udp(W2, published))).toBe("natBusy");
      expect(bench.nat.mappings()).toMatchObject([{ insideAddress: L1.address, sessions: 1 }]);
    }
    leave(flows());
    bench.in(udp(W2, external));
    expect(bench.nat.mappings()).toMatchObject([{ sessions: 2 }]);
  });

  it("nobody is told that the packet is refused, for it passes when it is sent again", () => {
    const gateway = new GatewayBench({ capacity: { sessions: 1 } });
    const table = gateway.gateway.nat.flows;
    gateway.out(udpFrame(L1_TO_W1));
    enter(table);
    const syn = tcpFrame({ ...L1_TO_W1, destinationPort: 99 });
    gateway.expectSilence("lan", syn, { natBusy: 1 });
    leave(table);
    gateway.out(syn);
  });
});

describe("where the session that is over is the one that makes way", () => {
  it("its mapping goes whole, if that is what is wanted", () => {
    const bench = makeBench({ hostSessions: 64 }, { sessions: 64, mappings: 1 });
    const flow = (remote: number) => udp(L1, at(`198.51.100.${remote}:80`));
    // Two more than expire at a time: the first and the last are left.
    for (let remote = 1; remote <= 34; remote++) bench.out(flow(remote));
    const ports = { first: 9, last: 9 };
    bench.nat.forwards.add({ protocol: "udp", ports, insideAddress: L1.address, insidePort: L1.port });
    bench.clock.now += 1_000_000;
    bench.nat.poll();
    expect(bench.nat.sessionCount).toBe(2);
    expect(source(bench.out(flow(34))).port).toBe(9);
    expect(bench.nat.mappings()).toMatchObject([{ externalPort: 9, isStatic: true, sessions: 1 }]);
    expect([bench.nat.sessionCount, bench.nat.mappingCount]).toEqual([1, 1]);
  });
});
