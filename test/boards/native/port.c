/* What a port does with frames, one task at a time. */
#include "portFixture.h"

static const uint8_t BROADCAST[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t MULTICAST[6] = {0x01, 0x00, 0x5e, 0, 0, 1};
static const uint8_t OTHERS[6] = {0x02, 0, 0, 0, 0, 2};

/* Reads a frame and compares it with one of that length, without its tag. */
static void readFrame(TestPort *from, const uint8_t *to, uint32_t length) {
  uint8_t buffer[PORTER_BUFFER_BYTES];
  uint8_t expected[PORTER_FRAME_BYTES + TAG_BYTES];
  CHECK_EQUAL(porter_port_read(&from->port, buffer), length);
  makeFrame(expected, to, -1, length);
  CHECK(memcmp(buffer + PORTER_ETHERNET_AT, expected, length) == 0);
}

static void readNothing(TestPort *from) {
  uint8_t buffer[PORTER_BUFFER_BYTES];
  CHECK_EQUAL(porter_port_read(&from->port, buffer), 0);
}

static void oursArrives(void) {
  startTwoMedia();
  arrive(&ethernet, OURS, -1, 60);
  arrive(&ethernet, BROADCAST, -1, 61);
  arrive(&ethernet, MULTICAST, -1, 62);
  readFrame(&wan, OURS, 60);
  readFrame(&wan, BROADCAST, 61);
  readFrame(&wan, MULTICAST, 62);
  readNothing(&wan);
  CHECK_EQUAL(counted(&wan, PORTER_RX_FRAMES), 3);
  CHECK_EQUAL(counted(&lan, PORTER_RX_FRAMES), 0);
}

static void fcsIsCut(void) {
  startTwoMedia();
  ethernet.medium.fcsBytes = FCS_BYTES;
  arrive(&ethernet, OURS, -1, 60);
  readFrame(&wan, OURS, 60);
}

static void othersAreFiltered(void) {
  startTwoMedia();
  arrive(&ethernet, OTHERS, -1, 60);
  readNothing(&wan);
  CHECK_EQUAL(counted(&wan, PORTER_RX_FILTERED), 1);
  CHECK_EQUAL(wan.posts, 0);
}

static void runtsAreStray(void) {
  uint8_t frame[PORTER_FRAME_BYTES];
  startTwoMedia();
  for (uint32_t length = 0; length < 14; length += 1) {
    uint8_t *const exact = malloc(length + 1);
    CHECK(exact != NULL);
    porter_medium_receive(&ethernet.medium, exact, length);
    free(exact);
  }
  CHECK_EQUAL(counted(&wan, PORTER_RX_STRAY), 14);
  /* The tag of the untagged port, so that nothing but its length is in its way. */
  makeFrame(frame, OURS, 0, 60);
  for (uint32_t length = 14; length < 18; length += 1) porter_medium_receive(&ethernet.medium, frame, length);
  CHECK_EQUAL(counted(&wan, PORTER_RX_STRAY), 18);
  ethernet.medium.fcsBytes = FCS_BYTES;
  porter_medium_receive(&ethernet.medium, frame, 14 + FCS_BYTES - 1);
  CHECK_EQUAL(counted(&wan, PORTER_RX_STRAY), 19);
  readNothing(&wan);
}

static void shortestArrives(void) {
  startTwoMedia();
  arrive(&ethernet, OURS, -1, 14);
  readFrame(&wan, OURS, 14);
}

static void longestArrives(void) {
  startTwoMedia();
  arrive(&ethernet, OURS, -1, PORTER_FRAME_BYTES);
  arrive(&ethernet, OURS, -1, PORTER_FRAME_BYTES + 1);
  readFrame(&wan, OURS, PORTER_FRAME_BYTES);
  readNothing(&wan);
  CHECK_EQUAL(counted(&wan, PORTER_RX_MALFORMED), 1);
}

static void fullRingDrops(void) {
  startTwoMedia();
  for (uint32_t n = 0; n < SLOTS + 3; n += 1) arrive(&ethernet, OURS, -1, 60 + n);
  CHECK_EQUAL(counted(&wan, PORTER_RX_FRAMES), SLOTS);
  CHECK_EQUAL(counted(&wan, PORTER_RX_DROPPED), 3);
  readFrame(&wan, OURS, 60);
  arrive(&ethernet, OURS, -1, 100);
  for (uint32_t n = 1; n < SLOTS; n += 1) readFrame(&wan, OURS, 60 + n);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE);
  readFrame(&wan, OURS, 100);
}

