/*
 * ESP-IDF's Wi-Fi driver without its network interfaces: frames come from the driver's task, which wants each buffer back,
 * and go to the driver, which copies them. There is one driver, and it stays for good; what it is set to is kept in RAM.
 */
#include "wifiPort.h"

#include <stddef.h>
#include <string.h>

#include "esp_event.h"
#include "esp_mac.h"
#include "esp_private/wifi.h"
#include "esp_wifi.h"

#define STATION 0
#define ACCESS_POINT 1

#define LAST_CHANNEL 13
#define SHORTEST_PASSPHRASE 8
#define MOST_STATIONS 10
/* The driver counts quarters of a dBm. */
#define POWER_STEPS 4
#define LEAST_POWER 2
#define MOST_POWER 20
/* Beacons every 102 ms, as about every access point has them. */
#define BEACON_INTERVAL 100

PorterWifiNews porter_wifi_news;

static PorterMedium media[2];
static void (*newsListener)(void);
static int isReady;
/* The machine's task alone: what the radio does now, and the power asked for, 0 for the driver's own choice. */
static wifi_mode_t mode = WIFI_MODE_NULL;
static int powerDbm;
/* The station is to associate once it has started; and it has. */
static uint32_t wantsAssociation;
static uint32_t isStationStarted;
/* The event task alone writes it: how many stations the access point has. */
static uint32_t stationCount;

static int transmit(PorterMedium *medium, uint8_t *frame, uint32_t length) {
  const wifi_interface_t interface = medium == media + STATION ? WIFI_IF_STA : WIFI_IF_AP;
  return esp_wifi_internal_tx(interface, frame, (uint16_t)length) == ESP_OK;
}

static esp_err_t receiveFromStation(void *frame, uint16_t length, void *buffer) {
  porter_medium_receive(media + STATION, frame, length);
  esp_wifi_internal_free_rx_buffer(buffer);
  return ESP_OK;
}

static esp_err_t receiveFromAccessPoint(void *frame, uint16_t length, void *buffer) {
  porter_medium_receive(media + ACCESS_POINT, frame, length);
  esp_wifi_internal_free_rx_buffer(buffer);
  return ESP_OK;
}

static void tell(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* Once for each wish, by whichever task finds wish and station together first. */
static int associate(void) {
  if (!__atomic_load_n(&isStationStarted, __ATOMIC_SEQ_CST)) return 1;
  if (!__atomic_exchange_n(&wantsAssociation, 0, __ATOMIC_SEQ_CST)) return 1;
  return esp_wifi_connect() == ESP_OK;
}

static void stationChanged(int isUp, uint32_t reason) {
  esp_wifi_internal_reg_rxcb(WIFI_IF_STA, isUp ? receiveFromStation : NULL);
  porter_medium_set_link(media + STATION, isUp);
  tell(&porter_wifi_news.isStationUp, isUp ? 1 : 0);
  tell(&porter_wifi_news.reason, reason);
  tell(&porter_wifi_news.stationChanges, porter_wifi_news.stationChanges + 1);
}

static void accessPointChanged(int isUp) {
  tell(&stationCount, 0);
  esp_wifi_internal_reg_rxcb(WIFI_IF_AP, isUp ? receiveFromAccessPoint : NULL);
  porter_medium_set_link(media + ACCESS_POINT, isUp);
}

static void onEvent(void *context, esp_event_base_t base, int32_t event, void *data) {
  (void)context;
  (void)base;
  switch (event) {
    case WIFI_EVENT_STA_START:
      tell(&isStationStarted, 1);
      (void)associate();
      return;
    case WIFI_EVENT_STA_STOP:
      tell(&isStationStarted, 0);
      return;
    case WIFI_EVENT_STA_CONNECTED:
      stationChanged(1, 0);
      break;
    case WIFI_EVENT_STA_DISCONNECTED:
      stationChanged(0, ((const wifi_event_sta_disconnected_t *)data)->reason);
      break;
    case WIFI_EVENT_AP_START:
      accessPointChanged(1);
      return;
    case WIFI_EVENT_AP_STOP:
      accessPointChanged(0);
      return;
    case WIFI_EVENT_AP_STACONNECTED:
      tell(&stationCount, stationCount + 1);
      return;
    case WIFI_EVENT_AP_STADISCONNECTED:
      if (stationCount > 0) tell(&stationCount, stationCount - 1);
      return;
    case WIFI_EVENT_SCAN_DONE:
      tell(&porter_wifi_news.scans, porter_wifi_news.scans + 1);
      break;
    default:
      return;
  }
  void (*const listener)(void) = __atomic_load_n(&newsListener, __ATOMIC_SEQ_CST);
  if (listener != NULL) listener();
}

const char *porter_wifi_address(int isAccessPoint, uint8_t *station) {
  const esp_mac_type_t kind = isAccessPoint ? ESP_MAC_WIFI_SOFTAP : ESP_MAC_WIFI_STA;
  return esp_read_mac(station, kind) == ESP_OK ? NULL : "The chip does not tell its Wi-Fi address";
}

static const char *start(void) {
  const esp_err_t loop = esp_event_loop_create_default();
  if (loop != ESP_OK && loop != ESP_ERR_INVALID_STATE) return "The system's event loop does not start";
  wifi_init_config_t config = WIFI_INIT_CONFIG_DEFAULT();
  config.nvs_enable = 0;
  if (esp_wifi_init(&config) != ESP_OK) return "The Wi-Fi driver does not start: too little memory";
  if (
    esp_wifi_set_storage(WIFI_STORAGE_RAM) != ESP_OK || esp_wifi_set_mode(WIFI_MODE_NULL) != ESP_OK ||
    porter_wifi_address(0, media[STATION].station) != NULL ||
    porter_wifi_address(1, media[ACCESS_POINT].station) != NULL ||
    esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, onEvent, NULL) != ESP_OK
  ) {
    return "The Wi-Fi driver does not start";
  }
  return NULL;
}

