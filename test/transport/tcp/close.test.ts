import { describe, expect, it } from "vitest";
import type { TcpSocket } from "../../../src/transport/tcp/socket.js";
import { PROTOCOL_TCP } from "../../../src/wire/ipv4.js";
import { acceptedConnection, established, listening } from "../../support/tcpPeer.js";
import { PEER_ADDRESS } from "../../support/transportRig.js";

describe("closing first", () => {
  it("RFC9293 3.6 goes through FIN-WAIT-1, FIN-WAIT-2 and TIME-WAIT", () => {
    const { peer, socket, log } = established();
    socket.close();
    expect([socket.state, peer.take()]).toEqual(["FIN-WAIT-1", ["FA seq=1 ack=1 win=4096"]]);
    peer.send("A", { seq: 1, ack: 2 });
    expect(socket.state).toBe("FIN-WAIT-2");
    peer.send("FA", { seq: 1, ack: 2 });
    expect([socket.state, peer.take()]).toEqual(["TIME-WAIT", ["A seq=2 ack=2 win=4095"]]);
    expect(log.take()).toEqual(["closed"]);
  });

  it("sends the FIN with the last data", () => {
    const { peer, socket } = established();
    socket.write(new Uint8Array(2000));
    peer.take();
    socket.close();
    expect(peer.take()).toEqual(["FPA seq=1461 ack=1 win=4096 <540>"]);
  });

  it("a FIN that acknowledges ours leads straight to TIME-WAIT", () => {
    const { peer, socket } = established();
    socket.shutdown();
    peer.send("FA", { seq: 1, ack: 2 });
    expect(socket.state).toBe("TIME-WAIT");
  });

  it("RFC9293 3.6 goes through CLOSING when both close at once", () => {
    const { peer, socket, log } = established();
    socket.shutdown();
    peer.send("FA", { seq: 1, ack: 1 });
    expect([socket.state, peer.take().at(-1)]).toEqual(["CLOSING", "A seq=2 ack=2 win=4095"]);
    expect(log.take()).toEqual(["end"]);
    peer.send("A", { seq: 2, ack: 2 });
    expect([socket.state, log.take()]).toEqual(["TIME-WAIT", ["closed"]]);
  });

  it("a half-closed connection goes on receiving", () => {
    const { peer, socket, log } = established();
    socket.shutdown();
    peer.send("A", { seq: 1, ack: 2 });
    peer.send("PA", { seq: 1, ack: 2, data: "late" });
    expect([log.take(), socket.readableBytes, socket.write(new Uint8Array(1))]).toEqual([["readable 4"], 4, 0]);
  });

  it("RFC9293 3.6 answers data that nobody will read with a reset", () => {
    const { peer, socket, log } = established();
    socket.close();
    peer.send("A", { seq: 1, ack: 2 });
    peer.take();
    peer.send("PA", { seq: 1, ack: 2, data: "late" });
    expect([peer.take(), socket.state, log.take()]).toEqual([["RA seq=2 ack=1"], "CLOSED", ["closed"]]);
  });

  it("resets at once when data was received and not read", () => {
    const { peer, socket } = established();
    peer.send("A", { seq: 1, ack: 1, data: "unread" });
    socket.close();
    expect([peer.take(), socket.state]).toEqual([["RA seq=1 ack=7"], "CLOSED"]);
  });

  it("does not wait for ever for the peer's FIN once nobody reads", () => {
    const { peer, socket, log } = established();
    socket.close();
    peer.send("A", { seq: 1, ack: 2 });
    peer.take();
    peer.advance(59_999);
    expect(socket.state).toBe("FIN-WAIT-2");
    expect(peer.record(1)).toEqual(["1: RA seq=2 ack=1"]);
    expect([socket.state, log.take()]).toEqual(["CLOSED", ["closed: connection timed out"]]);
  });

  it("waits as long as it takes while the application still reads", () => {
    const { peer, socket } = established();
    socket.shutdown();
    peer.send("A", { seq: 1, ack: 2 });
    peer.advance(10_000_000);
    expect(socket.state).toBe("FIN-WAIT-2");
  });
});

describe("closing second", () => {
  it("RFC9293 3.6 goes through CLOSE-WAIT and LAST-ACK", () => {
    const { peer, socket, log } = established();
    peer.send("FA", { seq: 1, ack: 1 });
    expect([socket.state, peer.take(), log.take()]).toEqual(["CLOSE-WAIT", ["A seq=1 ack=2 win=4095"], ["end"]]);
    socket.write(Uint8Array.of(104, 105));
    socket.close();
    expect([socket.state, peer.take()]).toEqual([
      "LAST-ACK",
      ['PA seq=1 ack=2 win=4095 "hi"', "FA seq=3 ack=2 win=4095"],
    ]);
    peer.send("A", { seq: 2, ack: 4 });
    expect([socket.state, log.take(), peer.rig.table.count]).toEqual(["CLOSED", ["closed"], 0]);
  });

  it("keeps unread data readable after both sides have closed", () => {
    const { peer, socket, log } = established();
    peer.send("FA", { seq: 1, ack: 1, data: "last words" });
    socket.shutdown();
    peer.send("A", { seq: 12, ack: 2 });
    expect([socket.state, log.take(), peer.rig.table.count]).toEqual(["CLOSED", ["readable 10"], 1]);
    expect(peer.send("A", { seq: 12, ack: 2 })).toBe("tcpPortClosed");
    expect(socket.read(new Uint8Array(100))).toBe(10);
    peer.advance(0);
    expect([log.take(), peer.rig.table.count]).toEqual([["end", "closed"], 0]);
  });
});

