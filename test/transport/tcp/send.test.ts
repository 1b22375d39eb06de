import { describe, expect, it } from "vitest";
import { IcmpErrorQuote } from "../../../src/transport/transport.js";
import { bytesOf, established, synSent, type TcpPeer } from "../../support/tcpPeer.js";
import { OUR_ADDRESS, PEER_ADDRESS } from "../../support/transportRig.js";

/** A send buffer that no test fills. */
const ROOMY = { capacity: { tcpSendBytes: 65_536 } };

describe("what a write sends", () => {
  it("RFC5681 3.1 three segments of 1460 at first, then two for each acknowledged one", () => {
    const { peer, socket } = established(ROOMY);
    expect(socket.write(new Uint8Array(70_000))).toBe(65_536);
    expect(peer.take()).toEqual([1, 1461, 2921].map((seq) => `A seq=${seq} ack=1 win=4096 <1460>`));
    peer.send("A", { seq: 1, ack: 1461 });
    expect(peer.take()).toEqual([4381, 5841].map((seq) => `A seq=${seq} ack=1 win=4096 <1460>`));
  });

  it.each([
    [1095, 4],
    [1096, 3],
    [2190, 3],
    [2191, 2],
  ])("RFC5681 3.1 the initial window for an MSS of %d is %d segments", (mss, segments) => {
    const { peer, socket } = established(ROOMY);
    peer.rig.output.mtuBytes = 4000;
    const own = peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 81 });
    peer.send("SA", { seq: 0, ack: 1, mss });
    peer.take();
    own.write(new Uint8Array(20_000));
    expect([peer.take().length, socket.state]).toEqual([segments, "ESTABLISHED"]);
  });

  it("RFC9293 SHLD-7 gathers small writes while something is in flight (Nagle)", () => {
    const { peer, socket } = established();
    for (const text of ["one", "two", "three"]) socket.write(bytesOf(text));
    expect(peer.take()).toEqual(['PA seq=1 ack=1 win=4096 "one"']);
    peer.send("A", { seq: 1, ack: 4 });
    expect(peer.take()).toEqual(['PA seq=4 ack=1 win=4096 "twothree"']);
  });

  it("RFC9293 MUST-17 sends small writes at once with noDelay", () => {
    const { peer, socket } = established();
    socket.noDelay = true;
    for (const text of ["one", "two"]) socket.write(bytesOf(text));
    expect(peer.take()).toEqual(['PA seq=1 ack=1 win=4096 "one"', 'PA seq=4 ack=1 win=4096 "two"']);
  });

  it("tells the application when there is room again, once a write was cut short", () => {
    const { peer, socket, log } = established();
    expect([socket.write(new Uint8Array(5000)), socket.writableBytes]).toEqual([4096, 0]);
    peer.send("A", { seq: 1, ack: 1461 });
    expect(log.take()).toEqual(["writable 1460"]);
    peer.send("A", { seq: 1, ack: 2921 });
    expect(log.take()).toEqual([]);
  });

  it("RFC9293 MUST-38 holds back a small segment while the window is small (silly window)", () => {
    const { peer, socket } = established({ window: 2000 });
    socket.write(new Uint8Array(4000));
    expect(peer.take()).toEqual(["A seq=1 ack=1 win=4096 <1460>"]);
    peer.send("A", { seq: 1, ack: 1461, window: 500 });
    expect(peer.take()).toEqual([]);
    // After a while the small window is used as it is.
    expect(peer.record(1000)).toEqual(["1000: A seq=1461 ack=1 win=4096 <500>"]);
    peer.send("A", { seq: 1, ack: 1961, window: 1000 });
    expect(peer.take()).toEqual(["A seq=1961 ack=1 win=4096 <1000>"]);
  });

  it("RFC9293 MUST-34 survives a peer that takes its window back", () => {
    const { peer, socket } = established();
    socket.write(new Uint8Array(4096));
    peer.take();
    peer.send("A", { seq: 1, ack: 1461, window: 100 });
    expect(peer.take()).toEqual([]);
    expect(peer.record(1000)).toEqual(["1000: A seq=1461 ack=1 win=4096 <100>"]);
    peer.send("A", { seq: 1, ack: 1561, window: 65_535 });
    expect(peer.take().length).toBeGreaterThan(0);
    expect(socket.state).toBe("ESTABLISHED");
  });

  it("RFC5681 4.1 starts again with the initial window after a silence", () => {
    const { peer, socket } = established(ROOMY);
    socket.write(new Uint8Array(20 * 1460));
    for (let sent = peer.take().length, acked = 1; sent > 0; sent = peer.take().length) {
      for (let i = 0; i < sent; i++, acked += 1460) peer.send("A", { seq: 1, ack: acked + 1460 });
    }
    expect(socket.unacknowledgedBytes).toBe(0);
    socket.write(new Uint8Array(20 * 1460));
    expect(peer.take().length).toBe(20);
    peer.send("A", { seq: 1, ack: 1 + 40 * 1460 });
    peer.advance(10_000);
    socket.write(new Uint8Array(20 * 1460));
    expect(peer.take().length).toBe(3);
  });
});

