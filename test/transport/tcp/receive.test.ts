import { describe, expect, it } from "vitest";
import { acceptedConnection, established, synSent } from "../../support/tcpPeer.js";

function readAll(socket: { read(target: Uint8Array): number }): string {
  const target = new Uint8Array(8192);
  return String.fromCharCode(...target.subarray(0, socket.read(target)));
}

describe("data in order", () => {
  it("RFC9293 SHLD-18 acknowledges every second segment at once", () => {
    const { peer } = established();
    peer.send("A", { seq: 1, ack: 1, data: 1000 });
    expect(peer.take()).toEqual([]);
    peer.send("A", { seq: 1001, ack: 1, data: 1000 });
    expect(peer.take()).toEqual(["A seq=1 ack=2001 win=2096"]);
  });

  it("RFC9293 MUST-40 delays an acknowledgement by 40 ms, far below 500 ms", () => {
    const { peer } = established();
    peer.send("PA", { seq: 1, ack: 1, data: "hello" });
    expect(peer.record(1000)).toEqual(["40: A seq=1 ack=6 win=4091"]);
  });

  it("lets the acknowledgement travel with the application's answer", () => {
    const { peer, socket, log } = established();
    log.onReadable = () => {
      socket.write(new TextEncoder().encode(readAll(socket)));
    };
    peer.send("PA", { seq: 1, ack: 1, data: "hello" });
    expect(peer.take()).toEqual(['PA seq=1 ack=6 win=4091 "hello"']);
    peer.send("A", { seq: 6, ack: 6 });
    expect(peer.record(1000)).toEqual([]);
  });

  it("drops what was received before and takes the rest", () => {
    const { peer, socket } = established();
    peer.send("A", { seq: 1, ack: 1, data: "abcd" });
    peer.send("A", { seq: 3, ack: 1, data: "cdef" });
    expect(readAll(socket)).toBe("abcdef");
    expect(peer.take()).toEqual(["A seq=1 ack=7 win=4090"]);
  });

  it("acknowledges repeated data at once", () => {
    const { peer } = established();
    peer.send("A", { seq: 1, ack: 1, data: "abcd" });
    expect(peer.send("A", { seq: 1, ack: 1, data: "abcd" })).toBe("tcpOutsideWindow");
    expect(peer.take()).toEqual(["A seq=1 ack=5 win=4092"]);
  });

  it("drops a segment without an ACK", () => {
    const { peer, socket } = established();
    expect(peer.send("P", { seq: 1, data: "x" })).toBe("tcpUnacceptable");
    expect([socket.readableBytes, peer.take()]).toEqual([0, []]);
  });
});

describe("data out of order", () => {
  it("RFC9293 SHLD-31 RFC5681 4.2 keeps it, acknowledges at once, and fills the gap", () => {
    const { peer, socket, log } = established();
    peer.send("A", { seq: 6, ack: 1, data: "fghij" });
    expect(peer.take()).toEqual(["A seq=1 ack=1 win=4096"]);
    peer.send("A", { seq: 11, ack: 1, data: "klmno" });
    expect(peer.take()).toEqual(["A seq=1 ack=1 win=4096"]);
    expect(log.take()).toEqual([]);
    peer.send("A", { seq: 1, ack: 1, data: "abcde" });
    expect(peer.take()).toEqual(["A seq=1 ack=16 win=4081"]);
    expect(log.take()).toEqual(["readable 15"]);
    expect(readAll(socket)).toBe("abcdefghijklmno");
  });

  it("keeps four pieces, and takes a fifth when it comes again", () => {
    const { peer, socket } = established();
    for (const seq of [3, 5, 7, 9, 11]) peer.send("A", { seq, ack: 1, data: "x" });
    for (const seq of [2, 4, 6, 8]) peer.send("A", { seq, ack: 1, data: "y" });
    peer.send("A", { seq: 1, ack: 1, data: "a" });
    expect(readAll(socket)).toBe("ayxyxyxyx");
    peer.send("A", { seq: 10, ack: 1, data: "yx" });
    expect(readAll(socket)).toBe("yx");
  });

  it("takes a FIN that came before the data in front of it", () => {
    const { peer, socket, log } = established();
    peer.send("FA", { seq: 4, ack: 1, data: "def" });
    expect([socket.state, log.take()]).toEqual(["ESTABLISHED", []]);
    peer.send("A", { seq: 1, ack: 1, data: "abc" });
    expect(peer.take().at(-1)).toBe("A seq=1 ack=8 win=4089");
    expect([socket.state, readAll(socket)]).toEqual(["CLOSE-WAIT", "abcdef"]);
    peer.advance(0);
    expect(log.take()).toEqual(["readable 6", "end"]);
  });
});

