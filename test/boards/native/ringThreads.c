/* The ring between two threads: every frame arrives once, whole, and in order. */
#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "frameRing.h"

#define SLOTS 4
#define FRAMES 100000

static PorterFrameSlot slots[SLOTS];
static PorterFrameRing ring;

static void *fillAll(void *context) {
  (void)context;
  for (uint32_t n = 0; n < FRAMES;) {
    PorterFrameSlot *const slot = porter_ring_vacant(&ring);
    if (slot == NULL) {
      sched_yield();
      continue;
    }
    slot->length = 1 + n % PORTER_BUFFER_BYTES;
    memset(slot->bytes, (int)(n & 0xff), slot->length);
    porter_ring_publish(&ring);
    n += 1;
  }
  return NULL;
}

static void arriveInOrder(void) {
  pthread_t filling;
  porter_ring_open(&ring, slots, SLOTS);
  CHECK_EQUAL(pthread_create(&filling, NULL, fillAll, NULL), 0);
  for (uint32_t n = 0; n < FRAMES;) {
    const PorterFrameSlot *const slot = porter_ring_oldest(&ring);
    if (slot == NULL) {
      sched_yield();
      continue;
    }
    CHECK_EQUAL(slot->length, 1 + n % PORTER_BUFFER_BYTES);
    CHECK_EQUAL(slot->bytes[0], n & 0xff);
    CHECK_EQUAL(slot->bytes[slot->length - 1], n & 0xff);
    porter_ring_release(&ring);
    n += 1;
  }
  CHECK_EQUAL(pthread_join(filling, NULL), 0);
}

static const Case cases[] = {
  {"takes 100000 frames from one thread to another, whole and in order", arriveInOrder},
};

CASES(cases)
