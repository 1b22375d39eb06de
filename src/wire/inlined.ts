/**
 * The numbers that the packet path uses most, which the compiler writes where they are used: a module's constant is a captured
 * variable to XS and costs 65 instructions in each function that names it, a number 16. They say no more than frame.ts,
 * ethernet.ts, ipv4.ts, udp.ts, tcp.ts and icmp.ts, which are for everything else; a test compares them.
 */

/** Offsets of IPv4's words in a frame's buffer. */
// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum Ipv4At {
  NETWORK = 16,
  FRAGMENT = 20,
  TTL = 24,
  SOURCE = 28,
  DESTINATION = 32,
  TRANSPORT = 36,
}

// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum Ip {
  /** The limited broadcast address. */
  BROADCAST = -1,
  ICMP = 1,
  TCP = 6,
  UDP = 17,
  HEADER_BYTES = 20,
  OFFSET_MASK = 0x1fff,
  MORE_FRAGMENTS = 0x2000,
  /** Either makes a packet a fragment. */
  ANY_FRAGMENT = MORE_FRAGMENTS | OFFSET_MASK,
  DONT_FRAGMENT = 0x4000,
  /** All of these, and nothing but DONT_FRAGMENT in them makes a packet atomic (RFC 6864 section 4). */
  FRAGMENT_BITS = DONT_FRAGMENT | ANY_FRAGMENT,
}

/** Offsets from where the header begins, here and below. */
// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum Icmp {
  CHECKSUM = 2,
  IDENTIFIER = 4,
  HEADER_BYTES = 8,
}

// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum Udp {
  LENGTH = 4,
  CHECKSUM = 6,
  HEADER_BYTES = 8,
}

// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum Tcp {
  /** The header's length in the upper 4 of 16 bits, the flags in the lower 8. */
  FLAGS_WORD = 12,
  CHECKSUM = 16,
  HEADER_BYTES = 20,
}

// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum Ethernet {
  GROUP_BIT = 0x100,
  HEADER_BYTES = 14,
  MAX_FRAME_BYTES = 1514,
  IPV4 = 0x0800,
}

/** Offsets of Ethernet's fields in a frame's buffer. */
// biome-ignore lint/suspicious/noConstEnum: see above.
export const enum EthernetAt {
  DESTINATION = 2,
  SOURCE = 8,
  TYPE = 14,
}