describe("the receive window", () => {
  it("closes as the buffer fills, drops what is beyond, and opens in worthwhile steps", () => {
    const { peer, socket } = established();
    peer.send("A", { seq: 1, ack: 1, data: 2048 });
    peer.send("A", { seq: 2049, ack: 1, data: 2048 });
    expect(peer.take()).toEqual(["A seq=1 ack=4097 win=0"]);
    expect(peer.send("A", { seq: 4097, ack: 1, data: "z" })).toBe("ok");
    expect(peer.take()).toEqual(["A seq=1 ack=4097 win=0"]);
    socket.read(new Uint8Array(1000));
    expect(peer.take()).toEqual([]);
    // RFC 9293 MUST-39: the smaller of a segment and half the buffer.
    socket.read(new Uint8Array(460));
    expect(peer.take()).toEqual(["A seq=1 ack=4097 win=1460"]);
  });

  it("RFC9293 SHLD-14 never moves its right edge back", () => {
    const { peer, socket } = established();
    peer.send("A", { seq: 1, ack: 1, data: 100 });
    peer.advance(50);
    expect(peer.take()).toEqual(["A seq=1 ack=101 win=3996"]);
    socket.read(new Uint8Array(50));
    peer.send("A", { seq: 101, ack: 1, data: 100 });
    peer.advance(50);
    expect(peer.take()).toEqual(["A seq=1 ack=201 win=3896"]);
  });

  it("cuts a segment that reaches beyond the window, its FIN included", () => {
    const { peer, socket } = established();
    peer.send("A", { seq: 1, ack: 1, data: 4000 });
    peer.send("FA", { seq: 4001, ack: 1, data: 200 });
    expect([socket.readableBytes, socket.state]).toEqual([4096, "ESTABLISHED"]);
    expect(peer.take()).toEqual(["A seq=1 ack=4097 win=0"]);
  });

  it("drops what lies wholly outside, with an answer", () => {
    const { peer, socket } = established();
    expect(peer.send("A", { seq: 4097, ack: 1, data: "x" })).toBe("tcpOutsideWindow");
    expect(peer.send("A", { seq: -5, ack: 1, data: "x" })).toBe("tcpOutsideWindow");
    expect([peer.take().length, socket.readableBytes]).toEqual([2, 0]);
  });

  it("RFC9293 MUST-66 takes acknowledgements and resets while the window is closed", () => {
    const { peer, socket, log } = established();
    peer.send("A", { seq: 1, ack: 1, data: 4096 });
    peer.take();
    socket.write(new Uint8Array(10));
    peer.send("A", { seq: 4097, ack: 11, data: "x" });
    expect(socket.unacknowledgedBytes).toBe(0);
    expect(peer.send("R", { seq: 4097 })).toBe("ok");
    expect(log.take().at(-1)).toBe("closed: connection reset by peer");
  });
});

