/**
 * The flow cache: carries the ordinary packets of established sessions, and leaves everything else to the NAT.
 *
 * One flat function over whole words, in the style that XS runs fastest: a typed-array element costs it 350 to 620
 * instructions, whatever its width, a captured variable 60, a call 230. So each word is read once, nothing is written
 * that does not change, and what the header holds comes from properties. Halves are summed in the frame's byte order:
 * the Internet checksum does not mind (RFC 1071 section 2B).
 */
import type { Frame } from "../core/frame.js";
import {
  ACK_WORDS,
  ACKS,
  BUCKET_SHIFT,
  BUCKETS,
  CHAINS,
  DELTAS,
  FLAG_CARRIED,
  HOPS,
  INBOUND_PORTS,
  INSIDE_ADDRESS,
  KIND,
  LAST_SEEN,
  OUTBOUND_PORTS,
  RECORD_WORDS,
  RECORDS,
  REMOTE_ADDRESS,
  SECRETS,
} from "./layout.js";
import { type FlowTable, LAN, WAN } from "./table.js";

/** The flow cache has left the frame as it was. */
export const MISS = -1;

/**
 * Takes a frame of `length` bytes that came in by LAN or WAN. A hit is rewritten in place, ready to leave by the interface
 * whose index is returned, at its full length; MISS leaves frame and table untouched.
 */
export type Forward = (frame: Frame, length: number, interfaceIndex: number) => number;

const ETHERNET_BYTES = 14;
/** Ethernet, IPv4 and UDP headers. */
const SHORTEST_BYTES = 42;
/** The shortest frame on a wire, without FCS: a short packet comes padded to this. */
const MINIMUM_FRAME_BYTES = 60;
const TCP = 6;
const UDP = 17;
/** EtherType IPv4, and the flags, as they stand in the upper half and in bits 8 to 15 of little-endian words. */
const ETHERTYPE_IPV4 = 0x0008;
const TCP_FLAGS = 0x1700;
const TCP_ACK_ALONE = 0x1000;
/** More fragments, reserved flag and fragment offset. */
const FRAGMENT_BITS = 0xffbf;
/** What one hop less in the lower byte of its half adds to a one's complement sum: -1. */
const TTL_DELTA = 0xfffe;

