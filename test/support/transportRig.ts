/**
 * Transports without an IP layer: `FakeOutput` turns what they send into packets and hands them to whoever listens, with
 * checksums verified on the way.
 */

import { SeededRandom } from "../../host-sim/random.js";
import { BROADCAST_ADDRESS, isUnicastSource } from "../../src/core/address.js";
import type { Capacity } from "../../src/core/capacity.js";
import { DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { Clock } from "../../src/core/clock.js";
import type { Verdict } from "../../src/core/drops.js";
import { ETHERNET_HEADER_BYTES, Frame, NETWORK_AT, TRANSPORT_AT } from "../../src/core/frame.js";
import { PortSpace } from "../../src/transport/portSpace.js";
import { SocketTable } from "../../src/transport/socketTable.js";
import type { TcpSettings } from "../../src/transport/tcp/settings.js";
import { Tcp } from "../../src/transport/tcp/tcp.js";
import type { DatagramOutput } from "../../src/transport/transport.js";
import { Udp } from "../../src/transport/udp.js";
import { IPV4_HEADER_BYTES, writeIpv4 } from "../../src/wire/ipv4.js";
import { Packet } from "../../src/wire/packet.js";

export const OUR_ADDRESS = 0x0a000001;
export const PEER_ADDRESS = 0x0a000002;

/** Receives each datagram as the bytes of its IP payload. */
export type OnDatagram = (payload: Uint8Array, source: number, destination: number, protocol: number) => void;

export class FakeOutput implements DatagramOutput {
  readonly frame = new Frame(ETHERNET_HEADER_BYTES + 4352);
  readonly maxPayloadBytes = 4352 - IPV4_HEADER_BYTES;
  readonly address: number;
  mtuBytes = 1500;
  /** What `send` answers instead of sending, while set. */
  failure: Verdict = "ok";
  onDatagram: OnDatagram = () => {};

  constructor(address: number) {
    this.address = address;
  }

  send(source: number, destination: number, protocol: number, payloadBytes: number, dontFragment: boolean): Verdict {
    if (this.failure !== "ok") return this.failure;
    if (dontFragment && payloadBytes + IPV4_HEADER_BYTES > this.mtuBytes) return "ipTooBig";
    this.onDatagram(this.frame.bytes.slice(TRANSPORT_AT, TRANSPORT_AT + payloadBytes), source, destination, protocol);
    return "ok";
  }

  sourceFor(destination: number): number {
    return this.route(destination) === undefined ? 0 : this.address;
  }

  mtuTo(destination: number): number {
    return this.route(destination) === undefined ? 0 : this.mtuBytes;
  }

  isOurs(address: number): boolean {
    return address === this.address && isUnicastSource(address);
  }

  route(destination: number): { isBroadcast(address: number): boolean } | undefined {
    const isOnLink = ((destination ^ this.address) & 0xffffff00) === 0 || destination === BROADCAST_ADDRESS;
    if (!isOnLink) return undefined;
    return { isBroadcast: (address) => address === BROADCAST_ADDRESS || (address & 0xff) === 0xff };
  }
}

/** Puts an IP payload into a packet as the IP layer would hand it up. */
export function packetOf(payload: Uint8Array, source: number, destination: number, protocol: number): Packet {
  const frame = new Frame(ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + payload.length);
  const totalBytes = IPV4_HEADER_BYTES + payload.length;
  writeIpv4(frame.view, NETWORK_AT, 0, totalBytes, 1, 0x4000, 64, protocol, source, destination);
  frame.bytes.set(payload, TRANSPORT_AT);
  const packet = new Packet(frame);
  packet.read(frame, 0, false);
  return packet;
}

export interface RigOptions {
  address?: number;
  seed?: number;
  capacity?: Partial<Capacity>;
  settings?: Partial<TcpSettings>;
  describeOwner?: (protocol: number, port: number) => string;
}

/** One host's transports on a fake IP layer. */
export class TransportRig {
  readonly clock = new Clock();
  readonly output: FakeOutput;
  readonly ports: PortSpace;
  readonly table: SocketTable;
  readonly tcp: Tcp;
  readonly udp: Udp;
  readonly random: SeededRandom;

  constructor(options: RigOptions = {}) {
    const capacity: Capacity = { ...DEFAULT_CAPACITY, ...options.capacity };
    this.random = new SeededRandom(options.seed ?? 1);
    this.output = new FakeOutput(options.address ?? OUR_ADDRESS);
    this.ports = new PortSpace(this.random, capacity.sockets + capacity.listeners, 4);
    this.table = new SocketTable(capacity);
    const shared = { output: this.output, ports: this.ports, capacity, table: this.table };
    const describe = options.describeOwner === undefined ? {} : { describeOwner: options.describeOwner };
    const settings = options.settings === undefined ? {} : { settings: options.settings };
    this.tcp = new Tcp({ ...shared, clock: this.clock, random: this.random, ...describe, ...settings });
    this.udp = new Udp({ ...shared, ...describe });
  }
}
