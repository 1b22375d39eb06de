/*
 * ESP-IDF's Ethernet driver without its network interface: frames come from the driver's task and go to it. There is one
 * driver, and it stays for good.
 */
#include "ethernetPort.h"

#include <stdlib.h>

#include "esp_eth.h"
#include "esp_event.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "mc.defines.h"
#include "sdkconfig.h"

#if CONFIG_ETH_USE_OPENETH
#include "esp_eth/src/openeth/openeth.h"
#include "esp_eth_mac_openeth.h"
#elif defined(MODDEF_ETHERNET_INTERNAL_MAC_MDC)
#include "driver/gpio.h"
#include "esp_eth_mac_esp.h"
#else
#error "A board with Ethernet says where its PHY is: defines.ethernet.internal in its manifest, or CONFIG_ETH_USE_OPENETH."
#endif

#ifndef MODDEF_ETHERNET_INTERNAL_PHY_ADDRESS
#define MODDEF_ETHERNET_INTERNAL_PHY_ADDRESS ESP_ETH_PHY_ADDR_AUTO
#endif
#ifndef MODDEF_ETHERNET_INTERNAL_PHY_RESET
#define MODDEF_ETHERNET_INTERNAL_PHY_RESET (-1)
#endif

#define FCS_BYTES 4
/*
 * The driver's transmit function knows one caller at a time, and here are two: the machine's task, and a driver's task that
 * carries frames. Each is in it for the copy of one frame, so a turn that takes this long (in FreeRTOS ticks) is lost.
 */
#define TURN_TICKS 2

#if CONFIG_ETH_USE_OPENETH
#define SHORTEST_BYTES 64
/*
 * IDF's driver for this MAC stops receiving for good at a frame of more than 1522 bytes with its FCS. The emulator cuts a
 * frame to this length and leaves its FCS away, if it has as many bytes without; the longest proper one has one byte less.
 */
#define CUT_BYTES (PORTER_FRAME_BYTES + PORTER_VLAN_TAG_BYTES + 1)
#endif

static PorterMedium medium;
static esp_eth_handle_t driver;
static SemaphoreHandle_t turn;

static int transmit(PorterMedium *self, uint8_t *frame, uint32_t length) {
  (void)self;
  if (xSemaphoreTake(turn, TURN_TICKS) != pdTRUE) return 0;
  const esp_err_t result = esp_eth_transmit(driver, frame, length);
  xSemaphoreGive(turn);
  return result == ESP_OK;
}

static esp_err_t receive(esp_eth_handle_t handle, uint8_t *buffer, uint32_t length, void *context) {
  (void)handle;
  porter_medium_receive(context, buffer, length);
  free(buffer);
  return ESP_OK;
}

static void onEvent(void *context, esp_event_base_t base, int32_t event, void *data) {
  (void)base;
  (void)data;
  if (event == ETHERNET_EVENT_CONNECTED) porter_medium_set_link(context, 1);
  else if (event == ETHERNET_EVENT_DISCONNECTED || event == ETHERNET_EVENT_STOP) porter_medium_set_link(context, 0);
}

static esp_eth_mac_t *newMac(void) {
  eth_mac_config_t config = ETH_MAC_DEFAULT_CONFIG();
#if CONFIG_ETH_USE_OPENETH
  medium.fcsBytes = FCS_BYTES;
  return esp_eth_mac_new_openeth(&config);
#else
  eth_esp32_emac_config_t pins = ETH_ESP32_EMAC_DEFAULT_CONFIG();
  pins.smi_gpio.mdc_num = MODDEF_ETHERNET_INTERNAL_MAC_MDC;
  pins.smi_gpio.mdio_num = MODDEF_ETHERNET_INTERNAL_MAC_MDIO;
  /* The PHY pulls the line down alone; not every board has the resistor that lifts it. */
  gpio_set_pull_mode(MODDEF_ETHERNET_INTERNAL_MAC_MDIO, GPIO_PULLUP_ONLY);
  return esp_eth_mac_new_esp32(&pins, &config);
#endif
}

static esp_eth_phy_t *newPhy(void) {
  eth_phy_config_t config = ETH_PHY_DEFAULT_CONFIG();
  config.phy_addr = MODDEF_ETHERNET_INTERNAL_PHY_ADDRESS;
  config.reset_gpio_num = MODDEF_ETHERNET_INTERNAL_PHY_RESET;
  /* The driver would wait for the negotiation with the machine's task; its timer looks after the link anyway. */
  config.autonego_timeout_ms = 0;
  return esp_eth_phy_new_generic(&config);
}

static const char *install(void) {
  esp_eth_mac_t *const mac = newMac();
  if (mac == NULL) return "The Ethernet MAC does not start: too little memory";
  esp_eth_phy_t *const phy = newPhy();
  const char *problem = "The Ethernet PHY does not start: too little memory";
  if (phy != NULL) {
    const esp_eth_config_t config = ETH_DEFAULT_CONFIG(mac, phy);
    if (esp_eth_driver_install(&config, &driver) == ESP_OK) {
#if CONFIG_ETH_USE_OPENETH
      REG_WRITE(OPENETH_PACKETLEN_REG, SHORTEST_BYTES << OPENETH_MINFL_S | CUT_BYTES << OPENETH_MAXFL_S);
#endif
      return NULL;
    }
    problem = "The Ethernet driver does not start: no answer from the PHY at its address and pins";
    phy->del(phy);
  }
  mac->del(mac);
  driver = NULL;
  return problem;
}

static const char *start(void) {
  const esp_err_t loop = esp_event_loop_create_default();
  if (loop != ESP_OK && loop != ESP_ERR_INVALID_STATE) return "The system's event loop does not start";
  if (turn == NULL) turn = xSemaphoreCreateMutex();
  if (turn == NULL) return "The Ethernet driver does not start: too little memory";
  if (driver == NULL) {
    const char *const problem = install();
    if (problem != NULL) return problem;
  }
  if (
    esp_eth_ioctl(driver, ETH_CMD_G_MAC_ADDR, medium.station) != ESP_OK ||
    esp_eth_update_input_path(driver, receive, &medium) != ESP_OK ||
    esp_event_handler_register(ETH_EVENT, ESP_EVENT_ANY_ID, onEvent, &medium) != ESP_OK ||
    esp_eth_start(driver) != ESP_OK
  ) {
    return "The Ethernet driver does not start";
  }
  return NULL;
}

PorterMedium *porter_ethernet_medium(const char **problem) {
  if (medium.transmit == NULL) {
    *problem = start();
    if (*problem != NULL) return NULL;
    medium.transmit = transmit;
  }
  return &medium;
}
