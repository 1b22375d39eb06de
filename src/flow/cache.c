/*
 * The twin of cache.ts: the same checks, in the order that costs a processor least, and the same words written. A test
 * compares the two on a million frames; whoever changes one changes the other.
 */
#include "cache.h"

#include <stddef.h>
#include <string.h>

#include "layout.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The flow cache takes frame words apart as a little-endian machine sees them."
#endif

#define MISS PORTER_FLOW_MISS
#define LAN 0
#define WAN 1

#define ETHERNET_BYTES 14
/* Ethernet, IPv4 and UDP headers. */
#define SHORTEST_BYTES 42
/* The shortest frame on a wire, without FCS: a short packet comes padded to this. */
#define MINIMUM_FRAME_BYTES 60
#define TCP 6
#define UDP 17
/* EtherType IPv4, and the flags, as they stand in the upper half and in bits 8 to 15 of little-endian words. */
#define ETHERTYPE_IPV4 0x0008
#define TCP_FLAGS 0x1700
#define TCP_ACK_ALONE 0x1000
/* More fragments, reserved flag and fragment offset, in the upper half. */
#define FRAGMENT_BITS 0xffbf0000
/* What one hop less in the lower byte of its half adds to a one's complement sum: -1. */
#define TTL_DELTA 0xfffe
#define UPPER_HALF 0xffff0000

/* Calls would cost more than what they do, and compilers that save space make some. */
#define INLINE static inline __attribute__((always_inline))

/*
 * The Internet checksum's fold (RFC 1071) in one step, as the result's upper half: a word and its halves the other way
 * round add up to the sum of the halves there, and the lower halves bring the carry.
 */
INLINE uint32_t foldUpwards(uint32_t sum) {
  return sum + (sum << 16 | sum >> 16);
}

/* In the upper half, a 16-bit checksum after its data changed by `delta` (RFC 1624, equation 3). */
INLINE uint32_t updatedChecksum(uint32_t checksum, uint32_t delta) {
  return ~foldUpwards((~checksum & 0xffff) + delta) & UPPER_HALF;
}

/* One's complement addition of words: the Internet checksum does not mind their size (RFC 1071 section 2). */
INLINE uint32_t addWithCarry(uint32_t sum, uint32_t word) {
  sum += word;
  return sum + (sum < word);
}

/* A 16-bit number as it stands in the frame, in the lower half of `word`. */
INLINE uint32_t fromWire16(uint32_t word) {
  return ((word & 0xff) << 8) | ((word >> 8) & 0xff);
}

/* Heads and links of chains: the lower half outbound, the upper inbound. */
INLINE ptrdiff_t outboundLink(uint32_t word) {
  return (int16_t)(word & 0xffff);
}

INLINE ptrdiff_t inboundLink(uint32_t word) {
  return (int16_t)(word >> 16);
}

INLINE int isCarried(uint32_t kind, uint32_t protocol) {
  return ((kind ^ protocol) & (FLOW_FLAG_CARRIED | 0xff)) == FLOW_FLAG_CARRIED;
}

/*
 * One body for both directions, which the compiler makes two functions of: each then asks nothing about the direction.
 */
