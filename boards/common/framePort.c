#include "framePort.h"

#include <stddef.h>
#include <string.h>

#include "cache.h"

#define STATION_BYTES 6
#define STATIONS_BYTES 12
#define ETHERNET_BYTES 14
/* The IPv4 total length, two bytes in network order (RFC 791 section 3.1). */
#define TOTAL_LENGTH_AT 16
/* The EtherType of a VLAN tag, and the VLAN's number in the half behind it (IEEE 802.1Q section 9.6). */
#define TAG_TYPE_HIGH 0x81
#define TAG_TYPE_LOW 0x00
#define VLAN_HIGH_BITS 0x0f
/*
 * The flow cache looks at Ethernet, IPv4 without options and the first 20 bytes behind; so it gets a copy of those, aligned
 * as it wants them, and the rest of a frame stays where the driver has it.
 */
#define HEADERS_BYTES 54

const char *const porter_counter_names[PORTER_COUNTERS] = {
  "rxFrames", "rxDropped", "rxFiltered", "rxMalformed", "rxStray",
  "txFrames", "txRefused", "carried", "carryRefused", "unannounced",
};

/* Each counter has one task that counts, except `unannounced`, which may miss one. */
static void count(uint32_t *counter) {
  __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* The total order of these and of what they frame is what waitForVisitors relies on. */
static void enter(uint32_t *visits) {
  __atomic_store_n(visits, *visits + 1, __ATOMIC_SEQ_CST);
}

static void leave(uint32_t *visits) {
  __atomic_store_n(visits, *visits + 1, __ATOMIC_SEQ_CST);
}

/* Until a task that may still see what was there before has left; one that comes in later sees what is there now. */
static void waitForVisitors(const uint32_t *visits) {
  const uint32_t before = __atomic_load_n(visits, __ATOMIC_SEQ_CST);
  if ((before & 1) == 0) return;
  while (__atomic_load_n(visits, __ATOMIC_SEQ_CST) == before) porter_pause();
}

static void announce(PorterFramePort *port) {
  if (__atomic_exchange_n(&port->isPosted, 1, __ATOMIC_ACQ_REL) != 0) return;
  if (port->post(port->context)) return;
  count(port->counters + PORTER_UNANNOUNCED);
  __atomic_store_n(&port->isPosted, 0, __ATOMIC_RELEASE);
}

static void writeTag(uint8_t *tag, uint32_t vlan) {
  tag[0] = TAG_TYPE_HIGH;
  tag[1] = TAG_TYPE_LOW;
  tag[2] = (uint8_t)(vlan >> 8);
  tag[3] = (uint8_t)vlan;
}

static PorterFramePort *portOf(PorterMedium *medium, uint32_t vlan) {
  for (int index = 0; index < PORTER_PORTS; index += 1) {
    PorterFramePort *port = __atomic_load_n(medium->ports + index, __ATOMIC_SEQ_CST);
    if (port != NULL && port->vlan == vlan) return port;
  }
  return NULL;
}

/* Whether the flow cache took the frame, which has `tagBytes` of tag in it; then it was sent, or dropped and counted. */
static int carry(PorterFramePort *port, uint32_t *table, uint8_t *frame, uint32_t length, uint32_t tagBytes) {
  uint32_t headers[(PORTER_ETHERNET_AT + HEADERS_BYTES) / sizeof(uint32_t)];
  uint8_t *const header = (uint8_t *)headers + PORTER_ETHERNET_AT;
  const uint32_t untaggedBytes = length - tagBytes;
  const uint32_t headerBytes = untaggedBytes < HEADERS_BYTES ? untaggedBytes : HEADERS_BYTES;
  memcpy(header, frame, STATIONS_BYTES);
  memcpy(header + STATIONS_BYTES, frame + STATIONS_BYTES + tagBytes, headerBytes - STATIONS_BYTES);
  if (porter_flow_forward(table, headers, untaggedBytes, port->interfaceIndex) == PORTER_FLOW_MISS) return 0;

  PorterFramePort *const peer = port->peer;
  uint8_t *out = frame + tagBytes;
  /* What pads a short frame is its own link's, and may be anything: the medium pads anew. */
  uint32_t outBytes = ETHERNET_BYTES + ((uint32_t)header[TOTAL_LENGTH_AT] << 8 | header[TOTAL_LENGTH_AT + 1]);
  if (peer->vlan == 0) {
    memcpy(out, header, headerBytes);
  } else {
    if (tagBytes == 0) {
      out = peer->tagged[1].bytes;
      memcpy(out + PORTER_VLAN_TAG_BYTES + headerBytes, frame + headerBytes, untaggedBytes - headerBytes);
    } else {
      out = frame;
    }
    outBytes += PORTER_VLAN_TAG_BYTES;
    memcpy(out, header, STATIONS_BYTES);
    writeTag(out + STATIONS_BYTES, peer->vlan);
    memcpy(out + STATIONS_BYTES + PORTER_VLAN_TAG_BYTES, header + STATIONS_BYTES, headerBytes - STATIONS_BYTES);
  }
  const int isSent = peer->medium->transmit(peer->medium, out, outBytes);
  count(port->counters + (isSent ? PORTER_CARRIED : PORTER_CARRY_REFUSED));
  return 1;
}

static void receive(PorterMedium *medium, uint8_t *frame, uint32_t length) {
  if (length < ETHERNET_BYTES + medium->fcsBytes) {
    count(&medium->strayFrames);
    return;
  }
  length -= medium->fcsBytes;
  uint32_t vlan = 0;
  uint32_t tagBytes = 0;
  if (frame[STATIONS_BYTES] == TAG_TYPE_HIGH && frame[STATIONS_BYTES + 1] == TAG_TYPE_LOW) {
    tagBytes = PORTER_VLAN_TAG_BYTES;
    if (length < ETHERNET_BYTES + PORTER_VLAN_TAG_BYTES) {
      count(&medium->strayFrames);
      return;
    }
    /* A tag of VLAN 0 has a priority alone, and belongs with the untagged frames. */
    vlan = ((uint32_t)frame[ETHERNET_BYTES] & VLAN_HIGH_BITS) << 8 | frame[ETHERNET_BYTES + 1];
  }
  PorterFramePort *const port = portOf(medium, vlan);
  if (port == NULL) {
    count(&medium->strayFrames);
    return;
  }
  if (length - tagBytes > PORTER_FRAME_BYTES) {
    count(port->counters + PORTER_RX_MALFORMED);
    return;
  }
  /* Some drivers give all they hear. The lowest bit of the first byte marks group addresses. */
  if ((frame[0] & 1) == 0 && memcmp(frame, medium->station, STATION_BYTES) != 0) {
    count(port->counters + PORTER_RX_FILTERED);
    return;
  }

  uint32_t *const table = __atomic_load_n(&port->table, __ATOMIC_SEQ_CST);
  if (table != NULL && carry(port, table, frame, length, tagBytes)) return;

  PorterFrameSlot *const slot = porter_ring_vacant(&port->ring);
  if (slot == NULL) {
    count(port->counters + PORTER_RX_DROPPED);
  } else {
    uint8_t *const copy = slot->bytes + PORTER_ETHERNET_AT;
    memcpy(copy, frame, STATIONS_BYTES);
    memcpy(copy + STATIONS_BYTES, frame + STATIONS_BYTES + tagBytes, length - tagBytes - STATIONS_BYTES);
    slot->length = length - tagBytes;
    porter_ring_publish(&port->ring);
    count(port->counters + PORTER_RX_FRAMES);
  }
  /* Also when full: the request for a delivery may have failed before. */
  announce(port);
}

void porter_medium_receive(PorterMedium *medium, uint8_t *frame, uint32_t length) {
  enter(&medium->driverVisits);
  receive(medium, frame, length);
  leave(&medium->driverVisits);
}

void porter_medium_set_link(PorterMedium *medium, int isUp) {
  enter(&medium->eventVisits);
  __atomic_store_n(&medium->isUp, isUp ? 1 : 0, __ATOMIC_SEQ_CST);
  for (int index = 0; index < PORTER_PORTS; index += 1) {
    PorterFramePort *const port = __atomic_load_n(medium->ports + index, __ATOMIC_SEQ_CST);
    if (port != NULL) announce(port);
  }
  leave(&medium->eventVisits);
}

int porter_port_open(
  PorterFramePort *port, PorterFrameSlot *slots, uint32_t slotCount, PorterTaggedFrame *tagged, PorterMedium *medium,
  uint32_t vlan, uint32_t interfaceIndex, int (*post)(void *context), void *context
) {
  if (medium->ports[interfaceIndex] != NULL || portOf(medium, vlan) != NULL) return 0;
  memset(port, 0, sizeof *port);
  port->medium = medium;
  port->vlan = vlan;
  port->interfaceIndex = interfaceIndex;
  port->post = post;
  port->context = context;
  porter_ring_open(&port->ring, slots, slotCount);
  port->tagged = tagged;
  port->readable = port->ring.slotCount;
  __atomic_store_n(medium->ports + interfaceIndex, port, __ATOMIC_SEQ_CST);
  if (porter_port_is_up(port)) announce(port);
  return 1;
}

void porter_port_close(PorterFramePort *port) {
  PorterMedium *const medium = port->medium;
  porter_stop_carrying(port);
  __atomic_store_n(medium->ports + port->interfaceIndex, NULL, __ATOMIC_SEQ_CST);
  waitForVisitors(&medium->driverVisits);
  waitForVisitors(&medium->eventVisits);
}

int porter_port_deliver(PorterFramePort *port) {
  /* Before the look: what comes after it asks anew. */
  (void)__atomic_exchange_n(&port->isPosted, 0, __ATOMIC_ACQ_REL);
  port->readable = port->ring.slotCount;
  const uint32_t link = (uint32_t)porter_port_is_up(port);
  int news = porter_ring_oldest(&port->ring) == NULL ? 0 : PORTER_READABLE;
  if (link != port->deliveredLink) news |= PORTER_CHANGED;
  port->deliveredLink = link;
  return news;
}

void porter_port_delivered(PorterFramePort *port) {
  if (porter_ring_oldest(&port->ring) != NULL) announce(port);
}

uint32_t porter_port_read(PorterFramePort *port, uint8_t *buffer) {
  const PorterFrameSlot *const slot = porter_ring_oldest(&port->ring);
  if (slot == NULL) return 0;
  if (port->readable == 0) {
    announce(port);
    return 0;
  }
  port->readable -= 1;
  const uint32_t length = slot->length;
  memcpy(buffer + PORTER_ETHERNET_AT, slot->bytes + PORTER_ETHERNET_AT, length);
  porter_ring_release(&port->ring);
  return length;
}

static int transmit(PorterFramePort *port, uint8_t *frame, uint32_t length) {
  if (length < ETHERNET_BYTES || length > PORTER_FRAME_BYTES || !porter_port_is_up(port)) return 0;
  if (port->vlan == 0) return port->medium->transmit(port->medium, frame, length);
  uint8_t *const tagged = port->tagged[0].bytes;
  memcpy(tagged, frame, STATIONS_BYTES);
  writeTag(tagged + STATIONS_BYTES, port->vlan);
  memcpy(tagged + STATIONS_BYTES + PORTER_VLAN_TAG_BYTES, frame + STATIONS_BYTES, length - STATIONS_BYTES);
  return port->medium->transmit(port->medium, tagged, length + PORTER_VLAN_TAG_BYTES);
}

int porter_port_write(PorterFramePort *port, uint8_t *frame, uint32_t length) {
  const int isSent = transmit(port, frame, length);
  count(port->counters + (isSent ? PORTER_TX_FRAMES : PORTER_TX_REFUSED));
  return isSent;
}

int porter_port_is_up(const PorterFramePort *port) {
  return (int)__atomic_load_n(&port->medium->isUp, __ATOMIC_SEQ_CST);
}

uint32_t porter_port_counter(const PorterFramePort *port, int counter) {
  const uint32_t *const counters = counter == PORTER_RX_STRAY ? &port->medium->strayFrames : port->counters + counter;
  return __atomic_load_n(counters, __ATOMIC_RELAXED);
}

static void carryFrom(PorterFramePort *port, PorterFramePort *peer, uint32_t *table) {
  port->peer = peer;
  __atomic_store_n(&port->table, table, __ATOMIC_SEQ_CST);
}

void porter_carry_flows(uint32_t *table, PorterFramePort *lan, PorterFramePort *wan) {
  porter_stop_carrying(lan);
  porter_stop_carrying(wan);
  carryFrom(lan, wan, table);
  carryFrom(wan, lan, table);
}

void porter_stop_carrying(PorterFramePort *port) {
  PorterFramePort *const peer = port->peer;
  if (peer == NULL) return;
  __atomic_store_n(&port->table, NULL, __ATOMIC_SEQ_CST);
  __atomic_store_n(&peer->table, NULL, __ATOMIC_SEQ_CST);
  waitForVisitors(&port->medium->driverVisits);
  waitForVisitors(&peer->medium->driverVisits);
  port->peer = NULL;
  peer->peer = NULL;
}
