/* The Wi-Fi driver's side: every buffer comes back once, and settings reach the driver in an order that it takes. */
#include "driverFixture.h"
#include "wifiPort.h"

static int newsTold;

static void tell(void) {
  newsTold += 1;
}

static PorterMedium *mediumOf(int isAccessPoint) {
  const char *problem = NULL;
  PorterMedium *const medium = porter_wifi_medium(isAccessPoint, &problem);
  CHECK(problem == NULL);
  CHECK(medium != NULL);
  return medium;
}

static void associate(void) {
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_START, NULL);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_CONNECTED, NULL);
}

static void lose(uint8_t reason) {
  wifi_event_sta_disconnected_t data = {reason};
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &data);
}

/* The access point is the LAN, the station the WAN, and both are up. */
static void start(void) {
  CHECK(porter_port_open(&lan, slots[LAN], SLOTS, NULL, mediumOf(1), 0, LAN, post, NULL));
  CHECK(porter_port_open(&wan, slots[WAN], SLOTS, NULL, mediumOf(0), 0, WAN, post, NULL));
  CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 4) == NULL);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_AP_START, NULL);
  CHECK(porter_wifi_connect("uplink", "its password") == NULL);
  associate();
}

static void arrive(wifi_interface_t interface, uint8_t lastByte, uint16_t length) {
  uint8_t frame[1600] = {0x02, 0, 0, 0, 1, lastByte};
  fakeWifiFrame(interface, frame, length);
  CHECK_EQUAL(fakeBuffersOut, 0);
  CHECK_EQUAL(fakeStrangeReturns, 0);
}

static void everyBufferComesBack(void) {
  arrive(WIFI_IF_STA, ESP_MAC_WIFI_STA, 60);
  start();
  for (uint16_t length = 0; length < 16; length += 1) arrive(WIFI_IF_STA, ESP_MAC_WIFI_STA, length);
  arrive(WIFI_IF_STA, 77, 60);
  CHECK_EQUAL(porter_port_counter(&wan, PORTER_RX_FILTERED), 1);
  arrive(WIFI_IF_STA, ESP_MAC_WIFI_STA, PORTER_FRAME_BYTES + 1);
  for (int n = 0; n < SLOTS; n += 1) arrive(WIFI_IF_STA, ESP_MAC_WIFI_STA, 60);
  CHECK_EQUAL(porter_port_counter(&wan, PORTER_RX_FRAMES), SLOTS);
  CHECK_EQUAL(porter_port_counter(&wan, PORTER_RX_DROPPED), 2);
  arrive(WIFI_IF_AP, ESP_MAC_WIFI_SOFTAP, 60);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_RX_FRAMES), 1);

  porter_carry_flows(table, &lan, &wan);
  flowVerdict = WAN;
  arrive(WIFI_IF_AP, ESP_MAC_WIFI_SOFTAP, 60);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_CARRIED), 1);
  CHECK_EQUAL(fakeSentTo, WIFI_IF_STA);
  fakeFailure = "esp_wifi_internal_tx";
  arrive(WIFI_IF_AP, ESP_MAC_WIFI_SOFTAP, 60);
  CHECK_EQUAL(porter_port_counter(&lan, PORTER_CARRY_REFUSED), 1);

  lose(200);
  arrive(WIFI_IF_STA, ESP_MAC_WIFI_STA, 60);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_AP_STOP, NULL);
  arrive(WIFI_IF_AP, ESP_MAC_WIFI_SOFTAP, 60);
  porter_port_close(&lan);
  porter_port_close(&wan);
  associate();
  arrive(WIFI_IF_STA, ESP_MAC_WIFI_STA, 60);
}

static void sendsByItsInterface(void) {
  uint8_t frame[60] = {0};
  start();
  CHECK(porter_port_write(&lan, frame, sizeof frame));
  CHECK_EQUAL(fakeSentTo, WIFI_IF_AP);
  CHECK(porter_port_write(&wan, frame, sizeof frame));
  CHECK_EQUAL(fakeSentTo, WIFI_IF_STA);
  fakeFailure = "esp_wifi_internal_tx";
  CHECK(!porter_port_write(&wan, frame, sizeof frame));
  lose(8);
  CHECK(!porter_port_write(&wan, frame, sizeof frame));
  CHECK_EQUAL(fakeSentFrames, 2);
  CHECK_EQUAL(porter_port_counter(&wan, PORTER_TX_REFUSED), 2);
}

