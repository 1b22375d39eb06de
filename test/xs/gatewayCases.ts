/** What a packet costs the gateway, by the way it takes through the code. */
import { DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { Frame } from "../../src/core/frame.js";
import { parseRule } from "../../src/firewall/rule.js";
import { LAN, WAN } from "../../src/gateway.js";
import type { NatSettings } from "../../src/nat/settings.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../src/wire/ipv4.js";
import {
  fragmentsOf,
  icmpFrame,
  loadFrame,
  paddedTo60,
  type TcpFields,
  tcpFrame,
  udpFrame,
} from "../support/frames.js";
import {
  between,
  FRIEND,
  GAME_PC,
  GatewayRig,
  LAPTOP,
  OUR_LAN,
  OUR_WAN,
  ROUTER,
  SERVER,
  UNLIMITED,
} from "./gatewayRig.js";
import type { PacketCase, Receiver } from "./packetCase.js";

/** The smallest packets: what the gateway does for one does not depend on its length. */
const FRAME_BYTES = 60;
const PACKETS = 2000;
/** For packets that each take a mapping for good: fewer than there are, but enough to see what they allocate. */
const NEW_PACKETS = 400;
/** TCP connections that may open at a time: a quarter of the sessions. */
const HANDSHAKES = DEFAULT_CAPACITY.sessions >> 2;
const INSIDE_PORT = 40000;
const SERVER_PORT = 80;
const GAME_PORT = 25565;

/** UDP data, or TCP options and data, that make a frame of 60 bytes. */
const UDP_DATA = { sourcePort: INSIDE_PORT, destinationPort: SERVER_PORT, payload: "eighteen bytes ..." };
const TCP_DATA: TcpFields = { flags: "ACK PSH", sequence: 1001, acknowledgement: 5001, payload: "6bytes" };
const ECHO_DATA = { identifier: 7, payload: "eighteen bytes ..." };

interface Options {
  packets?: number;
  nat?: Partial<NatSettings>;
  /** How many packets have gone the case's way; frames sent if absent. */
  doneCount?(rig: GatewayRig): number;
  /** What the case measures; the gateway if absent. */
  receiver?(rig: GatewayRig): Receiver;
}

/** `open` brings the gateway into the state the case begins with, and returns the frames that come in by `side` in turn. */
function gatewayCase(
  name: string,
  side: number,
  open: (rig: GatewayRig) => Uint8Array[],
  options: Options = {},
): PacketCase {
  const { packets = PACKETS, nat, doneCount = sentCount, receiver = (rig: GatewayRig) => rig.gateway } = options;
  const frame = new Frame(FRAME_BYTES);
  let templates: Int32Array[] = [];
  return {
    name,
    packets,
    interfaceIndex: side,
    frame,
    length: FRAME_BYTES,
    prepare() {
      const rig = new GatewayRig(nat);
      rig.configure();
      rig.introduce(LAPTOP, GAME_PC, ROUTER);
      templates = open(rig).map((bytes) => loadFrame(paddedTo60(bytes), FRAME_BYTES).words);
      return { receiver: receiver(rig), doneCount: () => doneCount(rig) };
    },
    load: (index) => frame.words.set(templates[index % templates.length] as Int32Array),
  };
}

function sentCount({ ports: [lan, wan] }: GatewayRig): number {
  return (lan?.sent ?? 0) + (wan?.sent ?? 0);
}

function udpOut(sourcePort = INSIDE_PORT, destinationPort = SERVER_PORT): Uint8Array {
  return udpFrame({ ...between(LAPTOP, SERVER), ...UDP_DATA, sourcePort, destinationPort });
}

function synOut(sourcePort: number): Uint8Array {
  return tcpFrame({ ...between(LAPTOP, SERVER), sourcePort, destinationPort: SERVER_PORT, sequence: 1000 });
}

/** A datagram each way; returns the external port. */
function openUdp(rig: GatewayRig): number {
  rig.receive(LAN, udpOut());
  const external = rig.externalPort(PROTOCOL_UDP, INSIDE_PORT);
  rig.receive(WAN, udpIn(external));
  return external;
}

function udpIn(external: number): Uint8Array {
  const ports = { sourcePort: SERVER_PORT, destinationPort: external };
  return udpFrame({ ...between(SERVER, OUR_WAN), ...UDP_DATA, ...ports });
}

/** The handshake of a connection to the server; returns the external port. */
function openTcp(rig: GatewayRig, sourcePort = INSIDE_PORT): number {
  rig.receive(LAN, synOut(sourcePort));
  const external = rig.externalPort(PROTOCOL_TCP, sourcePort);
  const answer = { sourcePort: SERVER_PORT, destinationPort: external, sequence: 5000, acknowledgement: 1001 };
  rig.receive(WAN, tcpFrame({ ...between(SERVER, OUR_WAN), ...answer, flags: "SYN ACK" }));
  rig.receive(LAN, tcpOut({ sourcePort, flags: "ACK" }));
  return external;
}

function tcpOut(fields: TcpFields = {}): Uint8Array {
  const ports = { sourcePort: INSIDE_PORT, destinationPort: SERVER_PORT };
  return tcpFrame({ ...between(LAPTOP, SERVER), ...TCP_DATA, ...ports, ...fields });
}

function tcpIn(external: number): Uint8Array {
  const ports = { sourcePort: SERVER_PORT, destinationPort: external, sequence: 5001, acknowledgement: 1001 };
  return tcpFrame({ ...between(SERVER, OUR_WAN), ...TCP_DATA, ...ports });
}

const FRIEND_TO_GAME = { ...between(FRIEND, OUR_WAN), sourcePort: 50000, destinationPort: GAME_PORT };

/** A friend's connection to the game PC; returns a segment of it. */
function openForwardedTcp(rig: GatewayRig): Uint8Array[] {
  rig.forward("tcp", GAME_PORT, GAME_PC);
  const answer = { ...between(GAME_PC, FRIEND), sourcePort: GAME_PORT, destinationPort: 50000, flags: "SYN ACK" };
  rig.receive(WAN, tcpFrame({ ...FRIEND_TO_GAME, sequence: 1000 }));
  rig.receive(LAN, tcpFrame({ ...answer, sequence: 5000, acknowledgement: 1001 }));
  const data = tcpFrame({ ...FRIEND_TO_GAME, ...TCP_DATA });
  rig.receive(WAN, data);
  return [data];
}

function openForwardedUdp(rig: GatewayRig): Uint8Array[] {
  rig.forward("udp", GAME_PORT, GAME_PC);
  const data = udpFrame({ ...UDP_DATA, ...FRIEND_TO_GAME });
  const answer = { ...between(GAME_PC, FRIEND), sourcePort: GAME_PORT, destinationPort: 50000 };
  rig.receive(WAN, data);
  rig.receive(LAN, udpFrame(answer));
  return [data];
}

/** `count` connections; returns a segment to the inside of each. */
function openManyTcp(rig: GatewayRig, count: number): Uint8Array[] {
  return numbers(count).map((index) => tcpIn(openTcp(rig, 20000 + index)));
}

function openEcho(rig: GatewayRig): Uint8Array {
  const request = icmpFrame({ ...between(LAPTOP, SERVER), ...ECHO_DATA });
  rig.receive(LAN, request);
  return request;
}

function echoReply(rig: GatewayRig): Uint8Array {
  openEcho(rig);
  const identifier = rig.externalPort(PROTOCOL_ICMP, ECHO_DATA.identifier);
  return icmpFrame({ ...between(SERVER, OUR_WAN), ...ECHO_DATA, type: 0, identifier });
}

/** Frames that are the same for every gateway are built once. */
function once(build: () => Uint8Array[]): () => Uint8Array[] {
  let frames: Uint8Array[] | undefined;
  return () => {
    frames ??= build();
    return frames;
  };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

const newUdp = once(() => numbers(NEW_PACKETS).map((index) => udpOut(20000 + index)));
/** Twice as many as may open at a time. */
const newTcp = once(() => numbers(2 * HANDSHAKES).map((index) => synOut(20000 + index)));
const newCalls = once(() =>
  numbers(HANDSHAKES).map((index) => tcpFrame({ ...FRIEND_TO_GAME, sourcePort: 20000 + index })),
);

/** More conversations than there are sessions: each one's turn comes when it has been evicted. */
const tooMany = once(() =>
  numbers(DEFAULT_CAPACITY.sessions + 76).map((index) => udpOut(20000 + (index % 220), 2000 + Math.floor(index / 220))),
);

/** A host keeps what it opened while it held little: a sixteenth of the table. */
const KEPT_SESSIONS = DEFAULT_CAPACITY.sessions >> 4;

function overfill(rig: GatewayRig): Uint8Array[] {
  rig.receive(LAN, ...tooMany());
  return tooMany().slice(KEPT_SESSIONS);
}

/** As many rules as there may be, about what nobody does; each of them is asked as far as its destination. */
function fillRules(rig: GatewayRig): Uint8Array[] {
  const { rules } = rig.gateway.firewall;
  for (let index = 0; index < rules.capacity; index++) {
    rules.insert(index, parseRule(["deny", "udp", "to", `198.18.0.${index}`]));
  }
  return newUdp();
}

/** What one host may have, of which it has all: its own make way for each that follows. */
const LIMITED: Partial<NatSettings> = Object.freeze({ ...UNLIMITED, hostSessions: 64, hostMappings: 64 });

function fillQuota(rig: GatewayRig): Uint8Array[] {
  const [open, others] = [newUdp().slice(0, 64), newUdp().slice(64)];
  rig.receive(LAN, ...open);
  return [...others, ...open];
}

/** As many connections open as may; each of those that follow takes the oldest one's place, and its turn comes again later. */
function fillHandshakes(rig: GatewayRig): Uint8Array[] {
  const [opening, others] = [newTcp().slice(0, HANDSHAKES), newTcp().slice(HANDSHAKES)];
  rig.receive(LAN, ...opening);
  return [...others, ...opening];
}

const UDP_TIMEOUT_S = 1000;

/** Sessions of which one expires with each second that begins when this returns. */
function openExpiring(rig: GatewayRig): Uint8Array[] {
  newUdp().forEach((frame, second) => {
    rig.gateway.poll(second * 1000);
    rig.receive(LAN, frame);
  });
  // Long enough for the neighbours to be forgotten: what is left to do is the NAT's.
  rig.gateway.poll(UDP_TIMEOUT_S * 1000);
  return [udpOut()];
}

const secondsTicker = (rig: GatewayRig): Receiver => ({
  receive: () => rig.gateway.poll(rig.gateway.clock.now + 1000),
});

/** What established conversations take: the flow cache. */
export const CARRIED_CASES: readonly PacketCase[] = [
  gatewayCase("UDP out", LAN, (rig) => {
    openUdp(rig);
    return [udpOut()];
  }),
  gatewayCase("UDP in", WAN, (rig) => [udpIn(openUdp(rig))]),
  gatewayCase("TCP out", LAN, (rig) => {
    openTcp(rig);
    return [tcpOut()];
  }),
  gatewayCase("TCP in", WAN, (rig) => [tcpIn(openTcp(rig))]),
  gatewayCase("TCP in, 100 connections", WAN, (rig) => openManyTcp(rig, 100)),
  gatewayCase("UDP in by a forward", WAN, openForwardedUdp),
  gatewayCase("TCP in by a forward", WAN, openForwardedTcp),
];

/** What needs a look: Host.receive, the NAT, and the output. */
export const SLOW_CASES: readonly PacketCase[] = [
  gatewayCase("UDP out, IP options", LAN, (rig) => {
    openUdp(rig);
    return [udpFrame({ ...between(LAPTOP, SERVER), ...UDP_DATA, options: [1, 1, 1, 1], payload: "fourteen bytes" })];
  }),
  gatewayCase("UDP out, in two fragments", LAN, (rig) => {
    openUdp(rig);
    const payload = "two fragments of 24 bytes, UDP's header, too";
    return fragmentsOf(
      udpFrame({ ...between(LAPTOP, SERVER), ...UDP_DATA, identification: 7, payload: payload.slice(0, 40) }),
      24,
    );
  }),
  gatewayCase("ICMP echo out", LAN, (rig) => [openEcho(rig)]),
  gatewayCase("ICMP echo in", WAN, (rig) => [echoReply(rig)]),
  gatewayCase("UDP hairpin", LAN, (rig) => {
    rig.forward("udp", GAME_PORT, GAME_PC);
    return [udpFrame({ ...between(LAPTOP, OUR_WAN), ...UDP_DATA, destinationPort: GAME_PORT })];
  }),
  gatewayCase("new UDP mapping", LAN, newUdp, {
    packets: NEW_PACKETS,
    nat: { hostMappings: DEFAULT_CAPACITY.mappings },
  }),
  gatewayCase("new UDP mapping, all rules asked", LAN, fillRules, {
    packets: NEW_PACKETS,
    nat: { hostMappings: DEFAULT_CAPACITY.mappings },
  }),
  gatewayCase("new TCP mapping", LAN, newTcp, {
    packets: HANDSHAKES,
  }),
  gatewayCase(
    "new TCP session by a forward",
    WAN,
    (rig) => {
      rig.forward("tcp", GAME_PORT, GAME_PC);
      return newCalls();
    },
    { packets: HANDSHAKES },
  ),
  gatewayCase("new UDP session, table full", LAN, overfill, { nat: UNLIMITED }),
  gatewayCase("new UDP mapping, host at its limit", LAN, fillQuota, { packets: NEW_PACKETS, nat: LIMITED }),
  gatewayCase("new TCP mapping, handshakes full", LAN, fillHandshakes, { packets: NEW_PACKETS, nat: UNLIMITED }),
  gatewayCase("ping of the gateway", LAN, () => [icmpFrame({ ...between(LAPTOP, OUR_LAN), ...ECHO_DATA })]),
];

/** What is no packet on its way through. */
export const OTHER_CASES: readonly PacketCase[] = [
  gatewayCase("unsolicited, dropped", WAN, () => [udpIn(6000)], {
    doneCount: ({ gateway }) => gateway.drops.counts.wanUnsolicited,
  }),
  gatewayCase("tick, 1 session expires", LAN, openExpiring, {
    packets: NEW_PACKETS,
    nat: { ...UNLIMITED, udpTimeoutS: UDP_TIMEOUT_S },
    doneCount: ({ gateway }) => NEW_PACKETS - gateway.nat.sessionCount,
    receiver: secondsTicker,
  }),
];
