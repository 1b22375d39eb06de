import { describe, expect, it } from "vitest";
import {
  answered,
  connected,
  expectFrame,
  icmpErrorFrame,
  L1_TO_W1,
  mapped,
  tcpFrame,
  udpFrame,
  W2_TO_US,
} from "./fixture.js";

describe("RFC 7857", () => {
  it("RFC7857 §7: packets that the filter refuses do not prolong the mapping", () => {
    const { bench, external, inward } = mapped();
    for (let i = 0; i < 6; i++) {
      bench.advance(50_000);
      bench.expectSilence("wan", udpFrame({ ...W2_TO_US, destinationPort: external }), { natFiltered: 1 });
    }
    bench.advance(2000);
    bench.expectSilence("wan", inward(), { wanUnsolicited: 1 });
  });

  it("RFC7857 §5: UDP and TCP from one port are mapped each for itself", () => {
    const { bench, external } = mapped();
    bench.out(tcpFrame({ ...L1_TO_W1, sourcePort: 5000 }));
    expect(bench.gateway.nat.mappings().map((one) => one.protocol)).toEqual([17, 6]);
    expect(bench.gateway.ports.ownerKind(17, external)).toBe("mapping");
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

  it("RFC7857 §2.2b: after a reset the session lives 239 s and goes; data in between revives it", () => {
    const dead = connected().exchange();
    dead.bench.in(dead.server("RST ACK"));
    expect(dead.state).toBe("TRANS");
    dead.bench.advance(242_000);
    expect(dead.bench.gateway.nat.sessionCount).toBe(0);

    const alive = connected().exchange();
    alive.bench.in(alive.server("RST ACK"));
    alive.bench.advance(239_000);
    alive.exchange();
    expect(alive.state).toBe("ESTABLISHED");
    alive.bench.advance(7_000_000);
    alive.exchange();
  });
});
