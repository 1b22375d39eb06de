import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { Host } from "../../src/host.js";
import { decodeTcp, expectFrame } from "../support/expectFrame.js";
import { FakePort } from "../support/fakePort.js";
import { arpFrame, icmpErrorFrame, icmpFrame, loadFrame, tcpFrame, udpFrame } from "../support/frames.js";
import { GatewayBench } from "../support/gatewayBench.js";
import { ip, LAN_MAC } from "../support/stackFixture.js";

class HostBench {
  readonly port = new FakePort();
  readonly host = new Host({
    random: new SeededRandom(1),
    capacity: DEFAULT_CAPACITY,
    interfaces: [{ name: "eth", mac: LAN_MAC, port: this.port }],
  });

  receive(frame: Uint8Array): void {
    this.host.receive(0, loadFrame(frame), frame.length);
  }

  settings() {
    const { address, prefixLength, mask, gateway, mtuBytes } = this.host.interfaces[0] ?? {};
    return { address, prefixLength, mask, gateway, mtuBytes };
  }

  /** The call must throw this sentence, change nothing, and send nothing. */
  refuses(call: () => void, sentence: string): void {
    const before = this.settings();
    this.port.take();
    expect(call).toThrow(new Error(sentence));
    expect(this.settings()).toEqual(before);
    expect(this.port.sent).toEqual([]);
  }
}

function configured(): HostBench {
  const bench = new HostBench();
  bench.host.setAddress(0, ip("192.168.1.1"), 24);
  bench.host.setGateway(0, ip("192.168.1.254"));
  bench.port.take();
  return bench;
}

describe("Host.setAddress", () => {
  it("announces the new address at once", () => {
    const bench = new HostBench();
    bench.host.setAddress(0, ip("192.168.1.1"), 24);
    expect(bench.port.sent.length).toBe(1);
    expectFrame(bench.port.sent[0])
      .ethernet({ source: LAN_MAC, destination: 0xffffffffffff })
      .arp({ operation: "request", senderAddress: "192.168.1.1", targetAddress: "192.168.1.1" });
  });

  it("refuses in one sentence what is no host's address, and changes nothing", () => {
    const bench = configured();
    for (const text of ["0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1"]) {
      bench.refuses(
        () => bench.host.setAddress(0, ip(text), 8),
        `${text}/8 cannot be a host's address; use a unicast address such as 192.168.1.1/24`,
      );
    }
    for (const text of ["192.168.1.0", "192.168.1.255"]) {
      bench.refuses(
        () => bench.host.setAddress(0, ip(text), 24),
        `${text}/24 is the network's own or its broadcast address; use an address between the two`,
      );
    }
  });

  it.each([-1, 33, 24.5])("refuses a prefix of %d bits", (prefixLength) => {
    const bench = configured();
    const sentence = `192.168.1.9/${prefixLength} is impossible: a prefix has 0 to 32 bits`;
    bench.refuses(() => bench.host.setAddress(0, ip("192.168.1.9"), prefixLength), sentence);
  });

  it("takes both addresses of a /31, and a /32", () => {
    const bench = configured();
    for (const [text, length] of [
      ["10.0.0.0", 31],
      ["10.0.0.1", 31],
      ["10.0.0.255", 32],
    ] as const) {
      bench.host.setAddress(0, ip(text), length);
      expect(bench.settings()).toMatchObject({ address: ip(text), prefixLength: length });
    }
  });

  it("forgets a gateway that is no longer a neighbour, or has become our own address", () => {
    const bench = configured();
    bench.host.setAddress(0, ip("192.168.1.2"), 24);
    expect(bench.settings().gateway).toBe(ip("192.168.1.254"));
    bench.host.setAddress(0, ip("192.168.1.254"), 24);
    expect(bench.settings().gateway).toBe(0);
    bench.host.setGateway(0, ip("192.168.1.1"));
    bench.host.setAddress(0, ip("192.168.2.1"), 24);
    expect(bench.settings().gateway).toBe(0);
  });
});