describe("retransmission", () => {
  it("RFC6298 5.4-5.6 repeats the oldest segment only, with a doubled timeout each time, up to 60 s", () => {
    const { peer, socket, log } = established();
    socket.write(new Uint8Array(4096));
    peer.take();
    const oldest = "A seq=1 ack=1 win=4096 <1460>";
    expect(peer.record(200_000)).toEqual([
      ...[1, 3, 7, 15, 31, 63].map((seconds) => `${seconds * 1000}: ${oldest}`),
      "123000: RA seq=2921 ack=1",
    ]);
    // RFC 9293 MUST-20: not before 100 s.
    expect([socket.state, log.take()]).toEqual(["CLOSED", ["closed: connection timed out"]]);
  });

  it("RFC9293 MUST-21 gives up when the application wants it to", () => {
    const { peer, socket } = established();
    socket.giveUpMs = 5_000;
    socket.write(new Uint8Array(10));
    peer.take();
    expect(peer.record(200_000).length).toBe(3);
    expect(socket.state).toBe("CLOSED");
  });

  it("RFC5681 3.1 begins again with one segment, and grows with each acknowledgement", () => {
    const { peer, socket } = established();
    socket.write(new Uint8Array(4096));
    peer.advance(1000);
    peer.take();
    peer.send("A", { seq: 1, ack: 1461 });
    expect(peer.take()).toEqual(["A seq=1461 ack=1 win=4096 <1460>"]);
    peer.send("A", { seq: 1, ack: 2921 });
    expect(peer.take()).toEqual(["PA seq=2921 ack=1 win=4096 <1176>"]);
  });

  it("skips what the peer turns out to have", () => {
    const { peer, socket } = established();
    socket.write(new Uint8Array(4096));
    peer.advance(1000);
    peer.take();
    peer.send("A", { seq: 1, ack: 2921 });
    expect(peer.take()).toEqual(["PA seq=2921 ack=1 win=4096 <1176>"]);
    peer.send("A", { seq: 1, ack: 4097 });
    expect([peer.record(100_000), socket.unacknowledgedBytes]).toEqual([[], 0]);
  });

  it("RFC6298 5.7 waits 3 s for the first data after a lost SYN, RFC5681 3.1 and sends one segment", () => {
    const { peer, socket } = synSent();
    peer.advance(1000);
    peer.send("SA", { seq: 0, ack: 1, mss: 1460 });
    peer.take();
    socket.write(new Uint8Array(4096));
    expect(peer.take().length).toBe(1);
    expect(peer.record(6000)).toEqual(["3000: A seq=1 ack=1 win=4096 <1460>"]);
  });

  it("RFC6298 3 measures no retransmitted segment (Karn), and keeps the backed-off timeout until it can", () => {
    const { peer, socket } = established();
    socket.write(bytesOf("a"));
    peer.advance(1500);
    peer.send("A", { seq: 1, ack: 2 });
    peer.take();
    socket.write(bytesOf("b"));
    peer.take();
    expect(peer.record(2100)).toEqual(['2000: PA seq=2 ack=1 win=4096 "b"']);
  });

  it("repeats a lost FIN", () => {
    const { peer, socket } = established();
    socket.close();
    peer.take();
    expect(peer.record(3000)).toEqual(["1000: FA seq=1 ack=1 win=4096", "3000: FA seq=1 ack=1 win=4096"]);
    peer.send("A", { seq: 1, ack: 2 });
    expect(socket.state).toBe("FIN-WAIT-2");
  });
});