static void newsIsTold(void) {
  porter_wifi_on_news(tell);
  start();
  CHECK_EQUAL(newsTold, 1);
  CHECK_EQUAL(porter_wifi_news.isStationUp, 1);
  CHECK_EQUAL(porter_wifi_signal(), -55);
  lose(15);
  CHECK_EQUAL(newsTold, 2);
  CHECK_EQUAL(porter_wifi_news.isStationUp, 0);
  CHECK_EQUAL(porter_wifi_news.reason, 15);
  CHECK_EQUAL(porter_wifi_news.stationChanges, 2);
  CHECK_EQUAL(porter_wifi_signal(), 0);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_SCAN_DONE, NULL);
  CHECK_EQUAL(porter_wifi_news.scans, 1);
  CHECK_EQUAL(newsTold, 3);
  porter_wifi_on_news(NULL);
  lose(15);
  CHECK_EQUAL(newsTold, 3);
}

static void stationsAreCounted(void) {
  start();
  fakeEvent(WIFI_EVENT, WIFI_EVENT_AP_STADISCONNECTED, NULL);
  CHECK_EQUAL(porter_wifi_stations(), 0);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_AP_STACONNECTED, NULL);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_AP_STACONNECTED, NULL);
  CHECK_EQUAL(porter_wifi_stations(), 2);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_AP_STADISCONNECTED, NULL);
  CHECK_EQUAL(porter_wifi_stations(), 1);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_AP_STOP, NULL);
  CHECK_EQUAL(porter_wifi_stations(), 0);
}

static void staysSilentAtFirst(void) {
  (void)mediumOf(0);
  (void)mediumOf(1);
  CHECK_EQUAL(fakeMode, WIFI_MODE_NULL);
  CHECK_EQUAL(fakeStarts, 0);
  CHECK(porter_wifi_disconnect() == NULL);
  CHECK(porter_wifi_close_access_point() == NULL);
  CHECK_EQUAL(fakeDisconnects, 0);
}

static void stationAssociatesOnce(void) {
  (void)mediumOf(0);
  CHECK(porter_wifi_connect("uplink", "its password") == NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_STA);
  CHECK_EQUAL(fakeConnects, 0);
  associate();
  CHECK_EQUAL(fakeConnects, 1);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_STA].sta.threshold.authmode, WIFI_AUTH_WPA2_PSK);
  CHECK(memcmp(fakeConfigs[WIFI_IF_STA].sta.ssid, "uplink", 7) == 0);
  /* The station is on: another network takes no event. */
  CHECK(porter_wifi_connect("open", "") == NULL);
  CHECK_EQUAL(fakeConnects, 2);
  CHECK_EQUAL(fakeDisconnects, 2);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_STA].sta.threshold.authmode, WIFI_AUTH_OPEN);
  CHECK(porter_wifi_disconnect() == NULL);
  CHECK_EQUAL(fakeDisconnects, 3);
  /* Leaving is no reason to come back when the station starts again. */
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_STOP, NULL);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_START, NULL);
  CHECK_EQUAL(fakeConnects, 2);
}

static void accessPointOpensAndCloses(void) {
  (void)mediumOf(1);
  CHECK(porter_wifi_open_access_point("porter", "a password", 13, 1, 10) == NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_AP);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_AP].ap.authmode, WIFI_AUTH_WPA2_WPA3_PSK);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_AP].ap.pairwise_cipher, WIFI_CIPHER_TYPE_CCMP);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_AP].ap.ssid_len, 6);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_AP].ap.ssid_hidden, 1);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_AP].ap.max_connection, 10);
  CHECK(porter_wifi_connect("uplink", "its password") == NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_APSTA);
  CHECK(porter_wifi_close_access_point() == NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_STA);
  CHECK(porter_wifi_open_access_point("porter", "", 1, 0, 1) == NULL);
  CHECK_EQUAL(fakeConfigs[WIFI_IF_AP].ap.authmode, WIFI_AUTH_OPEN);
}

static void lastOneTurnsTheRadioOff(void) {
  (void)mediumOf(1);
  CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 4) == NULL);
  CHECK(porter_wifi_close_access_point() == NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_NULL);
}

static void refusedAccessPointStaysClosed(void) {
  static const char *const steps[] = {"esp_wifi_set_config", "esp_wifi_start", "esp_wifi_set_ps"};
  (void)mediumOf(1);
  for (size_t step = 0; step < sizeof steps / sizeof *steps; step += 1) {
    fakeFailure = steps[step];
    CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 4) != NULL);
    CHECK_EQUAL(fakeMode, WIFI_MODE_NULL);
  }
  CHECK(porter_wifi_connect("uplink", "its password") == NULL);
  fakeFailure = "esp_wifi_set_config";
  CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 4) != NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_STA);
  CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 4) == NULL);
  /* An open one stays, as it was. */
  fakeFailure = "esp_wifi_set_config";
  CHECK(porter_wifi_open_access_point("another", "a password", 6, 0, 4) != NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_APSTA);
}

