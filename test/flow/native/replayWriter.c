/*
 * Repeats the recorded writes of a flow table's writer (recordWriter in stress.ts) beside two readers (readers.c), in order,
 * for ThreadSanitizer to look at. What was not stored by the table's access is written plainly, so that a write that is not
 * ordered with every reader's reads is a data race.
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
void lookAtReaders(double *answer);
void stopReaders(void);

/* Both readers send this many packets to as many steps. */
#define PACE_STEPS 256
#define PACE_PACKETS 64

/* Plain write, ordered store, and look at a reader's word. */
enum { WRITE, STORE, LOAD };

typedef struct {
  uint32_t kind;
  uint32_t at;
  uint32_t value;
} Step;

/* The link of a free record: as a way it is none, in pieces, too, and a reader that was late may still look at it. */
static int isLink(const uint32_t *table, const Step *step) {
  if (step->at < table[FLOW_RECORDS] || step->at >= table[FLOW_ACKS]) return 0;
  const uint32_t word = (step->at - table[FLOW_RECORDS]) % FLOW_RECORD_WORDS;
  return word == FLOW_OUTBOUND_WAY && (step->value & 0xffff) == 0;
}

/* The recorded writer saw that the reader was outside, or in which period it had gone in; this one must see no less. */
static void await(const uint32_t *table, const Step *step) {
  const uint32_t since = step->value != 0 ? step->value : __atomic_load_n(table + FLOW_PERIOD, __ATOMIC_RELAXED);
  for (;;) {
    const uint32_t entered = __atomic_load_n(table + step->at, __ATOMIC_SEQ_CST);
    if (entered == 0 || (int32_t)(entered - since) >= 0) return;
    sched_yield();
  }
}

static void write(uint32_t *table, const Step *step) {
  if (isLink(table, step)) __atomic_store_n(table + step->at, step->value, __ATOMIC_RELAXED);
  else table[step->at] = step->value;
}

/* However busy the machine is, readers see the table in all its states. */
static void keepPace(void) {
  double before[6];
  double now[6];
  lookAtReaders(before);
  do {
    sched_yield();
    lookAtReaders(now);
  } while (now[0] < before[0] + PACE_PACKETS || now[3] < before[3] + PACE_PACKETS);
}

static void replay(uint32_t *table, const Step *steps, size_t count, int isImpatient, int isEarly) {
  size_t firstWrite = 0;
  for (size_t n = 0; n < count; n++) {
    const Step *const step = steps + n;
    if (n % PACE_STEPS == 0) keepPace();
    if (step->kind == WRITE) {
      if (!isEarly) write(table, step);
      continue;
    }
    if (step->kind == STORE) __atomic_store_n(table + step->at, step->value, __ATOMIC_SEQ_CST);
    else if (!isImpatient) await(table, step);
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
  stopReaders();
  lookAtReaders(answer);
  printf("%.0f hits, faults %.0f %.0f\n", answer[1] + answer[4], answer[2], answer[5]);
  return 0;
}