describe("abort", () => {
  it("resets the peer and gives place and port back", () => {
    const { peer, socket, log } = established();
    socket.write(new Uint8Array(5));
    peer.take();
    socket.abort();
    expect([peer.take(), socket.state]).toEqual([["RA seq=6 ack=1"], "CLOSED"]);
    peer.advance(0);
    expect([log.take(), peer.rig.table.count, peer.rig.ports.count]).toEqual([["closed"], 0, 0]);
    expect([socket.write(new Uint8Array(1)), socket.read(new Uint8Array(1)), socket.readableBytes]).toEqual([0, 0, 0]);
    socket.abort();
    socket.close();
    socket.shutdown();
    expect(peer.take()).toEqual([]);
  });
});

describe("TIME-WAIT", () => {
  function timeWait() {
    const connected = acceptedConnection();
    connected.socket.close();
    connected.peer.send("FA", { seq: 1, ack: 2 });
    connected.peer.take();
    connected.log.take();
    return connected;
  }

  it("RFC9293 MUST-13 lasts 240 s, acknowledges a repeated FIN and begins again with it", () => {
    const { peer, socket } = timeWait();
    peer.advance(200_000);
    expect(peer.send("FA", { seq: 1, ack: 2 })).toBe("tcpOutsideWindow");
    expect(peer.take()).toEqual(["A seq=2 ack=2 win=4095"]);
    peer.advance(239_999);
    expect(socket.state).toBe("TIME-WAIT");
    peer.advance(1);
    expect([socket.state, peer.rig.table.count]).toEqual(["CLOSED", 0]);
    expect(peer.send("A", { seq: 2, ack: 2 })).toBe("tcpBadAck");
  });

  it("RFC9293 MAY-2 gives way to a new SYN beyond the old sequence numbers, and starts above its own", () => {
    const { peer, accepted } = timeWait();
    const oldIss = peer.iss;
    expect(peer.send("S", { seq: 1 })).toBe("tcpChallenged");
    peer.take();
    expect(peer.send("S", { seq: 100, mss: 1460 })).toBe("ok");
    expect(peer.take()).toEqual(["SA seq=0 ack=101 win=4096 mss=1460"]);
    expect((peer.iss - oldIss) | 0).toBeGreaterThan(1);
    peer.send("A", { seq: 101, ack: 1 });
    expect(accepted.map((socket) => socket.state)).toEqual(["CLOSED", "ESTABLISHED"]);
  });

  it("makes way for a new connection when the table is full, the oldest first", () => {
    const { peer, accepted } = listening({ capacity: { sockets: 2 } });
    for (const fromPort of [4001, 4002]) {
      peer.send("S", { seq: 0, fromPort });
      peer.send("A", { seq: 1, ack: 1, fromPort });
      accepted.at(-1)?.close();
      peer.send("FA", { seq: 1, ack: 2, fromPort });
    }
    expect(accepted.map((socket) => socket.state)).toEqual(["TIME-WAIT", "TIME-WAIT"]);
    peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 80 });
    expect(accepted.map((socket) => socket.state)).toEqual(["CLOSED", "TIME-WAIT"]);
    peer.rig.udp.bind();
    expect(accepted.map((socket) => socket.state)).toEqual(["CLOSED", "CLOSED"]);
    expect(() => peer.rig.udp.bind()).toThrow("no free socket: all 2 are in use");
    expect(peer.rig.ports.ownerKind(PROTOCOL_TCP, 25565)).toBe("listener");
  });

  it("keeps its place for unread data, but not for data that nobody will read", () => {
    const { peer, accepted } = listening({ capacity: { sockets: 1 } });
    peer.send("S", { seq: 0 });
    peer.send("A", { seq: 1, ack: 1 });
    const socket = accepted[0] as TcpSocket;
    socket.shutdown();
    peer.send("FA", { seq: 1, ack: 2, data: "unread" });
    expect(socket.state).toBe("TIME-WAIT");
    expect(() => peer.rig.udp.bind()).toThrow("no free socket");
    socket.close();
    peer.rig.udp.bind();
    expect(socket.state).toBe("CLOSED");
  });

  it.each([
    ["a reset, as a second ACK of the peer's FIN provokes", "R", { seq: 8 }],
    ["a new SYN of the peer", "S", { seq: 100 }],
  ])("unread data survives %s", (_, flags, segment) => {
    const { peer, accepted, log } = listening();
    peer.send("S", { seq: 0 });
    peer.send("A", { seq: 1, ack: 1 });
    const socket = accepted[0] as TcpSocket;
    socket.shutdown();
    peer.send("FA", { seq: 1, ack: 2, data: "unread" });
    expect([socket.state, log.take()]).toEqual(["TIME-WAIT", ["readable 6"]]);
    expect(peer.send(flags, segment)).toBe("ok");
    expect([socket.state, socket.read(new Uint8Array(10))]).toEqual(["CLOSED", 6]);
    peer.advance(0);
    expect(log.take()).toEqual(["end", "closed"]);
  });
});
