/**
 * A fixed set of frames for a gateway, both sides, from its first ARP request on; and all that comes out of it. A run is
 * a pure function, so any engine must produce the same.
 */

import { SeededRandom } from "../../host-sim/random.js";
import { ETHERNET_AT, type Frame } from "../../src/core/frame.js";
import { WAN } from "../../src/gateway.js";
import type { TcpHandler } from "../../src/transport/tcp/socket.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../src/wire/ipv4.js";
import {
  arpFrame,
  ethernetFrame,
  fragmentsOf,
  icmpErrorFrame,
  icmpFrame,
  ipv4Frame,
  naiveChecksum,
  patternBytes,
  tcpFrame,
  udpFrame,
} from "../support/frames.js";
import {
  addressOf,
  between,
  type End,
  FRIEND,
  GAME_PC,
  GatewayRig,
  LAPTOP,
  OUR_LAN,
  OUR_WAN,
  ROUTER,
  SERVER,
} from "./gatewayRig.js";
import { toHex } from "./hex.js";
import type { Replay } from "./packetCase.js";

const INSIDE_PORT = 40000;
const GAME_PORT = 25565;
/** Frames of the set that come once more, each with a few bits changed. */
const MUTATED_FRAMES = 1500;

/** A gateway whose frames are noted, those that go in as well as those that come out. */
class Recorder {
  readonly rig = new GatewayRig();
  readonly sent: string[] = [];
  readonly received: { side: number; bytes: Uint8Array }[] = [];
  /** The frame that came out last. */
  last = new Uint8Array();

  constructor() {
    this.rig.ports.forEach((port, side) => {
      port.onSend = (frame: Frame, length: number) => {
        this.sent.push(`${side}:${toHex(frame, length)}`);
        this.last = frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length);
      };
    });
  }

  /** Frames that come from `end`. */
  from(end: End, ...frames: Uint8Array[]): void {
    for (const bytes of frames) {
      this.received.push({ side: end.side, bytes });
      this.rig.receive(end.side, bytes);
    }
  }

  /** Moves time on, with a poll wherever the gateway asks for one. */
  advance(ms: number): void {
    const { gateway } = this.rig;
    const end = gateway.clock.now + ms;
    while (gateway.nextDeadline() < end) gateway.poll(Math.max(gateway.nextDeadline(), gateway.clock.now));
    gateway.poll(end);
  }

  /** The first 32 bits of the frame that came out last, from the TCP header's sequence number on. */
  lastSequence(): number {
    return new DataView(this.last.buffer).getInt32(38);
  }
}

/** The counter `wellFormed` says how many frames, from the first, came of frames that no bit was changed in. */
export function replayFixedFrames(): Replay {
  const recorder = new Recorder();
  bringUp(recorder);
  udp(recorder);
  tcp(recorder);
  echo(recorder);
  errors(recorder);
  fragments(recorder);
  forwards(recorder);
  ownSockets(recorder);
  refused(recorder);
  const wellFormed = recorder.sent.length;
  mutations(recorder);
  years(recorder);
  return { frames: recorder.sent, counters: { ...countersOf(recorder), wellFormed } };
}

/** Addresses are announced; the first packets wait for ARP. */
function bringUp(recorder: Recorder): void {
  recorder.from(LAPTOP, udpFrame(between(LAPTOP, SERVER)));
  recorder.rig.configure();
  recorder.from(LAPTOP, arpFrame({ senderAddress: LAPTOP.address, senderMac: LAPTOP.mac }));
  recorder.from(LAPTOP, udpFrame({ ...between(LAPTOP, SERVER), sourcePort: INSIDE_PORT }));
  const answer = { operation: "reply", senderMac: ROUTER.mac, senderAddress: ROUTER.address } as const;
  const us = { targetMac: OUR_WAN.mac, targetAddress: OUR_WAN.address };
  recorder.from(ROUTER, arpFrame({ ...answer, ...us }));
  recorder.from(ROUTER, arpFrame({ ...answer, ...us, senderAddress: OUR_WAN.address }));
}

