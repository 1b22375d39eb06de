import { describe, expect, it } from "vitest";
import { PROTOCOL_TCP } from "../../../src/wire/ipv4.js";
import { acceptedConnection, established, listening, synSent } from "../../support/tcpPeer.js";
import { PEER_ADDRESS } from "../../support/transportRig.js";

describe("active open", () => {
  it("RFC9293 3.5 connects in three segments and tells the application from receive, not from connect", () => {
    const { peer, socket, log } = synSent();
    expect(peer.take()).toEqual(["S seq=0 win=4096 mss=1460"]);
    expect([socket.state, log.take()]).toEqual(["SYN-SENT", []]);
    expect(peer.send("SA", { seq: 0, ack: 1, mss: 1460 })).toBe("ok");
    expect(peer.take()).toEqual(["A seq=1 ack=1 win=4096"]);
    expect([socket.state, log.take()]).toEqual(["ESTABLISHED", ["connected"]]);
  });

  it("RFC9293 MUST-16 announces the link's MTU less 40", () => {
    const { peer } = synSent();
    peer.take();
    peer.rig.output.mtuBytes = 1400;
    peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 81 });
    expect(peer.take()).toEqual(["S seq=0 win=4096 mss=1360"]);
  });

  it("RFC9293 MUST-23 repeats the SYN with backoff for at least 180 s, then reports the failure", () => {
    const { peer, socket, log } = synSent();
    peer.take();
    const syn = "S seq=0 win=4096 mss=1460";
    expect(peer.record(400_000)).toEqual([1, 3, 7, 15, 31, 63, 123].map((seconds) => `${seconds * 1000}: ${syn}`));
    expect([socket.state, log.take()]).toEqual(["CLOSED", ["closed: connection timed out"]]);
    expect(peer.rig.table.count).toBe(0);
    expect(peer.rig.ports.count).toBe(0);
  });

  it("RFC9293 3.10.7.3 is refused by a reset that acknowledges the SYN, by no other", () => {
    const { peer, socket, log } = synSent();
    peer.take();
    expect(peer.send("R", { seq: 0 })).toBe("tcpUnacceptable");
    expect(peer.send("RA", { seq: 0, ack: 2 })).toBe("tcpBadAck");
    expect(socket.state).toBe("SYN-SENT");
    expect(peer.send("RA", { seq: 0, ack: 1 })).toBe("ok");
    expect(log.take()).toEqual(["closed: connection refused"]);
    expect(peer.take()).toEqual([]);
  });

  it("RFC9293 3.10.7.3 resets whoever acknowledges what was never sent", () => {
    const { peer, socket } = synSent();
    peer.take();
    expect(peer.send("SA", { seq: 0, ack: 5 })).toBe("tcpBadAck");
    expect(peer.take()).toEqual(["R seq=5"]);
    expect(socket.state).toBe("SYN-SENT");
  });

  it("RFC9293 MUST-10 opens simultaneously", () => {
    const { peer, socket, log } = synSent();
    peer.take();
    expect(peer.send("S", { seq: 0, mss: 1460 })).toBe("ok");
    expect([socket.state, peer.take()]).toEqual(["SYN-RECEIVED", ["SA seq=0 ack=1 win=4096 mss=1460"]]);
    expect(peer.send("SA", { seq: 0, ack: 1, mss: 1460 })).toBe("ok");
    expect([socket.state, log.take()]).toEqual(["ESTABLISHED", ["connected"]]);
    peer.send("PA", { seq: 1, ack: 1, data: "hi" });
    expect(log.take()).toEqual(["readable 2"]);
  });

  it("takes data that comes with the SYN,ACK, as far as the announced window goes", () => {
    const { peer, log } = synSent();
    peer.take();
    peer.send("SA", { seq: 0, ack: 1, data: 4100, mss: 1460 });
    expect(log.take()).toEqual(["connected", "readable 4096"]);
    expect(peer.take()).toEqual(["A seq=1 ack=4097 win=0"]);
  });

  it("sends what was written, and closes what was shut down, before the connection was established", () => {
    const { peer, socket } = synSent();
    peer.take();
    expect(socket.write(Uint8Array.of(104, 105))).toBe(2);
    socket.shutdown();
    expect(peer.take()).toEqual([]);
    peer.send("SA", { seq: 0, ack: 1, mss: 1460 });
    expect(peer.take()).toEqual(['FPA seq=1 ack=1 win=4096 "hi"']);
    expect(socket.state).toBe("FIN-WAIT-1");
  });

  it("RFC9293 MUST-46 refuses to connect to broadcast, multicast and unroutable addresses", () => {
    const { peer } = synSent();
    const connect = (address: number) => () => peer.rig.tcp.connect({ address, port: 80 });
    expect(connect(-1)).toThrow("cannot connect to 255.255.255.255: TCP needs the address of a single host");
    expect(connect(0xe0000001 | 0)).toThrow("cannot connect to 224.0.0.1");
    expect(connect(0x0a0000ff)).toThrow("cannot connect to 10.0.0.255");
    expect(connect(0x0b000001)).toThrow("no route to 11.0.0.1: give an interface an address in its network");
    expect(() => peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 0 })).toThrow(
      "port 0 is impossible: it must be a whole number from 1 to 65535",
    );
    expect(peer.rig.table.count).toBe(1);
  });
});

