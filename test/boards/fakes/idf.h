/*
 * What the board's C files ask of ESP-IDF, as far as they ask it, in this test's own words: it does nothing but remember,
 * and fail where it is told to. The real headers are test/boards/headers.ts's.
 */
#ifndef PORTER_FAKE_IDF_H
#define PORTER_FAKE_IDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;
#define ESP_OK 0
#define ESP_FAIL (-1)
#define ESP_ERR_INVALID_STATE 0x103

/* The next call of the function of this name fails; NULL for none. */
extern const char *fakeFailure;

/* Buffers that drivers have given and not got back, and how often the radio got one back that was not out. */
extern int fakeBuffersOut;
extern int fakeStrangeReturns;

/* Events. */
typedef const char *esp_event_base_t;
typedef void (*esp_event_handler_t)(void *context, esp_event_base_t base, int32_t event, void *data);
#define ESP_EVENT_ANY_ID (-1)
extern const esp_event_base_t ETH_EVENT;
extern const esp_event_base_t WIFI_EVENT;
esp_err_t esp_event_loop_create_default(void);
esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t event, esp_event_handler_t handler, void *context);
void fakeEvent(esp_event_base_t base, int32_t event, void *data);

/* FreeRTOS. */
typedef struct FakeSemaphore *SemaphoreHandle_t;
typedef int BaseType_t;
typedef uint32_t TickType_t;
#define pdTRUE 1
SemaphoreHandle_t xSemaphoreCreateMutex(void);
BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);
extern int fakeTurnsTaken;

/* Memory. */
#define MALLOC_CAP_INTERNAL 1
#define MALLOC_CAP_8BIT 2
void *heap_caps_calloc(size_t count, size_t bytes, uint32_t capabilities);
void *heap_caps_aligned_calloc(size_t alignment, size_t count, size_t bytes, uint32_t capabilities);
void heap_caps_free(void *memory);
extern int fakeBlocks;

/* Ethernet. */
typedef struct esp_eth_mac_s {
  esp_err_t (*del)(struct esp_eth_mac_s *mac);
} esp_eth_mac_t;
typedef struct esp_eth_phy_s {
  esp_err_t (*del)(struct esp_eth_phy_s *phy);
} esp_eth_phy_t;
typedef void *esp_eth_handle_t;
typedef struct {
  int unused;
} eth_mac_config_t;
typedef struct {
  int32_t phy_addr;
  int reset_gpio_num;
  uint32_t autonego_timeout_ms;
} eth_phy_config_t;
typedef struct {
  esp_eth_mac_t *mac;
  esp_eth_phy_t *phy;
} esp_eth_config_t;
typedef struct {
  struct {
    int mdc_num;
    int mdio_num;
  } smi_gpio;
} eth_esp32_emac_config_t;
typedef enum { ETH_CMD_G_MAC_ADDR } esp_eth_io_cmd_t;
enum { ETHERNET_EVENT_START, ETHERNET_EVENT_STOP, ETHERNET_EVENT_CONNECTED, ETHERNET_EVENT_DISCONNECTED };
#define ESP_ETH_PHY_ADDR_AUTO (-1)
#define ETH_MAC_DEFAULT_CONFIG() {0}
#define ETH_PHY_DEFAULT_CONFIG() {ESP_ETH_PHY_ADDR_AUTO, 5, 4000}
#define ETH_ESP32_EMAC_DEFAULT_CONFIG() {{0, 0}}
#define ETH_DEFAULT_CONFIG(theMac, thePhy) {theMac, thePhy}
#define GPIO_PULLUP_ONLY 1
esp_err_t gpio_set_pull_mode(int pin, int mode);
esp_eth_mac_t *esp_eth_mac_new_openeth(const eth_mac_config_t *config);
esp_eth_mac_t *esp_eth_mac_new_esp32(const eth_esp32_emac_config_t *pins, const eth_mac_config_t *config);
esp_eth_phy_t *esp_eth_phy_new_generic(const eth_phy_config_t *config);
esp_err_t esp_eth_driver_install(const esp_eth_config_t *config, esp_eth_handle_t *driver);
esp_err_t esp_eth_update_input_path(
  esp_eth_handle_t driver, esp_err_t (*input)(esp_eth_handle_t, uint8_t *, uint32_t, void *), void *context
);
esp_err_t esp_eth_ioctl(esp_eth_handle_t driver, esp_eth_io_cmd_t command, void *data);
esp_err_t esp_eth_start(esp_eth_handle_t driver);
esp_err_t esp_eth_transmit(esp_eth_handle_t driver, void *frame, size_t length);
/* The OpenCores MAC's one register that matters; a write of another is none. */
#define OPENETH_PACKETLEN_REG 0x18
#define OPENETH_MINFL_S 16
#define OPENETH_MAXFL_S 0
#define REG_WRITE(address, value) ((void)((address) == OPENETH_PACKETLEN_REG && (fakePacketLengths = (value))))
extern uint32_t fakePacketLengths;
/* The driver's task brings a frame. */
void fakeEthernetFrame(const void *frame, uint32_t length);
/* Parts of a driver that was not installed, and not given up either. */
extern int fakeParts;
extern eth_phy_config_t fakePhy;
extern int fakeMdc;
extern int fakeMdio;