function udp(recorder: Recorder): void {
  const out = { ...between(LAPTOP, SERVER), sourcePort: INSIDE_PORT };
  recorder.from(LAPTOP, udpFrame(out));
  const destinationPort = recorder.rig.externalPort(PROTOCOL_UDP, INSIDE_PORT);
  const back = { ...between(SERVER, OUR_WAN), sourcePort: 53, destinationPort };
  recorder.from(SERVER, udpFrame(back), udpFrame({ ...back, checksum: 0 }), udpFrame({ ...back, payload: "" }));
  recorder.from(LAPTOP, udpFrame({ ...out, checksum: 0 }), udpFrame({ ...out, payload: patternBytes(1472) }));
  recorder.from(LAPTOP, udpFrame({ ...out, ttl: 1 }), udpFrame({ ...out, options: [1, 1, 1, 1] }));
  recorder.from(
    LAPTOP,
    udpFrame({ ...out, headerChecksum: 1 }),
    udpFrame({ ...out, options: [131, 7, 4, 1, 2, 3, 4] }),
  );
  recorder.from(SERVER, udpFrame({ ...back, sourcePort: 54 }));
  recorder.from(FRIEND, udpFrame({ ...between(FRIEND, OUR_WAN), destinationPort }));
  recorder.from(LAPTOP, udpFrame({ ...out, sourcePort: 123, destinationPort: 123 }));
}

function tcp(recorder: Recorder): void {
  const out = { ...between(LAPTOP, SERVER), sourcePort: INSIDE_PORT, destinationPort: 80 };
  recorder.from(LAPTOP, tcpFrame({ ...out, flags: "ACK", sequence: 77, acknowledgement: 99 }));
  recorder.from(LAPTOP, tcpFrame({ ...out, sequence: 1000, tcpOptions: [2, 4, 5, 180, 1, 3, 3, 7] }));
  const destinationPort = recorder.rig.externalPort(PROTOCOL_TCP, INSIDE_PORT);
  const back = { ...between(SERVER, OUR_WAN), sourcePort: 80, destinationPort };
  const atServer = { ...back, sequence: 5001, acknowledgement: 1001 };
  const atLaptop = { ...out, sequence: 1001, acknowledgement: 5001 };
  recorder.from(SERVER, tcpFrame({ ...atServer, flags: "SYN ACK", sequence: 5000, tcpOptions: [3, 3, 7] }));
  recorder.from(LAPTOP, tcpFrame({ ...atLaptop, flags: "ACK" }));
  recorder.from(LAPTOP, tcpFrame({ ...atLaptop, flags: "ACK PSH", payload: "GET / HTTP/1.0" }));
  recorder.from(SERVER, tcpFrame({ ...atServer, flags: "ACK", payload: patternBytes(1460) }));
  recorder.from(SERVER, tcpFrame({ ...atServer, flags: "RST", sequence: -2_000_000_000 }));
  recorder.from(SERVER, tcpFrame({ ...atServer, flags: "FIN ACK", sequence: 6461 }));
  recorder.from(LAPTOP, tcpFrame({ ...atLaptop, flags: "FIN ACK", sequence: 1015, acknowledgement: 6462 }));
  recorder.from(SERVER, tcpFrame({ ...atServer, flags: "ACK", sequence: 6462, acknowledgement: 1016 }));
  recorder.from(LAPTOP, tcpFrame({ ...out, sequence: 900_000 }), tcpFrame({ ...out, flags: "RST", sequence: 900_001 }));
}