describe("fast retransmit", () => {
  function withWindow(segments: number) {
    const connected = established({ ...ROOMY, mss: 1000 });
    const { peer, socket } = connected;
    socket.write(new Uint8Array(40_000));
    let acked = 1;
    while (peer.take().length > 0 && acked < 1 + segments * 1000) {
      acked += 1000;
      peer.send("A", { seq: 1, ack: acked });
    }
    peer.take();
    return { ...connected, acked };
  }

  it("RFC5681 3.2 RFC3042 resends at the third duplicate, after a new segment for each of the first two", () => {
    const { peer, acked } = withWindow(4);
    const lines: string[][] = [];
    for (let i = 0; i < 4; i++) {
      peer.send("A", { seq: 1, ack: acked });
      lines.push(peer.take());
    }
    expect(lines.map((line) => line.length)).toEqual([1, 1, 1, 0]);
    expect(lines[2]).toEqual([`A seq=${acked} ack=1 win=4096 <1000>`]);
  });

  it("RFC6582 3.2 resends the next hole at each partial acknowledgement, and ends with the full one", () => {
    const { peer, acked } = withWindow(4);
    for (let i = 0; i < 3; i++) peer.send("A", { seq: 1, ack: acked });
    peer.take();
    peer.send("A", { seq: 1, ack: acked + 2000 });
    expect(peer.take()[0]).toBe(`A seq=${acked + 2000} ack=1 win=4096 <1000>`);
    peer.send("A", { seq: 1, ack: acked + 4000 });
    expect(peer.take()[0]).toBe(`A seq=${acked + 4000} ack=1 win=4096 <1000>`);
  });

  it("takes no window update and no data for a duplicate acknowledgement", () => {
    const { peer, acked } = withWindow(4);
    for (let i = 0; i < 6; i++) peer.send("A", { seq: 1, ack: acked, window: 50_000 + i });
    expect(peer.take().every((line) => !line.includes(`seq=${acked} `))).toBe(true);
  });
});

