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
 *     buckets     one word for each, a power of two that is at least the number of sessions
 *     records     RECORD_WORDS for each session
 *     acks        ACK_WORDS for each session
 *
 * A session costs 36 bytes of record and at least 4 of bucket; the acks belong to the NAT's TCP tracking. "Wire" marks a word
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
/* Word index of the first next hop, bucket, record and ack. */
#define FLOW_NEXT_HOPS 4
#define FLOW_BUCKETS 5
#define FLOW_RECORDS 6
#define FLOW_ACKS 7
/* Seconds of silence after which a record is no longer carried. */
#define FLOW_UDP_LIFETIME 8
#define FLOW_TCP_LIFETIME 9
/* For each interface, LAN then WAN: its station address as words 0 and 1 of a frame sent to it (wire), and its MTU. */
#define FLOW_INTERFACES 10
#define FLOW_INTERFACE_WORDS 3
/* Odd random numbers that key the hash: for the remote address, the ports, and the inside address. */
#define FLOW_SECRETS 16
#define FLOW_SECRET_WORDS 3
#define FLOW_HEADER_WORDS 20

/*
 * A next hop: words 0 to 3 of a frame sent to it (wire): both station addresses and the EtherType; word 3 is 0 while the
 * station is unknown. The frame's two padding bytes carry the entry's epoch: it moves on when the station is lost, and a
 * record that remembers another epoch is a miss.
 */
#define FLOW_NEXT_HOP_WORDS 4

/* Bucket: heads of two chains of records: the lower half outbound, the upper inbound; -1 ends a chain. */
#define FLOW_RECORD_WORDS 9
/* Inside and remote address, wire. */
#define FLOW_INSIDE_ADDRESS 0
#define FLOW_REMOTE_ADDRESS 1
/* The ports as an outbound packet has them before translation: inside, remote. Wire. */
#define FLOW_OUTBOUND_PORTS 2
/* The ports as an inbound packet has them before translation: remote, external. Wire. */
#define FLOW_INBOUND_PORTS 3
/* IP protocol in the lowest byte; flags from bit 8. */
#define FLOW_KIND 4
/* Outbound checksum deltas in the frame's byte order: the lower half for the IP header, the upper for UDP and TCP. */
#define FLOW_DELTAS 5
/* The tick of the last packet, in either direction. */
#define FLOW_LAST_SEEN 6
/* Next record in the outbound chain (lower half) and in the inbound chain (upper half); -1 for none. */
#define FLOW_CHAINS 7
/* Next hop on the LAN (lower half) and on the WAN (upper half): index in the low byte, epoch in the high byte. */
#define FLOW_HOPS 8

/* Bits of KIND: the fast path may carry it; the next hop on that side is known. */
#define FLOW_FLAG_CARRIED 0x100
#define FLOW_FLAG_LAN_HOP 0x200
#define FLOW_FLAG_WAN_HOP 0x400
/* The NAT's consent: the session's state needs no look at its packets. */
#define FLOW_FLAG_SETTLED 0x800

/* The last acknowledgement number seen from the inside, and from the outside; wire. The fast path stamps them for TCP. */
#define FLOW_ACK_WORDS 2

/* Sessions are numbered in 16-bit halves with a sign. */
#define FLOW_MAX_SESSIONS 32767
/* Next hops are numbered in a byte. */
#define FLOW_MAX_NEXT_HOPS 256

#endif
