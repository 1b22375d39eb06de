import { complaints } from "../integration/support/frameOracle.js";
import {
  type IcmpErrorFields,
  type IcmpFields,
  icmpErrorFrame,
  icmpFrame,
  type TcpFields,
  tcpFrame,
  type UdpFields,
  udpFrame,
} from "../support/frames.js";
import { DEVICE_WAN, ISP_MAC, STATIONS, type Station } from "./addresses.js";
import { ControlFailed, control } from "./outcome.js";
import type { Packet } from "./packet.js";
import { endsWith, type Matches, type Side, type Wire } from "./wire.js";

/** A destination or source outside. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const PORTS_A_PROBE = 100;
const FIRST_PORT = 30_000;

/**
 * What one probe has for itself: two remote addresses, ports, and sequence numbers that no other uses, so that each tells
 * its own packets; the same ones with each device. Frames are sent with right Ethernet addresses for their ends.
 */
export class Stage {
  readonly wire: Wire;
  readonly w1: string;
  readonly w2: string;
  /** Even, with 99 more behind it. */
  readonly port: number;
  readonly #index: number;
  #texts = 0;
  #sequences = 0;

  constructor(wire: Wire, index: number) {
    this.wire = wire;
    this.#index = index;
    this.port = FIRST_PORT + index * PORTS_A_PROBE;
    this.w1 = `198.51.100.${10 + index * 2}`;
    this.w2 = `198.51.100.${11 + index * 2}`;
  }

  /** A payload that is in no other packet. */
  text(): string {
    return `probe ${this.#index}.${++this.#texts}.`;
  }

  /** A sequence number of which no other packet has the next 1000. */
  sequence(): number {
    return (this.#index * 20_000_000 + ++this.#sequences * 1000) | 0;
  }

  /** Ethernet and IP addresses of a packet that reaches the device from `source`. */
  ends(source: string, destination: string) {
    const station = STATIONS.find((one) => one.address === source);
    return {
      source,
      destination,
      sourceMac: station?.mac ?? ISP_MAC,
      destinationMac: this.wire.mac(station === undefined ? "wan" : "lan"),
    };
  }

  send(side: Side, ...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.wire.send(side, frame);
  }

  /** See Wire.arrives; what arrives must be sound, for a broken packet is as good as none. */
  async arrives(side: Side, matches: Matches): Promise<Packet | undefined> {
    const packet = await this.wire.arrives(side, matches);
    const problems = packet === undefined || packet.fragmentOffset > 0 || packet.moreFragments ? [] : flaws(packet);
    if (problems.length > 0) throw new ControlFailed(`what arrived is broken: ${problems.join(", ")}`);
    return packet;
  }

  /** A datagram from the LAN: as it leaves, or undefined. */
  async udpOut(from: Station, port: number, to: Endpoint, more: UdpFields = {}): Promise<Packet | undefined> {
    const payload = this.text();
    const ports = { sourcePort: port, destinationPort: to.port };
    this.send("lan", udpFrame({ ...this.ends(from.address, to.address), ...ports, payload, ...more }));
    return await this.arrives("wan", (packet) => endsWith(packet, payload));
  }

  /** As `udpOut`, where nothing can be asked unless it leaves. */
  async mapUdp(from: Station, port: number, to: Endpoint): Promise<Packet> {
    const out = control(await this.udpOut(from, port, to), "a datagram from the LAN does not leave");
    if (out.source !== DEVICE_WAN) throw new ControlFailed("a datagram leaves without translation");
    return out;
  }

  /** A datagram to a port of the device's WAN address: as it reaches the LAN, or undefined. */
  async udpIn(from: Endpoint, port: number, more: UdpFields = {}): Promise<Packet | undefined> {
    const payload = this.text();
    const ports = { sourcePort: from.port, destinationPort: port };
    this.send("wan", udpFrame({ ...this.ends(from.address, DEVICE_WAN), ...ports, payload, ...more }));
    return await this.arrives("lan", (packet) => endsWith(packet, payload));
  }

  /** A segment from the LAN: as it leaves, or undefined. Its sequence number tells it from others unless it is given. */
  async tcpOut(from: Station, port: number, to: Endpoint, fields: TcpFields): Promise<Packet | undefined> {
    const all = { sequence: this.sequence(), ...fields };
    const ports = { sourcePort: port, destinationPort: to.port };
    this.send("lan", tcpFrame({ ...this.ends(from.address, to.address), ...ports, ...all }));
    return await this.arrives("wan", sameSegment(all));
  }

  async tcpIn(from: Endpoint, port: number, fields: TcpFields): Promise<Packet | undefined> {
    const all = { sequence: this.sequence(), ...fields };
    const ports = { sourcePort: from.port, destinationPort: port };
    this.send("wan", tcpFrame({ ...this.ends(from.address, DEVICE_WAN), ...ports, ...all }));
    return await this.arrives("lan", sameSegment(all));
  }

  /** A TCP connection from the LAN, established by the usual three segments. */
  async connect(from: Station, port: number, to: Endpoint): Promise<Connection> {
    const [mine, yours] = [this.sequence(), this.sequence()];
    const syn = await this.tcpOut(from, port, to, { flags: "SYN", sequence: mine });
    const { sourcePort: externalPort } = control(syn, "a SYN from the LAN does not leave");
    const synAck = { flags: "SYN ACK", sequence: yours, acknowledgement: mine + 1 };
    control(await this.tcpIn(to, externalPort, synAck), "a SYN ACK does not come back");
    const ack = { flags: "ACK", sequence: mine + 1, acknowledgement: yours + 1 };
    control(await this.tcpOut(from, port, to, ack), "the ACK of a SYN ACK does not leave");
    return new Connection(this, from, port, to, externalPort, mine + 1, yours + 1);
  }

  /** An ICMP error from `from` about a packet as it was seen outside; as it reaches the LAN, or undefined. */
  async errorIn(from: string, fields: IcmpErrorFields): Promise<Packet | undefined> {
    const frame = icmpErrorFrame({ ...this.ends(from, DEVICE_WAN), ...fields });
    return await this.#error("wan", "lan", frame, fields);
  }

  /** An ICMP error from a station about a packet as it was seen there; as it leaves, or undefined. */
  async errorOut(from: Station, to: string, fields: IcmpErrorFields): Promise<Packet | undefined> {
    const frame = icmpErrorFrame({ ...this.ends(from.address, to), ...fields });
    return await this.#error("lan", "wan", frame, fields);
  }

  async #error(side: Side, other: Side, frame: Uint8Array, fields: IcmpErrorFields): Promise<Packet | undefined> {
    this.send(side, frame);
    return await this.arrives(other, (packet) => isError(packet, fields.type ?? 3, fields.code ?? 3, fields.about));
  }