static void postsOnce(void) {
  startTwoMedia();
  for (int n = 0; n < 3; n += 1) arrive(&ethernet, OURS, -1, 60);
  porter_medium_set_link(&ethernet.medium, 0);
  CHECK_EQUAL(wan.posts, 1);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE | PORTER_CHANGED);
  arrive(&ethernet, OURS, -1, 60);
  CHECK_EQUAL(wan.posts, 2);
  CHECK_EQUAL(lan.posts, 0);
}

static void failedPostIsRepeated(void) {
  startTwoMedia();
  wan.isPostFailing = 1;
  for (int n = 0; n < SLOTS; n += 1) arrive(&ethernet, OURS, -1, 60);
  CHECK_EQUAL(counted(&wan, PORTER_UNANNOUNCED), SLOTS);
  wan.isPostFailing = 0;
  /* The ring is full, and still the port asks. */
  arrive(&ethernet, OURS, -1, 60);
  CHECK_EQUAL(counted(&wan, PORTER_RX_DROPPED), 1);
  CHECK_EQUAL(wan.posts, 1);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE);
}

static void deliveryIsBounded(void) {
  startTwoMedia();
  for (int n = 0; n < SLOTS; n += 1) arrive(&ethernet, OURS, -1, 60);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE);
  /* While TypeScript reads, as many come in. */
  for (int n = 0; n < SLOTS; n += 1) {
    readFrame(&wan, OURS, 60);
    arrive(&ethernet, OURS, -1, 60);
  }
  CHECK_EQUAL(wan.posts, 2);
  readNothing(&wan);
  porter_port_delivered(&wan.port);
  CHECK_EQUAL(wan.posts, 2);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE);
  for (int n = 0; n < SLOTS; n += 1) readFrame(&wan, OURS, 60);
  porter_port_delivered(&wan.port);
  CHECK_EQUAL(wan.posts, 2);
  CHECK_EQUAL(porter_port_deliver(&wan.port), 0);
}

static void leftoversAreAnnounced(void) {
  startTwoMedia();
  arrive(&ethernet, OURS, -1, 60);
  arrive(&ethernet, OURS, -1, 61);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE);
  readFrame(&wan, OURS, 60);
  porter_port_delivered(&wan.port);
  CHECK_EQUAL(wan.posts, 2);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE);
  readFrame(&wan, OURS, 61);
}

static void exhaustedReadAsksAgain(void) {
  startTwoMedia();
  /* Read without waiting for deliveries. */
  for (int n = 0; n < SLOTS; n += 1) {
    arrive(&ethernet, OURS, -1, 60);
    readFrame(&wan, OURS, 60);
  }
  CHECK_EQUAL(porter_port_deliver(&wan.port), 0);
  wan.port.readable = 0;
  arrive(&ethernet, OURS, -1, 60);
  CHECK_EQUAL(wan.posts, 2);
  readNothing(&wan);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_READABLE);
  readFrame(&wan, OURS, 60);
}

static void linkIsTold(void) {
  startTwoMedia();
  porter_medium_set_link(&ethernet.medium, 0);
  CHECK(!porter_port_is_up(&wan.port));
  CHECK(porter_port_is_up(&lan.port));
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_CHANGED);
  CHECK_EQUAL(porter_port_deliver(&wan.port), 0);
  /* Up and down between two deliveries is no change. */
  porter_medium_set_link(&ethernet.medium, 1);
  porter_medium_set_link(&ethernet.medium, 0);
  CHECK_EQUAL(porter_port_deliver(&wan.port), 0);
}

static void openedUpIsTold(void) {
  startMedium(&ethernet);
  CHECK(openPort(&wan, &ethernet, UNTAGGED, WAN));
  CHECK_EQUAL(wan.posts, 1);
  CHECK_EQUAL(porter_port_deliver(&wan.port), PORTER_CHANGED);
}

