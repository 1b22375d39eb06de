import { describe, expect, it } from "vitest";
import { parsePrefix } from "../../src/core/address.js";
import { type ForwardSpec, formatForward } from "../../src/nat/forwards.js";
import { TCP_ACK, TCP_FIN, TCP_SYN } from "../../src/wire/tcp.js";
import { makeBench, WAN_ADDRESS } from "./support/bench.js";
import { address, at, destination, expectSound, source, tcp, udp } from "./support/packets.js";

const GAME_PC = at("192.168.1.50:25565");
const FRIEND = at("198.51.100.7:40000");
const PUBLISHED = { address: WAN_ADDRESS, port: 25565 };

function spec(changes: Partial<ForwardSpec> = {}): ForwardSpec {
  return {
    protocol: "tcp",
    ports: { first: 25565, last: 25565 },
    insideAddress: GAME_PC.address,
    insidePort: 25565,
    ...changes,
  };
}

describe("a port forward", () => {
  it("lets callers in, who were dropped before", () => {
    const bench = makeBench();
    const call = () => tcp(FRIEND, PUBLISHED, TCP_SYN, { sequence: 9 });
    expect(bench.nat.inbound(call())).toBe("wanUnsolicited");
    expect(bench.nat.forwards.add(spec())).toBeUndefined();
    const delivered = bench.in(call());
    expectSound(delivered);
    expect(destination(delivered)).toEqual(GAME_PC);
    const answer = bench.out(tcp(GAME_PC, FRIEND, TCP_SYN | TCP_ACK, { acknowledgement: 10 }));
    expectSound(answer);
    expect(source(answer)).toEqual(PUBLISHED);
    bench.in(tcp(FRIEND, PUBLISHED, TCP_ACK, { sequence: 10, acknowledgement: 1 }));
    expect(bench.nat.sessions()).toMatchObject([{ state: "ESTABLISHED", externalPort: 25565 }]);
    expect(bench.nat.mappings()).toMatchObject([{ isStatic: true, externalPort: 25565 }]);
    expect(bench.nat.forwards.get(0)?.hits).toBe(1);
  });

  it("shows the server with its public port when it speaks first", () => {
    const bench = makeBench();
    bench.nat.forwards.add(spec({ protocol: "udp" }));
    expect(source(bench.out(udp(GAME_PC, FRIEND)))).toEqual(PUBLISHED);
    expect(source(bench.out(tcp(GAME_PC, FRIEND, TCP_SYN))).port).not.toBe(25565);
  });

  it("ends what is over between the same ends once, where it is its mapping that makes way for the call", () => {
    const bench = makeBench({}, { mappings: 1 });
    const external = source(bench.out(tcp(GAME_PC, FRIEND, TCP_SYN)));
    bench.in(tcp(FRIEND, external, TCP_SYN | TCP_ACK, { sequence: 9, acknowledgement: 1 }));
    bench.out(tcp(GAME_PC, FRIEND, TCP_FIN | TCP_ACK, { sequence: 1, acknowledgement: 10 }));
    bench.in(tcp(FRIEND, external, TCP_FIN | TCP_ACK, { sequence: 10, acknowledgement: 2 }));
    bench.nat.forwards.add(spec());
    bench.advance(10);
    bench.in(tcp(FRIEND, PUBLISHED, TCP_SYN));
    expect(bench.nat.mappings()).toMatchObject([{ externalPort: 25565, isStatic: true, sessions: 1 }]);
    expect(bench.nat.sessionCount).toBe(1);
    expect(bench.nat.hostUse(10)).toMatchObject([{ isCallers: true, sessions: 1, mappings: 1 }]);
    expect(bench.nat.use.classes).toMatchObject({ calls: { now: 1 }, transitory: { now: 0, expired: 0, evicted: 1 } });
  });

  it("shifts a range, for both protocols", () => {
    const bench = makeBench();
    const ports = { first: 8000, last: 8010 };
    bench.nat.forwards.add(spec({ protocol: "both", ports, insidePort: 80 }));
    for (const external of [8000, 8005, 8010]) {
      const published = { address: WAN_ADDRESS, port: external };
      const inside = { address: GAME_PC.address, port: external - 7920 };
      expect(destination(bench.in(tcp(FRIEND, published, TCP_SYN)))).toEqual(inside);
      expect(destination(bench.in(udp(FRIEND, published)))).toEqual(inside);
      expect(source(bench.out(udp(inside, FRIEND)))).toEqual(published);
    }
    for (const outside of [7999, 8011]) {
      expect(bench.nat.inbound(udp(FRIEND, { address: WAN_ADDRESS, port: outside }))).toBe("wanUnsolicited");
    }
  });

  it("admits only its source prefix", () => {
    const bench = makeBench();
    const prefix = parsePrefix("198.51.100.0/24");
    bench.nat.forwards.add(spec({ protocol: "udp", source: prefix }));
    expect(bench.nat.inbound(udp(at("198.51.101.7:1"), PUBLISHED))).toBe("forwardSourceRefused");
    expect(bench.nat.inbound(udp(FRIEND, PUBLISHED))).toBe("ok");
    expect(bench.nat.forwards.get(0)?.hits).toBe(1);
  });

  it("ends its sessions when it is switched off, keeps its port, and works when switched on again", () => {
    const bench = makeBench();
    bench.nat.forwards.add(spec({ protocol: "udp" }));
    bench.in(udp(FRIEND, PUBLISHED));
    bench.nat.forwards.setEnabled(0, false);
    expect(bench.nat.sessionCount).toBe(0);
    expect(bench.nat.inbound(udp(FRIEND, PUBLISHED))).toBe("forwardDisabled");
    expect(bench.ports.ownerKind(17, 25565)).toBe("forward");
    expect(source(bench.out(udp(GAME_PC, FRIEND))).port).not.toBe(25565);
    bench.nat.clear();
    bench.nat.forwards.setEnabled(0, true);
    expect(bench.nat.inbound(udp(FRIEND, PUBLISHED))).toBe("ok");
  });

  it("ends its sessions and gives its ports back when it is removed; others stay", () => {
    const bench = makeBench();
    bench.nat.forwards.add(spec({ protocol: "both" }));
    bench.in(udp(FRIEND, PUBLISHED));
    bench.out(udp(at("192.168.1.10:5000"), FRIEND));
    bench.nat.forwards.remove(0);
    expect(bench.nat.sessionCount).toBe(1);
    expect(bench.nat.inbound(udp(FRIEND, PUBLISHED))).toBe("wanUnsolicited");
    expect(bench.ports.isFree(6, 25565)).toBe(true);
    expect(bench.nat.forwards.list()).toEqual([]);
  });

  it("works again after the external address has changed", () => {
    const bench = makeBench();
    bench.nat.forwards.add(spec({ protocol: "udp" }));
    bench.nat.setExternalAddress(address("203.0.113.99"));
    const published = { address: address("203.0.113.99"), port: 25565 };
    expect(destination(bench.in(udp(FRIEND, published)))).toEqual(GAME_PC);
  });

  it("does not disturb a conversation that the server has through another port", () => {
    const bench = makeBench();
    const external = source(bench.out(udp(GAME_PC, FRIEND)));
    bench.nat.forwards.add(spec({ protocol: "udp" }));
    expect(bench.nat.inbound(udp(FRIEND, PUBLISHED))).toBe("natConflict");
    expect(destination(bench.in(udp(FRIEND, external)))).toEqual(GAME_PC);
    expect(destination(bench.in(udp({ ...FRIEND, port: 2 }, PUBLISHED)))).toEqual(GAME_PC);
  });

  it("makes no mapping or session for a TCP segment that opens nothing", () => {
    const bench = makeBench();
    bench.nat.forwards.add(spec());
    expect(bench.nat.inbound(tcp(FRIEND, PUBLISHED, TCP_ACK))).toBe("natTcpState");
    expect([bench.nat.sessionCount, bench.nat.mappingCount]).toEqual([0, 0]);
  });
});

