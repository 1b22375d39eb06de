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
  CARRIED,
  CHAINS,
  EXTERNAL_PORTS,
  INBOUND_WAY,
  INSIDE_ADDRESS,
  INSIDE_PORTS,
  LAST_SEEN,
  OUTBOUND_WAY,
  RECORD_WORDS,
  RECORDS,
  REMOTE_ADDRESS,
  SECRETS,
} from "./layout.js";
import type { NextHop } from "./nextHops.js";
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
/**
 * 0 in one's complement, and one hop less in the lower byte of its half: with as many times 0xffff more as keep a sum
 * above 0 that two addresses were taken from, or two addresses and a port. A sum of halves is above 0, too.
 */
const NO_DELTA = 0x3fffc;
const TTL_DELTA = NO_DELTA - 1;

/** The forwarding function of a table; a miss for every frame on a big-endian machine. */
export function createFlowCache(table: FlowTable): Forward {
  if (!table.isLittleEndian) return () => MISS;
  const { words, header } = table;
  const nextHops = table.nextHops.list;
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
    let ports = frameWords[9] as number;

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

    const sourceSum = (source & 0xffff) + ((source >> 16) & 0xffff);
    let sum =
      sourceSum +
      (word4 & 0xffff) +
      ((word4 >> 16) & 0xffff) +
      (word5 & 0xffff) +
      ((word5 >> 16) & 0xffff) +
      (word6 & 0xffff) +
      ((word6 >> 16) & 0xffff) +
      (destination & 0xffff) +
      ((destination >> 16) & 0xffff);
    sum = (sum & 0xffff) + (sum >> 16);
    if (sum !== 0xffff) return MISS;

    // As FlowTable.findOutbound and findInbound.
    const carried = protocol | CARRIED;
    let at = 0;
    let index = 0;
    let way = 0;
    if (isOutbound) {
      const hash = imul(destination, remoteSecret) ^ imul(ports, portsSecret) ^ imul(source, insideSecret);
      index = ((words[bucketsAt + (hash >>> bucketShift)] as number) << 16) >> 16;
      for (;;) {
        if (index < 0) return MISS;
        at = recordsAt + index * RECORD_WORDS;
        if (
          words[at + INSIDE_PORTS] === ports &&
          words[at + REMOTE_ADDRESS] === destination &&
          words[at + INSIDE_ADDRESS] === source
        ) {
          way = words[at + OUTBOUND_WAY] as number;
          if ((way & 0xffff) === carried) break;
        }
        index = ((words[at + CHAINS] as number) << 16) >> 16;
      }
    } else {
      if (destination !== header.externalWord) return MISS;
      // As the record has them.
      ports = (ports << 16) | ((ports >> 16) & 0xffff);
      const hash = imul(source, remoteSecret) ^ imul(ports, portsSecret);
      index = (words[bucketsAt + (hash >>> bucketShift)] as number) >> 16;
      for (;;) {
        if (index < 0) return MISS;
        at = recordsAt + index * RECORD_WORDS;
        if (words[at + EXTERNAL_PORTS] === ports && words[at + REMOTE_ADDRESS] === source) {
          way = words[at + INBOUND_WAY] as number;
          if ((way & 0xffff) === carried) break;
        }
        index = (words[at + CHAINS] as number) >> 16;
      }
    }

    const tick = header.tick;
    const lastSeen = words[at + LAST_SEEN] as number;
    if (tick - lastSeen > (protocol === TCP ? header.tcpLifetimeS : header.udpLifetimeS)) return MISS;
    const hop = nextHops[(way >> 16) & 0xff] as NextHop;
    if (hop.name !== way >> 16) return MISS;

    // It is a hit; from here on everything succeeds.
    frameWords.set(hop.words);
    let addressDelta = 0;
    let portDelta = 0;
    if (isOutbound) {
      const newPorts = words[at + EXTERNAL_PORTS] as number;
      portDelta = newPorts - ports;
      frameWords[9] = newPorts;
      addressDelta = header.externalSum - sourceSum;
      frameWords[7] = header.externalWord;
    } else {
      const newPorts = words[at + INSIDE_PORTS] as number;
      portDelta = newPorts - ports;
      frameWords[9] = (newPorts << 16) | ((newPorts >> 16) & 0xffff);
      const inside = words[at + INSIDE_ADDRESS] as number;
      addressDelta = (inside & 0xffff) + ((inside >> 16) & 0xffff) - header.externalSum;
      frameWords[8] = inside;
    }

    sum = ((~word6 >> 16) & 0xffff) + addressDelta + TTL_DELTA;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    frameWords[6] = ((word6 & 0xffff) - 1) | (~sum << 16);

    if (protocol === TCP) {
      sum = (~checksumWord & 0xffff) + addressDelta + portDelta + NO_DELTA;
      sum = (sum & 0xffff) + (sum >> 16);
      sum = (sum & 0xffff) + (sum >> 16);
      frameWords[13] = (checksumWord & -0x10000) | (~sum & 0xffff);
      words[acksAt + index * ACK_WORDS + interfaceIndex] = frameWords[11] as number;
    } else if (checksumWord >> 16 !== 0) {
      sum = ((~checksumWord >> 16) & 0xffff) + addressDelta + portDelta + NO_DELTA;
      sum = (sum & 0xffff) + (sum >> 16);
      sum = (sum & 0xffff) + (sum >> 16);
      // A sum of 0xffff would make a checksum of 0, "none".
      frameWords[10] = (checksumWord & 0xffff) | (sum === 0xffff ? -0x10000 : ~sum << 16);
    }
    if (lastSeen !== tick) words[at + LAST_SEEN] = tick;
    return isOutbound ? WAN : LAN;
  };
}
