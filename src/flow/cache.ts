/**
 * The flow cache: carries the ordinary packets of established sessions, and leaves everything else to the NAT.
 *
 * Two flat functions over whole words, in the style that XS runs fastest: a typed-array element costs it 350 to 620
 * instructions, whatever its width, a local variable 70 to 90, a captured one 90 to 115 and 60 for each use after, a call
 * 230 and more, and whatever else stands in an expression 25. So each word is read once, nothing is written that does not
 * change, numbers are literals, and there is a function for each direction, which asks nothing about it.
 *
 * Checksums are computed modulo 0xffff, which is what adding with end-around carry comes to (RFC 1071), in a step instead
 * of two folds: a sum of a valid header's halves is 0 there, and a checksum is as it stands in the frame once what was
 * taken from the data is added to it (RFC 1624). The halves are in the frame's byte order: one whose bytes are the other
 * way round is 256 times the number modulo 0xffff.
 */
import { headOf } from "./header.js";
import { ACKS, BUCKET_SHIFT, BUCKETS, RECORDS, SECRETS } from "./layout.js";
import type { NextHop } from "./nextHops.js";
import type { FlowTable } from "./table.js";
import { Word } from "./word.js";

/** The flow cache has left the frame as it was. */
export const MISS = -1;

/**
 * Takes the words of a frame of `length` bytes. A hit is rewritten in place, ready to leave by the other interface, and its
 * length is returned, without what padded a short frame on its way here; MISS leaves frame and table untouched.
 */
export type Forward = (packet: Int32Array, length: number) => number;

export interface FlowCache {
  /** For what came in by the LAN. */
  readonly outbound: Forward;
  /** For what came in by the WAN. */
  readonly inbound: Forward;
  /** As `Interface.nextIdentification`, for all else that leaves by the WAN. Undefined where others count for themselves. */
  readonly nextIdentification?: () => number;
}

// biome-ignore lint/suspicious/noConstEnum: as captured variables these cost XS 500 instructions a packet.
const enum Is {
  MISS = -1,
  ETHERNET_BYTES = 14,
  /** The shortest frame on a wire, without FCS: a short packet comes padded to this. */
  MINIMUM_FRAME_BYTES = 60,
  /** Headers of Ethernet and IPv4. */
  UDP_AT = 34,
  /** These, and UDP's. */
  SHORTEST_UDP_BYTES = 42,
  TCP = 6,
  UDP = 17,
  /** As it stands in the upper half of a little-endian word. */
  ETHERTYPE_IPV4 = 0x00080000,
  /** More fragments, reserved flag and fragment offset, in the upper half. */
  FRAGMENT_BITS = -0x410000,
  DONT_FRAGMENT = 0x400000,
  /** In word 12: the header's length in words in bits 4 to 7, and the flags ACK, RST, SYN and FIN. */
  TCP_HEADER_FLAGS = 0x17f0,
  /** ACK alone, in a header of 5 and of 15 words. */
  TCP_ACK_SHORTEST = 0x1050,
  TCP_ACK_LONGEST = 0x10f0,
  /** Added to 4 times the frame's length: what word 12 is at most, if TCP's header is to end within the packet. */
  TCP_ACK_ROOM = 0x1000 - 4 * 34,
  UPPER_HALF = -0x10000,
  /** A multiple of 0xffff that keeps a sum above 0 which addresses and ports were taken from. */
  ABOVE_ZERO = 0x3fffc,
}

/**
 * The flow cache of a table; a miss for every frame on a big-endian machine. `lastIdentification` was the last that the WAN's
 * interface gave.
 */