describe("passive open", () => {
  it("RFC9293 3.5 accepts a connection and hands over its socket", () => {
    const { peer, accepted, listener } = listening();
    expect(peer.send("S", { seq: 0, mss: 1460 })).toBe("ok");
    expect(peer.take()).toEqual(["SA seq=0 ack=1 win=4096 mss=1460"]);
    expect([accepted.length, listener.halfOpen]).toEqual([0, 1]);
    expect(peer.send("A", { seq: 1, ack: 1 })).toBe("ok");
    expect([accepted.length, listener.halfOpen, accepted[0]?.state]).toEqual([1, 0, "ESTABLISHED"]);
    expect(accepted[0]?.remotePort).toBe(4000);
    expect(peer.take()).toEqual([]);
  });

  it("repeats the SYN,ACK for a repeated SYN", () => {
    const { peer } = listening();
    peer.send("S", { seq: 0, mss: 1460 });
    peer.take();
    expect(peer.send("S", { seq: 0, mss: 1460 })).toBe("ok");
    expect(peer.take()).toEqual(["SA seq=0 ack=1 win=4096 mss=1460"]);
    expect(peer.rig.table.count).toBe(1);
  });

  it("RFC9293 MUST-11 returns to LISTEN when a half-open connection is reset", () => {
    const { peer, listener, log } = listening();
    peer.send("S", { seq: 0, mss: 1460 });
    expect(peer.send("R", { seq: 1 })).toBe("ok");
    expect([peer.rig.table.count, listener.halfOpen, log.take()]).toEqual([0, 0, []]);
  });

  it("RFC9293 3.10.7.2 answers an ACK to a listener with a reset, and a reset with nothing", () => {
    const { peer } = listening();
    expect(peer.send("A", { seq: 7, ack: 9 })).toBe("tcpBadAck");
    expect(peer.take()).toEqual(["R seq=9"]);
    expect(peer.send("R", { seq: 7 })).toBe("tcpUnacceptable");
    expect(peer.send("F", { seq: 7 })).toBe("tcpUnacceptable");
    expect(peer.take()).toEqual([]);
  });

  it("RFC9293 MUST-57 MUST-63 keeps silent about a SYN to or from what is no host", () => {
    const { peer } = listening();
    for (const fromAddress of [0x7f000001, -1, 0, 0xe0000001 | 0]) {
      expect(peer.send("S", { seq: 0, fromAddress })).toBe("tcpUnacceptable");
    }
    expect(peer.take()).toEqual([]);
  });

  it("drops flags that never occur together", () => {
    const { peer } = listening();
    expect([peer.send("SF"), peer.send("SR")]).toEqual(["tcpMalformed", "tcpMalformed"]);
    expect(peer.take()).toEqual([]);
  });

  it("replaces the oldest half-open connection when the backlog is full", () => {
    const { peer, listener, accepted } = listening({ backlog: 2 });
    for (const fromPort of [4001, 4002, 4003]) peer.send("S", { seq: 0, fromPort });
    expect([listener.halfOpen, listener.replaced, peer.rig.table.count]).toEqual([2, 1, 2]);
    peer.take();
    expect(peer.send("A", { seq: 1, ack: 1, fromPort: 4003 })).toBe("ok");
    expect(peer.send("A", { seq: 1, ack: 1, fromPort: 4001 })).toBe("tcpBadAck");
    expect(accepted.map((socket) => socket.remotePort)).toEqual([4003]);
  });

  it("a SYN flood takes nothing from established connections and leaves room for new ones", () => {
    const { peer, socket, listener } = acceptedConnection({ capacity: { sockets: 4 } });
    for (let fromPort = 5000; fromPort < 6000; fromPort++) peer.send("S", { seq: 0, fromPort });
    expect([listener.halfOpen, peer.rig.table.count, socket.state]).toEqual([3, 4, "ESTABLISHED"]);
    const own = peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 80 });
    expect([own.state, listener.halfOpen, socket.state]).toEqual(["SYN-SENT", 2, "ESTABLISHED"]);
  });

  it("drops a SYN silently when the socket table is full of connections", () => {
    const { peer } = acceptedConnection({ capacity: { sockets: 1 } });
    expect(peer.send("S", { seq: 0, fromPort: 4444 })).toBe("tcpBacklogFull");
    expect(peer.take()).toEqual([]);
    expect(() => peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 80 })).toThrow(
      "no free socket: all 1 are in use; close one, or raise the sockets capacity",
    );
    expect(() => peer.rig.udp.bind()).toThrow("no free socket: all 1 are in use");
  });

  it("shares the listener's port with its connections until the last of them is gone", () => {
    const { peer, listener, socket } = acceptedConnection();
    listener.close();
    expect(peer.rig.ports.ownerKind(PROTOCOL_TCP, 25565)).toBe("listener");
    const again = peer.rig.tcp.listen({ port: 25565, onConnection: () => {} });
    again.close();
    expect(peer.rig.ports.ownerKind(PROTOCOL_TCP, 25565)).toBe("listener");
    socket.abort();
    expect(peer.rig.ports.ownerKind(PROTOCOL_TCP, 25565)).toBeUndefined();
  });

  it("RFC9293 MUST-42 listens on the port of a connection that is being opened", () => {
    const { peer, socket } = synSent();
    const listener = peer.rig.tcp.listen({ port: socket.localPort, onConnection: () => {} });
    socket.abort();
    expect(peer.rig.ports.ownerKind(PROTOCOL_TCP, socket.localPort)).toBe("listener");
    listener.close();
    expect(peer.rig.ports.count).toBe(0);
  });

  it("listens on one of our addresses only, when asked to", () => {
    const { peer } = listening();
    peer.rig.tcp.listen({ port: 81, address: 0x0a000063, onConnection: () => {} });
    peer.localPort = 81;
    expect(peer.send("S", { seq: 0 })).toBe("tcpPortClosed");
  });
});

