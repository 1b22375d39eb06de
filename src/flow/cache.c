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
#define CARRIED_TCP (TCP | FLOW_CARRIED)
#define CARRIED_UDP (UDP | FLOW_CARRIED)
/* EtherType IPv4, and the flags, as they stand in the upper half and in bits 8 to 15 of little-endian words. */
#define ETHERTYPE_IPV4 0x0008
/* The header's length in words in bits 4 to 7, and the flags ACK, RST, SYN and FIN; ACK alone, in a header of 5 words. */
#define TCP_HEADER_FLAGS 0x17f0
#define TCP_ACK_SHORTEST 0x1050
#define TCP_LONGEST_OPTIONS 0xa0
/* More fragments, reserved flag and fragment offset, in the upper half. */
#define FRAGMENT_BITS 0xffbf0000
#define DONT_FRAGMENT 0x00400000
/*
 * What a checksum is taken from that changes by the difference of two halves, or by one hop less (-1): 0 in one's
 * complement, with as many times 0xffff more as keep the result above 0. A sum of halves is above 0, too.
 */
#define NO_DELTA 0x2fffd
#define TTL_DELTA 0x2fffc
#define UPPER_HALF 0xffff0000

/* Bytes from the frame's padding on, of what the words leave in halves. */
#define TOTAL_LENGTH_AT 18
#define TTL_AT 24
#define IP_CHECKSUM_AT 26
#define SOURCE_AT 28
#define DESTINATION_AT 32
#define SOURCE_PORT_AT 36
#define DESTINATION_PORT_AT 38
#define UDP_LENGTH_AT 40
#define UDP_CHECKSUM_AT 42
#define TCP_CHECKSUM_AT 52

/* Calls would cost more than what they do, and compilers that save space make some. */
#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t swappedHalves(uint32_t word) {
  return word << 16 | word >> 16;
}

/*
 * The Internet checksum's fold (RFC 1071) in one step, as the result's upper half: a word and its halves the other way
 * round add up to the sum of the halves there, and the lower halves bring the carry.
 */
INLINE uint32_t foldUpwards(uint32_t sum) {
  return sum + swappedHalves(sum);
}

/* One's complement addition of words: the Internet checksum does not mind their size (RFC 1071 section 2). */
INLINE uint32_t addWithCarry(uint32_t sum, uint32_t word) {
  sum += word;
  return sum + (sum < word);
}

/* Half a word of the frame, in its byte order. */
INLINE uint16_t half(const uint32_t *frame, size_t at) {
  uint16_t value;
  memcpy(&value, (const uint8_t *)frame + at, sizeof value);
  return value;
}

INLINE void putHalf(uint32_t *frame, size_t at, uint32_t value) {
  const uint16_t narrow = (uint16_t)value;
  memcpy((uint8_t *)frame + at, &narrow, sizeof narrow);
}

INLINE uint32_t fromWire16(uint16_t value) {
  return (uint16_t)(value << 8 | value >> 8);
}

/* A 16-bit checksum after its data changed by both deltas (RFC 1624, equation 3). */
INLINE uint32_t updatedChecksum(uint32_t checksum, uint32_t addressDelta, uint32_t otherDelta) {
  return ~foldUpwards(addWithCarry(addressDelta, otherDelta - checksum)) >> 16;
}

/*
 * The writer is in another task. These words change under a reader; all others do not, from the moment that they are found
 * until the reader goes out (docs/architecture.md, "Two tasks, one table").
 */
INLINE uint32_t relaxed(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}