export function createFlowCache(table: FlowTable, lastIdentification: number): FlowCache {
  if (!table.isLittleEndian) return { outbound: () => MISS, inbound: () => MISS };
  const { words, header } = table;
  const nextHops = table.nextHops.list;
  const imul = Math.imul;
  const remoteLowerSecret = words[SECRETS] as number;
  const remoteUpperSecret = words[SECRETS + 1] as number;
  const insideLowerSecret = words[SECRETS + 2] as number;
  const insideUpperSecret = words[SECRETS + 3] as number;
  const portsSecret = words[SECRETS + 4] as number;
  const bucketShift = words[BUCKET_SHIFT] as number;
  // Cheaper than an addition for each element.
  const buckets = words.subarray(words[BUCKETS], words[RECORDS]);
  const bucketMask = buckets.length - 1;
  const records = words.subarray(words[RECORDS], words[ACKS]);
  const acks = words.subarray(words[ACKS]);
  // What seldom changes, at a third of the price of a property.
  let lanTypeAndHead = Number.NaN;
  let lanMacTail = 0;
  let lanFrameBytes = 0;
  let wanTypeAndHead = Number.NaN;
  let wanMacTail = 0;
  let wanFrameBytes = 0;
  let externalWord = 0;
  let externalSum = 0;
  let notExternalSum = 0;
  header.follow((external, lan, wan) => {
    lanTypeAndHead = Is.ETHERTYPE_IPV4 + headOf(lan);
    lanMacTail = lan.tail;
    lanFrameBytes = lan.mtuBytes + Is.ETHERNET_BYTES;
    wanTypeAndHead = Is.ETHERTYPE_IPV4 + headOf(wan);
    wanMacTail = wan.tail;
    wanFrameBytes = wan.mtuBytes + Is.ETHERNET_BYTES;
    externalWord = external;
    externalSum = (external & 0xffff) + ((external >> 16) & 0xffff);
    notExternalSum = Is.ABOVE_ZERO - externalSum;
  });
  let tick = 0;
  header.followTick((seconds) => {
    tick = seconds;
  });
  /** As it stands in a frame's word: its bytes the other way round. */
  let identification = swapBytes(lastIdentification);

  const nextIdentification = (): number => {
    const next = (identification + 2) & 0xffff;
    identification = next;
    // As `swapBytes`, without its call.
    return ((next & 0xff) << 8) | (next >> 8);
  };

  function outbound(packet: Int32Array, length: number): number {
    if (((packet[3] as number) & Is.UPPER_HALF) + ((packet[0] as number) >> 16) !== lanTypeAndHead) return Is.MISS;
    if (packet[1] !== lanMacTail) return Is.MISS;
    const word4 = packet[4] as number;
    if ((word4 & 0xff) !== 0x45) return Is.MISS;
    if (length !== (((word4 >> 8) & 0xffff00) % 0xffff) + Is.ETHERNET_BYTES) {
      if (length > Is.MINIMUM_FRAME_BYTES) return Is.MISS;
      const unpadded = (((word4 >> 8) & 0xffff00) % 0xffff) + Is.ETHERNET_BYTES;
      if (length < unpadded) return Is.MISS;
      length = unpadded;
    }
    if (length > wanFrameBytes) return Is.MISS;
    const word5 = packet[5] as number;
    if (word5 & Is.FRAGMENT_BITS) return Is.MISS;
    const word6 = packet[6] as number;
    if ((word6 & 0xff) <= 1) return Is.MISS;
    const protocol = (word6 >> 8) & 0xff;
    // What begins or ends a connection, and what is neither TCP nor UDP, need not be looked for.
    if (protocol !== Is.UDP) {
      if (protocol !== Is.TCP) return Is.MISS;
      const flags = (packet[12] as number) & Is.TCP_HEADER_FLAGS;
      if (flags < Is.TCP_ACK_SHORTEST) return Is.MISS;
      if (flags > Is.TCP_ACK_LONGEST) return Is.MISS;
      if (flags > (length << 2) + Is.TCP_ACK_ROOM) return Is.MISS;
    }
    const source = packet[7] as number;
    const destination = packet[8] as number;
    const ports = packet[9] as number;
    // What has to be added to a checksum for all that is replaced by what; as yet, for the addresses.
    let replaced = (source & 0xffff) + ((source >> 16) & 0xffff);
    // Word 5 has no more than a bit in its upper half, and is the sum of its halves.
    if (
      (replaced +
        (word4 & 0xffff) +
        ((word4 >> 16) & 0xffff) +
        word5 +
        (word6 & 0xffff) +
        ((word6 >> 16) & 0xffff) +
        (destination & 0xffff) +
        ((destination >> 16) & 0xffff)) %
      0xffff
    ) {
      return Is.MISS;
    }

    // As FlowTable.findOutbound.
    const addresses =
      (imul(remoteLowerSecret + (destination & 0xffff), remoteUpperSecret + ((destination >> 16) & 0xffff)) +
        imul(insideLowerSecret + (source & 0xffff), insideUpperSecret + ((source >> 16) & 0xffff))) |
      0;
    let at = imul(addresses ^ ((addresses >> 16) & 0xffff) ^ ports, portsSecret) >> bucketShift;
    at = ((buckets[at & bucketMask] as number) << 16) >> 13;
    let way = 0;
    for (;;) {
      if (at < 0) return Is.MISS;
      if (records[at + Word.INSIDE_PORTS] === ports) {
        if (records[at] === destination) {
          if (records[at + Word.INSIDE_ADDRESS] === source) {
            way = records[at + Word.OUTBOUND_WAY] as number;
            if ((way & 0xffff) === (protocol | Word.CARRIED)) break;
          }
        }
      }
      at = ((records[at + Word.CHAINS] as number) << 16) >> 13;
    }
    const hop = nextHops[(way >> 16) & 0xff] as NextHop;
    if (hop.name !== way >> 16) return Is.MISS;

    const newPorts = records[at + Word.EXTERNAL_PORTS] as number;
    replaced += notExternalSum;
    if (protocol === Is.TCP) {
      if (records[at + Word.LAST_SEEN] !== tick) {
        if (tick - (records[at + Word.LAST_SEEN] as number) > header.tcpLifetimeS) return Is.MISS;
        records[at + Word.LAST_SEEN] = tick;
      }
      // It is a hit; from here on everything succeeds.
      const word13 = packet[13] as number;
      packet[13] = (word13 & Is.UPPER_HALF) | (((word13 & 0xffff) + replaced + ports - newPorts) % 0xffff);
      acks[at >> 2] = packet[11] as number;
    } else {
      const word10 = packet[10] as number;
      if (((word10 << 8) & 0xffff00) % 0xffff !== length - Is.UDP_AT) return Is.MISS;
      if (length < Is.SHORTEST_UDP_BYTES) return Is.MISS;
      if (records[at + Word.LAST_SEEN] !== tick) {
        if (tick - (records[at + Word.LAST_SEEN] as number) > header.udpLifetimeS) return Is.MISS;
        records[at + Word.LAST_SEEN] = tick;
      }
      // It is a hit, too. No checksum stays none, and one that would be 0 is 0xffff.
      if (word10 >> 16) {
        packet[10] =
          (word10 & 0xffff) | (((((word10 >> 16) & 0xffff) + replaced + ports - newPorts) % 0xffff || 0xffff) << 16);
      }
    }
    // What may be fragmented on its way is to be told from all that others send from our address (RFC 6864 section 5.3.1).
    if (word5 < Is.DONT_FRAGMENT) {
      identification = (identification + 2) & 0xffff;
      packet[5] = identification;
      replaced += word5 - identification;
    }
    // All at once cost 630 to 810 instructions, one by one 1,900 to 2,480.
    packet.set(hop.words);
    packet[6] = ((word6 & 0xffff) - 1) | (((((word6 >> 16) & 0xffff) + replaced + 1) % 0xffff) << 16);
    packet[7] = externalWord;
    packet[9] = newPorts;
    return length;
  }

  /** As `outbound`, with the roles exchanged. */
  function inbound(packet: Int32Array, length: number): number {
    if (((packet[3] as number) & Is.UPPER_HALF) + ((packet[0] as number) >> 16) !== wanTypeAndHead) return Is.MISS;
    if (packet[1] !== wanMacTail) return Is.MISS;
    if (packet[8] !== externalWord) return Is.MISS;
    const word4 = packet[4] as number;
    if ((word4 & 0xff) !== 0x45) return Is.MISS;
    if (length !== (((word4 >> 8) & 0xffff00) % 0xffff) + Is.ETHERNET_BYTES) {
      if (length > Is.MINIMUM_FRAME_BYTES) return Is.MISS;
      const unpadded = (((word4 >> 8) & 0xffff00) % 0xffff) + Is.ETHERNET_BYTES;
      if (length < unpadded) return Is.MISS;
      length = unpadded;
    }
    if (length > lanFrameBytes) return Is.MISS;
    const word5 = packet[5] as number;
    if (word5 & Is.FRAGMENT_BITS) return Is.MISS;
    const word6 = packet[6] as number;
    if ((word6 & 0xff) <= 1) return Is.MISS;
    const protocol = (word6 >> 8) & 0xff;
    // What begins or ends a connection, and what is neither TCP nor UDP, need not be looked for.
    if (protocol !== Is.UDP) {
      if (protocol !== Is.TCP) return Is.MISS;
      const flags = (packet[12] as number) & Is.TCP_HEADER_FLAGS;
      if (flags < Is.TCP_ACK_SHORTEST) return Is.MISS;
      if (flags > Is.TCP_ACK_LONGEST) return Is.MISS;
      if (flags > (length << 2) + Is.TCP_ACK_ROOM) return Is.MISS;
    }
    const source = packet[7] as number;
    let ports = packet[9] as number;
    let replaced = externalSum;
    if (
      (replaced +
        (word4 & 0xffff) +
        ((word4 >> 16) & 0xffff) +
        word5 +
        (word6 & 0xffff) +
        ((word6 >> 16) & 0xffff) +
        (source & 0xffff) +
        ((source >> 16) & 0xffff)) %
      0xffff
    ) {
      return Is.MISS;
    }

    // As FlowTable.findInbound; the record has the ports the other way round.
    ports = (ports << 16) | ((ports >> 16) & 0xffff);
    const remote = imul(remoteLowerSecret + (source & 0xffff), remoteUpperSecret + ((source >> 16) & 0xffff));
    let at = imul(remote ^ ((remote >> 16) & 0xffff) ^ ports, portsSecret) >> bucketShift;
    at = ((buckets[at & bucketMask] as number) >> 16) << 3;
    let way = 0;
    for (;;) {
      if (at < 0) return Is.MISS;
      if (records[at + Word.EXTERNAL_PORTS] === ports) {
        if (records[at] === source) {
          way = records[at + Word.INBOUND_WAY] as number;
          if ((way & 0xffff) === (protocol | Word.CARRIED)) break;
        }
      }
      at = ((records[at + Word.CHAINS] as number) >> 16) << 3;
    }
    const hop = nextHops[(way >> 16) & 0xff] as NextHop;
    if (hop.name !== way >> 16) return Is.MISS;

    const newPorts = records[at + Word.INSIDE_PORTS] as number;
    const inside = records[at + Word.INSIDE_ADDRESS] as number;
    replaced += Is.ABOVE_ZERO - (inside & 0xffff) - ((inside >> 16) & 0xffff);
    if (protocol === Is.TCP) {
      if (records[at + Word.LAST_SEEN] !== tick) {
        if (tick - (records[at + Word.LAST_SEEN] as number) > header.tcpLifetimeS) return Is.MISS;
        records[at + Word.LAST_SEEN] = tick;
      }
      const word13 = packet[13] as number;
      packet[13] = (word13 & Is.UPPER_HALF) | (((word13 & 0xffff) + replaced + ports - newPorts) % 0xffff);
      acks[(at >> 2) | 1] = packet[11] as number;
    } else {
      const word10 = packet[10] as number;
      if (((word10 << 8) & 0xffff00) % 0xffff !== length - Is.UDP_AT) return Is.MISS;
      if (length < Is.SHORTEST_UDP_BYTES) return Is.MISS;
      if (records[at + Word.LAST_SEEN] !== tick) {
        if (tick - (records[at + Word.LAST_SEEN] as number) > header.udpLifetimeS) return Is.MISS;
        records[at + Word.LAST_SEEN] = tick;
      }
      if (word10 >> 16) {
        packet[10] =
          (word10 & 0xffff) | (((((word10 >> 16) & 0xffff) + replaced + ports - newPorts) % 0xffff || 0xffff) << 16);
      }
    }
    packet.set(hop.words);
    packet[6] = ((word6 & 0xffff) - 1) | (((((word6 >> 16) & 0xffff) + replaced + 1) % 0xffff) << 16);
    packet[8] = inside;
    packet[9] = (newPorts << 16) | ((newPorts >> 16) & 0xffff);
    return length;
  }

  return { outbound, inbound, nextIdentification };
}

function swapBytes(half: number): number {
  return ((half & 0xff) << 8) | (half >> 8);
}
