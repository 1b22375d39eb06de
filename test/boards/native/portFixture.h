/* Two media that keep what is sent, ports on them, and a flow cache that does as it is told. */
#ifndef PORTER_TEST_PORT_FIXTURE_H
#define PORTER_TEST_PORT_FIXTURE_H

#include "cache.h"
#include "check.h"
#include "framePort.h"

#define SLOTS 4
#define LAN 0
#define WAN 1
#define UNTAGGED 0
#define FCS_BYTES 4
#define TAG_BYTES 4

typedef struct {
  /* First, so that a medium is its own. */
  PorterMedium medium;
  uint8_t sent[PORTER_FRAME_BYTES + TAG_BYTES];
  const uint8_t *sentFrom;
  uint32_t sentLength;
  int sentFrames;
  int isRefusing;
} TestMedium;

typedef struct {
  PorterFramePort port;
  PorterFrameSlot slots[SLOTS];
  PorterTaggedFrame tagged[2];
  int posts;
  int isPostFailing;
} TestPort;

static TestMedium ethernet;
static TestMedium radio;
static TestPort lan;
static TestPort wan;

static const uint8_t OURS[6] = {0x02, 0, 0, 0, 0, 1};
static const uint8_t NEXT_HOP[6] = {0x02, 0, 0, 0, 0, 9};

/* What the flow cache was given last, and is to say. */
static int flowVerdict = PORTER_FLOW_MISS;
static uint32_t flowLength;
static uint32_t flowInterface;
static uint32_t flowTable[1];

int porter_flow_forward(uint32_t *table, void *frame, uint32_t length, uint32_t interfaceIndex) {
  CHECK(table == flowTable);
  CHECK_EQUAL((uintptr_t)frame % sizeof(uint32_t), 0);
  flowLength = length;
  flowInterface = interfaceIndex;
  if (flowVerdict == PORTER_FLOW_MISS) return flowVerdict;
  /* As a hit does: the padding and the station address, and the last byte it may change. */
  uint8_t *const bytes = frame;
  bytes[0] = bytes[1] = 0xee;
  memcpy(bytes + PORTER_ETHERNET_AT, NEXT_HOP, sizeof NEXT_HOP);
  if (length >= 54) bytes[55] ^= 0xff;
  return flowVerdict;
}

void porter_pause(void) {}

static int send(PorterMedium *medium, uint8_t *frame, uint32_t length) {
  TestMedium *const self = (TestMedium *)medium;
  CHECK(length <= sizeof self->sent);
  if (self->isRefusing) return 0;
  memcpy(self->sent, frame, length);
  self->sentFrom = frame;
  self->sentLength = length;
  self->sentFrames += 1;
  return 1;
}

static int post(void *context) {
  TestPort *const self = context;
  if (self->isPostFailing) return 0;
  self->posts += 1;
  return 1;
}

static void startMedium(TestMedium *self) {
  self->medium.transmit = send;
  memcpy(self->medium.station, OURS, sizeof OURS);
  self->medium.isUp = 1;
}

static int openPort(TestPort *self, TestMedium *on, uint32_t vlan, uint32_t interfaceIndex) {
  return porter_port_open(
    &self->port, self->slots, SLOTS, vlan == UNTAGGED ? NULL : self->tagged, &on->medium, vlan, interfaceIndex, post, self
  );
}

/* Opens the LAN on the radio and the WAN on Ethernet, both up and with their first delivery behind them. */
static void startTwoMedia(void) {
  startMedium(&ethernet);
  startMedium(&radio);
  CHECK(openPort(&lan, &radio, UNTAGGED, LAN));
  CHECK(openPort(&wan, &ethernet, UNTAGGED, WAN));
  CHECK_EQUAL(porter_port_deliver(&lan.port), PORTER_CHANGED);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_CHANGED);
  lan.posts = wan.posts = 0;
}

/* A frame to a station, with a tag unless the VLAN is negative, and bytes that tell their places. */
static uint32_t makeFrame(uint8_t *frame, const uint8_t *to, int vlan, uint32_t length) {
  for (uint32_t n = 0; n < length; n += 1) frame[n] = (uint8_t)(n * 7 + n / 256);
  memcpy(frame, to, 6);
  frame[12] = 0x08;
  frame[13] = 0x00;
  /* Where IPv4 has its total length: no padding. */
  if (length >= 18) {
    frame[16] = (uint8_t)((length - 14) >> 8);
    frame[17] = (uint8_t)(length - 14);
  }
  if (vlan < 0) return length;
  memmove(frame + 16, frame + 12, length - 12);
  frame[12] = 0x81;
  frame[13] = 0x00;
  frame[14] = (uint8_t)(0xe0 | vlan >> 8);
  frame[15] = (uint8_t)vlan;
  return length + TAG_BYTES;
}

/* The driver's task gives a frame in memory that is as long as it. */
static void arrive(TestMedium *at, const uint8_t *to, int vlan, uint32_t length) {
  uint8_t *const frame = malloc(length + TAG_BYTES + FCS_BYTES);
  CHECK(frame != NULL);
  const uint32_t bytes = makeFrame(frame, to, vlan, length) + at->medium.fcsBytes;
  uint8_t *const exact = malloc(bytes);
  CHECK(exact != NULL);
  memcpy(exact, frame, bytes);
  free(frame);
  porter_medium_receive(&at->medium, exact, bytes);
  free(exact);
}

static uint32_t counted(const TestPort *self, int counter) {
  return porter_port_counter(&self->port, counter);
}

#endif