PorterMedium *porter_wifi_medium(int isAccessPoint, const char **problem) {
  if (!isReady) {
    *problem = start();
    if (*problem != NULL) return NULL;
    media[STATION].transmit = transmit;
    media[ACCESS_POINT].transmit = transmit;
    isReady = 1;
  }
  return media + (isAccessPoint ? ACCESS_POINT : STATION);
}

void porter_wifi_on_news(void (*listener)(void)) {
  __atomic_store_n(&newsListener, listener, __ATOMIC_SEQ_CST);
}

static int applyPower(void) {
  return powerDbm == 0 || esp_wifi_set_max_tx_power((int8_t)(powerDbm * POWER_STEPS)) == ESP_OK;
}

static int setMode(wifi_mode_t wanted) {
  if (wanted == mode) return 1;
  if (wanted == WIFI_MODE_NULL && esp_wifi_stop() != ESP_OK) return 0;
  if (esp_wifi_set_mode(wanted) != ESP_OK) return 0;
  mode = wanted;
  return 1;
}

/* Starting what has started does no harm. The radio of a gateway does not sleep. */
static int startRadio(void) {
  return esp_wifi_start() == ESP_OK && esp_wifi_set_ps(WIFI_PS_NONE) == ESP_OK && applyPower();
}

/* The station's or access point's bit: STA is 1, AP is 2, and APSTA both. */
static wifi_mode_t with(wifi_mode_t bit) {
  return (wifi_mode_t)((uint32_t)mode | (uint32_t)bit);
}

static wifi_mode_t without(wifi_mode_t bit) {
  return (wifi_mode_t)((uint32_t)mode & ~(uint32_t)bit);
}

