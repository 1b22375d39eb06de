/*
 * The twin of cache.ts: the same checks in almost the same order, the same words read and written. A test compares the two
 * on a million frames; whoever changes one changes the other.
 */
#include "cache.h"

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

/* A sum of the two halves; as often as it takes, the Internet checksum's fold (RFC 1071). */
static inline uint32_t halves(uint32_t word) {
  return (word & 0xffff) + (word >> 16);
}

/* A 16-bit checksum after its data changed by `delta`, uncomplemented (RFC 1624, equation 3). */
static inline uint32_t updatedSum(uint32_t checksum, uint32_t delta) {
  return halves(halves((~checksum & 0xffff) + delta));
}

/* Heads and links of chains: the lower half outbound, the upper inbound. */
static inline int32_t outboundLink(uint32_t word) {
  return (int16_t)(word & 0xffff);
}

static inline int32_t inboundLink(uint32_t word) {
  return (int16_t)(word >> 16);
}

int porter_flow_forward(uint32_t *table, void *frame, uint32_t length, uint32_t interfaceIndex) {
  uint32_t *const words = frame;
  const int isOutbound = interfaceIndex == LAN;

  if (length < SHORTEST_BYTES) return MISS;
  if (words[3] >> 16 != ETHERTYPE_IPV4) return MISS;
  const uint32_t word4 = words[4];
  if ((word4 & 0xff) != 0x45) return MISS;
  const uint32_t totalBytes = ((word4 >> 8) & 0xff00) | (word4 >> 24);
  if (length != totalBytes + ETHERNET_BYTES) {
    if (length < totalBytes + ETHERNET_BYTES || length > MINIMUM_FRAME_BYTES) return MISS;
  }
  const uint32_t word5 = words[5];
  if ((word5 & FRAGMENT_BITS) != 0) return MISS;
  const uint32_t word6 = words[6];
  if ((word6 & 0xff) <= 1) return MISS;
  const uint32_t protocol = (word6 >> 8) & 0xff;
  const uint32_t source = words[7];
  const uint32_t destination = words[8];
  const uint32_t ports = words[9];

  const uint32_t *const in = table + FLOW_INTERFACES + (isOutbound ? LAN : WAN) * FLOW_INTERFACE_WORDS;
  const uint32_t *const out = table + FLOW_INTERFACES + (isOutbound ? WAN : LAN) * FLOW_INTERFACE_WORDS;
  if ((words[0] ^ in[0]) >> 16 != 0) return MISS;
  if (words[1] != in[1]) return MISS;
  if (totalBytes > out[2]) return MISS;

  uint32_t checksumWord;
  if (protocol == TCP) {
    /* The twin may look behind the frame's end, as its buffers have one size. */
    if (totalBytes < 40) return MISS;
    const uint32_t flags = words[12];
    if ((flags & TCP_FLAGS) != TCP_ACK_ALONE) return MISS;
    const uint32_t headerBytes = (flags & 0xf0) >> 2;
    if (headerBytes < 20 || headerBytes > totalBytes - 20) return MISS;
    checksumWord = words[13];
  } else {
    if (protocol != UDP) return MISS;
    if (totalBytes < 28) return MISS;
    checksumWord = words[10];
    if ((((checksumWord & 0xff) << 8) | ((checksumWord >> 8) & 0xff)) != totalBytes - 20) return MISS;
  }

  const uint32_t headerSum = halves(word4) + halves(word5) + halves(word6) + halves(source) + halves(destination);
  if (halves(headerSum) != 0xffff) return MISS;

  /* As FlowTable.findOutbound and findInbound. */
  const uint32_t kind = protocol | FLOW_FLAG_CARRIED;
  const uint32_t *const buckets = table + table[FLOW_BUCKETS];
  uint32_t *const records = table + table[FLOW_RECORDS];
  uint32_t *record;
  int32_t index;
  if (isOutbound) {
    const uint32_t hash = (destination * table[FLOW_SECRETS]) ^ (ports * table[FLOW_SECRETS + 1]) ^
      (source * table[FLOW_SECRETS + 2]);
    index = outboundLink(buckets[hash >> table[FLOW_BUCKET_SHIFT]]);
    for (;;) {
      if (index < 0) return MISS;
      record = records + index * FLOW_RECORD_WORDS;
      if (
        record[FLOW_OUTBOUND_PORTS] == ports && record[FLOW_REMOTE_ADDRESS] == destination &&
        record[FLOW_INSIDE_ADDRESS] == source && (record[FLOW_KIND] & (FLOW_FLAG_CARRIED | 0xff)) == kind
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
        (record[FLOW_KIND] & (FLOW_FLAG_CARRIED | 0xff)) == kind
      ) {
        break;
      }
      index = inboundLink(record[FLOW_CHAINS]);
    }
  }

  const uint32_t tick = table[FLOW_TICK];
  const uint32_t lastSeen = record[FLOW_LAST_SEEN];
  const uint32_t lifetime = table[protocol == TCP ? FLOW_TCP_LIFETIME : FLOW_UDP_LIFETIME];
  if ((int32_t)(tick - lastSeen) > (int32_t)lifetime) return MISS;
  const uint32_t hops = record[FLOW_HOPS];
  const uint32_t hop = isOutbound ? hops >> 16 : hops;
  const uint32_t *const stations = table + table[FLOW_NEXT_HOPS] + (hop & 0xff) * FLOW_NEXT_HOP_WORDS;
  if ((stations[0] & 0xff) != ((hop >> 8) & 0xff)) return MISS;

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

  words[6] = ((word6 & 0xffff) - 1) | (~updatedSum(word6 >> 16, ipDelta + TTL_DELTA) << 16);

  if (protocol == TCP) {
    words[13] = (checksumWord & 0xffff0000) | (~updatedSum(checksumWord, transportDelta) & 0xffff);
    table[table[FLOW_ACKS] + (uint32_t)index * FLOW_ACK_WORDS + (isOutbound ? LAN : WAN)] = words[11];
  } else if (checksumWord >> 16 != 0) {
    const uint32_t sum = updatedSum(checksumWord >> 16, transportDelta);
    /* A sum of 0xffff would make a checksum of 0, "none". */
    words[10] = (checksumWord & 0xffff) | (sum == 0xffff ? 0xffff0000 : ~sum << 16);
  }
  if (lastSeen != tick) record[FLOW_LAST_SEEN] = tick;
  return isOutbound ? WAN : LAN;
}