function echo(recorder: Recorder): void {
  recorder.from(LAPTOP, icmpFrame({ ...between(LAPTOP, SERVER), identifier: 7 }));
  const identifier = recorder.rig.externalPort(PROTOCOL_ICMP, 7);
  recorder.from(SERVER, icmpFrame({ ...between(SERVER, OUR_WAN), type: 0, identifier }));
  recorder.from(SERVER, icmpFrame({ ...between(SERVER, OUR_WAN), type: 0, identifier: identifier ^ 1 }));
  recorder.from(LAPTOP, icmpFrame({ ...between(LAPTOP, SERVER), type: 13, payload: patternBytes(12) }));
  recorder.from(LAPTOP, icmpFrame(between(LAPTOP, OUR_LAN)), icmpFrame(between(LAPTOP, OUR_WAN)));
  recorder.from(SERVER, icmpFrame({ ...between(SERVER, OUR_WAN), payload: patternBytes(1001) }));
  recorder.from(LAPTOP, icmpFrame({ ...between(LAPTOP, OUR_LAN), checksum: 1 }));
  const { gateway } = recorder.rig;
  gateway.echo.ping(addressOf(LAPTOP), 1, 1000, () => {});
  const own = new DataView(recorder.last.buffer).getUint16(38);
  const payload = recorder.last.slice(42);
  recorder.from(LAPTOP, icmpFrame({ ...between(LAPTOP, OUR_LAN), type: 0, identifier: own, sequence: 1, payload }));
  gateway.echo.ping(addressOf(SERVER), 2, 1000, () => {});
  recorder.advance(1000);
}

/** ICMP errors about packets of the inside and of the outside, and some about none. */
function errors(recorder: Recorder): void {
  const out = { ...between(LAPTOP, SERVER), sourcePort: INSIDE_PORT };
  recorder.from(LAPTOP, udpFrame(out));
  const toServer = recorder.last;
  const toUs = between(SERVER, OUR_WAN);
  recorder.from(
    SERVER,
    icmpErrorFrame({ ...toUs, about: toServer }),
    icmpErrorFrame({ ...toUs, about: toServer, type: 11, code: 0 }),
  );
  recorder.from(SERVER, icmpErrorFrame({ ...toUs, about: toServer, code: 4, nextHopMtu: 1280, quoteBytes: 28 }));
  recorder.from(SERVER, icmpErrorFrame({ ...toUs, about: udpFrame(out) }));
  const destinationPort = recorder.rig.externalPort(PROTOCOL_UDP, INSIDE_PORT);
  recorder.from(SERVER, udpFrame({ ...toUs, sourcePort: 53, destinationPort }));
  recorder.from(LAPTOP, icmpErrorFrame({ ...between(LAPTOP, SERVER), about: recorder.last }));
  recorder.from(LAPTOP, icmpFrame({ ...between(LAPTOP, SERVER), identifier: 9 }));
  recorder.from(ROUTER, icmpErrorFrame({ ...between(ROUTER, OUR_WAN), about: recorder.last, type: 11, code: 0 }));
}

function fragments(recorder: Recorder): void {
  const data = { payload: patternBytes(2001), sourcePort: INSIDE_PORT };
  const out = fragmentsOf(udpFrame({ ...between(LAPTOP, SERVER), ...data, identification: 1 }), 1000);
  recorder.from(LAPTOP, ...out, ...[...out].reverse());
  const destinationPort = recorder.rig.externalPort(PROTOCOL_UDP, INSIDE_PORT);
  const back = { ...between(SERVER, OUR_WAN), ...data, sourcePort: 53, destinationPort, identification: 2 };
  recorder.from(SERVER, ...fragmentsOf(udpFrame(back), 504));
  recorder.from(LAPTOP, ...fragmentsOf(icmpFrame({ ...between(LAPTOP, OUR_LAN), payload: patternBytes(3000) }), 1480));
  recorder.rig.gateway.setMtu(WAN, 1400);
  recorder.from(LAPTOP, udpFrame({ ...between(LAPTOP, SERVER), payload: patternBytes(1472) }));
  recorder.from(LAPTOP, udpFrame({ ...between(LAPTOP, SERVER), payload: patternBytes(1472), dontFragment: true }));
  recorder.rig.gateway.setMtu(WAN, 1500);
  // The rest of these never comes.
  recorder.from(LAPTOP, ...out.slice(0, 2));
  recorder.advance(61_000);
}

