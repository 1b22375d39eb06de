#include "idf.h"

#include <stdlib.h>
#include <string.h>

#define MOST_OUT 8

const char *fakeFailure;

/* Once, and then no more. */
static int fails(const char *name) {
  if (fakeFailure == NULL || strcmp(fakeFailure, name) != 0) return 0;
  fakeFailure = NULL;
  return 1;
}

#define RESULT (fails(__func__) ? ESP_FAIL : ESP_OK)

/* Buffers. */

static void *out[MOST_OUT];
int fakeBuffersOut;
int fakeStrangeReturns;

static void *giveBuffer(const void *bytes, size_t length) {
  void *const buffer = malloc(length == 0 ? 1 : length);
  if (buffer == NULL || fakeBuffersOut == MOST_OUT) abort();
  memcpy(buffer, bytes, length);
  out[fakeBuffersOut++] = buffer;
  return buffer;
}

static int comesBack(const void *buffer) {
  for (int index = 0; index < fakeBuffersOut; index += 1) {
    if (out[index] != buffer) continue;
    out[index] = out[--fakeBuffersOut];
    return 1;
  }
  return 0;
}

/* The linker brings every `free` here, by which Ethernet's buffers come back; that of a buffer freed before is ASan's. */
void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory) {
  (void)comesBack(memory);
  __real_free(memory);
}

static void wifiBufferComesBack(void *buffer) {
  if (comesBack(buffer)) __real_free(buffer);
  else fakeStrangeReturns += 1;
}

/* Events. */

const esp_event_base_t ETH_EVENT = "ethernet";
const esp_event_base_t WIFI_EVENT = "wifi";

static struct {
  esp_event_base_t base;
  esp_event_handler_t handler;
  void *context;
} handlers[2];
static int hasLoop;

esp_err_t esp_event_loop_create_default(void) {
  if (fails(__func__)) return ESP_FAIL;
  if (hasLoop) return ESP_ERR_INVALID_STATE;
  hasLoop = 1;
  return ESP_OK;
}

esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t event, esp_event_handler_t handler, void *context) {
  const int index = base == ETH_EVENT ? 0 : 1;
  (void)event;
  handlers[index].base = base;
  handlers[index].handler = handler;
  handlers[index].context = context;
  return RESULT;
}

void fakeEvent(esp_event_base_t base, int32_t event, void *data) {
  const int index = base == ETH_EVENT ? 0 : 1;
  if (handlers[index].handler != NULL) handlers[index].handler(handlers[index].context, base, event, data);
}

/* FreeRTOS. */

struct FakeSemaphore {
  int isTaken;
};
static struct FakeSemaphore semaphore;
int fakeTurnsTaken;

SemaphoreHandle_t xSemaphoreCreateMutex(void) {
  return fails(__func__) ? NULL : &semaphore;
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t self, TickType_t ticks) {
  (void)ticks;
  if (fails(__func__) || self->isTaken) return 0;
  self->isTaken = 1;
  fakeTurnsTaken += 1;
  return pdTRUE;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t self) {
  self->isTaken = 0;
  return pdTRUE;
}

/* Memory. */

int fakeBlocks;

void *heap_caps_calloc(size_t count, size_t bytes, uint32_t capabilities) {
  if ((capabilities & MALLOC_CAP_INTERNAL) == 0 || fails(__func__)) return NULL;
  fakeBlocks += 1;
  return calloc(count, bytes);
}

void *heap_caps_aligned_calloc(size_t alignment, size_t count, size_t bytes, uint32_t capabilities) {
  if ((capabilities & MALLOC_CAP_INTERNAL) == 0 || alignment == 0 || fails(__func__)) return NULL;
  fakeBlocks += 1;
  return calloc(count, bytes);
}

void heap_caps_free(void *memory) {
  if (memory != NULL) fakeBlocks -= 1;
  free(memory);
}

/* Ethernet. */

