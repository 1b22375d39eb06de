/*
 * Media and ports: what happens to a frame between a driver and TypeScript. Plain C99, without operating system or engine.
 *
 * A medium is what a driver drives: the Ethernet MAC, the Wi-Fi station, the access point. A port is one interface of the
 * gateway on a medium: the whole of it, or one of its VLANs (IEEE 802.1Q). Three tasks meet here:
 *
 *   the driver's task   porter_medium_receive
 *   the event task      porter_medium_set_link
 *   the machine's task  all porter_port_ functions
 *
 * None waits for another, except the machine's task where a port closes or flows are no longer carried.
 */
#ifndef PORTER_FRAME_PORT_H
#define PORTER_FRAME_PORT_H

#include <stdint.h>

#include "frameRing.h"

/* The gateway's interfaces: LAN and WAN. */
#define PORTER_PORTS 2
#define PORTER_VLAN_TAG_BYTES 4

/* As FrameCounter in framePort.ts, in the order of porter_counter_names. */
enum {
  PORTER_RX_FRAMES,
  PORTER_RX_DROPPED,
  PORTER_RX_FILTERED,
  PORTER_RX_MALFORMED,
  PORTER_RX_STRAY,
  PORTER_TX_FRAMES,
  PORTER_TX_REFUSED,
  PORTER_CARRIED,
  PORTER_CARRY_REFUSED,
  PORTER_UNANNOUNCED,
  PORTER_COUNTERS
};

typedef struct PorterFramePort PorterFramePort;
typedef struct PorterMedium PorterMedium;

struct PorterMedium {
  /*
   * Sends a frame of at most PORTER_FRAME_BYTES and a tag, at any alignment, from any task; the bytes are the caller's again
   * when it returns. 0 when the driver refused. The driver sets this and the next two before a port opens.
   */
  int (*transmit)(PorterMedium *medium, uint8_t *frame, uint32_t length);
  uint8_t station[6];
  /* Bytes of FCS that the driver leaves behind each received frame. */
  uint32_t fcsBytes;

  /* By interface index; NULL where the gateway has no port on this medium. */
  PorterFramePort *ports[PORTER_PORTS];
  uint32_t isUp;
  uint32_t strayFrames;
  /* Counted up as the driver's and the event task come in, and as they leave: odd while they are inside. */
  uint32_t driverVisits;
  uint32_t eventVisits;
};

/* A frame with room for its tag. */
typedef struct {
  uint8_t bytes[PORTER_FRAME_BYTES + PORTER_VLAN_TAG_BYTES];
} PorterTaggedFrame;

struct PorterFramePort {
  PorterMedium *medium;
  /* 0 where the port is the medium's untagged frames. */
  uint32_t vlan;
  uint32_t interfaceIndex;
  /* Asks for porter_port_deliver in the machine's task, once; 0 when that cannot be had now. Called from any task. */
  int (*post)(void *context);
  void *context;
  /* Set from the request for a delivery until that begins: there is never a second one under way. */
  uint32_t isPosted;
  PorterFrameRing ring;
  /* For the machine's task, and for the driver's task that carries frames to this port; NULL without VLAN. */
  PorterTaggedFrame *tagged;
  /* The flow table and the port on its other side; NULL while flows are not carried. */
  uint32_t *table;
  PorterFramePort *peer;
  uint32_t counters[PORTER_COUNTERS];
  /* The machine's task alone: frames it may read until the next delivery, and the link as last delivered. */
  uint32_t readable;
  uint32_t deliveredLink;
};

/* What a delivery has to tell. */
#define PORTER_READABLE 1
#define PORTER_CHANGED 2

/*
 * The driver's task gives a frame, from its Ethernet header, and gets it back when this returns: every frame is copied,
 * sent on or dropped by then, and its bytes may have changed. One task for each medium.
 */
void porter_medium_receive(PorterMedium *medium, uint8_t *frame, uint32_t length);

/* The link went up or down. One task for all media. */
void porter_medium_set_link(PorterMedium *medium, int isUp);

/*
 * Takes a port into service with `slotCount` slots, a power of two, and two tagged frames if it has a VLAN; `post` may be
 * called at once. 0 when the medium's untagged frames, or that VLAN, have a port already, or the interface index has.
 */
int porter_port_open(
  PorterFramePort *port, PorterFrameSlot *slots, uint32_t slotCount, PorterTaggedFrame *tagged, PorterMedium *medium,
  uint32_t vlan, uint32_t interfaceIndex, int (*post)(void *context), void *context
);

/* Takes it out of service: no other task is in it, or will call `post`, when this returns. */
void porter_port_close(PorterFramePort *port);

/* Begins a delivery: PORTER_READABLE and PORTER_CHANGED, or 0. */
int porter_port_deliver(PorterFramePort *port);

/* Ends it: asks for another when something was left. */
void porter_port_delivered(PorterFramePort *port);

/* The oldest frame into a buffer of PORTER_BUFFER_BYTES, and its length; 0 when none waits or this delivery had its share. */
uint32_t porter_port_read(PorterFramePort *port, uint8_t *buffer);

/* Sends a frame from its Ethernet header; 0 when it was refused. */
int porter_port_write(PorterFramePort *port, uint8_t *frame, uint32_t length);

int porter_port_is_up(const PorterFramePort *port);
uint32_t porter_port_counter(const PorterFramePort *port, int counter);
extern const char *const porter_counter_names[PORTER_COUNTERS];

/* From now on the flow cache sees the frames of both ports first; their interface indices are 0 and 1. */
void porter_carry_flows(uint32_t *table, PorterFramePort *lan, PorterFramePort *wan);

/* None is carried any more from or to this port; no task is in the table when this returns. */
void porter_stop_carrying(PorterFramePort *port);

/* Lets other tasks run for a moment; the board's, or the test's. */
void porter_pause(void);

#endif
