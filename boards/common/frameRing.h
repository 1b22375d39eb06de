/*
 * A ring of frames from one task to another: one that fills slots and one that empties them, without a lock between them.
 * The indices count up and wrap at 2^32; a slot is an index modulo the number of slots.
 */
#ifndef PORTER_FRAME_RING_H
#define PORTER_FRAME_RING_H

#include <stdint.h>

/* The largest frame without VLAN tag and FCS (IEEE 802.3). */
#define PORTER_FRAME_BYTES 1514
/* Where the Ethernet header begins in a buffer, so that the IPv4 header behind it is aligned (ETHERNET_AT). */
#define PORTER_ETHERNET_AT 2
#define PORTER_BUFFER_BYTES (PORTER_ETHERNET_AT + PORTER_FRAME_BYTES)

typedef struct {
  uint32_t length;
  uint8_t bytes[PORTER_BUFFER_BYTES];
} PorterFrameSlot;

typedef struct {
  PorterFrameSlot *slots;
  uint32_t slotCount;
  /* Slots filled, and slots emptied, since the beginning; each written by one task alone. */
  uint32_t filled;
  uint32_t emptied;
} PorterFrameRing;

/* `slotCount` must be a power of two. The slots stay the caller's. */
void porter_ring_open(PorterFrameRing *ring, PorterFrameSlot *slots, uint32_t slotCount);

/* For the filling task: the slot to fill, or NULL when all wait to be emptied; it counts once it is published. */
PorterFrameSlot *porter_ring_vacant(const PorterFrameRing *ring);
void porter_ring_publish(PorterFrameRing *ring);

/* For the emptying task: the slot that has waited longest, or NULL when none does; it is vacant once it is released. */
const PorterFrameSlot *porter_ring_oldest(const PorterFrameRing *ring);
void porter_ring_release(PorterFrameRing *ring);

#endif
