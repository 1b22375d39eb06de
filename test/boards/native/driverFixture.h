/* Two ports for the media of a driver, and a flow cache that does as it is told. */
#ifndef PORTER_TEST_DRIVER_FIXTURE_H
#define PORTER_TEST_DRIVER_FIXTURE_H

#include "cache.h"
#include "check.h"
#include "framePort.h"
#include "idf.h"

#define SLOTS 2
#define LAN 0
#define WAN 1

static PorterFramePort lan;
static PorterFramePort wan;
static PorterFrameSlot slots[2][SLOTS];
static int flowVerdict = PORTER_FLOW_MISS;
static uint32_t table[1];

int porter_flow_forward(uint32_t *words, void *frame, uint32_t length, uint32_t interfaceIndex) {
  (void)words;
  (void)frame;
  (void)length;
  (void)interfaceIndex;
  return flowVerdict;
}

void porter_pause(void) {}

static int post(void *context) {
  (void)context;
  return 1;
}

#endif
