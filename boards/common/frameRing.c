#include "frameRing.h"

#include <stddef.h>

void porter_ring_open(PorterFrameRing *ring, PorterFrameSlot *slots, uint32_t slotCount) {
  ring->slots = slots;
  ring->slotCount = slotCount;
  ring->filled = 0;
  ring->emptied = 0;
}

static PorterFrameSlot *slotAt(const PorterFrameRing *ring, uint32_t index) {
  return ring->slots + (index & (ring->slotCount - 1));
}

PorterFrameSlot *porter_ring_vacant(const PorterFrameRing *ring) {
  /* The acquire lets no byte be written before the other task has read the slot's last ones. */
  const uint32_t waiting = ring->filled - __atomic_load_n(&ring->emptied, __ATOMIC_ACQUIRE);
  return waiting == ring->slotCount ? NULL : slotAt(ring, ring->filled);
}

void porter_ring_publish(PorterFrameRing *ring) {
  __atomic_store_n(&ring->filled, ring->filled + 1, __ATOMIC_RELEASE);
}

const PorterFrameSlot *porter_ring_oldest(const PorterFrameRing *ring) {
  const uint32_t filled = __atomic_load_n(&ring->filled, __ATOMIC_ACQUIRE);
  return filled == ring->emptied ? NULL : slotAt(ring, ring->emptied);
}

void porter_ring_release(PorterFrameRing *ring) {
  __atomic_store_n(&ring->emptied, ring->emptied + 1, __ATOMIC_RELEASE);
}
