/**
 * Reads pcap files and judges the frames in them. Written from the RFCs alone and independent of src/, so that a mistake
 * there cannot hide itself here.
 */

/** A captured frame without FCS. */
export interface CapturedFrame {
  /** Counted from 1, as tshark does. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

const PCAP_HEADER_BYTES = 24;
const PCAP_RECORD_HEADER_BYTES = 16;
const LINKTYPE_ETHERNET = 1;
/** 1500 bytes of MTU and the Ethernet header. */
const MAX_FRAME_BYTES = 1514;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ICMP = 1;
const TCP = 6;
const UDP = 17;

/** The frames of a pcap file of either byte order and time unit. Throws when it is none, or cut off. */
export function readPcap(file: Uint8Array): CapturedFrame[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = file.length >= PCAP_HEADER_BYTES ? view.getUint32(0, true) : 0;
  const littleEndian = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  if (!littleEndian && magic !== 0xd4c3b2a1 && magic !== 0x4d3cb2a1) {
    throw new Error("This is not a pcap file.");
  }
  if (view.getUint32(20, littleEndian) !== LINKTYPE_ETHERNET) {
    throw new Error("This is not a capture of Ethernet.");
  }
  const frames: CapturedFrame[] = [];
  let at = PCAP_HEADER_BYTES;
  while (at < file.length) {
    if (at + PCAP_RECORD_HEADER_BYTES > file.length) {
      throw new Error(`The file ends in the header of frame ${frames.length + 1}.`);
    }
    const captured = view.getUint32(at + 8, littleEndian);
    const original = view.getUint32(at + 12, littleEndian);
    at += PCAP_RECORD_HEADER_BYTES;
    if (captured !== original || at + captured > file.length) {
      throw new Error(`Frame ${frames.length + 1} is cut off: ${captured} of ${original} bytes.`);
    }
    frames.push({ number: frames.length + 1, bytes: file.subarray(at, at + captured) });
    at += captured;
  }
  return frames;
}

/** What is wrong with the frames, one sentence each, empty when all are right. Fragments are checked as a whole. */
export function complaints(frames: readonly CapturedFrame[]): string[] {
  const found: string[] = [];
  const fragments = new Map<string, Uint8Array[]>();
  for (const { number, bytes } of frames) {
    const problem = frameProblem(bytes, fragments);
    if (problem !== undefined) {
      found.push(`frame ${number}: ${problem}`);
    }
  }
  return found;
}

/** The frames that an Ethernet address, written as 02:00:00:00:00:01, has sent. */
export function framesFrom(source: string, frames: readonly CapturedFrame[]): CapturedFrame[] {
  return frames.filter(
    ({ bytes }) => Buffer.from(bytes.subarray(6, 12)).toString("hex") === source.replaceAll(":", ""),
  );
}

/** The IPv4 packets among the frames, each from its IPv4 header on and without Ethernet padding. */
export function ipv4Packets(frames: readonly CapturedFrame[]): Uint8Array[] {
  return frames
    .filter(({ bytes }) => bytes.length >= 34 && uint16(bytes, 12) === ETHERTYPE_IPV4)
    .map(({ bytes }) => bytes.subarray(14, 14 + uint16(bytes, 16)));
}

/** The source address of an IPv4 packet in dotted form. */
export function sourceOf(packet: Uint8Array): string {
  return packet.subarray(12, 16).join(".");
}

function frameProblem(frame: Uint8Array, fragments: Map<string, Uint8Array[]>): string | undefined {
  if (frame.length < 14 || frame.length > MAX_FRAME_BYTES) {
    return `an Ethernet frame of ${frame.length} bytes`;
  }
  const etherType = uint16(frame, 12);
  if (etherType === ETHERTYPE_ARP) {
    return frame.length < 42 ? "an ARP packet cut off" : undefined;
  }
  if (etherType !== ETHERTYPE_IPV4) {
    return `ethertype 0x${etherType.toString(16)}, which the device has no business with`;
  }
  const problem = headerProblem(frame.subarray(14));
  if (problem !== undefined) {
    return problem;
  }
  const packet = frame.subarray(14, 14 + uint16(frame, 16));
  const whole = reassembled(packet, fragments);
  return whole === undefined ? undefined : payloadProblem(whole);
}

function headerProblem(packet: Uint8Array): string | undefined {
  if (packet.length < 20) {
    return "an IPv4 header cut off";
  }
  const headerBytes = headerLength(packet);
  if ((packet[0] as number) >> 4 !== 4 || headerBytes < 20 || headerBytes > packet.length) {
    return "an IPv4 header with a wrong version or length";
  }
  if (uint16(packet, 2) < headerBytes || uint16(packet, 2) > packet.length) {
    return `an IPv4 total length of ${uint16(packet, 2)} in ${packet.length} bytes`;
  }
  return sum(packet.subarray(0, headerBytes)) === 0xffff ? undefined : "a wrong IPv4 header checksum";
}

/** The packet with its whole payload; undefined while fragments are missing. Expects them in order, as they were sent. */
function reassembled(packet: Uint8Array, fragments: Map<string, Uint8Array[]>): Uint8Array | undefined {
  const flagsAndOffset = uint16(packet, 6);
  const more = (flagsAndOffset & 0x2000) !== 0;
  const offset = (flagsAndOffset & 0x1fff) * 8;
  if (!more && offset === 0) {
    return packet;
  }
  const key = [...packet.subarray(12, 20), packet[9], uint16(packet, 4)].join();
  const parts = fragments.get(key) ?? [];
  if (offset === 0) {
    parts.length = 0;
  }
  parts.push(offset === 0 ? packet : packet.subarray(headerLength(packet)));
  fragments.set(key, parts);
  if (more) {
    return undefined;
  }
  fragments.delete(key);
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function payloadProblem(packet: Uint8Array): string | undefined {
  const payload = packet.subarray(headerLength(packet));
  const protocol = packet[9] as number;
  // RFC 9293, 3.1 and RFC 768: the checksum covers the addresses, the protocol and the length as well.
  const pseudoHeader = sum(packet.subarray(12, 20)) + protocol + payload.length;
  switch (protocol) {
    case TCP:
      if (payload.length < 20) {
        return "a TCP header cut off";
      }
      return sum(payload, pseudoHeader) === 0xffff ? undefined : "a wrong TCP checksum";
    case UDP:
      if (payload.length < 8 || uint16(payload, 4) !== payload.length) {
        return "a wrong UDP length";
      }
      // RFC 768: zero says that the sender computed none.
      return uint16(payload, 6) === 0 || sum(payload, pseudoHeader) === 0xffff ? undefined : "a wrong UDP checksum";
    case ICMP:
      if (payload.length < 8 || sum(payload) !== 0xffff) {
        return "a wrong ICMP checksum";
      }
      return quotesPacket(payload) ? quotedProblem(payload.subarray(8)) : undefined;
    default:
      return `IP protocol ${protocol}, which the device has no business with`;
  }
}

/** Destination unreachable, time exceeded and parameter problem carry the start of the packet that caused them. */
function quotesPacket(icmp: Uint8Array): boolean {
  return icmp[0] === 3 || icmp[0] === 11 || icmp[0] === 12;
}

function quotedProblem(quoted: Uint8Array): string | undefined {
  const headerBytes = quoted.length < 20 ? 0 : headerLength(quoted);
  // RFC 792: the header and at least 8 bytes.
  if (headerBytes < 20 || quoted.length < headerBytes + 8) {
    return "an ICMP error that quotes too little";
  }
  if (sum(quoted.subarray(0, headerBytes)) !== 0xffff) {
    return "an ICMP error quoting a wrong header checksum";
  }
  // A translated quotation must be right as a whole where enough of it is there to see.
  const totalBytes = uint16(quoted, 2);
  const isWhole = (uint16(quoted, 6) & 0x3fff) === 0 && totalBytes <= quoted.length;
  const problem = isWhole ? payloadProblem(quoted.subarray(0, totalBytes)) : undefined;
  return problem === undefined ? undefined : `an ICMP error quoting ${problem}`;
}

/** The one's complement sum of RFC 1071; over data with a right checksum it is 0xffff. */
function sum(bytes: Uint8Array, start = 0): number {
  let total = start;
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    total += uint16(bytes, at);
  }
  if (bytes.length % 2 === 1) {
    total += (bytes[bytes.length - 1] as number) << 8;
  }
  while (total > 0xffff) {
    total = (total & 0xffff) + Math.floor(total / 0x10000);
  }
  return total;
}

function headerLength(packet: Uint8Array): number {
  return ((packet[0] as number) & 15) * 4;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
