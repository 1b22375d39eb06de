/*
 * Sends the frames of a recorded trace (trace.ts) through the flow cache, each in a buffer of its own that is exactly as
 * long as the frame, or as the part of it that the flow cache reads at most, and compares verdicts, frames and tables with the recorded ones. Exits with 1 and a sentence on
 * standard error when one differs; otherwise prints how many frames it was.
 *
 * Under callgrind it dumps the instructions of each call of the flow cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#ifdef REPLAY_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS (void)0
#define CALLGRIND_DUMP_STATS (void)0
#endif

#define PADDING_BYTES 2
/* What cache.h promises. */
#define MOST_BYTES_SEEN 54

typedef struct {
  uint32_t tableWords;
  uint32_t frames;
} Round;

typedef struct {
  uint32_t length;
  uint32_t interfaceIndex;
  int32_t verdict;
} Arrival;

static void fail(const char *what, unsigned long frame) {
  fprintf(stderr, "%s, frame %lu\n", what, frame);
  exit(1);
}

/* The next bytes of the trace, in memory of their own. */
static void *take(FILE *trace, size_t bytes) {
  void *memory = malloc(bytes);
  if (memory == NULL || fread(memory, 1, bytes, trace) != bytes) fail("the trace ends too early", 0);
  return memory;
}

static void replayFrame(FILE *trace, uint32_t *table, unsigned long number) {
  Arrival arrival;
  if (fread(&arrival, sizeof arrival, 1, trace) != 1) fail("the trace ends too early", number);
  const size_t bytes = arrival.length + PADDING_BYTES;
  void *frame = take(trace, bytes);
  void *expected = take(trace, bytes);
  const size_t bytesSeen = bytes < MOST_BYTES_SEEN + PADDING_BYTES ? bytes : MOST_BYTES_SEEN + PADDING_BYTES;
  uint8_t *const seen = malloc(bytesSeen);
  if (seen == NULL) fail("too little memory", number);
  memcpy(seen, frame, bytesSeen);
  CALLGRIND_ZERO_STATS;
  const int verdict = porter_flow_forward(table, seen, arrival.length, arrival.interfaceIndex);
  CALLGRIND_DUMP_STATS;
  if (verdict != arrival.verdict) fail("another verdict", number);
  memcpy(frame, seen, bytesSeen);
  if (memcmp(frame, expected, bytes) != 0) fail("another frame", number);
  free(seen);
  free(expected);
  free(frame);
}

int main(int count, char *arguments[]) {
  FILE *trace = count == 2 ? fopen(arguments[1], "rb") : NULL;
  if (trace == NULL) fail("cannot read the trace", 0);
  unsigned long number = 0;
  Round round;
  while (fread(&round, sizeof round, 1, trace) == 1) {
    const size_t tableBytes = round.tableWords * sizeof(uint32_t);
    uint32_t *table = take(trace, tableBytes);
    for (uint32_t n = 0; n < round.frames; n++) replayFrame(trace, table, number++);
    void *expected = take(trace, tableBytes);
    if (memcmp(table, expected, tableBytes) != 0) fail("another table", number);
    free(expected);
    free(table);
  }
  fclose(trace);
  printf("%lu\n", number);
  return 0;
}
