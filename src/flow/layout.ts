/**
 * The flow table's binary layout: one ArrayBuffer of 32-bit words, in this order:
 *
 *     header      HEADER_WORDS
 *     next hops   NEXT_HOP_WORDS for each entry of the neighbour table
 *     buckets     one word for each, a power of two: at least twice the number of sessions, or 32,768
 *     records     RECORD_WORDS for each session
 *     acks        ACK_WORDS for each session
 *
 * A session costs 32 bytes of record, which begins at a multiple of 32 so that it fills a cache line, and at least 8 of
 * buckets; the acks belong to the NAT's TCP tracking. "Wire" marks a word
 * whose bytes in memory are those of the frame, so that it is compared with, and copied to, `Frame.words` as it is. All
 * other words are native integers, and halves and bytes of them are counted from the least significant end. The layout
 * holds on any machine; the flow cache, which also takes frame words apart, needs a little-endian one.
 */

// Header words.
/** Our address on the WAN, wire; 0 while there is none. */
export const EXTERNAL_ADDRESS = 0;
/** Whole seconds since the stack's start. */
export const TICK = 1;
/** 32 less the number of bits that number the buckets. */
export const BUCKET_SHIFT = 2;
/**
 * The identification that the flow cache in another task gave last to a packet out that may be fragmented, as the lower half
 * of a frame's word. Even; the odd ones are `Interface.nextIdentification`'s.
 */
export const IDENTIFICATION = 3;
/** Word index of the first bucket, record and ack; the next hops begin behind the header. */
export const BUCKETS = 5;
export const RECORDS = 6;
export const ACKS = 7;
/** Seconds of silence after which a record is no longer carried. */
export const UDP_LIFETIME = 8;
export const TCP_LIFETIME = 9;
/** For each interface, LAN then WAN: its station address as words 0 and 1 of a frame sent to it (wire), and its MTU. */
export const INTERFACES = 10;
export const INTERFACE_WORDS = 3;
/** Stands for word 0 while the interface is closed: no frame's, for its padding is 0 there. */
export const CLOSED = 1;
/** Random numbers that key the hash: for the halves of the remote and of the inside address, and an odd one for the whole. */
export const SECRETS = 16;
export const SECRET_WORDS = 5;
/** The number of the period, not 0; and for each interface the period in which its reader went in, 0 while it is outside. */
export const PERIOD = 21;
export const READERS = 22;
export const READER_WORDS = 2;
export const HEADER_WORDS = 24;

/**
 * A next hop: words 0 to 3 of a frame sent to it (wire): both station addresses and the EtherType. The frame's
 * two padding bytes carry the next hop's name: its index, then its epoch. The epoch moves on when the station is lost, and
 * a record that remembers another name is a miss. While the station is unknown, the index is inverted, so that the name is
 * no record's.
 */
export const NEXT_HOP_WORDS = 4;

/** Bucket: heads of two chains of records: the lower half outbound, the upper inbound. Its number, inverted, ends them. */
export const RECORD_WORDS = 8;
/** Wire. */
export const REMOTE_ADDRESS = 0;
/** The ports as an outbound packet has them before translation: inside, remote. Wire. */
export const INSIDE_PORTS = 1;
/** Wire. */
export const INSIDE_ADDRESS = 2;
/** The ports as an outbound packet has them after translation: external, remote. Wire. */
export const EXTERNAL_PORTS = 3;
/**
 * The way of packets that leave by the LAN (inbound) and by the WAN (outbound). IP protocol in byte 0, 0 in a free record;
 * flags in byte 1; the next hop's name in the upper half: index, epoch. In a free record, the upper half of the outbound
 * way is the next free one.
 */
export const INBOUND_WAY = 4;
export const OUTBOUND_WAY = 5;
/** The tick of the last packet, in either direction. */
export const LAST_SEEN = 6;
/** Next record in the outbound chain (lower half) and in the inbound chain (upper half); after the last as in a bucket. */
export const CHAINS = 7;

/** Flags of a way: the next hop is known; and the NAT agrees: the session's state needs no look at its packets. */
export const FLAG_HOP = 0x100;
export const FLAG_SETTLED = 0x200;
/** Both: the fast path may carry it. A carried way's lower half is this and the protocol, nothing else. */
export const CARRIED = 0x300;

/** The last acknowledgement number seen from the inside, and from the outside; wire. The fast path stamps them for TCP. */
export const ACK_WORDS = 2;

/** Sessions are numbered in 16-bit halves with a sign. */
export const MAX_SESSIONS = 32767;
/** So are buckets, inverted. */
export const MAX_BUCKET_BITS = 15;
/** Next hops are numbered in a byte. */
export const MAX_NEXT_HOPS = 256;