static const char LONG_NAME[] = "123456789012345678901234567890123";
static const char KEY[] = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
static const char NO_KEY[] = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef012345678g";
static const char LONG_KEY[] = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef01234567890";

static void wrongSettingsChangeNothing(void) {
  (void)mediumOf(0);
  CHECK(porter_wifi_connect("", "a password") != NULL);
  CHECK(porter_wifi_connect(LONG_NAME, "a password") != NULL);
  CHECK(porter_wifi_connect("uplink", "seven77") != NULL);
  CHECK(porter_wifi_connect("uplink", NO_KEY) != NULL);
  CHECK(porter_wifi_connect("uplink", LONG_KEY) != NULL);
  CHECK(porter_wifi_open_access_point("porter", KEY, 6, 0, 4) != NULL);
  CHECK(porter_wifi_open_access_point("porter", "a password", 0, 0, 4) != NULL);
  CHECK(porter_wifi_open_access_point("porter", "a password", 14, 0, 4) != NULL);
  CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 0) != NULL);
  CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 11) != NULL);
  CHECK(porter_wifi_set_country("Germany") != NULL);
  CHECK(porter_wifi_set_country("XX") != NULL);
  CHECK(porter_wifi_set_transmit_power(1) != NULL);
  CHECK(porter_wifi_set_transmit_power(21) != NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_NULL);
  CHECK_EQUAL(fakePower, 0);
  CHECK(porter_wifi_connect("uplink", KEY) == NULL);
  CHECK(memcmp(fakeConfigs[WIFI_IF_STA].sta.password, KEY, 64) == 0);
}

static void powerIsKept(void) {
  (void)mediumOf(0);
  CHECK(porter_wifi_set_transmit_power(14) == NULL);
  CHECK_EQUAL(fakePower, 0);
  CHECK(porter_wifi_scan() == NULL);
  CHECK_EQUAL(fakePower, 56);
  CHECK(porter_wifi_set_transmit_power(20) == NULL);
  CHECK_EQUAL(fakePower, 80);
  CHECK(porter_wifi_set_country("DE") == NULL);
}

static void scans(void) {
  PorterNetwork network;
  (void)mediumOf(0);
  CHECK(!porter_wifi_next_scanned(&network));
  CHECK(porter_wifi_scan() == NULL);
  fakeFailure = "esp_wifi_scan_start";
  CHECK(porter_wifi_scan() != NULL);
  fakeScanned = 1;
  CHECK(porter_wifi_next_scanned(&network));
  CHECK_EQUAL(strlen(network.ssid), 32);
  CHECK_EQUAL(network.channel, 6);
  CHECK_EQUAL(network.signalDbm, -70);
  CHECK(strcmp(network.security, "wpa2-wpa3") == 0);
  CHECK(!porter_wifi_next_scanned(&network));
}

static void failuresAreSaid(void) {
  static const char *const steps[] = {
    "esp_event_loop_create_default", "esp_wifi_init", "esp_wifi_set_storage", "esp_wifi_set_mode", "esp_read_mac",
    "esp_event_handler_register",
  };
  for (size_t step = 0; step < sizeof steps / sizeof *steps; step += 1) {
    const char *problem = NULL;
    fakeFailure = steps[step];
    CHECK(porter_wifi_medium(0, &problem) == NULL);
    CHECK(problem != NULL);
    CHECK(fakeFailure == NULL);
  }
  (void)mediumOf(0);
  fakeFailure = "esp_wifi_start";
  CHECK(porter_wifi_connect("uplink", "its password") != NULL);
  fakeFailure = "esp_wifi_set_config";
  CHECK(porter_wifi_open_access_point("porter", "a password", 6, 0, 4) != NULL);
}

static const Case cases[] = {
  {"gives every buffer back once, whatever becomes of its frame", everyBufferComesBack},
  {"sends by the port's interface, and counts what the driver refuses", sendsByItsInterface},
  {"tells of stations, reasons and scans", newsIsTold},
  {"counts the access point's stations", stationsAreCounted},
  {"is silent until it is told what to do", staysSilentAtFirst},
  {"associates once for each wish, when the station has started", stationAssociatesOnce},
  {"opens an access point beside a station, and closes it", accessPointOpensAndCloses},
  {"does not leave an access point open whose settings are refused", refusedAccessPointStaysClosed},
  {"turns the radio off with the last of the two", lastOneTurnsTheRadioOff},
  {"refuses wrong settings, and changes nothing", wrongSettingsChangeNothing},
  {"keeps the transmit power until the radio is on", powerIsKept},
  {"scans, and tells of one network after the other", scans},
  {"says what fails", failuresAreSaid},
};

CASES(cases)
