/** A network interface: a frame port, a station address, and the IPv4 address on it. */
import { BROADCAST_ADDRESS, isMulticast, macHead, macTail, prefixMask } from "../core/address.js";
import { NEVER } from "../core/clock.js";
import type { Frame } from "../core/frame.js";
import type { FramePort } from "../platform/framePort.js";

/** Ethernet's payload (IEEE 802.3). */
export const DEFAULT_MTU_BYTES = 1500;
/** RFC 791 section 3.2: every internet module must forward 68 octets unfragmented. */
export const MINIMUM_MTU_BYTES = 68;

/** Says which stations of a link may not talk to us. */
export interface StationFilter {
  /** By the upper 16 and the lower 32 bits (int32) of the station address. */
  refuses(head: number, tail: number): boolean;
}

/**
 * Identifications, each once in 32,768: those whose upper byte is odd, from the one after `last`, which must be such a one.
 */
export function identificationsAfter(last: number): () => number {
  // The bytes the other way round, so that the upper one moves on first.
  let count = ((last & 0xff) << 8) | (last >> 8);
  return () => {
    count = (count + 2) & 0xffff;
    return ((count & 0xff) << 8) | (count >> 8);
  };
}

export class Interface {
  // First what each carried packet needs: XS looks through an object's properties in their order, at 5 instructions each.
  rxFrames = 0;
  rxBytes = 0;
  txFrames = 0;
  txBytes = 0;
  readonly port: FramePort;

  // Then what every other packet needs.
  /** int32; 0 while the interface has no address. */
  address = 0;
  /** The netmask, int32. */
  mask = 0;
  readonly index: number;
  /** Largest IPv4 packet sent and accepted, in bytes: 68..1500. */
  mtuBytes = DEFAULT_MTU_BYTES;
  /** The station address's upper 16 and lower 32 bits (int32), which are cheaper to compare and to write. */
  macHead = 0;
  macTail = 0;
  /** The next hop for everything off-link; 0 for none. */
  gateway = 0;
  /** The network's directed broadcast address and its obsolete all-zeros form; -1, the limited broadcast, if it has none. */
  directedBroadcast = BROADCAST_ADDRESS;
  zerosBroadcast = BROADCAST_ADDRESS;
  /** Undefined where all stations are welcome. */
  stationFilter: StationFilter | undefined;
  /**
   * The identification of a datagram that leaves by this interface and may be fragmented. It comes again only after 32,767
   * others, whoever they were for (RFC 6864 section 4.3). Its upper byte is odd; the others are the driver's
   * (docs/architecture.md, "Two tasks, one table").
   */
  nextIdentification = identificationsAfter(0x100);

  /** As the console names it: `lan`, `wan`. */
  readonly name: string;
  /** 48-bit station address; that of the port it is attached to. */
  mac = 0;
  /** Bits of the on-link prefix, 0..32. */
  prefixLength = 0;

  /** ARP packets in which another station claimed our address, and the last such station (RFC 5227 section 2.4). */
  conflicts = 0;
  conflictMac = 0;
  defendedAtMs = Number.NEGATIVE_INFINITY;
  /** What the claim of a new address still has to send, and when (claim.ts). */
  probesLeft = 0;
  probeAtMs = NEVER;
  announceAtMs = NEVER;

  /** Frames that the port did not take. */
  txRefused = 0;

  constructor(index: number, name: string, mac: number, port: FramePort) {
    this.index = index;
    this.name = name;
    this.port = port;
    this.setMac(mac);
  }

  setMac(mac: number): void {
    this.mac = mac;
    this.macHead = macHead(mac);
    this.macTail = macTail(mac);
  }

  setAddress(address: number, prefixLength: number): void {
    this.address = address;
    this.prefixLength = prefixLength;
    this.mask = prefixMask(prefixLength);
    const hasBroadcast = address !== 0 && prefixLength < 31;
    this.directedBroadcast = hasBroadcast ? address | ~this.mask : BROADCAST_ADDRESS;
    this.zerosBroadcast = hasBroadcast ? address & this.mask : BROADCAST_ADDRESS;
    this.conflicts = 0;
    this.conflictMac = 0;
    this.defendedAtMs = Number.NEGATIVE_INFINITY;
    this.endClaim();
  }

  /** Leaves out what the claim of the address has not yet sent. */
  endClaim(): void {
    this.probeAtMs = NEVER;
    this.announceAtMs = NEVER;
  }

  isOnLink(address: number): boolean {
    return this.address !== 0 && ((address ^ this.address) & this.mask) === 0;
  }

  /**
   * The limited broadcast, or this network's directed one. A /31 and a /32 have no broadcast address (RFC 3021); the
   * all-zeros form is obsolete and treated likewise (RFC 1812 section 4.2.3.1).
   */
  isBroadcast(address: number): boolean {
    return address === BROADCAST_ADDRESS || address === this.directedBroadcast || address === this.zerosBroadcast;
  }

  /** The station a packet to `destination` goes to: itself if on-link, the gateway if not; 0 when there is no way. */
  nextHop(destination: number): number {
    const { address } = this;
    if (address !== 0 && ((destination ^ address) & this.mask) === 0) return destination;
    return isMulticast(destination) || destination === BROADCAST_ADDRESS ? destination : this.gateway;
  }

  /** Sends a finished frame; false, and counted, when the port does not take it. */
  transmit(frame: Frame, length: number): boolean {
    if (!this.port.send(frame, length)) {
      this.txRefused++;
      return false;
    }
    this.txFrames++;
    this.txBytes += length;
    return true;
  }
}
