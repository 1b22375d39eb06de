/* The ring by itself. */
#include "check.h"
#include "frameRing.h"

#define SLOTS 8
#define OPERATIONS 200000
#define SEEDS 8

static PorterFrameSlot slots[SLOTS];
static PorterFrameRing ring;

static int fill(uint32_t value) {
  PorterFrameSlot *const slot = porter_ring_vacant(&ring);
  if (slot == NULL) return 0;
  slot->length = value;
  porter_ring_publish(&ring);
  return 1;
}

static int empty(uint32_t *value) {
  const PorterFrameSlot *const slot = porter_ring_oldest(&ring);
  if (slot == NULL) return 0;
  *value = slot->length;
  porter_ring_release(&ring);
  return 1;
}

static void startsEmpty(void) {
  uint32_t value;
  porter_ring_open(&ring, slots, SLOTS);
  CHECK(!empty(&value));
  CHECK(porter_ring_vacant(&ring) != NULL);
}

static void holdsAsManyAsSlots(void) {
  uint32_t value;
  porter_ring_open(&ring, slots, SLOTS);
  for (uint32_t n = 0; n < SLOTS; n += 1) CHECK(fill(n));
  CHECK(!fill(SLOTS));
  CHECK(empty(&value));
  CHECK_EQUAL(value, 0);
  CHECK(fill(SLOTS));
  CHECK(!fill(SLOTS + 1));
}

static void oneSlot(void) {
  uint32_t value;
  porter_ring_open(&ring, slots, 1);
  CHECK(fill(7));
  CHECK(!fill(8));
  CHECK(empty(&value));
  CHECK_EQUAL(value, 7);
  CHECK(!empty(&value));
  CHECK(fill(9));
}

static void wraps(void) {
  uint32_t value;
  porter_ring_open(&ring, slots, SLOTS);
  /* As after 2^32 - 3 frames. */
  ring.filled = UINT32_MAX - 2;
  ring.emptied = UINT32_MAX - 2;
  for (uint32_t n = 0; n < SLOTS; n += 1) CHECK(fill(n));
  CHECK(!fill(SLOTS));
  for (uint32_t n = 0; n < SLOTS; n += 1) {
    CHECK(empty(&value));
    CHECK_EQUAL(value, n);
  }
  CHECK(!empty(&value));
}

static uint32_t next(uint32_t *random) {
  *random ^= *random << 13;
  *random ^= *random >> 17;
  *random ^= *random << 5;
  return *random;
}

static void behavesAsAQueue(void) {
  for (uint32_t seed = 1; seed <= SEEDS; seed += 1) {
    uint32_t random = seed;
    uint32_t first = 0;
    uint32_t end = 0;
    porter_ring_open(&ring, slots, SLOTS);
    ring.filled = ring.emptied = UINT32_MAX - seed;
    for (int n = 0; n < OPERATIONS; n += 1) {
      uint32_t value = 0;
      /* Bursts of both kinds. */
      const int isFill = (next(&random) >> 8) % 16 < ((random & 0x40000) != 0 ? 11 : 5);
      const int isDone = isFill ? fill(end) : empty(&value);
      const int isExpected = isFill ? end - first < SLOTS : end != first;
      if (isDone != isExpected || (!isFill && isDone && value != first)) {
        fprintf(stderr, "seed %u, operation %d: the ring is no queue\n", seed, n);
        exit(1);
      }
      if (isDone && isFill) end += 1;
      if (isDone && !isFill) first += 1;
    }
  }
}

static const Case cases[] = {
  {"is empty at first", startsEmpty},
  {"holds as many frames as it has slots, and no more", holdsAsManyAsSlots},
  {"works with one slot", oneSlot},
  {"goes on when its indices wrap", wraps},
  {"behaves as a queue, seeds 1 to 8", behavesAsAQueue},
};

CASES(cases)