static void writes(void) {
  uint8_t frame[PORTER_FRAME_BYTES];
  startTwoMedia();
  makeFrame(frame, OTHERS, -1, PORTER_FRAME_BYTES);
  CHECK(porter_port_write(&wan.port, frame, PORTER_FRAME_BYTES));
  CHECK_EQUAL(ethernet.sentLength, PORTER_FRAME_BYTES);
  CHECK(memcmp(ethernet.sent, frame, PORTER_FRAME_BYTES) == 0);
  CHECK(porter_port_write(&wan.port, frame, 14));
  CHECK_EQUAL(ethernet.sentLength, 14);
  CHECK_EQUAL(counted(&wan, PORTER_TX_FRAMES), 2);
  CHECK_EQUAL(radio.sentFrames, 0);
}

static void refusedWritesCount(void) {
  uint8_t frame[PORTER_FRAME_BYTES + 1] = {0};
  startTwoMedia();
  CHECK(!porter_port_write(&wan.port, frame, 13));
  CHECK(!porter_port_write(&wan.port, frame, PORTER_FRAME_BYTES + 1));
  ethernet.isRefusing = 1;
  CHECK(!porter_port_write(&wan.port, frame, 60));
  ethernet.isRefusing = 0;
  porter_medium_set_link(&ethernet.medium, 0);
  CHECK(!porter_port_write(&wan.port, frame, 60));
  CHECK_EQUAL(counted(&wan, PORTER_TX_REFUSED), 4);
  CHECK_EQUAL(counted(&wan, PORTER_TX_FRAMES), 0);
  CHECK_EQUAL(ethernet.sentFrames, 0);
}

/* Both interfaces on one cable. */
static void startOneCable(uint32_t lanVlan, uint32_t wanVlan) {
  startMedium(&ethernet);
  CHECK(openPort(&lan, &ethernet, lanVlan, LAN));
  CHECK(openPort(&wan, &ethernet, wanVlan, WAN));
  porter_port_deliver(&lan.port);
  porter_port_deliver(&wan.port);
}

static void vlansAreSorted(void) {
  startOneCable(10, 4094);
  arrive(&ethernet, OURS, 10, 60);
  arrive(&ethernet, OURS, 4094, 61);
  arrive(&ethernet, OURS, 11, 62);
  arrive(&ethernet, OURS, -1, 63);
  arrive(&ethernet, OURS, 10, PORTER_FRAME_BYTES);
  arrive(&ethernet, OURS, 10, PORTER_FRAME_BYTES + 1);
  readFrame(&lan, OURS, 60);
  readFrame(&lan, OURS, PORTER_FRAME_BYTES);
  readNothing(&lan);
  readFrame(&wan, OURS, 61);
  readNothing(&wan);
  CHECK_EQUAL(counted(&lan, PORTER_RX_STRAY), 2);
  CHECK_EQUAL(counted(&lan, PORTER_RX_MALFORMED), 1);
}

static void untaggedBesideVlan(void) {
  startOneCable(10, UNTAGGED);
  arrive(&ethernet, OURS, -1, 60);
  arrive(&ethernet, OURS, 0, 61);
  readFrame(&wan, OURS, 60);
  readFrame(&wan, OURS, 61);
  readNothing(&lan);
}

static void tagIsWritten(void) {
  uint8_t frame[PORTER_FRAME_BYTES];
  startOneCable(10, 0xabc);
  makeFrame(frame, OTHERS, -1, PORTER_FRAME_BYTES);
  CHECK(porter_port_write(&wan.port, frame, PORTER_FRAME_BYTES));
  CHECK_EQUAL(ethernet.sentLength, PORTER_FRAME_BYTES + TAG_BYTES);
  CHECK(memcmp(ethernet.sent, frame, 12) == 0);
  CHECK(memcmp(ethernet.sent + 12, "\x81\x00\x0a\xbc", TAG_BYTES) == 0);
  CHECK(memcmp(ethernet.sent + 16, frame + 12, PORTER_FRAME_BYTES - 12) == 0);
}

