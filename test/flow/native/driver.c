/* Many frames through the flow cache in one call, for calls from outside C cost more than a frame. */
#include "cache.h"

typedef struct {
  uint32_t length;
  uint32_t interfaceIndex;
  /* Answer. */
  int32_t verdict;
} Arrival;

/* Frame n lies in `frames` from byte n * `stride` on. */
void forwardAll(uint32_t *table, uint8_t *frames, uint32_t stride, Arrival *arrivals, uint32_t count);

void forwardAll(uint32_t *table, uint8_t *frames, uint32_t stride, Arrival *arrivals, uint32_t count) {
  for (uint32_t n = 0; n < count; n++) {
    Arrival *arrival = arrivals + n;
    arrival->verdict = porter_flow_forward(table, frames + n * stride, arrival->length, arrival->interfaceIndex);
  }
}