INLINE uint32_t published(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

INLINE void stamp(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* An address by its halves, and what comes of that and the ports: FlowTable.findOutbound says why. */
INLINE uint32_t hashOf(const uint32_t *frame, size_t addressAt, const uint32_t *secrets) {
  return (half(frame, addressAt) + secrets[0]) * (half(frame, addressAt + 2) + secrets[1]);
}

INLINE uint32_t hashWith(uint32_t addresses, uint32_t ports, const uint32_t *table) {
  return (addresses ^ addresses >> 16 ^ ports) * table[FLOW_SECRETS + 4];
}

INLINE const uint32_t *bucketOf(uint32_t hash, const uint32_t *table) {
  return table + (table[FLOW_BUCKETS] + (hash >> table[FLOW_BUCKET_SHIFT]));
}

/* Heads and links of chains: the lower half outbound, the upper inbound. */
INLINE int32_t outboundLink(uint32_t word) {
  return (int16_t)(word & 0xffff);
}

INLINE int32_t inboundLink(uint32_t word) {
  return (int16_t)(word >> 16);
}

/* Whether the record was not silent for too long; then it is stamped. */
INLINE int seenInTime(uint32_t *record, uint32_t tick, const uint32_t *lifetime) {
  uint32_t *const lastSeen = record + FLOW_LAST_SEEN;
  if (relaxed(lastSeen) == tick) return 1;
  if ((int32_t)(tick - relaxed(lastSeen)) > (int32_t)relaxed(lifetime)) return 0;
  stamp(lastSeen, tick);
  return 1;
}

/* What our end of the packet becomes, and what that does to sums. */
typedef struct {
  uint32_t address;
  uint32_t ports;
  uint32_t addressDelta;
  uint32_t portDelta;
} Translation;

INLINE Translation translationOf(
  const uint32_t *table, const uint32_t *record, uint32_t address, uint32_t ports, const int isOutbound
) {
  Translation to;
  to.address = isOutbound ? table[FLOW_EXTERNAL_ADDRESS] : record[FLOW_INSIDE_ADDRESS];
  to.ports = record[isOutbound ? FLOW_EXTERNAL_PORTS : FLOW_INSIDE_PORTS];
  to.addressDelta = addWithCarry(~address, to.address);
  /* The remote port is the same in both, and in the upper half. */
  to.portDelta = to.ports - ports + NO_DELTA;
  return to;
}

/*
 * One body for both directions, which the compiler makes two functions of: each then asks nothing about the direction.
 */
INLINE int forward(uint32_t *table, uint32_t *restrict words, uint32_t length, const int isOutbound) {
  const uint32_t in = isOutbound ? LAN : WAN;
  const uint32_t out = isOutbound ? WAN : LAN;

  if (length < SHORTEST_BYTES) return MISS;
  if (words[3] >> 16 != ETHERTYPE_IPV4) return MISS;
  const uint32_t *const inInterface = table + FLOW_INTERFACES + in * FLOW_INTERFACE_WORDS;
  /* Everything in the header but the tick and the lifetimes stays as it is while the interface is open. */
  if ((words[0] & UPPER_HALF) != published(inInterface)) return MISS;
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
  const uint32_t totalBytes = fromWire16(half(words, TOTAL_LENGTH_AT));
  if (length != totalBytes + ETHERNET_BYTES) {
    if (length < totalBytes + ETHERNET_BYTES || length > MINIMUM_FRAME_BYTES) return MISS;
    /* Without padding, SHORTEST_BYTES says the same. */
    if (totalBytes < SHORTEST_BYTES - ETHERNET_BYTES) return MISS;
  }
  if (totalBytes > table[FLOW_INTERFACES + out * FLOW_INTERFACE_WORDS + 2]) return MISS;

  /* What the lower half of the record's way is. */
  const uint32_t carried = ((word6 >> 8) & 0xff) | FLOW_CARRIED;
  /* As FlowTable.findOutbound and findInbound. */
  uint32_t ports = words[9];
  uint32_t way;
  const uint32_t records = table[FLOW_RECORDS];
  uint32_t *record;
  int32_t index;
  if (isOutbound) {
    const uint32_t sum = hashOf(words, DESTINATION_AT, table + FLOW_SECRETS) + hashOf(words, SOURCE_AT, table + FLOW_SECRETS + 2);
    const uint32_t hash = hashWith(sum, ports, table);
    index = outboundLink(published(bucketOf(hash, table)));
    for (;;) {
      if (index < 0) return MISS;
      record = table + (records + (uint32_t)index * FLOW_RECORD_WORDS);
      if (
        record[FLOW_INSIDE_PORTS] == ports && record[FLOW_REMOTE_ADDRESS] == destination &&
        record[FLOW_INSIDE_ADDRESS] == source
      ) {
        way = relaxed(record + FLOW_OUTBOUND_WAY);
        if ((uint16_t)way == (uint16_t)carried) break;
      }
      index = outboundLink(relaxed(record + FLOW_CHAINS));
    }
  } else {
    if (destination != table[FLOW_EXTERNAL_ADDRESS]) return MISS;
    /* As the record has them. */
    ports = swappedHalves(ports);
    const uint32_t hash = hashWith(hashOf(words, SOURCE_AT, table + FLOW_SECRETS), ports, table);
    index = inboundLink(published(bucketOf(hash, table)));
    for (;;) {
      if (index < 0) return MISS;
      record = table + (records + (uint32_t)index * FLOW_RECORD_WORDS);
      if (record[FLOW_EXTERNAL_PORTS] == ports && record[FLOW_REMOTE_ADDRESS] == source) {
        way = relaxed(record + FLOW_INBOUND_WAY);
        if ((uint16_t)way == (uint16_t)carried) break;
      }
      index = inboundLink(relaxed(record + FLOW_CHAINS));
    }
  }

  const uint32_t name = way >> 16;
  const uint32_t *const stations = table + (FLOW_HEADER_WORDS + (name & 0xff) * FLOW_NEXT_HOP_WORDS);
  const uint32_t station = published(stations);
  if ((uint16_t)station != (uint16_t)name) return MISS;
  const uint32_t tick = relaxed(table + FLOW_TICK);
  Translation to;
  /* What the protocols share stands in both, which leaves the compiler more registers for it: 7 instructions. */
  if (carried == CARRIED_TCP) {
    /* The twin may look behind the frame's end, as its buffers have one size. */
    const int32_t optionBytes = (int32_t)totalBytes - 40;
    if (optionBytes < 0) return MISS;
    /* As four times the options' length, which whatever else is set makes too long. */
    const uint32_t options = (words[12] & TCP_HEADER_FLAGS) - TCP_ACK_SHORTEST;
    if (options > TCP_LONGEST_OPTIONS || options > (uint32_t)optionBytes * 4) return MISS;
    if (!seenInTime(record, tick, table + FLOW_TCP_LIFETIME)) return MISS;
    /* It is a hit; from here on everything succeeds. */
    to = translationOf(table, record, isOutbound ? source : destination, ports, isOutbound);
    putHalf(words, TCP_CHECKSUM_AT, updatedChecksum(half(words, TCP_CHECKSUM_AT), to.addressDelta, to.portDelta));
    stamp(table + (table[FLOW_ACKS] + (uint32_t)index * FLOW_ACK_WORDS + in), words[11]);
  } else {
    if (carried != CARRIED_UDP) return MISS;
    if (fromWire16(half(words, UDP_LENGTH_AT)) != totalBytes - 20) return MISS;
    if (!seenInTime(record, tick, table + FLOW_UDP_LIFETIME)) return MISS;
    to = translationOf(table, record, isOutbound ? source : destination, ports, isOutbound);
    const uint32_t before = half(words, UDP_CHECKSUM_AT);
    if (before != 0) {
      const uint32_t checksum = updatedChecksum(before, to.addressDelta, to.portDelta);
      /* A checksum of 0 would mean "none". */
      putHalf(words, UDP_CHECKSUM_AT, checksum == 0 ? 0xffff : checksum);
    }
  }

  words[0] = station;
  memcpy(words + 1, stations + 1, (FLOW_NEXT_HOP_WORDS - 1) * sizeof *words);
  uint32_t headerDelta = TTL_DELTA;
  if (isOutbound) {
    if ((word5 & DONT_FRAGMENT) == 0) {
      /* The twin's are odd. */
      const uint32_t identification = (uint16_t)(table[FLOW_IDENTIFICATION] + 2);
      table[FLOW_IDENTIFICATION] = identification;
      words[5] = identification;
      headerDelta += identification - word5;
    }
    words[7] = to.address;
    putHalf(words, SOURCE_PORT_AT, to.ports);
  } else {
    words[8] = to.address;
    putHalf(words, DESTINATION_PORT_AT, to.ports);
  }
  ((uint8_t *)words)[TTL_AT]--;
  putHalf(words, IP_CHECKSUM_AT, updatedChecksum(half(words, IP_CHECKSUM_AT), to.addressDelta, headerDelta));
  return (int)out;
}

/* What `forward` finds stays in its place until it returns. */
INLINE int read(uint32_t *table, uint32_t *words, uint32_t length, const int isOutbound) {
  uint32_t *const reader = table + FLOW_READERS + (isOutbound ? LAN : WAN);
  __atomic_store_n(reader, relaxed(table + FLOW_PERIOD), __ATOMIC_SEQ_CST);
  /* A writer that has not seen us going in has begun a new period: what it withdrew before cannot be found any more. */
  (void)__atomic_load_n(table + FLOW_PERIOD, __ATOMIC_SEQ_CST);
  const int verdict = forward(table, words, length, isOutbound);
  __atomic_store_n(reader, 0, __ATOMIC_RELEASE);
  return verdict;
}

int porter_flow_forward(uint32_t *table, void *frame, uint32_t length, uint32_t interfaceIndex) {
  return interfaceIndex == LAN ? read(table, frame, length, 1) : read(table, frame, length, 0);
}