describe("claims on ports", () => {
  it("refuses a second listener, naming the owner", () => {
    const { peer } = listening();
    const listen = () => peer.rig.tcp.listen({ port: 25565, onConnection: () => {} });
    expect(listen).toThrow("TCP port 25565 is taken by a listener; choose another port");
  });

  it("refuses a port that a forward owns, in the words of the caller", () => {
    const { peer } = synSent({ describeOwner: (_protocol, port) => `the port forward tcp ${port}` });
    peer.rig.ports.claim(PROTOCOL_TCP, 25565, "forward", 0);
    expect(() => peer.rig.tcp.listen({ port: 25565, onConnection: () => {} })).toThrow(
      "TCP port 25565 is taken by the port forward tcp 25565; choose another port",
    );
    expect(() => peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 80, localPort: 25565 })).toThrow(
      "TCP port 25565 is taken by the port forward tcp 25565",
    );
    expect(peer.rig.table.count).toBe(1);
  });

  it("refuses another listener when all are in use", () => {
    const { peer } = listening({ capacity: { listeners: 1 } });
    expect(() => peer.rig.tcp.listen({ port: 1, onConnection: () => {} })).toThrow(
      "no free listener: all 1 are in use; close one, or raise the listeners capacity",
    );
    expect(() => peer.rig.tcp.listen({ port: 1, backlog: 0, onConnection: () => {} })).toThrow(
      "a backlog of 0 is impossible: it must be a whole number, 1 or more",
    );
    expect(peer.rig.ports.count).toBe(1);
  });
});