/* What a driver was given to send. */
extern uint8_t fakeSent[1600];
extern uint32_t fakeSentLength;
extern int fakeSentFrames;

/* Wi-Fi. */
typedef enum { WIFI_IF_STA, WIFI_IF_AP } wifi_interface_t;
typedef enum { WIFI_MODE_NULL, WIFI_MODE_STA, WIFI_MODE_AP, WIFI_MODE_APSTA } wifi_mode_t;
typedef enum {
  WIFI_AUTH_OPEN,
  WIFI_AUTH_WEP,
  WIFI_AUTH_WPA_PSK,
  WIFI_AUTH_WPA2_PSK,
  WIFI_AUTH_WPA_WPA2_PSK,
  WIFI_AUTH_ENTERPRISE,
  WIFI_AUTH_WPA3_PSK,
  WIFI_AUTH_WPA2_WPA3_PSK
} wifi_auth_mode_t;
enum { WIFI_ALL_CHANNEL_SCAN = 1, WIFI_CONNECT_AP_BY_SIGNAL = 0, WPA3_SAE_PWE_BOTH = 3 };
enum { WIFI_STORAGE_RAM = 1, WIFI_PS_NONE = 0 };
typedef enum { WIFI_CIPHER_TYPE_NONE, WIFI_CIPHER_TYPE_CCMP = 4 } wifi_cipher_type_t;
typedef enum { ESP_MAC_WIFI_STA, ESP_MAC_WIFI_SOFTAP } esp_mac_type_t;
enum {
  WIFI_EVENT_SCAN_DONE = 1,
  WIFI_EVENT_STA_START,
  WIFI_EVENT_STA_STOP,
  WIFI_EVENT_STA_CONNECTED,
  WIFI_EVENT_STA_DISCONNECTED,
  WIFI_EVENT_AP_START = 12,
  WIFI_EVENT_AP_STOP,
  WIFI_EVENT_AP_STACONNECTED,
  WIFI_EVENT_AP_STADISCONNECTED
};
typedef struct {
  int nvs_enable;
} wifi_init_config_t;
#define WIFI_INIT_CONFIG_DEFAULT() {1}
typedef union {
  struct {
    uint8_t ssid[32];
    uint8_t password[64];
    uint8_t channel;
    int scan_method;
    int sort_method;
    struct {
      wifi_auth_mode_t authmode;
    } threshold;
    int sae_pwe_h2e;
  } sta;
  struct {
    uint8_t ssid[32];
    uint8_t password[64];
    uint8_t ssid_len;
    uint8_t channel;
    wifi_auth_mode_t authmode;
    uint8_t ssid_hidden;
    uint8_t max_connection;
    uint16_t beacon_interval;
    wifi_cipher_type_t pairwise_cipher;
    int sae_pwe_h2e;
  } ap;
} wifi_config_t;
typedef struct {
  uint8_t reason;
} wifi_event_sta_disconnected_t;
typedef struct {
  uint8_t ssid[33];
  uint8_t primary;
  int8_t rssi;
  wifi_auth_mode_t authmode;
} wifi_ap_record_t;
typedef esp_err_t (*wifi_rxcb_t)(void *frame, uint16_t length, void *buffer);
esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type);
esp_err_t esp_wifi_init(const wifi_init_config_t *config);
esp_err_t esp_wifi_set_storage(int storage);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t *config);
esp_err_t esp_wifi_set_ps(int saving);
esp_err_t esp_wifi_set_max_tx_power(int8_t quarters);
esp_err_t esp_wifi_set_country_code(const char *code, bool isAnnounced);
esp_err_t esp_wifi_start(void);
esp_err_t esp_wifi_stop(void);
esp_err_t esp_wifi_connect(void);
esp_err_t esp_wifi_disconnect(void);
esp_err_t esp_wifi_scan_start(const void *config, bool isBlocking);
esp_err_t esp_wifi_scan_get_ap_record(wifi_ap_record_t *record);
esp_err_t esp_wifi_sta_get_rssi(int *rssi);
esp_err_t esp_wifi_internal_reg_rxcb(wifi_interface_t interface, wifi_rxcb_t callback);
int esp_wifi_internal_tx(wifi_interface_t interface, void *frame, uint16_t length);
void esp_wifi_internal_free_rx_buffer(void *buffer);
/* The driver's task brings a frame; dropped where nobody has asked for them. */
void fakeWifiFrame(wifi_interface_t interface, const void *frame, uint16_t length);
extern wifi_interface_t fakeSentTo;
extern wifi_mode_t fakeMode;
extern wifi_config_t fakeConfigs[2];
extern int fakeStarts;
extern int fakeConnects;
extern int fakeDisconnects;
extern int fakePower;
extern int fakeScanned;

#endif