describe("adding a port forward", () => {
  const taken = "tcp port 25565 is taken by the forward to 192.168.1.50; remove that first, or choose another port";

  it("is refused for a taken port, naming the owner, and changes nothing", () => {
    const bench = makeBench();
    bench.nat.forwards.add(spec());
    expect(bench.nat.forwards.add(spec({ insideAddress: address("192.168.1.9") }))).toBe(taken);
    expect(bench.nat.forwards.add(spec({ protocol: "both", ports: { first: 25000, last: 26000 } }))).toBe(taken);
    expect(bench.nat.forwards.list()).toHaveLength(1);
    expect(bench.ports.isFree(17, 25565)).toBe(true);
    expect(bench.nat.forwards.add(spec({ protocol: "udp" }))).toBeUndefined();
  });

  it("is refused for a port of the gateway's own", () => {
    const bench = makeBench();
    bench.ports.claim(6, 80, "listener", 0);
    expect(bench.nat.forwards.add(spec({ ports: { first: 80, last: 80 } }))).toBe(
      "tcp port 80 is taken by a listener of Porter itself; choose another port",
    );
  });

  it("takes the port from a mapping that happens to have it", () => {
    const bench = makeBench({ ports: { first: 25565, last: 25565 } });
    bench.out(udp(at("192.168.1.10:5001"), FRIEND));
    expect(bench.nat.forwards.add(spec({ protocol: "udp" }))).toBeUndefined();
    expect(bench.nat.sessionCount).toBe(0);
    expect(destination(bench.in(udp(FRIEND, PUBLISHED)))).toEqual(GAME_PC);
  });

  it("is refused when all places are taken", () => {
    const bench = makeBench({}, { forwards: 1 });
    bench.nat.forwards.add(spec());
    expect(bench.nat.forwards.add(spec({ protocol: "udp" }))).toBe("all 1 forwards are in use; remove one first");
    bench.nat.forwards.remove(0);
    expect(bench.nat.forwards.add(spec({ protocol: "udp" }))).toBeUndefined();
  });

  it.each([
    [{ ports: { first: 10, last: 9 } }, "10-9 is not a range within ports 1 to 65535"],
    [{ ports: { first: 0, last: 9 } }, "0-9 is not a range within ports 1 to 65535"],
    [
      { ports: { first: 1, last: 9 }, insidePort: 65530 },
      "the inside ports 65530-65538 are not within 1 to 65535; use 65527 or less for the first",
    ],
    [{ insideAddress: address("224.0.0.1") }, "224.0.0.1 is not a host's address"],
  ])("is refused for %o", (changes, sentence) => {
    expect(makeBench().nat.forwards.add(spec(changes))).toBe(sentence);
  });

  it("is written as the console takes it", () => {
    expect(formatForward(spec())).toBe("tcp 25565 192.168.1.50");
    const source = parsePrefix("10.0.0.0/8");
    const full = spec({ protocol: "both", ports: { first: 1, last: 3 }, insidePort: 7, source });
    expect(formatForward(full)).toBe("both 1-3 192.168.1.50 7 from 10.0.0.0/8");
  });
});