  /** An echo request from the LAN, unless another type is given: as it leaves, or undefined. */
  async queryOut(from: Station, to: string, identifier: number, more: IcmpFields = {}): Promise<Packet | undefined> {
    const payload = this.text();
    this.send("lan", icmpFrame({ ...this.ends(from.address, to), identifier, payload, ...more }));
    return await this.arrives("wan", (packet) => endsWith(packet, payload));
  }

  /** An echo reply, unless another type is given: as it reaches the LAN, or undefined. */
  async replyIn(from: string, identifier: number, more: IcmpFields = {}): Promise<Packet | undefined> {
    const payload = this.text();
    this.send("wan", icmpFrame({ ...this.ends(from, DEVICE_WAN), type: 0, identifier, payload, ...more }));
    return await this.arrives("lan", (packet) => endsWith(packet, payload));
  }
}

/** An established TCP connection from the LAN, as its two ends see it. */
export class Connection {
  readonly externalPort: number;
  readonly #stage: Stage;
  readonly #from: Station;
  readonly #port: number;
  readonly #to: Endpoint;
  #mine: number;
  #yours: number;

  constructor(
    stage: Stage,
    from: Station,
    port: number,
    to: Endpoint,
    externalPort: number,
    mine: number,
    yours: number,
  ) {
    this.#stage = stage;
    this.#from = from;
    this.#port = port;
    this.#to = to;
    this.externalPort = externalPort;
    this.#mine = mine;
    this.#yours = yours;
  }

  /** A segment of the inner host, next in its stream, 10 bytes long unless a flag is given. `ahead` moves it off. */
  async out(flags = "ACK", ahead = 0): Promise<Packet | undefined> {
    const payload = flags === "ACK" ? "0123456789" : "";
    const fields = { flags, sequence: this.#mine + ahead, acknowledgement: this.#yours, payload };
    if (ahead === 0) this.#mine += lengthOf(flags, payload);
    return await this.#stage.tcpOut(this.#from, this.#port, this.#to, fields);
  }

  /** As `out`, for the outer host. */
  async in(flags = "ACK", ahead = 0): Promise<Packet | undefined> {
    const payload = flags === "ACK" ? "0123456789" : "";
    const fields = { flags, sequence: this.#yours + ahead, acknowledgement: this.#mine, payload };
    if (ahead === 0) this.#yours += lengthOf(flags, payload);
    return await this.#stage.tcpIn(this.#to, this.externalPort, fields);
  }

  /** Whether data goes through both ways, from the same external port. */
  async carries(): Promise<boolean> {
    const isIn = (await this.in()) !== undefined;
    const out = await this.out();
    return isIn && out !== undefined && out.sourcePort === this.externalPort;
  }
}

/** The sequence numbers that a segment takes (RFC 9293, section 3.4). */
function lengthOf(flags: string, payload: string): number {
  return payload.length + (/SYN|FIN/.test(flags) ? 1 : 0);
}

/** Whether a packet is this ICMP error about a packet with the same last bytes: NAT leaves those alone. */
export function isError(packet: Packet, type: number, code: number, about: Uint8Array): boolean {
  if (packet.quote === undefined || packet.icmpType !== type || packet.icmpCode !== code) return false;
  const quote = packet.quote.payload;
  const data = about.subarray(14 + ((about[14] as number) & 15) * 4);
  const isTcp = packet.quote.protocol === 6;
  // A TCP header is told by its sequence number, all else by what is behind the 8 bytes that hold the ports.
  return isTcp
    ? Buffer.compare(quote.subarray(4, 8), data.subarray(4, 8)) === 0
    : Buffer.from(quote.subarray(8)).indexOf(data.subarray(8, 40)) === 0;
}

function sameSegment(fields: TcpFields): Matches {
  return (packet) =>
    packet.protocol === 6 &&
    packet.quote === undefined &&
    packet.sequence === ((fields.sequence as number) | 0) &&
    packet.flags === fields.flags;
}

/** What is wrong with its lengths and checksums. */
function flaws(packet: Packet): string[] {
  return complaints([{ number: 1, bytes: packet.frame }]);
}