describe("closed ports", () => {
  it("RFC9293 3.10.7.1 are answered with a reset that the sender will believe", () => {
    const { peer } = listening();
    peer.localPort = 9;
    expect(peer.send("S", { seq: 10 })).toBe("tcpPortClosed");
    expect(peer.send("F", { seq: 10, data: "abc" })).toBe("tcpPortClosed");
    expect(peer.send("A", { seq: 10, ack: 77 })).toBe("tcpPortClosed");
    expect(peer.send("R", { seq: 10 })).toBe("tcpPortClosed");
    peer.iss = 0;
    expect(peer.take()).toEqual(["RA seq=0 ack=11", "RA seq=0 ack=14", "R seq=77"]);
  });
});

describe("options", () => {
  it.each([
    ["RFC9293 MUST-15 no MSS option means 536", [], 536],
    ["RFC9293 MUST-5 any alignment", [1, 1, 2, 4, 3, 232, 1, 0], 1000],
    ["RFC9293 MUST-6 unknown options are skipped", [253, 4, 9, 9, 2, 4, 3, 232], 1000],
    ["RFC9293 MUST-7 a length of zero ends the search", [253, 0, 2, 4, 3, 232, 0, 0], 536],
    ["RFC9293 MUST-7 a length of one ends the search", [253, 1, 2, 4, 3, 232, 0, 0], 536],
    ["RFC9293 MUST-7 a length beyond the header ends the search", [253, 44, 2, 4, 3, 232, 0, 0], 536],
    ["RFC9293 MUST-7 a kind without a length ends the search", [1, 1, 1, 2], 536],
    ["RFC9293 MUST-68 nothing is read behind the end of the list", [0, 2, 4, 3, 232, 0, 0, 0], 536],
    ["an MSS of another length is not one", [2, 3, 9, 1, 0, 0, 0, 0], 536],
    ["an MSS above the link's is not used", [2, 4, 35, 0], 1460],
    ["an MSS of nothing still sends segments", [2, 4, 0, 1], 28],
  ])("%s", (_name, options, mss) => {
    const { peer, socket } = synSent();
    peer.send("SA", { seq: 0, ack: 1, options });
    peer.take();
    socket.write(new Uint8Array(3000));
    expect(peer.take()[0]).toBe(`A seq=1 ack=1 win=4096 <${mss}>`);
  });

  it("RFC9293 MUST-65 an MSS option outside a SYN is ignored", () => {
    const { peer, socket } = established();
    peer.send("A", { seq: 1, ack: 1, mss: 100 });
    socket.write(new Uint8Array(3000));
    expect(peer.take()[0]).toBe("A seq=1 ack=1 win=4096 <1460>");
  });
});