describe("a closed window", () => {
  it("RFC9293 MUST-36 SHLD-29 SHLD-30 is probed with one byte, at doubling intervals, for as long as the peer answers", () => {
    const { peer, socket } = established({ window: 0 });
    socket.write(bytesOf("hello"));
    expect(peer.take()).toEqual([]);
    const times: number[] = [];
    for (let second = 0; second < 600; second++) {
      for (const line of peer.record(1000)) {
        expect(line.slice(line.indexOf(":") + 2)).toBe('A seq=1 ack=1 win=4096 "h"');
        times.push(second + 1);
        peer.send("A", { seq: 1, ack: 1, window: 0 });
      }
    }
    expect(times).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423, 483, 543]);
    peer.send("A", { seq: 1, ack: 1, window: 1000 });
    expect(peer.take()).toEqual(['PA seq=1 ack=1 win=4096 "hello"']);
    expect(socket.state).toBe("ESTABLISHED");
  });

  it("goes on behind a probe's byte that was taken", () => {
    const { peer, socket } = established({ window: 0 });
    socket.write(bytesOf("hello"));
    peer.advance(1000);
    peer.take();
    peer.send("A", { seq: 1, ack: 2, window: 0 });
    expect(peer.take()).toEqual([]);
    peer.send("A", { seq: 1, ack: 2, window: 10 });
    expect(peer.take()).toEqual(['PA seq=2 ack=1 win=4096 "ello"']);
  });

  it("does not hide a reset: its sequence number is the one the peer waits for", () => {
    const { peer, socket } = established({ window: 0 });
    socket.write(bytesOf("hello"));
    peer.advance(1000);
    peer.take();
    socket.abort();
    expect(peer.take()).toEqual(["RA seq=1 ack=1"]);
  });

  it("is given up after 100 s without any answer", () => {
    const { peer, socket, log } = established({ window: 0 });
    socket.write(bytesOf("hello"));
    peer.advance(200_000);
    expect([socket.state, log.take()]).toEqual(["CLOSED", ["closed: connection timed out"]]);
  });

  it("that closes with data in flight is probed, not taken for a dead peer", () => {
    const { peer, socket } = established();
    socket.write(bytesOf("hello"));
    peer.send("A", { seq: 1, ack: 1, window: 0 });
    peer.take();
    for (let second = 0; second < 300; second++) {
      if (peer.record(1000).length > 0) peer.send("A", { seq: 1, ack: 1, window: 0 });
    }
    expect(socket.state).toBe("ESTABLISHED");
  });

  it("holds no place for more than 100 s once the application has gone, whatever the peer answers", () => {
    const { peer, socket } = established({ window: 0 });
    socket.write(bytesOf("hello"));
    socket.close();
    for (let second = 0; second < 130; second++) {
      if (peer.record(1000).length > 0 && peer.rig.table.count > 0) peer.send("A", { seq: 1, ack: 1, window: 0 });
    }
    expect([socket.state, peer.rig.table.count]).toEqual(["CLOSED", 0]);
  });

  it("is probed with the FIN when only that is left", () => {
    const { peer, socket } = established({ window: 0 });
    socket.shutdown();
    expect(peer.take()).toEqual([]);
    expect(peer.record(1000)).toEqual(["1000: FA seq=1 ack=1 win=4096"]);
    peer.send("A", { seq: 1, ack: 2, window: 0 });
    expect(socket.state).toBe("FIN-WAIT-2");
    expect(peer.record(100_000)).toEqual([]);
  });
});

describe("keep-alive", () => {
  it("RFC9293 MUST-25 is off by default", () => {
    const { peer } = established();
    expect(peer.record(86_400_000)).toEqual([]);
  });

  it("RFC9293 MUST-26 MUST-28 probes an idle peer, and ends the connection after nine unanswered probes", () => {
    const { peer, socket, log } = established();
    socket.keepAliveMs = 7_200_000;
    const probe = "A seq=0 ack=1 win=4096";
    expect(peer.record(7_200_000)).toEqual([`7200000: ${probe}`]);
    peer.send("A", { seq: 1, ack: 1 });
    expect(peer.record(7_199_999)).toEqual([]);
    const lines = peer.record(75_000 * 10);
    expect(lines.map((line) => line.slice(line.indexOf(":") + 2))).toEqual([
      ...new Array<string>(9).fill(probe),
      "RA seq=1 ack=1",
    ]);
    expect([socket.state, log.take()]).toEqual(["CLOSED", ["closed: keep-alive probes were not answered"]]);
  });

  it("answers the peer's probes", () => {
    const { peer } = established();
    expect(peer.send("A", { seq: 0, ack: 1 })).toBe("tcpOutsideWindow");
    expect(peer.take()).toEqual(["A seq=1 ack=1 win=4096"]);
  });
});

