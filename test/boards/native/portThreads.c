/*
 * A port among its three tasks: drivers' tasks that bring frames without end, an event task, and the machine's task that
 * reads, writes, carries and stops, closes and opens. The flow table is given back after each stop, and ports after each
 * close, so that a task that is still in there does not go unseen.
 */
#include <pthread.h>
#include <sched.h>

#include "cache.h"
#include "check.h"
#include "framePort.h"

#define SLOTS 4
#define ROUNDS 300
#define READS_PER_ROUND 20
#define LENGTH 100

typedef struct {
  PorterFramePort port;
  PorterFrameSlot slots[SLOTS];
  PorterTaggedFrame tagged[2];
  uint32_t underWay;
} TestPort;

static PorterMedium ethernet;
static PorterMedium radio;
static uint32_t isOver;
static uint32_t sentFrames;

void porter_pause(void) {
  sched_yield();
}

/* Every other frame is a hit, which changes the table. */
int porter_flow_forward(uint32_t *table, void *frame, uint32_t length, uint32_t interfaceIndex) {
  CHECK_EQUAL(length, LENGTH);
  const uint8_t *const bytes = frame;
  if ((bytes[20] & 1) == 0) return PORTER_FLOW_MISS;
  table[interfaceIndex] += 1;
  return interfaceIndex == 0 ? 1 : 0;
}

static int send(PorterMedium *medium, uint8_t *frame, uint32_t length) {
  (void)medium;
  CHECK_EQUAL(frame[0], 0x02);
  CHECK(length == LENGTH || length == LENGTH + PORTER_VLAN_TAG_BYTES);
  __atomic_add_fetch(&sentFrames, 1, __ATOMIC_RELAXED);
  return 1;
}

static int post(void *context) {
  TestPort *const self = context;
  CHECK_EQUAL(__atomic_exchange_n(&self->underWay, 1, __ATOMIC_SEQ_CST), 0);
  return 1;
}

static void *drive(void *context) {
  PorterMedium *const medium = context;
  for (uint32_t n = 0; !__atomic_load_n(&isOver, __ATOMIC_RELAXED); n += 1) {
    uint8_t frame[LENGTH + PORTER_VLAN_TAG_BYTES] = {0x02};
    const int isTagged = medium == &ethernet;
    if (isTagged) memcpy(frame + 12, "\x81\x00\x00\x0a", PORTER_VLAN_TAG_BYTES);
    /* IPv4's total length: the frame has no padding. */
    frame[isTagged ? 21 : 17] = LENGTH - 14;
    frame[isTagged ? 22 : 18] = (uint8_t)n;
    porter_medium_receive(medium, frame, LENGTH + (isTagged ? PORTER_VLAN_TAG_BYTES : 0));
    if (n % 16 == 0) sched_yield();
  }
  return NULL;
}

static void *changeLinks(void *context) {
  (void)context;
  for (int n = 0; !__atomic_load_n(&isOver, __ATOMIC_RELAXED); n += 1) {
    porter_medium_set_link(n & 1 ? &ethernet : &radio, n & 2);
    sched_yield();
  }
  return NULL;
}

static TestPort *openPort(PorterMedium *medium, uint32_t vlan, uint32_t interfaceIndex) {
  TestPort *const self = calloc(1, sizeof *self);
  CHECK(self != NULL);
  PorterTaggedFrame *const tagged = vlan == 0 ? NULL : self->tagged;
  CHECK(porter_port_open(&self->port, self->slots, SLOTS, tagged, medium, vlan, interfaceIndex, post, self));
  return self;
}

static void closePort(TestPort *self) {
  porter_port_close(&self->port);
  free(self);
}

static uint32_t serve(TestPort *self) {
  uint8_t buffer[PORTER_BUFFER_BYTES] = {0};
  uint32_t frames = 0;
  if (__atomic_exchange_n(&self->underWay, 0, __ATOMIC_SEQ_CST) == 1) {
    porter_port_deliver(&self->port);
    while (porter_port_read(&self->port, buffer) != 0) {
      CHECK_EQUAL(buffer[PORTER_ETHERNET_AT], 0x02);
      frames += 1;
    }
    CHECK(frames <= SLOTS);
    porter_port_delivered(&self->port);
  }
  buffer[PORTER_ETHERNET_AT] = 0x02;
  porter_port_write(&self->port, buffer + PORTER_ETHERNET_AT, LENGTH);
  return frames;
}

static void tasksMeet(void) {
  pthread_t threads[3];
  uint32_t readFrames = 0;
  uint32_t carriedFrames = 0;
  ethernet = (PorterMedium){.transmit = send, .station = {0x02}};
  radio = (PorterMedium){.transmit = send, .station = {0x02}};
  CHECK_EQUAL(pthread_create(threads, NULL, drive, &ethernet), 0);
  CHECK_EQUAL(pthread_create(threads + 1, NULL, drive, &radio), 0);
  CHECK_EQUAL(pthread_create(threads + 2, NULL, changeLinks, NULL), 0);
  for (int round = 0; round < ROUNDS; round += 1) {
    TestPort *const lan = openPort(&radio, 0, 0);
    TestPort *const wan = openPort(&ethernet, 10, 1);
    uint32_t *const table = calloc(2, sizeof *table);
    CHECK(table != NULL);
    porter_carry_flows(table, &lan->port, &wan->port);
    for (int n = 0; n < READS_PER_ROUND; n += 1) {
      readFrames += serve(lan) + serve(wan);
      sched_yield();
    }
    /* In turn: stop, then close; or close alone, either first. */
    if (round % 3 == 0) porter_stop_carrying(&wan->port);
    if (round % 3 == 1) porter_port_close(&lan->port);
    if (round % 3 == 2) porter_port_close(&wan->port);
    carriedFrames += table[0] + table[1];
    free(table);
    if (round % 3 == 1) free(lan);
    else closePort(lan);
    if (round % 3 == 2) free(wan);
    else closePort(wan);
  }
  __atomic_store_n(&isOver, 1, __ATOMIC_RELAXED);
  for (int n = 0; n < 3; n += 1) CHECK_EQUAL(pthread_join(threads[n], NULL), 0);
  CHECK(readFrames > ROUNDS);
  CHECK(carriedFrames > ROUNDS);
  CHECK(sentFrames > carriedFrames);
}

static const Case cases[] = {
  {"opens, carries, stops and closes while frames and link changes come in", tasksMeet},
};

CASES(cases)