uint8_t fakeSent[1600];
uint32_t fakeSentLength;
int fakeSentFrames;
int fakeParts;
uint32_t fakePacketLengths;
eth_phy_config_t fakePhy;
int fakeMdc;
int fakeMdio;

static esp_err_t (*input)(esp_eth_handle_t, uint8_t *, uint32_t, void *);
static void *inputContext;
static int theDriver;

static esp_err_t deleteMac(esp_eth_mac_t *mac) {
  (void)mac;
  fakeParts -= 1;
  return ESP_OK;
}

static esp_err_t deletePhy(esp_eth_phy_t *phy) {
  (void)phy;
  fakeParts -= 1;
  return ESP_OK;
}

static esp_eth_mac_t theMac = {deleteMac};
static esp_eth_phy_t thePhy = {deletePhy};

esp_err_t gpio_set_pull_mode(int pin, int mode) {
  (void)pin;
  (void)mode;
  return ESP_OK;
}

esp_eth_mac_t *esp_eth_mac_new_openeth(const eth_mac_config_t *config) {
  (void)config;
  if (fails(__func__)) return NULL;
  fakeParts += 1;
  return &theMac;
}

esp_eth_mac_t *esp_eth_mac_new_esp32(const eth_esp32_emac_config_t *pins, const eth_mac_config_t *config) {
  (void)config;
  if (fails(__func__)) return NULL;
  fakeMdc = pins->smi_gpio.mdc_num;
  fakeMdio = pins->smi_gpio.mdio_num;
  fakeParts += 1;
  return &theMac;
}

esp_eth_phy_t *esp_eth_phy_new_generic(const eth_phy_config_t *config) {
  if (fails(__func__)) return NULL;
  fakePhy = *config;
  fakeParts += 1;
  return &thePhy;
}

esp_err_t esp_eth_driver_install(const esp_eth_config_t *config, esp_eth_handle_t *driver) {
  if (config->mac != &theMac || config->phy != &thePhy || fails(__func__)) return ESP_FAIL;
  fakeParts -= 2;
  /* A reset, which takes the registers to their beginnings. */
  fakePacketLengths = 0x400600;
  *driver = &theDriver;
  return ESP_OK;
}

esp_err_t esp_eth_update_input_path(
  esp_eth_handle_t driver, esp_err_t (*callback)(esp_eth_handle_t, uint8_t *, uint32_t, void *), void *context
) {
  if (driver != &theDriver) return ESP_FAIL;
  input = callback;
  inputContext = context;
  return RESULT;
}

esp_err_t esp_eth_ioctl(esp_eth_handle_t driver, esp_eth_io_cmd_t command, void *data) {
  if (driver != &theDriver || command != ETH_CMD_G_MAC_ADDR || fails(__func__)) return ESP_FAIL;
  memcpy(data, "\x02\x00\x00\x00\x00\x01", 6);
  return ESP_OK;
}

esp_err_t esp_eth_start(esp_eth_handle_t driver) {
  return driver == &theDriver ? RESULT : ESP_FAIL;
}

static esp_err_t sent(const void *frame, size_t length, const char *name) {
  if (length > sizeof fakeSent || fails(name)) return ESP_FAIL;
  memcpy(fakeSent, frame, length);
  fakeSentLength = (uint32_t)length;
  fakeSentFrames += 1;
  return ESP_OK;
}

esp_err_t esp_eth_transmit(esp_eth_handle_t driver, void *frame, size_t length) {
  /* It knows one caller at a time. */
  if (driver != &theDriver || !semaphore.isTaken) abort();
  return sent(frame, length, __func__);
}

void fakeEthernetFrame(const void *frame, uint32_t length) {
  uint8_t *const buffer = giveBuffer(frame, length);
  if (input == NULL) free(buffer);
  else input(&theDriver, buffer, length, inputContext);
}

/* Wi-Fi. */

wifi_interface_t fakeSentTo;
wifi_mode_t fakeMode;
wifi_config_t fakeConfigs[2];
int fakeStarts;
int fakeConnects;
int fakeDisconnects;
int fakePower;
int fakeScanned;

