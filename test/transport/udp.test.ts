import { describe, expect, it } from "vitest";
import { BROADCAST_ADDRESS } from "../../src/core/address.js";
import { NEVER } from "../../src/core/clock.js";
import { IcmpErrorQuote } from "../../src/transport/transport.js";
import { PROTOCOL_UDP } from "../../src/wire/ipv4.js";
import { validateUdp, writeUdp } from "../../src/wire/udp.js";
import { OUR_ADDRESS, PEER_ADDRESS, packetOf, TransportRig } from "../support/transportRig.js";

function datagram(destinationPort: number, data: number[], destination = OUR_ADDRESS, source = PEER_ADDRESS) {
  const payload = new Uint8Array(8 + data.length);
  payload.set(data, 8);
  writeUdp(new DataView(payload.buffer), 0, 4000, destinationPort, payload.length, source, destination);
  return packetOf(payload, source, destination, PROTOCOL_UDP);
}

describe("UDP", () => {
  it("RFC768 delivers datagrams whole, in order, with their sender", () => {
    const { udp } = new TransportRig();
    let calls = 0;
    const socket = udp.bind({ port: 53, handler: { onReceive: () => calls++ } });
    expect(udp.receive(datagram(53, [1, 2, 3]))).toBe("ok");
    expect(udp.receive(datagram(53, []))).toBe("ok");
    const target = new Uint8Array(10);
    expect([socket.nextBytes, socket.receive(target), target[2]]).toEqual([3, 3, 3]);
    expect([socket.senderAddress, socket.senderPort]).toEqual([PEER_ADDRESS, 4000]);
    expect([socket.receive(target), socket.receive(target), calls]).toEqual([0, -1, 2]);
  });

  it("loses what does not fit the caller's buffer, and says how much there was", () => {
    const { udp } = new TransportRig();
    const socket = udp.bind({ port: 53 });
    udp.receive(datagram(53, [1, 2, 3, 4]));
    udp.receive(datagram(53, [9]));
    const target = new Uint8Array(2);
    expect([socket.receive(target), [...target]]).toEqual([4, [1, 2]]);
    expect([socket.receive(target), target[0]]).toEqual([1, 9]);
  });

  it("drops what does not fit the queue, and takes more after a receive", () => {
    const { udp } = new TransportRig({ capacity: { udpReceiveBytes: 64 } });
    const socket = udp.bind({ port: 53 });
    const data = new Array<number>(20).fill(7);
    expect([1, 2, 3].map(() => udp.receive(datagram(53, data)))).toEqual(["ok", "ok", "udpBufferFull"]);
    expect([socket.overflows, socket.receiveQueueBytes]).toEqual([1, 64]);
    socket.receive(new Uint8Array(20));
    expect(udp.receive(datagram(53, data))).toBe("ok");
  });

  it("sends from the bound port, with a checksum, and a reply leaves from the address asked", () => {
    const { udp, output } = new TransportRig();
    const sent: number[][] = [];
    output.onDatagram = (payload, source, destination, protocol) => {
      expect(validateUdp(new DataView(payload.buffer), 0, payload.length, source, destination)).toBe("ok");
      sent.push([source, destination, protocol, ...payload.subarray(0, 4), ...payload.subarray(8)]);
    };
    const socket = udp.bind({ port: 0x1234 });
    expect(socket.send(Uint8Array.of(5, 6), PEER_ADDRESS, 0x5678)).toBe("ok");
    expect(sent).toEqual([[OUR_ADDRESS, PEER_ADDRESS, PROTOCOL_UDP, 0x12, 0x34, 0x56, 0x78, 5, 6]]);
    expect(socket.send(Uint8Array.of(5), 0x0b000001, 1)).toBe("ipNoRoute");
    output.failure = "portFull";
    expect(socket.send(Uint8Array.of(5), PEER_ADDRESS, 1)).toBe("portFull");
    expect(() => socket.send(new Uint8Array(4325), PEER_ADDRESS, 1)).toThrow(
      "a datagram of 4325 bytes to 10.0.0.2 is too large: at most 4324",
    );
    expect(() => socket.send(new Uint8Array(1), PEER_ADDRESS, 0)).toThrow("port 0 is impossible");
  });

  it("binds ephemeral ports from the sockets' range and gives them back", () => {
    const { udp, ports, table } = new TransportRig();
    const sockets = Array.from({ length: 16 }, () => udp.bind());
    expect(new Set(sockets.map((socket) => socket.localPort)).size).toBe(16);
    expect(sockets.every((socket) => socket.localPort >= 49_152)).toBe(true);
    expect(() => udp.bind()).toThrow("no free socket: all 16 are in use; close one, or raise the sockets capacity");
    for (const socket of sockets) socket.close();
    expect([ports.count, table.count]).toEqual([0, 0]);
    expect(() => sockets[0]?.send(new Uint8Array(1), PEER_ADDRESS, 1)).toThrow("the UDP socket is closed");
    expect([sockets[0]?.receive(new Uint8Array(1)), sockets[0]?.isOpen]).toEqual([-1, false]);
  });

  it("refuses a taken or impossible port, naming the owner", () => {
    const { udp, ports } = new TransportRig();
    ports.claim(PROTOCOL_UDP, 5060, "forward", 0);
    expect(() => udp.bind({ port: 5060 })).toThrow("UDP port 5060 is taken by a forward; choose another port");
    expect(() => udp.bind({ port: 65_536 })).toThrow("port 65536 is impossible");
  });

  it("RFC1122 4.1.3.4 drops a wrong checksum and takes a missing one", () => {
    const { udp } = new TransportRig();
    udp.bind({ port: 53 });
    const packet = datagram(53, [1]);
    packet.frame.view.setUint16(packet.transportAt + 6, 0x1111);
    expect(udp.receive(packet)).toBe("udpChecksum");
    packet.frame.view.setUint16(packet.transportAt + 6, 0);
    expect(udp.receive(packet)).toBe("ok");
  });

  it("reports a closed port, and a socket of another address as one", () => {
    const { udp } = new TransportRig();
    udp.bind({ port: 53, address: 0x0a000099 });
    expect([udp.receive(datagram(54, [1])), udp.receive(datagram(53, [1]))]).toEqual([
      "udpPortClosed",
      "udpPortClosed",
    ]);
  });

  it("takes broadcasts on sockets bound to any address; RFC1122 4.1.3.6 nothing from an impossible source", () => {
    const { udp } = new TransportRig();
    udp.bind({ port: 67 });
    expect(udp.receive(datagram(67, [1], BROADCAST_ADDRESS))).toBe("ok");
    expect(udp.receive(datagram(67, [1], OUR_ADDRESS, 0x7f000001))).toBe("ipSourceMartian");
  });

  it("RFC1122 4.1.3.3 passes ICMP errors to the socket", () => {
    const { udp } = new TransportRig();
    const errors: unknown[] = [];
    udp.bind({ port: 53, handler: { onError: (_socket, ...error) => errors.push(error) } });
    const quote = Object.assign(new IcmpErrorQuote(), {
      type: 3,
      code: 3,
      source: OUR_ADDRESS,
      destination: PEER_ADDRESS,
      sourcePort: 53,
      destinationPort: 99,
    });
    expect(udp.receiveError(quote)).toBe("ok");
    expect(udp.receiveError(Object.assign(quote, { type: 11, code: 0 }))).toBe("ok");
    expect(udp.receiveError(Object.assign(quote, { sourcePort: 54 }))).toBe("icmpErrorUnmatched");
    expect(errors).toEqual([
      ["connection refused", PEER_ADDRESS, 99],
      ["ICMP error type 11 code 0", PEER_ADDRESS, 99],
    ]);
    expect(udp.nextDeadline()).toBe(NEVER);
  });
});
