import { describe, expect, it, vi } from "vitest";
import { buildFlowCache, LIBRARY_FLAGS } from "../../host-sim/buildFlowCache.js";
import { loadNativeFlowCache } from "../../host-sim/nativeFlowCache.js";
import { ETHERNET_HEADER_BYTES } from "../../src/core/frame.js";
import { createFlowCache, type Forward, MISS } from "../../src/flow/cache.js";
import { LAN, WAN } from "../../src/flow/table.js";
import { canBuild } from "../flow/native/build.js";
import { decodeUdp } from "../support/expectFrame.js";
import { tcpFrame, udpFrame } from "../support/frames.js";
import {
  GatewayBench,
  L1_TO_W1,
  L1_TO_WAN_ADDRESS,
  L2_ADDRESS,
  L2_TO_W1,
  L2_TO_WAN_ADDRESS,
  W1_TO_US,
} from "../support/gatewayBench.js";
import { describeIf } from "../support/skip.js";
import { ip } from "../support/stackFixture.js";

/** A gateway whose flow cache's verdicts are kept: MISS, or the interface that a frame leaves by. */
function watchedBench(flowCache: typeof createFlowCache): { bench: GatewayBench; verdicts: number[] } {
  const verdicts: number[] = [];
  const bench = new GatewayBench({
    flowCache: (flows, lastIdentification) => {
      const cache = flowCache(flows, lastIdentification);
      const watched =
        (forward: Forward, out: number): Forward =>
        (words, length) => {
          const sentBytes = forward(words, length);
          verdicts.push(sentBytes === MISS ? MISS : out);
          return sentBytes;
        };
      return { ...cache, outbound: watched(cache.outbound, WAN), inbound: watched(cache.inbound, LAN) };
    },
  });
  verdicts.length = 0;
  return { bench, verdicts };
}

/** UDP and TCP have it in the same place. */
function sourcePortOf(frame: Uint8Array): number {
  return decodeUdp(frame.subarray(ETHERNET_HEADER_BYTES)).sourcePort;
}

/** What leaves the gateway, and the verdicts that led to it, in conversations of all kinds. */
function conversations(flowCache: typeof createFlowCache) {
  const { bench, verdicts } = watchedBench(flowCache);
  const frames: Uint8Array[] = [];
  const keep = (frame: Uint8Array) => {
    frames.push(frame);
    return frame;
  };
  const outcome: Record<string, number[]> = {};

  // With DF, for the two number what may be fragmented apart.
  const question = { ...L1_TO_W1, dontFragment: true, sourcePort: 5000, destinationPort: 53 };
  const external = sourcePortOf(keep(bench.out(udpFrame({ ...question, payload: "one" }))));
  const answer = { ...W1_TO_US, sourcePort: 53, destinationPort: external };
  keep(bench.in(udpFrame({ ...answer, payload: "first" })));
  keep(bench.out(udpFrame({ ...question, payload: "two" })));
  keep(bench.in(udpFrame({ ...answer, payload: "second" })));
  outcome.udp = verdicts.splice(0);

  const client = { ...L1_TO_W1, dontFragment: true, sourcePort: 6000, destinationPort: 80 };
  const port = sourcePortOf(keep(bench.out(tcpFrame({ ...client, sequence: 100 }))));
  const server = { ...W1_TO_US, sourcePort: 80, destinationPort: port };
  keep(bench.in(tcpFrame({ ...server, flags: "SYN ACK", sequence: 500, acknowledgement: 101 })));
  const fromClient = { ...client, flags: "ACK", sequence: 101, acknowledgement: 501 };
  const fromServer = { ...server, flags: "ACK", sequence: 501, acknowledgement: 101 };
  keep(bench.out(tcpFrame(fromClient)));
  for (let n = 0; n < 3; n++) keep(bench.in(tcpFrame({ ...fromServer, payload: new Uint8Array(1400) })));
  for (let n = 0; n < 3; n++) keep(bench.out(tcpFrame({ ...fromClient, payload: new Uint8Array(1400) })));
  outcome.tcp = verdicts.splice(0);

  const game = { ports: { first: 7000, last: 7000 }, insideAddress: ip(L2_ADDRESS), insidePort: 7001 };
  expect(bench.gateway.nat.forwards.add({ ...game, protocol: "udp" })).toBeUndefined();
  for (let n = 0; n < 2; n++) {
    keep(bench.in(udpFrame({ ...W1_TO_US, sourcePort: 9000, destinationPort: 7000 })));
    keep(bench.out(udpFrame({ ...L2_TO_W1, dontFragment: true, sourcePort: 7001, destinationPort: 9000 })));
  }
  outcome.forward = verdicts.splice(0);

  const call = keep(bench.back(udpFrame({ ...L1_TO_WAN_ADDRESS, sourcePort: 5000, destinationPort: 7000 })));
  const reply = { ...L2_TO_WAN_ADDRESS, sourcePort: 7001, destinationPort: sourcePortOf(call) };
  keep(bench.back(udpFrame(reply)));
  outcome.hairpin = verdicts.splice(0);

  return { frames, outcome, table: bench.gateway.nat.flows.words };
}

describeIf(canBuild(), "needs a C compiler `cc`", "a gateway with the flow cache in C", () => {
  it("has established conversations carried by it, and no others", () => {
    expect(conversations(loadNativeFlowCache()).outcome).toEqual({
      udp: [MISS, MISS, WAN, LAN],
      tcp: [MISS, MISS, MISS, LAN, LAN, LAN, WAN, WAN, WAN],
      forward: [MISS, MISS, LAN, WAN],
      // Hairpins are the NAT's.
      hairpin: [MISS, MISS],
    });
  });

  it("does what one with the flow cache in TypeScript does, frame by frame", () => {
    expect(conversations(loadNativeFlowCache())).toEqual(conversations(createFlowCache));
  });
});

describe("the flow cache in C", () => {
  it("says in a sentence that there is no C compiler", () => {
    vi.stubEnv("PATH", "/nonexistent");
    try {
      // Not built before, so not kept either.
      const neverSeen = `/* ${process.pid} ${performance.timeOrigin} */`;
      expect(() => buildFlowCache([], LIBRARY_FLAGS, neverSeen)).toThrow(
        "The flow cache in C needs a C compiler, and there is no `cc` here; install gcc or clang",
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