static wifi_rxcb_t wifiInputs[2];

esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type) {
  const uint8_t address[6] = {0x02, 0, 0, 0, 1, (uint8_t)type};
  memcpy(mac, address, sizeof address);
  return RESULT;
}

esp_err_t esp_wifi_init(const wifi_init_config_t *config) {
  return config->nvs_enable ? ESP_FAIL : RESULT;
}

esp_err_t esp_wifi_set_storage(int storage) {
  return storage == WIFI_STORAGE_RAM ? RESULT : ESP_FAIL;
}

esp_err_t esp_wifi_set_mode(wifi_mode_t mode) {
  if (fails(__func__)) return ESP_FAIL;
  fakeMode = mode;
  return ESP_OK;
}

esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t *config) {
  const wifi_mode_t bit = interface == WIFI_IF_STA ? WIFI_MODE_STA : WIFI_MODE_AP;
  if (((int)fakeMode & (int)bit) == 0 || fails(__func__)) return ESP_FAIL;
  fakeConfigs[interface] = *config;
  return ESP_OK;
}

esp_err_t esp_wifi_set_ps(int saving) {
  return saving == WIFI_PS_NONE ? RESULT : ESP_FAIL;
}

esp_err_t esp_wifi_set_max_tx_power(int8_t quarters) {
  if (fails(__func__)) return ESP_FAIL;
  fakePower = quarters;
  return ESP_OK;
}

esp_err_t esp_wifi_set_country_code(const char *code, bool isAnnounced) {
  return strcmp(code, "DE") == 0 && !isAnnounced ? RESULT : ESP_FAIL;
}

esp_err_t esp_wifi_start(void) {
  if (fails(__func__)) return ESP_FAIL;
  fakeStarts += 1;
  return ESP_OK;
}

esp_err_t esp_wifi_stop(void) {
  return RESULT;
}

esp_err_t esp_wifi_connect(void) {
  if (fails(__func__)) return ESP_FAIL;
  fakeConnects += 1;
  return ESP_OK;
}

esp_err_t esp_wifi_disconnect(void) {
  fakeDisconnects += 1;
  return ESP_OK;
}

esp_err_t esp_wifi_scan_start(const void *config, bool isBlocking) {
  return config == NULL && !isBlocking ? RESULT : ESP_FAIL;
}

esp_err_t esp_wifi_scan_get_ap_record(wifi_ap_record_t *record) {
  if (fakeScanned == 0) return ESP_FAIL;
  fakeScanned -= 1;
  memset(record, 0, sizeof *record);
  /* No UTF-8: the engine would read beyond its end. */
  memset(record->ssid, 0xf0, 32);
  record->primary = 6;
  record->rssi = -70;
  record->authmode = WIFI_AUTH_WPA2_WPA3_PSK;
  return ESP_OK;
}

esp_err_t esp_wifi_sta_get_rssi(int *rssi) {
  *rssi = -55;
  return RESULT;
}

esp_err_t esp_wifi_internal_reg_rxcb(wifi_interface_t interface, wifi_rxcb_t callback) {
  wifiInputs[interface] = callback;
  return ESP_OK;
}

int esp_wifi_internal_tx(wifi_interface_t interface, void *frame, uint16_t length) {
  fakeSentTo = interface;
  return sent(frame, length, __func__);
}

void esp_wifi_internal_free_rx_buffer(void *buffer) {
  wifiBufferComesBack(buffer);
}

void fakeWifiFrame(wifi_interface_t interface, const void *frame, uint16_t length) {
  /* The frame is behind what the driver's buffer has of its own. */
  uint8_t padded[1700] = {0};
  memcpy(padded + 8, frame, length);
  uint8_t *const buffer = giveBuffer(padded, (size_t)length + 8);
  if (wifiInputs[interface] == NULL) wifiBufferComesBack(buffer);
  else wifiInputs[interface](buffer + 8, length, buffer);
}