/* What a hit makes of makeFrame's frame. */
static void checkCarried(const TestMedium *out, uint32_t length, int vlan) {
  uint8_t expected[PORTER_FRAME_BYTES + TAG_BYTES];
  makeFrame(expected, NEXT_HOP, -1, length);
  if (length >= 54) expected[53] ^= 0xff;
  const uint32_t tagBytes = vlan == UNTAGGED ? 0 : TAG_BYTES;
  CHECK_EQUAL(out->sentLength, length + tagBytes);
  CHECK(memcmp(out->sent, expected, 12) == 0);
  if (vlan != UNTAGGED) {
    const uint8_t tag[TAG_BYTES] = {0x81, 0x00, (uint8_t)(vlan >> 8), (uint8_t)vlan};
    CHECK(memcmp(out->sent + 12, tag, TAG_BYTES) == 0);
  }
  CHECK(memcmp(out->sent + 12 + tagBytes, expected + 12, length - 12) == 0);
}

static const uint32_t CARRIED_LENGTHS[] = {14, 42, 53, 54, 55, 60, PORTER_FRAME_BYTES};
#define LENGTHS (int)(sizeof CARRIED_LENGTHS / sizeof *CARRIED_LENGTHS)

static void carry(TestMedium *at, TestMedium *out, int inVlan, int outVlan) {
  porter_carry_flows(flowTable, &lan.port, &wan.port);
  flowVerdict = WAN;
  for (int n = 0; n < LENGTHS; n += 1) {
    arrive(at, OURS, inVlan == UNTAGGED ? -1 : inVlan, CARRIED_LENGTHS[n]);
    CHECK_EQUAL(flowLength, CARRIED_LENGTHS[n]);
    CHECK_EQUAL(flowInterface, LAN);
    checkCarried(out, CARRIED_LENGTHS[n], outVlan);
    CHECK_EQUAL(counted(&lan, PORTER_CARRIED), n + 1);
  }
  readNothing(&lan);
  CHECK_EQUAL(counted(&lan, PORTER_RX_FRAMES), 0);
  CHECK_EQUAL(counted(&wan, PORTER_TX_FRAMES), 0);
}

static void carriesBetweenMedia(void) {
  startTwoMedia();
  carry(&radio, &ethernet, UNTAGGED, UNTAGGED);
}

static void carriesInPlace(void) {
  uint8_t frame[PORTER_FRAME_BYTES];
  startTwoMedia();
  porter_carry_flows(flowTable, &lan.port, &wan.port);
  flowVerdict = LAN;
  porter_medium_receive(&ethernet.medium, frame, makeFrame(frame, OURS, -1, PORTER_FRAME_BYTES));
  CHECK(radio.sentFrom == frame);
  CHECK_EQUAL(flowInterface, WAN);
  CHECK_EQUAL(counted(&wan, PORTER_CARRIED), 1);
}

static void carriesBetweenVlans(void) {
  startOneCable(10, 20);
  carry(&ethernet, &ethernet, 10, 20);
}

static void carriesOutOfVlan(void) {
  startOneCable(10, UNTAGGED);
  carry(&ethernet, &ethernet, 10, UNTAGGED);
}

static void carriesIntoVlan(void) {
  startMedium(&ethernet);
  startMedium(&radio);
  CHECK(openPort(&lan, &radio, UNTAGGED, LAN));
  CHECK(openPort(&wan, &ethernet, 20, WAN));
  carry(&radio, &ethernet, UNTAGGED, 20);
}

static void refusedCarryCounts(void) {
  startTwoMedia();
  porter_carry_flows(flowTable, &lan.port, &wan.port);
  flowVerdict = WAN;
  ethernet.isRefusing = 1;
  arrive(&radio, OURS, -1, 60);
  CHECK_EQUAL(counted(&lan, PORTER_CARRY_REFUSED), 1);
  CHECK_EQUAL(counted(&lan, PORTER_CARRIED), 0);
  readNothing(&lan);
}

static void missesArrive(void) {
  startTwoMedia();
  porter_carry_flows(flowTable, &lan.port, &wan.port);
  arrive(&radio, OURS, -1, PORTER_FRAME_BYTES);
  CHECK_EQUAL(flowLength, PORTER_FRAME_BYTES);
  readFrame(&lan, OURS, PORTER_FRAME_BYTES);
}