/** The forwarding function of a table; a miss for every frame on a big-endian machine. */
export function createFlowCache(table: FlowTable): Forward {
  if (!table.isLittleEndian) return () => MISS;
  const { words, header } = table;
  const nextHopWords = table.nextHops.words;
  const imul = Math.imul;
  const remoteSecret = words[SECRETS] as number;
  const portsSecret = words[SECRETS + 1] as number;
  const insideSecret = words[SECRETS + 2] as number;
  const bucketShift = words[BUCKET_SHIFT] as number;
  const bucketsAt = words[BUCKETS] as number;
  const recordsAt = words[RECORDS] as number;
  const acksAt = words[ACKS] as number;

  return function forward(frame: Frame, length: number, interfaceIndex: number): number {
    const frameWords = frame.words;
    const isOutbound = interfaceIndex === LAN;

    if (length < SHORTEST_BYTES) return MISS;
    if ((frameWords[3] as number) >> 16 !== ETHERTYPE_IPV4) return MISS;
    const word4 = frameWords[4] as number;
    if ((word4 & 0xff) !== 0x45) return MISS;
    const totalBytes = ((word4 >> 8) & 0xff00) | ((word4 >> 24) & 0xff);
    if (length !== totalBytes + ETHERNET_BYTES) {
      if (length < totalBytes + ETHERNET_BYTES || length > MINIMUM_FRAME_BYTES) return MISS;
    }
    const word5 = frameWords[5] as number;
    if (((word5 >> 16) & FRAGMENT_BITS) !== 0) return MISS;
    const word6 = frameWords[6] as number;
    if ((word6 & 0xff) <= 1) return MISS;
    const protocol = (word6 >> 8) & 0xff;
    const source = frameWords[7] as number;
    const destination = frameWords[8] as number;
    const ports = frameWords[9] as number;

    if ((frameWords[0] as number) >> 16 !== (isOutbound ? header.lanMacHead : header.wanMacHead)) return MISS;
    if (frameWords[1] !== (isOutbound ? header.lanMacTail : header.wanMacTail)) return MISS;
    if (totalBytes > (isOutbound ? header.wanMtuBytes : header.lanMtuBytes)) return MISS;

    let flags = 0;
    let checksumWord = 0;
    if (protocol === TCP) {
      flags = frameWords[12] as number;
      if ((flags & TCP_FLAGS) !== TCP_ACK_ALONE) return MISS;
      const headerBytes = (flags & 0xf0) >> 2;
      if (headerBytes < 20 || headerBytes > totalBytes - 20) return MISS;
      checksumWord = frameWords[13] as number;
    } else {
      if (protocol !== UDP) return MISS;
      checksumWord = frameWords[10] as number;
      if ((((checksumWord & 0xff) << 8) | ((checksumWord >> 8) & 0xff)) !== totalBytes - 20) return MISS;
      if (totalBytes < 28) return MISS;
    }

    let sum =
      (word4 & 0xffff) +
      ((word4 >> 16) & 0xffff) +
      (word5 & 0xffff) +
      ((word5 >> 16) & 0xffff) +
      (word6 & 0xffff) +
      ((word6 >> 16) & 0xffff) +
      (source & 0xffff) +
      ((source >> 16) & 0xffff) +
      (destination & 0xffff) +
      ((destination >> 16) & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    if (sum !== 0xffff) return MISS;

    // As FlowTable.findOutbound and findInbound.
    const kind = protocol | FLAG_CARRIED;
    let at = 0;
    let index = 0;
    if (isOutbound) {
      const hash = imul(destination, remoteSecret) ^ imul(ports, portsSecret) ^ imul(source, insideSecret);
      index = ((words[bucketsAt + (hash >>> bucketShift)] as number) << 16) >> 16;
      for (;;) {
        if (index < 0) return MISS;
        at = recordsAt + index * RECORD_WORDS;
        if (
          words[at + OUTBOUND_PORTS] === ports &&
          words[at + REMOTE_ADDRESS] === destination &&
          words[at + INSIDE_ADDRESS] === source &&
          ((words[at + KIND] as number) & (FLAG_CARRIED | 0xff)) === kind
        ) {
          break;
        }
        index = ((words[at + CHAINS] as number) << 16) >> 16;
      }
    } else {
      if (destination !== header.externalWord) return MISS;
      const hash = imul(source, remoteSecret) ^ imul(ports, portsSecret);
      index = (words[bucketsAt + (hash >>> bucketShift)] as number) >> 16;
      for (;;) {
        if (index < 0) return MISS;
        at = recordsAt + index * RECORD_WORDS;
        if (
          words[at + INBOUND_PORTS] === ports &&
          words[at + REMOTE_ADDRESS] === source &&
          ((words[at + KIND] as number) & (FLAG_CARRIED | 0xff)) === kind
        ) {
          break;
        }
        index = (words[at + CHAINS] as number) >> 16;
      }
    }

    const tick = header.tick;
    const lastSeen = words[at + LAST_SEEN] as number;
    if (tick - lastSeen > (protocol === TCP ? header.tcpLifetimeS : header.udpLifetimeS)) return MISS;
    const hops = words[at + HOPS] as number;
    const hop = isOutbound ? hops >> 16 : hops;
    const stations = nextHopWords[hop & 0xff] as Int32Array;
    if (((stations[0] as number) & 0xff) !== ((hop >> 8) & 0xff)) return MISS;

    // It is a hit; from here on everything succeeds.
    frameWords.set(stations);
    const deltas = words[at + DELTAS] as number;
    let ipDelta = deltas & 0xffff;
    let transportDelta = (deltas >> 16) & 0xffff;
    let newPorts = 0;
    if (isOutbound) {
      newPorts = words[at + INBOUND_PORTS] as number;
      frameWords[7] = header.externalWord;
    } else {
      newPorts = words[at + OUTBOUND_PORTS] as number;
      frameWords[8] = words[at + INSIDE_ADDRESS] as number;
      // The opposite change; a multiple of 0xffff more keeps it above 0, as a sum of halves is.
      ipDelta = 0x1fffe - ipDelta;
      transportDelta = 0x1fffe - transportDelta;
    }
    // The record has the ports as the other direction has them.
    frameWords[9] = (newPorts << 16) | ((newPorts >> 16) & 0xffff);

    sum = ((~word6 >> 16) & 0xffff) + ipDelta + TTL_DELTA;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    frameWords[6] = ((word6 & 0xffff) - 1) | (~sum << 16);

    if (protocol === TCP) {
      sum = (~checksumWord & 0xffff) + transportDelta;
      sum = (sum & 0xffff) + (sum >> 16);
      sum = (sum & 0xffff) + (sum >> 16);
      frameWords[13] = (checksumWord & -0x10000) | (~sum & 0xffff);
      words[acksAt + index * ACK_WORDS + interfaceIndex] = frameWords[11] as number;
    } else if (checksumWord >> 16 !== 0) {
      sum = ((~checksumWord >> 16) & 0xffff) + transportDelta;
      sum = (sum & 0xffff) + (sum >> 16);
      sum = (sum & 0xffff) + (sum >> 16);
      // A sum of 0xffff would make a checksum of 0, "none".
      frameWords[10] = (checksumWord & 0xffff) | (sum === 0xffff ? -0x10000 : ~sum << 16);
    }
    if (lastSeen !== tick) words[at + LAST_SEEN] = tick;
    return isOutbound ? WAN : LAN;
  };
}
