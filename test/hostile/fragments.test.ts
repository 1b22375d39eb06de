import { describe, expect, it } from "vitest";
import { wholeFrames } from "../support/endHost.js";
import { decodeIpv4, expectFrame } from "../support/expectFrame.js";
import { fragmentsOf, ipv4Frame, patternBytes, tcpFrame, udpFrame } from "../support/frames.js";
import { GatewayBench, L1_TO_W1, L2_ADDRESS, W1_TO_US, W2_TO_US } from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

const DATA = patternBytes(1200);

function benchWithForward(): GatewayBench {
  const bench = new GatewayBench();
  bench.gateway.nat.forwards.add({
    protocol: "both",
    ports: { first: 25565, last: 25565 },
    insideAddress: ip(L2_ADDRESS),
    insidePort: 25565,
    source: { address: ip("198.51.100.80"), length: 32 },
  });
  return bench;
}

describe("a flood of orphaned fragments", () => {
  it("from the WAN ends no datagram that a LAN host is sending", () => {
    const bench = new GatewayBench();
    const datagram = fragmentsOf(udpFrame({ ...L1_TO_W1, payload: DATA }), 400);
    let identification = 0;
    for (let round = 0; round < 5; round++) {
      for (const fragment of datagram) {
        for (let i = 0; i < 20; i++) {
          const fields = { protocol: 17, identification: identification++, fragmentOffset: 8, payload: "orphaned" };
          bench.fromWan(ipv4Frame({ ...W2_TO_US, ...fields }));
        }
        bench.fromLan(fragment);
      }
      const [whole] = wholeFrames(bench.wan());
      expectFrame(whole).ipv4().udp().payload(DATA);
    }
  });

  it("from the LAN ends no datagram that comes from the WAN", () => {
    const bench = benchWithForward();
    const fields = { ...W1_TO_US, sourcePort: 40000, destinationPort: 25565, payload: DATA };
    fragmentsOf(udpFrame(fields), 400).forEach((fragment, index) => {
      for (let i = 0; i < 20; i++) {
        const orphan = { protocol: 17, identification: index * 20 + i, fragmentOffset: 8, payload: "orphaned" };
        bench.fromLan(ipv4Frame({ ...L1_TO_W1, ...orphan }));
      }
      bench.fromWan(fragment);
    });
    expectFrame(wholeFrames(bench.lan())[0]).ipv4({ destination: L2_ADDRESS }).udp().payload(DATA);
  });
});

describe("fragments", () => {
  const admitted = { sourcePort: 40000, destinationPort: 25565 };

  it("do not get round a port forward's source prefix or port", () => {
    const bench = benchWithForward();
    const stranger = fragmentsOf(udpFrame({ ...W2_TO_US, ...admitted, payload: DATA }), 400);
    const closed = fragmentsOf(udpFrame({ ...W1_TO_US, ...admitted, destinationPort: 25566, payload: DATA }), 400);
    bench.fromWan(...stranger, ...closed);
    // The first fragment of each is refused, and then the three others.
    expect(bench.drops()).toEqual({ forwardSourceRefused: 1, wanUnsolicited: 1, fragmentRefused: 6 });
    // A later fragment alone is nobody's, whatever its bytes look like.
    bench.fromWan(
      ipv4Frame({ ...W1_TO_US, protocol: 17, fragmentOffset: 8, payload: udpFrame(admitted).subarray(34) }),
    );
    expect(bench.lan()).toEqual([]);
  });

  it("that overlap do not rewrite the ports that were looked at", () => {
    const bench = benchWithForward();
    const [first, second, third] = fragmentsOf(udpFrame({ ...W1_TO_US, ...admitted, payload: DATA }), 400) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const [rewriting] = fragmentsOf(udpFrame({ ...W1_TO_US, ...admitted, destinationPort: 22, payload: DATA }), 408);
    for (const order of [
      [first, rewriting, second, third],
      [second, third, first, rewriting],
      [rewriting, first, second, third],
    ]) {
      const identification = order.indexOf(first);
      bench.fromWan(...(order as Uint8Array[]).map((frame) => identified(frame, identification)));
      const frames = bench.lan();
      for (const frame of frames) expect(decodeIpv4(frame.subarray(14)).destination).toBe(L2_ADDRESS);
      // Throws at an overlap; and the last fragment never comes.
      expect(wholeFrames(frames)).toEqual([]);
      const firsts = frames.filter((frame) => decodeIpv4(frame.subarray(14)).fragmentOffset === 0);
      expect(firsts.map((frame) => frame.slice(36, 38))).toEqual(
        order[0] === rewriting ? [] : [Uint8Array.of(25565 >> 8, 25565 & 255)],
      );
    }
  });

  it("that split a TCP header are refused at once", () => {
    const bench = benchWithForward();
    const syn = tcpFrame({ ...W1_TO_US, ...admitted });
    bench.fromWan(...fragmentsOf(syn, 8));
    expect(bench.drops()).toEqual({ fragmentMalformed: 1, fragmentRefused: 2 });
    expect(bench.lan()).toEqual([]);
  });

  it("never bring out what an earlier datagram left in the buffer", () => {
    const bench = benchWithForward();
    const secret = new Uint8Array(1200).fill(0x53);
    bench.fromWan(...fragmentsOf(udpFrame({ ...W2_TO_US, ...admitted, payload: secret }), 400));
    const piece = (fragmentOffset: number, moreFragments: boolean, bytes: number) =>
      ipv4Frame({
        ...W1_TO_US,
        protocol: 17,
        identification: 7,
        fragmentOffset,
        moreFragments,
        // Ports and a length that claims more than there is to come.
        payload: Uint8Array.from({ length: bytes }, (_, i) => [0x9c, 0x40, 0x63, 0xdd, 4, 0][fragmentOffset + i] ?? 0),
      });
    // With holes, with a last piece that ends before others, and with the first piece alone until it times out.
    bench.fromWan(piece(0, true, 16), piece(32, false, 8), piece(24, true, 8), piece(16, false, 4));
    bench.fromWan(piece(0, true, 16));
    bench.advance(61_000);
    for (const frame of [...bench.lan(), ...bench.wan()]) expect(frame.includes(0x53)).toBe(false);
  });
});

/** The fragment with another identification. */
function identified(frame: Uint8Array, identification: number): Uint8Array {
  const { source, destination, protocol, fragmentOffset, moreFragments } = decodeIpv4(frame.subarray(14));
  const fields = { source, destination, protocol, fragmentOffset, moreFragments, identification };
  const fragment = ipv4Frame({ ...fields, payload: frame.slice(34) });
  fragment.set(frame.subarray(0, 12));
  return fragment;
}
