/** Established conversations through a gateway, and their packets: TCP's with DF, UDP's without, as most send them. */
import { DEFAULT_CAPACITY } from "../../../src/core/capacity.js";
import { LAN, WAN } from "../../../src/gateway.js";
import { loadFrame, patternBytes, tcpFrame, udpFrame } from "../../support/frames.js";
import { between, GatewayRig, LAPTOP, OUR_WAN, ROUTER, SERVER, UNLIMITED } from "../gatewayRig.js";

/** So many flows share their inside ports with others, that go to another port of the server: mappings are fewer. */
const INSIDE_PORTS = 350;
const FIRST_INSIDE_PORT = 20000;
/** As many handshakes are under way at a time: fewer than the gateway lets be. */
const MOST_HALF_OPEN = 250;
/** Prime to all flow counts: consecutive packets are of flows that were not opened one after the other. */
export const FLOW_STRIDE = 37;
/**
 * How many strangers a packet meets in its chain depends on the secrets, for ports in a row are scattered evenly or in heaps.
 * With this seed's they are as many as if hashes were random numbers, in both directions (docs/decisions.md).
 */
const SEED = 3;
const HEADER_BYTES = { udp: 14 + 20 + 8, tcp: 14 + 20 + 20 };

export type Protocol = keyof typeof HEADER_BYTES;

function portsOf(flow: number): { inside: number; server: number } {
  return { inside: FIRST_INSIDE_PORT + (flow % INSIDE_PORTS), server: 80 + Math.floor(flow / INSIDE_PORTS) };
}

function outFrame(protocol: Protocol, flow: number, length: number): Uint8Array {
  const { inside: sourcePort, server: destinationPort } = portsOf(flow);
  const payload = patternBytes(length - HEADER_BYTES[protocol]);
  const fields = { ...between(LAPTOP, SERVER), sourcePort, destinationPort, payload };
  if (protocol === "udp") return udpFrame(fields);
  return tcpFrame({ ...fields, dontFragment: true, flags: "ACK PSH", sequence: 1001, acknowledgement: 5001 });
}

function inFrame(protocol: Protocol, flow: number, external: number, length: number): Uint8Array {
  const payload = patternBytes(length - HEADER_BYTES[protocol]);
  const ports = { sourcePort: portsOf(flow).server, destinationPort: external };
  const fields = { ...between(SERVER, OUR_WAN), ...ports, payload };
  if (protocol === "udp") return udpFrame(fields);
  return tcpFrame({ ...fields, dontFragment: true, flags: "ACK PSH", sequence: 5001, acknowledgement: 1001 });
}

export interface Conversations {
  readonly rig: GatewayRig;
  /** The external port of each flow. */
  readonly external: readonly number[];
}

function open(protocol: Protocol, count: number): Conversations {
  const rig = new GatewayRig(UNLIMITED, DEFAULT_CAPACITY, SEED);
  rig.configure();
  rig.introduce(LAPTOP, ROUTER);
  const external: number[] = [];
  while (external.length < count) openSome(rig, protocol, external, Math.min(MOST_HALF_OPEN, count - external.length));
  return { rig, external };
}

/** The next flows; their external ports go behind the others'. */
function openSome(rig: GatewayRig, protocol: Protocol, external: number[], count: number): void {
  const flows = Array.from({ length: count }, (_, index) => external.length + index);
  for (const flow of flows) {
    const { inside: sourcePort, server: destinationPort } = portsOf(flow);
    const fields = { ...between(LAPTOP, SERVER), sourcePort, destinationPort };
    rig.receive(LAN, protocol === "udp" ? udpFrame(fields) : tcpFrame({ ...fields, sequence: 1000 }));
  }
  const externalPorts = new Map<number, number>();
  for (const { insidePort, externalPort } of rig.gateway.nat.mappings()) externalPorts.set(insidePort, externalPort);
  for (const flow of flows) {
    const { inside, server } = portsOf(flow);
    const destinationPort = externalPorts.get(inside) as number;
    const answer = { ...between(SERVER, OUR_WAN), sourcePort: server, destinationPort };
    const synAck = { ...answer, flags: "SYN ACK", sequence: 5000, acknowledgement: 1001 };
    rig.receive(WAN, protocol === "udp" ? udpFrame(answer) : tcpFrame(synAck));
    rig.receive(LAN, outFrame(protocol, flow, 60));
    external.push(destinationPort);
  }
}

const opened = new Map<string, Conversations>();

/** They are not used up by what runs over them, so both directions and all lengths share them. */
export function openOnce(protocol: Protocol, count: number): Conversations {
  const key = `${protocol} ${count}`;
  const conversations = opened.get(key) ?? open(protocol, count);
  opened.set(key, conversations);
  return conversations;
}

/** A packet of `length` bytes of each flow, as the gateway gets it by `side`. */
export function packetsOf(
  { external }: Conversations,
  protocol: Protocol,
  side: typeof LAN | typeof WAN,
  length: number,
): Int32Array[] {
  return external.map((port, flow) => {
    const bytes = side === LAN ? outFrame(protocol, flow, length) : inFrame(protocol, flow, port, length);
    return loadFrame(bytes, length).words;
  });
}

/** Such as "UDP out, 1 flow, 64 bytes": with the frame check sequence, as on the wire. */
export function nameOf(protocol: Protocol, side: typeof LAN | typeof WAN, flows: number, length: number): string {
  const direction = side === LAN ? "out" : "in";
  return `${protocol.toUpperCase()} ${direction}, ${flows} flow${flows === 1 ? "" : "s"}, ${length + 4} bytes`;
}
