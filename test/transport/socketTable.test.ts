import { describe, expect, it } from "vitest";
import { SocketTable } from "../../src/transport/socketTable.js";
import { PEER_ADDRESS, TransportRig } from "../support/transportRig.js";

function entry(localPort: number, remoteAddress: number, remotePort: number, protocol = 6, localAddress = 1) {
  return {
    protocol,
    localAddress,
    localPort,
    remoteAddress,
    remotePort,
    stateName: "TEST",
    receiveQueueBytes: 0,
    sendQueueBytes: 0,
    place: -1,
    nextInChain: undefined,
  };
}

describe("the socket table", () => {
  it("finds each of a thousand conversations, and none that was removed", () => {
    const table = new SocketTable({ sockets: 1000, listeners: 1 });
    const entries = Array.from({ length: 1000 }, (_, i) => entry(1000 + (i % 10), i * 7, 80 + (i % 3)));
    for (const one of entries) table.add(one);
    expect([table.count, table.makeRoom()]).toEqual([1000, false]);
    for (const one of entries) expect(table.find(6, 1, one.localPort, one.remoteAddress, one.remotePort)).toBe(one);
    for (const one of entries.filter((_, i) => i % 2 === 0)) table.remove(one);
    entries.forEach((one, i) => {
      const expected = i % 2 === 0 ? undefined : one;
      expect(table.find(6, 1, one.localPort, one.remoteAddress, one.remotePort)).toBe(expected);
    });
    expect(table.count).toBe(500);
  });

  it("keeps protocols and local addresses apart; 0 is any local address", () => {
    const table = new SocketTable({ sockets: 4, listeners: 1 });
    const udp = entry(53, 0, 0, 17, 0);
    table.add(udp);
    table.add(entry(53, 0, 0, 6, 5));
    expect(table.find(17, 99, 53, 0, 0)).toBe(udp);
    expect(table.find(6, 99, 53, 0, 0)).toBeUndefined();
  });

  it("an unlinked entry keeps its place but is not found", () => {
    const table = new SocketTable({ sockets: 1, listeners: 1 });
    const one = entry(1, 2, 3);
    table.add(one);
    table.unlink(one);
    expect([table.find(6, 1, 1, 2, 3), table.count, table.makeRoom()]).toEqual([undefined, 1, false]);
    table.remove(one);
    table.remove(one);
    expect([table.count, table.makeRoom()]).toEqual([0, true]);
  });

  it("shows sockets and listeners of both protocols with states and queues", () => {
    const rig = new TransportRig();
    rig.tcp.listen({ port: 80, onConnection: () => {} });
    rig.udp.bind({ port: 53 });
    rig.tcp.connect({ address: PEER_ADDRESS, port: 443, localPort: 50_000 }).write(new Uint8Array(3));
    const lines: string[] = [];
    rig.table.forEach((one) => {
      lines.push(`${one.protocol} ${one.localPort} ${one.remotePort} ${one.stateName} ${one.sendQueueBytes}`);
    });
    expect(lines).toEqual(["6 80 0 LISTEN 0", "17 53 0 BOUND 0", "6 50000 443 SYN-SENT 3"]);
  });
});