function forwards(recorder: Recorder): void {
  const { rig } = recorder;
  rig.forward("both", GAME_PORT, GAME_PC);
  rig.introduce(GAME_PC, LAPTOP, ROUTER);
  const call = { ...between(FRIEND, OUR_WAN), sourcePort: 50000, destinationPort: GAME_PORT };
  const answer = { ...between(GAME_PC, FRIEND), sourcePort: GAME_PORT, destinationPort: 50000 };
  recorder.from(FRIEND, tcpFrame({ ...call, sequence: 1000 }));
  recorder.from(GAME_PC, tcpFrame({ ...answer, flags: "SYN ACK", sequence: 5000, acknowledgement: 1001 }));
  recorder.from(FRIEND, tcpFrame({ ...call, flags: "ACK", sequence: 1001, acknowledgement: 5001 }));
  recorder.from(FRIEND, tcpFrame({ ...call, flags: "ACK", sequence: 1001, acknowledgement: 5001, payload: "join" }));
  recorder.from(
    GAME_PC,
    tcpFrame({ ...answer, flags: "ACK", sequence: 5001, acknowledgement: 1005, payload: "welcome" }),
  );
  recorder.from(FRIEND, udpFrame(call), udpFrame(call));
  recorder.from(GAME_PC, udpFrame(answer), udpFrame(answer));
  const hairpin = { ...between(LAPTOP, OUR_WAN), sourcePort: INSIDE_PORT, destinationPort: GAME_PORT };
  recorder.from(LAPTOP, udpFrame(hairpin), tcpFrame(hairpin));
  const destinationPort = rig.externalPort(PROTOCOL_TCP, INSIDE_PORT);
  const hairpinBack = { ...between(GAME_PC, OUR_WAN), sourcePort: GAME_PORT, destinationPort };
  recorder.from(GAME_PC, tcpFrame({ ...hairpinBack, flags: "SYN ACK", sequence: 5000, acknowledgement: 1001 }));
  rig.gateway.nat.forwards.setEnabled(0, false);
  recorder.from(FRIEND, udpFrame(call), tcpFrame(call));
  rig.gateway.nat.forwards.setEnabled(0, true);
  recorder.from(FRIEND, udpFrame(call));
}

/** The gateway's own ends: a server that answers what it hears, and nobody at all. */
function ownSockets(recorder: Recorder): void {
  const { gateway } = recorder.rig;
  const buffer = new Uint8Array(1500);
  const handler: TcpHandler = {
    onReadable: (socket) => void socket.write(buffer.subarray(0, socket.read(buffer))),
    onEnd: (socket) => socket.close(),
  };
  const listener = gateway.tcp.listen({
    port: 7,
    onConnection(socket) {
      socket.handler = handler;
    },
  });
  const bound = gateway.udp.bind({
    port: 7,
    handler: {
      onReceive(socket) {
        const length = socket.receive(buffer);
        socket.send(buffer.subarray(0, length), socket.senderAddress, socket.senderPort);
      },
    },
  });
  const call = { ...between(LAPTOP, OUR_LAN), sourcePort: 33000, destinationPort: 7 };
  recorder.from(LAPTOP, tcpFrame({ ...call, sequence: 1000, tcpOptions: [2, 4, 5, 180] }));
  const acknowledgement = (recorder.lastSequence() + 1) | 0;
  recorder.from(LAPTOP, tcpFrame({ ...call, flags: "ACK", sequence: 1001, acknowledgement }));
  recorder.from(LAPTOP, tcpFrame({ ...call, flags: "ACK PSH", sequence: 1001, acknowledgement, payload: "hello" }));
  recorder.advance(3000);
  const heard = (acknowledgement + 5) | 0;
  recorder.from(LAPTOP, tcpFrame({ ...call, flags: "FIN ACK", sequence: 1006, acknowledgement: heard }));
  recorder.from(LAPTOP, tcpFrame({ ...call, flags: "ACK", sequence: 1007, acknowledgement: (heard + 1) | 0 }));
  recorder.from(LAPTOP, udpFrame(call), udpFrame({ ...call, checksum: 1 }));
  recorder.from(LAPTOP, tcpFrame({ ...call, destinationPort: 8 }), udpFrame({ ...call, destinationPort: 8 }));
  gateway.tcp.connect({ address: addressOf(SERVER), port: 80 });
  recorder.advance(5000);
  listener.close();
  bound.close();
}

