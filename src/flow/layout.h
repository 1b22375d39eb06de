/*
 * Generated from layout.ts; `npm test -- flow/layoutHeader -u` makes it anew.
 */
#ifndef PORTER_FLOW_LAYOUT_H
#define PORTER_FLOW_LAYOUT_H

/*
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
/* Our address on the WAN, wire; 0 while there is none. */
#define FLOW_EXTERNAL_ADDRESS 0
/* Whole seconds since the stack's start. */
#define FLOW_TICK 1
/* 32 less the number of bits that number the buckets. */
#define FLOW_BUCKET_SHIFT 2
/*
 * The identification that the flow cache in another task gave last to a packet out that may be fragmented, as the lower half
 * of a frame's word. Even; the odd ones are `Interface.nextIdentification`'s.
 */
#define FLOW_IDENTIFICATION 3
/* Word index of the first bucket, record and ack; the next hops begin behind the header. */
#define FLOW_BUCKETS 5
#define FLOW_RECORDS 6
#define FLOW_ACKS 7
/* Seconds of silence after which a record is no longer carried. */
#define FLOW_UDP_LIFETIME 8
#define FLOW_TCP_LIFETIME 9
/* For each interface, LAN then WAN: its station address as words 0 and 1 of a frame sent to it (wire), and its MTU. */
#define FLOW_INTERFACES 10
#define FLOW_INTERFACE_WORDS 3
/* Stands for word 0 while the interface is closed: no frame's, for its padding is 0 there. */
#define FLOW_CLOSED 1
/* Random numbers that key the hash: for the halves of the remote and of the inside address, and an odd one for the whole. */
#define FLOW_SECRETS 16
#define FLOW_SECRET_WORDS 5
/* The number of the period, not 0; and for each interface the period in which its reader went in, 0 while it is outside. */
#define FLOW_PERIOD 21
#define FLOW_READERS 22
#define FLOW_READER_WORDS 2
#define FLOW_HEADER_WORDS 24

/*
 * A next hop: words 0 to 3 of a frame sent to it (wire): both station addresses and the EtherType. The frame's
 * two padding bytes carry the next hop's name: its index, then its epoch. The epoch moves on when the station is lost, and
 * a record that remembers another name is a miss. While the station is unknown, the index is inverted, so that the name is
 * no record's.
 */
#define FLOW_NEXT_HOP_WORDS 4

/* Bucket: heads of two chains of records: the lower half outbound, the upper inbound. Its number, inverted, ends them. */
#define FLOW_RECORD_WORDS 8
/* Wire. */
#define FLOW_REMOTE_ADDRESS 0
/* The ports as an outbound packet has them before translation: inside, remote. Wire. */
#define FLOW_INSIDE_PORTS 1
/* Wire. */
#define FLOW_INSIDE_ADDRESS 2
/* The ports as an outbound packet has them after translation: external, remote. Wire. */
#define FLOW_EXTERNAL_PORTS 3
/*
 * The way of packets that leave by the LAN (inbound) and by the WAN (outbound). IP protocol in byte 0, 0 in a free record;
 * flags in byte 1; the next hop's name in the upper half: index, epoch. In a free record, the upper half of the outbound
 * way is the next free one.
 */
#define FLOW_INBOUND_WAY 4
#define FLOW_OUTBOUND_WAY 5
/* The tick of the last packet, in either direction. */
#define FLOW_LAST_SEEN 6
/* Next record in the outbound chain (lower half) and in the inbound chain (upper half); after the last as in a bucket. */
#define FLOW_CHAINS 7

/* Flags of a way: the next hop is known; and the NAT agrees: the session's state needs no look at its packets. */
#define FLOW_FLAG_HOP 0x100
#define FLOW_FLAG_SETTLED 0x200
/* Both: the fast path may carry it. A carried way's lower half is this and the protocol, nothing else. */
#define FLOW_CARRIED 0x300

/* The last acknowledgement number seen from the inside, and from the outside; wire. The fast path stamps them for TCP. */
#define FLOW_ACK_WORDS 2

/* Sessions are numbered in 16-bit halves with a sign. */
#define FLOW_MAX_SESSIONS 32767
/* So are buckets, inverted. */
#define FLOW_MAX_BUCKET_BITS 15
/* Next hops are numbered in a byte. */
#define FLOW_MAX_NEXT_HOPS 256

#endif