static void othersAreNotCarried(void) {
  startTwoMedia();
  porter_carry_flows(flowTable, &lan.port, &wan.port);
  flowVerdict = WAN;
  arrive(&radio, OTHERS, -1, 60);
  CHECK_EQUAL(ethernet.sentFrames, 0);
  CHECK_EQUAL(counted(&lan, PORTER_RX_FILTERED), 1);
}

static void carryingStops(void) {
  startTwoMedia();
  porter_carry_flows(flowTable, &lan.port, &wan.port);
  flowVerdict = WAN;
  porter_stop_carrying(&wan.port);
  arrive(&radio, OURS, -1, 60);
  CHECK_EQUAL(ethernet.sentFrames, 0);
  readFrame(&lan, OURS, 60);
  porter_carry_flows(flowTable, &lan.port, &wan.port);
  arrive(&radio, OURS, -1, 60);
  CHECK_EQUAL(ethernet.sentFrames, 1);
  porter_port_close(&wan.port);
  arrive(&radio, OURS, -1, 60);
  CHECK_EQUAL(ethernet.sentFrames, 1);
  CHECK_EQUAL(counted(&lan, PORTER_RX_FRAMES), 2);
}

static void placesAreTaken(void) {
  TestPort third;
  memset(&third, 0, sizeof third);
  startMedium(&ethernet);
  CHECK(openPort(&lan, &ethernet, 10, LAN));
  CHECK(!openPort(&third, &ethernet, 10, WAN));
  CHECK(!openPort(&third, &ethernet, 20, LAN));
  CHECK(openPort(&wan, &ethernet, 20, WAN));
  porter_port_close(&lan.port);
  CHECK(openPort(&third, &ethernet, 10, LAN));
  porter_port_close(&third.port);
}

static void closedGetsNothing(void) {
  startTwoMedia();
  porter_port_close(&wan.port);
  arrive(&ethernet, OURS, -1, 60);
  porter_medium_set_link(&ethernet.medium, 0);
  CHECK_EQUAL(wan.posts, 0);
  CHECK_EQUAL(ethernet.medium.strayFrames, 1);
}

static const Case cases[] = {
  {"hands on frames for our station and for groups", oursArrives},
  {"cuts off the FCS where the driver leaves it", fcsIsCut},
  {"drops frames for other stations", othersAreFiltered},
  {"drops what is too short for a header, with and without tag and FCS", runtsAreStray},
  {"hands on the shortest frame", shortestArrives},
  {"hands on the longest frame, and drops a longer one", longestArrives},
  {"drops and counts what finds every slot taken, and goes on", fullRingDrops},
  {"asks for one delivery at a time, whatever comes", postsOnce},
  {"asks again when a request failed, also with every slot taken", failedPostIsRepeated},
  {"gives a delivery as many frames as there are slots, and asks for another", deliveryIsBounded},
  {"asks for another delivery when frames are left unread", leftoversAreAnnounced},
  {"asks for a delivery when it is read beyond its share", exhaustedReadAsksAgain},
  {"tells of the link once", linkIsTold},
  {"tells of a link that was up before it opened", openedUpIsTold},
  {"sends frames of all lengths", writes},
  {"counts frames that the driver, the link or their length refuse", refusedWritesCount},
  {"sorts frames by VLAN and takes their tags off", vlansAreSorted},
  {"counts frames without tag, or with a priority alone, as untagged", untaggedBesideVlan},
  {"puts the tag of its VLAN into what it sends", tagIsWritten},
  {"carries a flow's frames from one medium to the other", carriesBetweenMedia},
  {"carries a frame from where the driver had it", carriesInPlace},
  {"carries a flow's frames from VLAN to VLAN", carriesBetweenVlans},
  {"carries a flow's frames out of a VLAN", carriesOutOfVlan},
  {"carries a flow's frames into a VLAN", carriesIntoVlan},
  {"counts a frame that the other port does not take, and drops it", refusedCarryCounts},
  {"hands on a frame that the flow cache does not know, as it came", missesArrive},
  {"carries nothing that is for another station", othersAreNotCarried},
  {"carries nothing after the end, nor from or to a closed port", carryingStops},
  {"lets each VLAN and each interface have one port", placesAreTaken},
  {"leaves a closed port alone", closedGetsNothing},
};

CASES(cases)