/** What nobody lets pass. */
function refused(recorder: Recorder): void {
  const out = between(LAPTOP, SERVER);
  recorder.from(FRIEND, udpFrame(between(FRIEND, OUR_WAN)), tcpFrame(between(FRIEND, OUR_WAN)));
  recorder.from(FRIEND, udpFrame({ ...between(FRIEND, OUR_WAN), source: LAPTOP.address }));
  recorder.from(FRIEND, udpFrame({ ...between(FRIEND, OUR_WAN), destination: LAPTOP.address }));
  for (const source of ["10.0.0.1", "127.0.0.1", "192.168.1.1", "192.168.1.255"]) {
    recorder.from(LAPTOP, udpFrame({ ...out, source }));
  }
  for (const destination of ["0.0.0.1", "127.0.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"]) {
    recorder.from(LAPTOP, udpFrame({ ...out, destination }));
  }
  recorder.from(LAPTOP, ipv4Frame(out), ethernetFrame(out, 0x86dd, [1, 2, 3]), udpFrame(out).subarray(0, 10));
  recorder.from(LAPTOP, udpFrame({ ...out, destinationMac: "02:00:00:00:00:99" }), udpFrame(out).subarray(0, 30));
  recorder.from(LAPTOP, tcpFrame({ ...out, destinationPort: 0 }), udpFrame({ ...out, length: 7 }));
}

/** Frames from above with 1 to 3 bytes changed, half of them with their header checksum mended. */
function mutations(recorder: Recorder): void {
  const random = new SeededRandom(4711);
  const originals = recorder.received.slice();
  for (let index = 0; index < MUTATED_FRAMES; index++) {
    const original = originals[below(random, originals.length)];
    if (original === undefined || original.bytes.length < 34) continue;
    const bytes = original.bytes.slice();
    for (let changes = below(random, 3); changes >= 0; changes--) {
      bytes[below(random, Math.min(bytes.length, 64))] = random.next32();
    }
    if (index & 1) mendHeaderChecksum(bytes);
    recorder.rig.receive(original.side, bytes);
    recorder.advance(50);
  }
}

function below(random: SeededRandom, bound: number): number {
  return Math.floor(random.fraction() * bound);
}

function mendHeaderChecksum(bytes: Uint8Array): void {
  bytes.fill(0, 24, 26);
  const checksum = naiveChecksum(bytes.subarray(14, 34));
  bytes[24] = checksum >> 8;
  bytes[25] = checksum;
}

/** All sessions end in time, and milliseconds past 2^31 are like any others. */
function years(recorder: Recorder): void {
  recorder.advance(8_000_000);
  recorder.advance(2 ** 33);
  recorder.rig.introduce(LAPTOP, ROUTER);
  const out = udpFrame({ ...between(LAPTOP, SERVER), sourcePort: INSIDE_PORT });
  recorder.from(LAPTOP, out, out);
  const destinationPort = recorder.rig.externalPort(PROTOCOL_UDP, INSIDE_PORT);
  recorder.from(SERVER, udpFrame({ ...between(SERVER, OUR_WAN), sourcePort: 53, destinationPort }));
}

function countersOf({ rig: { gateway }, received }: Recorder): Record<string, number> {
  const counters: Record<string, number> = {
    ...gateway.drops.counts,
    received: received.length,
    mappings: gateway.nat.mappingCount,
    sessions: gateway.nat.sessionCount,
    carried: gateway.nat.sessions().filter((session) => session.isCarried).length,
    socketsInUse: gateway.sockets.count,
    nowMs: gateway.clock.now,
  };
  for (const { name, rxFrames, rxBytes, txFrames, txBytes, txRefused } of gateway.interfaces) {
    Object.assign(counters, {
      [`${name}.rxFrames`]: rxFrames,
      [`${name}.rxBytes`]: rxBytes,
      [`${name}.txFrames`]: txFrames,
      [`${name}.txBytes`]: txBytes,
      [`${name}.txRefused`]: txRefused,
    });
  }
  return counters;
}