static int isHexadecimal(const char *text) {
  return strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

static const char *checkName(const char *ssid, const char *password) {
  const size_t ssidBytes = strlen(ssid);
  const size_t passwordBytes = strlen(password);
  if (ssidBytes == 0 || ssidBytes > PORTER_SSID_BYTES) return "A network's name has 1 to 32 bytes";
  if (passwordBytes != 0 && passwordBytes < SHORTEST_PASSPHRASE) return "A Wi-Fi password has at least 8 characters";
  if (passwordBytes > PORTER_PASSWORD_BYTES) return "A Wi-Fi password has at most 63 characters";
  if (passwordBytes == PORTER_PASSWORD_BYTES && !isHexadecimal(password)) {
    return "A Wi-Fi password has at most 63 characters, or is a key of 64 hexadecimal digits";
  }
  return NULL;
}

const char *porter_wifi_connect(const char *ssid, const char *password) {
  const char *const problem = checkName(ssid, password);
  if (problem != NULL) return problem;
  wifi_config_t config;
  memset(&config, 0, sizeof config);
  memcpy(config.sta.ssid, ssid, strlen(ssid));
  memcpy(config.sta.password, password, strlen(password));
  config.sta.scan_method = WIFI_ALL_CHANNEL_SCAN;
  config.sta.sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
  config.sta.threshold.authmode = password[0] == 0 ? WIFI_AUTH_OPEN : WIFI_AUTH_WPA2_PSK;
  config.sta.sae_pwe_h2e = WPA3_SAE_PWE_BOTH;
  if (!setMode(with(WIFI_MODE_STA))) return "The radio does not become a station";
  /* The driver takes no settings while it is associating. */
  tell(&wantsAssociation, 0);
  esp_wifi_disconnect();
  if (esp_wifi_set_config(WIFI_IF_STA, &config) != ESP_OK) return "The radio does not take this network's settings";
  tell(&wantsAssociation, 1);
  if (!startRadio()) return "The radio does not start";
  return associate() ? NULL : "The radio does not begin to associate";
}

const char *porter_wifi_disconnect(void) {
  tell(&wantsAssociation, 0);
  if ((mode & WIFI_MODE_STA) != 0) esp_wifi_disconnect();
  return NULL;
}

const char *porter_wifi_open_access_point(
  const char *ssid, const char *password, int channel, int isHidden, int maximumStations
) {
  const char *const problem = checkName(ssid, password);
  if (problem != NULL) return problem;
  if (channel < 1 || channel > LAST_CHANNEL) return "A Wi-Fi channel is a number from 1 to 13";
  if (strlen(password) == PORTER_PASSWORD_BYTES) return "An access point's password has at most 63 characters";
  if (maximumStations < 1 || maximumStations > MOST_STATIONS) return "An access point has 1 to 10 stations";
  wifi_config_t config;
  memset(&config, 0, sizeof config);
  memcpy(config.ap.ssid, ssid, strlen(ssid));
  config.ap.ssid_len = (uint8_t)strlen(ssid);
  memcpy(config.ap.password, password, strlen(password));
  config.ap.channel = (uint8_t)channel;
  config.ap.authmode = password[0] == 0 ? WIFI_AUTH_OPEN : WIFI_AUTH_WPA2_WPA3_PSK;
  /* What is not named becomes TKIP, at least for broadcasts. */
  config.ap.pairwise_cipher = WIFI_CIPHER_TYPE_CCMP;
  config.ap.sae_pwe_h2e = WPA3_SAE_PWE_BOTH;
  config.ap.ssid_hidden = isHidden ? 1 : 0;
  config.ap.max_connection = (uint8_t)maximumStations;
  config.ap.beacon_interval = BEACON_INTERVAL;
  const wifi_mode_t former = mode;
  if (!setMode(with(WIFI_MODE_AP))) return "The radio does not become an access point";
  const int isTaken = esp_wifi_set_config(WIFI_IF_AP, &config) == ESP_OK;
  if (isTaken && startRadio()) return NULL;
  /* Without our settings, the driver would open a network of its own, without a password. */
  (void)setMode(former);
  return isTaken ? "The radio does not start" : "The radio does not take the access point's settings";
}

const char *porter_wifi_close_access_point(void) {
  return setMode(without(WIFI_MODE_AP)) ? NULL : "The access point does not stop";
}

const char *porter_wifi_set_country(const char *code) {
  const int isSet = strlen(code) == 2 && esp_wifi_set_country_code(code, false) == ESP_OK;
  return isSet ? NULL : "The radio knows no such country: two capital letters, or 01";
}

const char *porter_wifi_set_transmit_power(int dBm) {
  if (dBm < LEAST_POWER || dBm > MOST_POWER) return "The radio sends with 2 to 20 dBm";
  powerDbm = dBm;
  return mode == WIFI_MODE_NULL || applyPower() ? NULL : "The radio does not take this transmit power";
}

const char *porter_wifi_scan(void) {
  if (!setMode(with(WIFI_MODE_STA)) || !startRadio()) return "The radio does not start";
  return esp_wifi_scan_start(NULL, false) == ESP_OK ? NULL : "The radio is busy associating; scan again in a moment";
}

static const char *securityOf(wifi_auth_mode_t authentication) {
  switch (authentication) {
    case WIFI_AUTH_OPEN:
      return "open";
    case WIFI_AUTH_WEP:
      return "wep";
    case WIFI_AUTH_WPA_PSK:
      return "wpa";
    case WIFI_AUTH_WPA2_PSK:
    case WIFI_AUTH_WPA_WPA2_PSK:
      return "wpa2";
    case WIFI_AUTH_WPA3_PSK:
      return "wpa3";
    case WIFI_AUTH_WPA2_WPA3_PSK:
      return "wpa2-wpa3";
    default:
      return "other";
  }
}

int porter_wifi_next_scanned(PorterNetwork *network) {
  wifi_ap_record_t record;
  if (esp_wifi_scan_get_ap_record(&record) != ESP_OK) return 0;
  memcpy(network->ssid, record.ssid, PORTER_SSID_BYTES);
  network->ssid[PORTER_SSID_BYTES] = 0;
  network->channel = record.primary;
  network->signalDbm = record.rssi;
  network->security = securityOf(record.authmode);
  return 1;
}

int porter_wifi_signal(void) {
  int signal = 0;
  return porter_wifi_news.isStationUp && esp_wifi_sta_get_rssi(&signal) == ESP_OK ? signal : 0;
}

int porter_wifi_stations(void) {
  return (int)__atomic_load_n(&stationCount, __ATOMIC_SEQ_CST);
}
