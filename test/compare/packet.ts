import { TCP_FLAG_NAMES } from "../support/frames.js";

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;

/**
 * An IPv4 packet as it came out of the device, read by the RFCs alone. Fields that its protocol does not have, or that a
 * fragment or a short quote lacks, are 0, "" or empty.
 */
export interface Packet {
  /** With its Ethernet header and without padding; a quoted packet has no right Ethernet header. */
  readonly frame: Uint8Array;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly ttl: number;
  /** DSCP and ECN. */
  readonly tos: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** Bytes. */
  readonly fragmentOffset: number;
  /** What follows the IPv4 header. */
  readonly payload: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly checksum: number;
  /** int32. */
  readonly sequence: number;
  /** "SYN ACK", in the order of the bits. */
  readonly flags: string;
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly icmpIdentifier: number;
  readonly nextHopMtu: number;
  /** What an ICMP error is about. */
  readonly quote: Packet | undefined;
}

const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12];

/** Undefined when the frame holds no IPv4 packet. */
export function readPacket(frame: Uint8Array): Packet | undefined {
  if (frame.length < 34 || be16(frame, 12) !== 0x0800) return undefined;
  return readAt(frame.subarray(0, 14 + be16(frame, 16)));
}

function readAt(frame: Uint8Array): Packet {
  const header = frame.subarray(14);
  const field = be16(header, 6);
  const protocol = header[9] as number;
  const payload = header.subarray(((header[0] as number) & 15) * 4);
  const fragmentOffset = (field & 0x1fff) * 8;
  const has = (wanted: number, bytes: number): boolean =>
    protocol === wanted && fragmentOffset === 0 && payload.length >= bytes;
  const hasPorts = has(UDP, 8) || has(TCP, 8);
  const isIcmp = has(ICMP, 8);
  const isError = isIcmp && ICMP_ERRORS.includes(payload[0] as number) && payload.length >= 28;
  return {
    frame,
    source: header.subarray(12, 16).join("."),
    destination: header.subarray(16, 20).join("."),
    protocol,
    ttl: header[8] as number,
    tos: header[1] as number,
    identification: be16(header, 4),
    dontFragment: (field & 0x4000) !== 0,
    moreFragments: (field & 0x2000) !== 0,
    fragmentOffset,
    payload,
    sourcePort: hasPorts ? be16(payload, 0) : 0,
    destinationPort: hasPorts ? be16(payload, 2) : 0,
    checksum: has(UDP, 8) ? be16(payload, 6) : has(TCP, 20) ? be16(payload, 16) : isIcmp ? be16(payload, 2) : 0,
    sequence: has(TCP, 8) ? (be16(payload, 4) << 16) | be16(payload, 6) : 0,
    flags: has(TCP, 14)
      ? TCP_FLAG_NAMES.filter((_, bit) => (((payload[13] as number) >> bit) & 1) === 1).join(" ")
      : "",
    icmpType: isIcmp ? (payload[0] as number) : 0,
    icmpCode: isIcmp ? (payload[1] as number) : 0,
    icmpIdentifier: isIcmp && !isError ? be16(payload, 4) : 0,
    nextHopMtu: isError ? be16(payload, 6) : 0,
    // The quote's own header lies where its frame's would: 14 bytes before it belong to the error.
    quote: isError ? readAt(frame.subarray(frame.length - payload.length + 8 - 14)) : undefined,
  };
}

function be16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
