/*
 * Sends the frames of a recorded trace (test/flow/native/trace.ts) through ports with the real flow cache, each in memory
 * of its own that is exactly as long as the frame, and compares what leaves, or waits, with the recorded frames, and the
 * tables. Prints how many frames were carried, and how many waited or were filtered.
 */
#include "cache.h"
#include "check.h"
#include "framePort.h"
#include "layout.h"

typedef struct {
  uint32_t tableWords;
  uint32_t frames;
} Round;

typedef struct {
  uint32_t length;
  uint32_t interfaceIndex;
  int32_t verdict;
} Arrival;

static PorterMedium media[PORTER_PORTS];
static PorterFramePort ports[PORTER_PORTS];
static PorterFrameSlot slots[PORTER_PORTS][2];
static uint8_t sent[PORTER_FRAME_BYTES];
static uint32_t sentLength;
static unsigned long carried;
static unsigned long waited;
static unsigned long filtered;

void porter_pause(void) {}

static int send(PorterMedium *medium, uint8_t *frame, uint32_t length) {
  (void)medium;
  memcpy(sent, frame, length);
  sentLength = length;
  return 1;
}

static int post(void *context) {
  (void)context;
  return 1;
}

static void *take(FILE *trace, size_t bytes) {
  void *const memory = malloc(bytes);
  CHECK(memory != NULL);
  CHECK_EQUAL(fread(memory, 1, bytes, trace), bytes);
  return memory;
}

static void open(uint32_t *table) {
  memset(media, 0, sizeof media);
  for (uint32_t index = 0; index < PORTER_PORTS; index += 1) {
    PorterMedium *const medium = media + index;
    medium->transmit = send;
    medium->isUp = 1;
    memcpy(
      medium->station, (const uint8_t *)(table + FLOW_INTERFACES + index * FLOW_INTERFACE_WORDS) + PORTER_ETHERNET_AT,
      sizeof medium->station
    );
    CHECK(porter_port_open(ports + index, slots[index], 2, NULL, medium, 0, index, post, NULL));
  }
  porter_carry_flows(table, ports, ports + 1);
}

static void replayFrame(FILE *trace) {
  Arrival arrival;
  uint8_t buffer[PORTER_BUFFER_BYTES];
  CHECK_EQUAL(fread(&arrival, sizeof arrival, 1, trace), 1);
  uint8_t *const before = take(trace, arrival.length + PORTER_ETHERNET_AT);
  uint8_t *const after = take(trace, arrival.length + PORTER_ETHERNET_AT);
  uint8_t *const frame = malloc(arrival.length + 1);
  CHECK(frame != NULL);
  memcpy(frame, before + PORTER_ETHERNET_AT, arrival.length);
  PorterFramePort *const port = ports + arrival.interfaceIndex;
  sentLength = 0;
  porter_medium_receive(port->medium, frame, arrival.length);
  const uint32_t length = porter_port_read(port, buffer);
  CHECK(porter_port_deliver(port) >= 0);
  if (arrival.verdict != PORTER_FLOW_MISS) {
    const uint8_t *const rewritten = after + PORTER_ETHERNET_AT;
    const uint32_t packetBytes = 14 + ((uint32_t)rewritten[16] << 8 | rewritten[17]);
    CHECK(packetBytes <= arrival.length);
    CHECK_EQUAL(sentLength, packetBytes);
    CHECK(memcmp(sent, rewritten, packetBytes) == 0);
    carried += 1;
  } else {
    CHECK_EQUAL(sentLength, 0);
    if (length == 0) {
      filtered += 1;
    } else {
      CHECK_EQUAL(length, arrival.length);
      CHECK(memcmp(buffer + PORTER_ETHERNET_AT, before + PORTER_ETHERNET_AT, length) == 0);
      waited += 1;
    }
  }
  free(frame);
  free(after);
  free(before);
}

int main(int count, char *arguments[]) {
  CHECK_EQUAL(count, 2);
  FILE *const trace = fopen(arguments[1], "rb");
  CHECK(trace != NULL);
  Round round;
  while (fread(&round, sizeof round, 1, trace) == 1) {
    const size_t tableBytes = round.tableWords * sizeof(uint32_t);
    uint32_t *const table = take(trace, tableBytes);
    open(table);
    for (uint32_t n = 0; n < round.frames; n += 1) replayFrame(trace);
    uint32_t *const expected = take(trace, tableBytes);
    CHECK(memcmp(table, expected, tableBytes) == 0);
    free(expected);
    free(table);
  }
  fclose(trace);
  printf("%lu %lu %lu\n", carried, waited, filtered);
  return 0;
}