describe("ICMP errors", () => {
  function quote(peer: TcpPeer, type: number, code: number, seq: number, nextHopMtuBytes = 0): IcmpErrorQuote {
    return Object.assign(new IcmpErrorQuote(), {
      type,
      code,
      nextHopMtuBytes,
      source: OUR_ADDRESS,
      destination: PEER_ADDRESS,
      sourcePort: peer.localPort,
      destinationPort: peer.port,
      sequence: (peer.iss + seq) | 0,
    });
  }

  it.each([
    [2, "the remote host does not speak TCP on that port"],
    [3, "connection refused"],
  ])("RFC1122 4.2.3.9 unreachable code %d ends a connection that is being opened", (code, reason) => {
    const { peer, socket, log } = synSent();
    expect(peer.rig.tcp.receiveError(quote(peer, 3, code, 1))).toBe("icmpErrorUnmatched");
    expect(peer.rig.tcp.receiveError(quote(peer, 3, code, 0))).toBe("ok");
    expect([socket.state, log.take()]).toEqual(["CLOSED", [`closed: ${reason}`]]);
  });

  it("RFC5927 4 no error ends an established connection", () => {
    const { peer, socket } = established();
    socket.write(bytesOf("x"));
    for (const code of [0, 1, 2, 3, 5, 13]) expect(peer.rig.tcp.receiveError(quote(peer, 3, code, 1))).toBe("ok");
    for (const type of [4, 11, 12]) expect(peer.rig.tcp.receiveError(quote(peer, type, 0, 1))).toBe("ok");
    expect(socket.state).toBe("ESTABLISHED");
  });

  it("RFC9293 MUST-56 a soft error is a hint: it names the reason when the connection times out", () => {
    const { peer, log } = synSent();
    expect(peer.rig.tcp.receiveError(quote(peer, 3, 1, 0))).toBe("ok");
    peer.advance(183_000);
    peer.advance(10_000);
    expect(log.take()).toEqual(["closed: connection timed out: the remote network or host cannot be reached"]);
  });

  it("RFC1191 3 fragmentation needed lowers the segment size and sends again at once", () => {
    const { peer, socket } = established();
    socket.write(new Uint8Array(3000));
    peer.take();
    expect(peer.rig.tcp.receiveError(quote(peer, 3, 4, 1, 1000))).toBe("ok");
    expect(peer.take()[0]).toBe("A seq=1 ack=1 win=4096 <960>");
  });

  it.each([
    ["0, the next plateau", 0, 1452],
    ["60, the smallest there is", 60, 28],
    ["9000, nothing", 9000, undefined],
  ])("RFC1191 3 a next-hop MTU of %s", (_name, mtu, bytes) => {
    const { peer, socket } = established();
    socket.write(new Uint8Array(3000));
    peer.take();
    peer.rig.tcp.receiveError(quote(peer, 3, 4, 1, mtu));
    expect(peer.take()[0]).toBe(bytes === undefined ? undefined : `A seq=1 ack=1 win=4096 <${bytes}>`);
  });

  it("RFC5927 7.2 ignores fragmentation needed about a segment that is not in flight", () => {
    const { peer, socket } = established();
    socket.write(new Uint8Array(2920));
    peer.take();
    expect(peer.rig.tcp.receiveError(quote(peer, 3, 4, 2921, 1000))).toBe("icmpErrorUnmatched");
    expect(peer.rig.tcp.receiveError(quote(peer, 3, 4, 0, 1000))).toBe("icmpErrorUnmatched");
    expect(peer.take()).toEqual([]);
  });

  it("adapts when the own link's MTU was lowered", () => {
    const { peer, socket } = established();
    peer.rig.output.mtuBytes = 1000;
    socket.write(new Uint8Array(2000));
    expect(peer.take()).toEqual(["A seq=1 ack=1 win=4096 <960>", "A seq=961 ack=1 win=4096 <960>"]);
  });
});

describe("a stack that has been up for long", () => {
  it("works past 2^31 ms, and past 2^32", () => {
    for (const start of [2 ** 31 - 500, 2 ** 32 - 500, 60 * 86_400_000]) {
      const peer = established().peer;
      peer.advance(start);
      const own = peer.rig.tcp.connect({ address: PEER_ADDRESS, port: 81 });
      peer.take();
      expect(peer.record(1000)).toEqual(["1000: S seq=0 win=4096 mss=1460"]);
      peer.send("SA", { seq: 0, ack: 1, mss: 1460 });
      own.write(bytesOf("x"));
      peer.take();
      expect(peer.record(3000)).toEqual(['3000: PA seq=1 ack=1 win=4096 "x"']);
      expect(own.state).toBe("ESTABLISHED");
    }
  });
});