describe("blind attacks", () => {
  it("RFC5961 3.2 resets for the exact sequence number only", () => {
    const { peer, socket, log } = established();
    expect(peer.send("R", { seq: 0 })).toBe("tcpOutsideWindow");
    expect(peer.take()).toEqual([]);
    expect(peer.send("R", { seq: 10 })).toBe("tcpChallenged");
    expect(peer.take()).toEqual(["A seq=1 ack=1 win=4096"]);
    expect(socket.state).toBe("ESTABLISHED");
    expect(peer.send("R", { seq: 1 })).toBe("ok");
    expect([socket.state, log.take()]).toEqual(["CLOSED", ["closed: connection reset by peer"]]);
    expect([peer.rig.table.count, peer.rig.ports.count]).toEqual([0, 0]);
  });

  it.each([-1000, 0, 1, 5000])("RFC5961 4.2 challenges a SYN, whatever its sequence number: %d", (seq) => {
    const { peer, socket } = established();
    expect(peer.send("S", { seq })).toBe("tcpChallenged");
    expect(peer.send("SA", { seq, ack: 1 })).toBe("tcpChallenged");
    expect([socket.state, peer.take()]).toEqual(["ESTABLISHED", ["A seq=1 ack=1 win=4096", "A seq=1 ack=1 win=4096"]]);
  });

  it("RFC5961 5.2 drops acknowledgements of the future and of the far past", () => {
    const { peer, socket } = established({ window: 1000 });
    socket.write(new Uint8Array(10));
    peer.take();
    expect(peer.send("A", { seq: 1, ack: 12, data: "evil" })).toBe("tcpBadAck");
    expect(peer.send("A", { seq: 1, ack: -1000, data: "evil" })).toBe("tcpBadAck");
    expect(socket.readableBytes).toBe(0);
    expect(peer.send("A", { seq: 1, ack: -999, data: "old" })).toBe("ok");
    expect(socket.readableBytes).toBe(3);
  });

  it("RFC5961 7 sends at most ten challenge ACKs in five seconds", () => {
    const { peer } = established();
    for (let i = 0; i < 1000; i++) peer.send("R", { seq: 10 });
    expect(peer.take().length).toBe(10);
    peer.advance(5000);
    peer.send("R", { seq: 10 });
    expect(peer.take().length).toBe(1);
  });

  it("a half-open connection answers a bad acknowledgement with a reset and lives on", () => {
    const { peer, socket } = synSent();
    peer.send("S", { seq: 0, mss: 1460 });
    peer.take();
    expect(peer.send("A", { seq: 1, ack: 3 })).toBe("tcpBadAck");
    expect([peer.take(), socket.state]).toEqual([["R seq=3"], "SYN-RECEIVED"]);
  });
});

describe("urgent data", () => {
  it("RFC9293 MUST-31 MUST-32 is announced, and stays in the stream", () => {
    const { peer, socket, log } = established();
    peer.send("UPA", { seq: 1, ack: 1, data: "abc!", urgent: 4 });
    expect(log.take()).toEqual(["urgent 4", "readable 4"]);
    socket.read(new Uint8Array(3));
    expect(socket.urgentBytes).toBe(1);
    socket.read(new Uint8Array(3));
    expect(socket.urgentBytes).toBe(0);
  });
});

describe("handlers", () => {
  it("may call any method of any socket", () => {
    const { peer, socket, log } = acceptedConnection();
    let own: ReturnType<typeof peer.rig.tcp.connect> | undefined;
    log.onReadable = () => {
      log.calls.push("readable");
      socket.write(Uint8Array.of(66));
      socket.abort();
      socket.close();
      own = peer.rig.tcp.connect({ address: socket.remoteAddress, port: 99 });
      own.abort();
    };
    peer.send("PA", { seq: 1, ack: 1, data: "x" });
    expect(log.take()).toEqual(["readable", "closed"]);
    expect(own?.state).toBe("CLOSED");
    expect(peer.rig.table.count).toBe(0);
    expect(peer.rig.tcp.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it("are never called from within a method", () => {
    const { peer, socket, log } = established();
    socket.abort();
    expect(log.take()).toEqual([]);
    expect(peer.rig.tcp.nextDeadline()).toBe(peer.now);
    peer.rig.tcp.poll();
    expect(log.take()).toEqual(["closed"]);
  });

  it("that throw leave the connection in order and the other calls for later", () => {
    const { peer, log } = established();
    log.onReadable = () => {
      throw new Error("the application's own");
    };
    expect(() => peer.send("FA", { seq: 1, ack: 1 })).not.toThrow();
    log.take();
    const other = established();
    other.log.onReadable = log.onReadable;
    expect(() => other.peer.send("A", { seq: 1, ack: 1, data: 1000 })).toThrow("the application's own");
    other.peer.send("R", { seq: 1001 });
    expect(other.log.take()).toEqual(["closed: connection reset by peer"]);
  });
});