INLINE int forward(
  uint32_t *restrict table, uint32_t *restrict words, uint32_t length, const int isOutbound
) {
  const uint32_t in = isOutbound ? LAN : WAN;
  const uint32_t out = isOutbound ? WAN : LAN;

  if (length < SHORTEST_BYTES) return MISS;
  if (words[3] >> 16 != ETHERTYPE_IPV4) return MISS;
  const uint32_t *const inInterface = table + FLOW_INTERFACES + in * FLOW_INTERFACE_WORDS;
  if ((words[0] ^ inInterface[0]) >> 16 != 0) return MISS;
  if (words[1] != inInterface[1]) return MISS;

  const uint32_t word4 = words[4];
  if ((word4 & 0xff) != 0x45) return MISS;
  const uint32_t word5 = words[5];
  if ((word5 & FRAGMENT_BITS) != 0) return MISS;
  const uint32_t word6 = words[6];
  if ((word6 & 0xff) <= 1) return MISS;
  const uint32_t source = words[7];
  const uint32_t destination = words[8];
  uint32_t headerSum = addWithCarry(word4, word5);
  headerSum = addWithCarry(headerSum, word6);
  headerSum = addWithCarry(headerSum, source);
  headerSum = addWithCarry(headerSum, destination);
  if (foldUpwards(headerSum) < UPPER_HALF) return MISS;
  const uint32_t totalBytes = fromWire16(word4 >> 16);
  if (length != totalBytes + ETHERNET_BYTES) {
    if (length < totalBytes + ETHERNET_BYTES || length > MINIMUM_FRAME_BYTES) return MISS;
  }
  if (totalBytes > table[FLOW_INTERFACES + out * FLOW_INTERFACE_WORDS + 2]) return MISS;

  const uint32_t protocol = (word6 >> 8) & 0xff;
  if (protocol == TCP) {
    /* The twin may look behind the frame's end, as its buffers have one size. */
    if (totalBytes < 40) return MISS;
    const uint32_t flags = words[12];
    if ((flags & TCP_FLAGS) != TCP_ACK_ALONE) return MISS;
    const uint32_t headerBytes = (flags & 0xf0) >> 2;
    /* Less than 20 is beyond all bounds here. */
    if (headerBytes - 20 > totalBytes - 40) return MISS;
  } else {
    if (protocol != UDP) return MISS;
    if (totalBytes < 28) return MISS;
    if (fromWire16(words[10]) != totalBytes - 20) return MISS;
  }

  /* As FlowTable.findOutbound and findInbound. */
  const uint32_t ports = words[9];
  const uint32_t *const buckets = table + table[FLOW_BUCKETS];
  uint32_t *const records = table + table[FLOW_RECORDS];
  uint32_t *record;
  ptrdiff_t index;
  if (isOutbound) {
    const uint32_t hash = (destination * table[FLOW_SECRETS]) ^ (ports * table[FLOW_SECRETS + 1]) ^
      (source * table[FLOW_SECRETS + 2]);
    index = outboundLink(buckets[hash >> table[FLOW_BUCKET_SHIFT]]);
    for (;;) {
      if (index < 0) return MISS;
      record = records + index * FLOW_RECORD_WORDS;
      if (
        record[FLOW_OUTBOUND_PORTS] == ports && record[FLOW_REMOTE_ADDRESS] == destination &&
        record[FLOW_INSIDE_ADDRESS] == source && isCarried(record[FLOW_KIND], protocol)
      ) {
        break;
      }
      index = outboundLink(record[FLOW_CHAINS]);
    }
  } else {
    if (destination != table[FLOW_EXTERNAL_ADDRESS]) return MISS;
    const uint32_t hash = (source * table[FLOW_SECRETS]) ^ (ports * table[FLOW_SECRETS + 1]);
    index = inboundLink(buckets[hash >> table[FLOW_BUCKET_SHIFT]]);
    for (;;) {
      if (index < 0) return MISS;
      record = records + index * FLOW_RECORD_WORDS;
      if (
        record[FLOW_INBOUND_PORTS] == ports && record[FLOW_REMOTE_ADDRESS] == source &&
        isCarried(record[FLOW_KIND], protocol)
      ) {
        break;
      }
      index = inboundLink(record[FLOW_CHAINS]);
    }
  }

  const uint32_t tick = table[FLOW_TICK];
  const uint32_t lifetime = table[protocol == TCP ? FLOW_TCP_LIFETIME : FLOW_UDP_LIFETIME];
  if ((int32_t)(tick - record[FLOW_LAST_SEEN]) > (int32_t)lifetime) return MISS;
  const uint32_t hop = isOutbound ? record[FLOW_HOPS] >> 16 : record[FLOW_HOPS] & 0xffff;
  const uint32_t *const stations = table + FLOW_HEADER_WORDS + (hop & 0xff) * FLOW_NEXT_HOP_WORDS;
  if ((stations[0] & 0xff) != hop >> 8) return MISS;

  /* It is a hit; from here on everything succeeds. */
  memcpy(words, stations, FLOW_NEXT_HOP_WORDS * sizeof *words);
  const uint32_t deltas = record[FLOW_DELTAS];
  uint32_t ipDelta = deltas & 0xffff;
  uint32_t transportDelta = deltas >> 16;
  uint32_t newPorts;
  if (isOutbound) {
    newPorts = record[FLOW_INBOUND_PORTS];
    words[7] = table[FLOW_EXTERNAL_ADDRESS];
  } else {
    newPorts = record[FLOW_OUTBOUND_PORTS];
    words[8] = record[FLOW_INSIDE_ADDRESS];
    /* The opposite change; a multiple of 0xffff more keeps it above 0, as a sum of halves is. */
    ipDelta = 0x1fffe - ipDelta;
    transportDelta = 0x1fffe - transportDelta;
  }
  /* The record has the ports as the other direction has them. */
  words[9] = (newPorts << 16) | (newPorts >> 16);

  words[6] = ((word6 & 0xffff) - 1) | updatedChecksum(word6 >> 16, ipDelta + TTL_DELTA);

  if (protocol == TCP) {
    const uint32_t word13 = words[13];
    words[13] = (word13 & UPPER_HALF) | (updatedChecksum(word13, transportDelta) >> 16);
    table[table[FLOW_ACKS] + (size_t)index * FLOW_ACK_WORDS + in] = words[11];
  } else {
    const uint32_t word10 = words[10];
    if (word10 >> 16 != 0) {
      const uint32_t checksum = updatedChecksum(word10 >> 16, transportDelta);
      /* A checksum of 0 would mean "none". */
      words[10] = (word10 & 0xffff) | (checksum == 0 ? UPPER_HALF : checksum);
    }
  }
  record[FLOW_LAST_SEEN] = tick;
  return (int)out;
}

int porter_flow_forward(uint32_t *table, void *frame, uint32_t length, uint32_t interfaceIndex) {
  return interfaceIndex == LAN ? forward(table, frame, length, 1) : forward(table, frame, length, 0);
}
