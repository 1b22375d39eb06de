/* The Ethernet driver's side: every buffer comes back once, whatever becomes of its frame. */
#include "driverFixture.h"
#include "ethernetPort.h"

#ifdef CONFIG_ETH_USE_OPENETH
#define FCS_BYTES 4u
#else
#define FCS_BYTES 0u
#endif

static PorterTaggedFrame tagged[2][2];
static PorterMedium *medium;

static void startMedium(void) {
  const char *problem = NULL;
  medium = porter_ethernet_medium(&problem);
  CHECK(problem == NULL);
  CHECK(medium != NULL);
}

static void start(void) {
  startMedium();
  CHECK(porter_port_open(&lan, slots[LAN], SLOTS, tagged[LAN], medium, 10, LAN, post, NULL));
  CHECK(porter_port_open(&wan, slots[WAN], SLOTS, tagged[WAN], medium, 20, WAN, post, NULL));
  fakeEvent(ETH_EVENT, ETHERNET_EVENT_CONNECTED, NULL);
}

/* A frame to a station with a last byte, in a VLAN; `length` is without its tag. */
static void arrive(uint8_t lastByte, int vlan, uint32_t length) {
  uint8_t frame[1600] = {0x02, 0, 0, 0, 0, lastByte};
  memcpy(frame + 12, "\x81\x00\x00", 3);
  frame[15] = (uint8_t)vlan;
  fakeEthernetFrame(frame, length + PORTER_VLAN_TAG_BYTES + FCS_BYTES);
  CHECK_EQUAL(fakeBuffersOut, 0);
}

static void everyBufferComesBack(void) {
  uint8_t frame[60] = {0};
  startMedium();
  /* Nobody has a port yet. */
  fakeEthernetFrame(frame, sizeof frame);
  CHECK_EQUAL(fakeBuffersOut, 0);
  start();
  for (uint32_t length = 0; length < 30; length += 1) {
    fakeEthernetFrame(frame, length);
    CHECK_EQUAL(fakeBuffersOut, 0);
  }
  arrive(2, 10, 60);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_RX_FILTERED), 1);
  arrive(1, 30, 60);
  arrive(1, 10, PORTER_FRAME_BYTES + 1);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_RX_MALFORMED), 1);
  for (int n = 0; n < SLOTS + 1; n += 1) arrive(1, 10, 60);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_RX_FRAMES), SLOTS);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_RX_DROPPED), 1);

  porter_carry_flows(table, &lan, &wan);
  arrive(1, 20, 60);
  CHECK_EQUAL(porter_port_counter(&wan, PORTER_RX_FRAMES), 1);
  flowVerdict = WAN;
  arrive(1, 10, 60);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_CARRIED), 1);
  fakeFailure = "esp_eth_transmit";
  arrive(1, 10, 60);
  fakeEvent(ETH_EVENT, ETHERNET_EVENT_DISCONNECTED, NULL);
  fakeFailure = "esp_eth_transmit";
  arrive(1, 10, 60);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_CARRY_REFUSED), 2);

  porter_port_close(&lan);
  arrive(1, 10, 60);
  porter_port_close(&wan);
  arrive(1, 20, 60);
}

static void fcsIsCut(void) {
  uint8_t buffer[PORTER_BUFFER_BYTES];
  start();
  arrive(1, 10, 60);
  CHECK_EQUAL(porter_port_read(&lan, buffer), 60);
}

static void sendsInTurn(void) {
  uint8_t frame[60] = {0x02, 0, 0, 0, 0, 2};
  start();
  CHECK(porter_port_write(&lan, frame, sizeof frame));
  CHECK_EQUAL(fakeSentLength, sizeof frame + PORTER_VLAN_TAG_BYTES);
  CHECK_EQUAL(fakeTurnsTaken, 1);
  /* The other task is in the driver for too long: the frame is lost, and the next is not. */
  fakeFailure = "xSemaphoreTake";
  CHECK(!porter_port_write(&lan, frame, sizeof frame));
  fakeFailure = "esp_eth_transmit";
  CHECK(!porter_port_write(&lan, frame, sizeof frame));
  CHECK(porter_port_write(&lan, frame, sizeof frame));
  CHECK_EQUAL(fakeSentFrames, 2);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_TX_REFUSED), 2);
}

static void linkFollowsEvents(void) {
  start();
  CHECK(porter_port_is_up(&lan));
  fakeEvent(ETH_EVENT, ETHERNET_EVENT_START, NULL);
  CHECK(porter_port_is_up(&lan));
  fakeEvent(ETH_EVENT, ETHERNET_EVENT_DISCONNECTED, NULL);
  CHECK(!porter_port_is_up(&lan));
  fakeEvent(ETH_EVENT, ETHERNET_EVENT_CONNECTED, NULL);
  CHECK(porter_port_is_up(&wan));
  fakeEvent(ETH_EVENT, ETHERNET_EVENT_STOP, NULL);
  CHECK(!porter_port_is_up(&wan));
}

static void thereIsOneMedium(void) {
  start();
  PorterMedium *const first = medium;
  startMedium();
  CHECK(medium == first);
  CHECK(memcmp(medium->station, "\x02\x00\x00\x00\x00\x01", 6) == 0);
}

static void failuresLeaveNothing(void) {
  static const char *const steps[] = {
    "esp_event_loop_create_default",
    "xSemaphoreCreateMutex",
#ifdef CONFIG_ETH_USE_OPENETH
    "esp_eth_mac_new_openeth",
#else
    "esp_eth_mac_new_esp32",
#endif
    "esp_eth_phy_new_generic",
    "esp_eth_driver_install",
    "esp_eth_ioctl",
    "esp_eth_update_input_path",
    "esp_event_handler_register",
    "esp_eth_start",
  };
  for (size_t step = 0; step < sizeof steps / sizeof *steps; step += 1) {
    const char *problem = NULL;
    fakeFailure = steps[step];
    CHECK(porter_ethernet_medium(&problem) == NULL);
    CHECK(problem != NULL);
    CHECK(fakeFailure == NULL);
    CHECK_EQUAL(fakeParts, 0);
  }
  startMedium();
}

static void pinsAreTheBoards(void) {
  startMedium();
#ifdef CONFIG_ETH_USE_OPENETH
  CHECK_EQUAL(fakePhy.phy_addr, ESP_ETH_PHY_ADDR_AUTO);
  CHECK_EQUAL(fakePhy.reset_gpio_num, -1);
  CHECK_EQUAL(fakePacketLengths, 64 << 16 | 1519);
#else
  CHECK_EQUAL(fakePhy.phy_addr, 1);
  CHECK_EQUAL(fakePhy.reset_gpio_num, 16);
  CHECK_EQUAL(fakeMdc, 23);
  CHECK_EQUAL(fakeMdio, 18);
#endif
  /* Or the machine would wait for a cable. */
  CHECK_EQUAL(fakePhy.autonego_timeout_ms, 0);
}

static const Case cases[] = {
  {"gives every buffer back once, whatever becomes of its frame", everyBufferComesBack},
  {"cuts off the FCS where the MAC leaves it", fcsIsCut},
  {"sends one frame at a time, and counts what the driver refuses", sendsInTurn},
  {"follows the link", linkFollowsEvents},
  {"starts one driver, with its station address", thereIsOneMedium},
  {"says what fails as it starts, and leaves nothing behind", failuresLeaveNothing},
  {"has the board's PHY and pins, and does not wait for a cable", pinsAreTheBoards},
};

CASES(cases)