describe("Host.setGateway and setMtu", () => {
  it("refuse in one sentence what cannot be, and change nothing", () => {
    const bench = configured();
    for (const text of ["10.0.0.1", "192.168.1.1", "192.168.1.255", "192.168.1.0", "192.168.2.254"]) {
      bench.refuses(
        () => bench.host.setGateway(0, ip(text)),
        `${text} cannot be the gateway: it must be another host of 192.168.1.0/24`,
      );
    }
    for (const mtu of [0, 67, 1501, 1400.5, Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      bench.refuses(() => bench.host.setMtu(0, mtu), `an MTU of ${mtu} is out of range; use 68 to 1500 bytes`);
    }
    const blank = new HostBench();
    blank.refuses(
      () => blank.host.setGateway(0, ip("192.168.1.254")),
      "192.168.1.254 cannot be the gateway: eth has no address yet; set that first",
    );
  });
});

describe("Gateway.setAddress", () => {
  it("RFC4787 REQ-7: refuses overlapping networks, naming both, and changes nothing", () => {
    const { gateway } = new GatewayBench();
    for (const [index, text, length, sentence] of [
      [1, "192.168.1.99", 24, "192.168.1.99/24 overlaps the lan network 192.168.1.1/24"],
      [1, "192.168.1.99", 30, "192.168.1.99/30 overlaps the lan network 192.168.1.1/24"],
      [1, "192.168.77.1", 16, "192.168.77.1/16 overlaps the lan network 192.168.1.1/24"],
      [0, "203.0.113.9", 24, "203.0.113.9/24 overlaps the wan network 203.0.113.2/24"],
    ] as const) {
      const before = gateway.interfaces.map((one) => [one.address, one.prefixLength, one.gateway]);
      expect(() => gateway.setAddress(index, ip(text), length)).toThrow(
        new Error(`${sentence}; the two sides need different networks`),
      );
      expect(gateway.interfaces.map((one) => [one.address, one.prefixLength, one.gateway])).toEqual(before);
    }
  });
});

describe("Host", () => {
  it("RFC1122 3.2.1.3: does not forward, and drops what is not for it", () => {
    const bench = configured();
    bench.receive(udpFrame({}));
    expect(bench.port.sent).toEqual([]);
    expect(bench.host.drops.counts.ipNotForUs).toBe(1);
  });

  it("answers a ping by way of ARP, and hears nothing without an address", () => {
    const bench = new HostBench();
    bench.receive(icmpFrame({ destination: "192.168.1.1" }));
    expect(bench.host.drops.counts.interfaceDown).toBe(1);
    bench.host.setAddress(0, ip("192.168.1.1"), 24);
    bench.port.take();
    bench.receive(icmpFrame({ destination: "192.168.1.1" }));
    expectFrame(bench.port.take()[0]).arp({ operation: "request", targetAddress: "192.168.1.10" });
    bench.receive(arpFrame({ operation: "reply", targetMac: LAN_MAC }));
    expectFrame(bench.port.take()[0]).ipv4({ destination: "192.168.1.10" }).icmp({ type: 0 });
  });

  it("RFC1191: an MTU error about a SYN neither stops its timer nor spoils the connection", () => {
    const bench = configured();
    bench.receive(arpFrame());
    bench.port.take();
    const socket = bench.host.tcp.connect({ address: ip("192.168.1.10"), port: 80 });
    const syn = bench.port.take()[0] as Uint8Array;
    const { sourcePort, sequence } = decodeTcp(syn.subarray(14));
    const ends = { source: "192.168.1.10", destination: "192.168.1.1" };
    const deadline = bench.host.nextDeadline();
    bench.receive(icmpErrorFrame({ ...ends, code: 4, nextHopMtu: 576, about: syn }));
    expect(bench.host.nextDeadline()).toBe(deadline);
    const fields = { ...ends, sourcePort: 80, destinationPort: sourcePort, flags: "SYN ACK", sequence: 5000 };
    bench.receive(tcpFrame({ ...fields, acknowledgement: sequence + 1 }));
    expect(socket.state).toBe("ESTABLISHED");
  });

  it("counts frames and bytes, and a port that takes none", () => {
    const bench = configured();
    bench.receive(arpFrame());
    expect(bench.host.interfaces[0]).toMatchObject({
      rxFrames: 1,
      rxBytes: 42,
      txFrames: 2,
      txBytes: 84,
      txRefused: 0,
    });
    bench.port.room = 0;
    bench.receive(icmpFrame({ destination: "192.168.1.1" }));
    expect(bench.host.interfaces[0]).toMatchObject({ rxFrames: 2, txFrames: 2, txRefused: 1 });
    expect(bench.host.drops.counts.portFull).toBe(1);
  });
});
