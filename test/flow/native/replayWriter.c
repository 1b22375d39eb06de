/*
 * Repeats the recorded writes of a flow table's writer (WriterTrace in stress.ts) beside two readers (readers.c), in order,
 * for ThreadSanitizer to look at. Words that a reader may see changing are written as what they are, relaxed atomics; all
 * others plainly, so that a write that is not ordered with every reader's reads is a data race.
 *
 * The second argument breaks the protocol: `impatient` does not wait for readers, `early` publishes before the contents.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "layout.h"

void startReaders(uint32_t *table);
void stopReaders(double *answer);

/* Plain write, ordered store, and look at a reader's word. */
enum { WRITE, STORE, LOAD };

typedef struct {
  uint32_t kind;
  uint32_t at;
  uint32_t value;
} Step;

static int isRelaxed(const uint32_t *table, uint32_t at) {
  if (at < FLOW_HEADER_WORDS) {
    return at == FLOW_TICK || at == FLOW_UDP_LIFETIME || at == FLOW_TCP_LIFETIME || at == FLOW_INTERFACES ||
      at == FLOW_INTERFACES + FLOW_INTERFACE_WORDS;
  }
  if (at < table[FLOW_RECORDS]) return 0;
  if (at >= table[FLOW_ACKS]) return 1;
  return (at - table[FLOW_RECORDS]) % FLOW_RECORD_WORDS >= FLOW_INBOUND_WAY;
}

/* The recorded writer saw that the reader was outside, or had gone in since the last period began; so must this one. */
static void await(const uint32_t *table, uint32_t at) {
  const uint32_t period = __atomic_load_n(table + FLOW_PERIOD, __ATOMIC_RELAXED);
  for (;;) {
    const uint32_t entered = __atomic_load_n(table + at, __ATOMIC_SEQ_CST);
    if (entered == 0 || entered == period) return;
    sched_yield();
  }
}

static void write(uint32_t *table, const Step *step) {
  if (isRelaxed(table, step->at)) __atomic_store_n(table + step->at, step->value, __ATOMIC_RELAXED);
  else table[step->at] = step->value;
}

static void replay(uint32_t *table, const Step *steps, size_t count, int isImpatient, int isEarly) {
  size_t firstWrite = 0;
  for (size_t n = 0; n < count; n++) {
    const Step *const step = steps + n;
    if (step->kind == WRITE) {
      if (!isEarly) write(table, step);
      continue;
    }
    if (step->kind == STORE) __atomic_store_n(table + step->at, step->value, __ATOMIC_SEQ_CST);
    else if (!isImpatient) await(table, step->at);
    for (; isEarly && firstWrite < n; firstWrite++) {
      if (steps[firstWrite].kind == WRITE) write(table, steps + firstWrite);
    }
  }
}

int main(int count, char *arguments[]) {
  FILE *trace = count >= 2 ? fopen(arguments[1], "rb") : NULL;
  uint32_t sizes[2];
  if (trace == NULL || fread(sizes, sizeof sizes, 1, trace) != 1) return 2;
  uint32_t *const table = malloc(sizes[0] * sizeof *table);
  Step *const steps = malloc(sizes[1] * sizeof *steps);
  if (table == NULL || steps == NULL) return 2;
  if (fread(table, sizeof *table, sizes[0], trace) != sizes[0]) return 2;
  if (fread(steps, sizeof *steps, sizes[1], trace) != sizes[1]) return 2;
  fclose(trace);
  const char *const slip = count >= 3 ? arguments[2] : "";
  startReaders(table);
  replay(table, steps, sizes[1], strcmp(slip, "impatient") == 0, strcmp(slip, "early") == 0);
  double answer[6];
  stopReaders(answer);
  printf("%.0f hits, faults %.0f %.0f\n", answer[1] + answer[4], answer[2], answer[5]);
  return 0;
}
