/* The board's radio: two media, and what is to be set and asked. */
#ifndef PORTER_WIFI_PORT_H
#define PORTER_WIFI_PORT_H

#include "framePort.h"

#define PORTER_SSID_BYTES 32
#define PORTER_PASSWORD_BYTES 64

/*
 * The station's or the access point's medium; the first call starts the driver, and the radio stays silent. NULL when that
 * fails, and then `*problem` is a sentence. The other functions, but for the next, want one of these called before; and
 * return NULL or a sentence.
 */
PorterMedium *porter_wifi_medium(int isAccessPoint, const char **problem);

/* Its station address, without starting anything. */
const char *porter_wifi_address(int isAccessPoint, uint8_t *station);

/* Strings are bytes in no particular encoding, and end with a zero. See wifi.ts for what each does and takes. */
const char *porter_wifi_connect(const char *ssid, const char *password);
const char *porter_wifi_disconnect(void);
const char *porter_wifi_open_access_point(
  const char *ssid, const char *password, int channel, int isHidden, int maximumStations
);
const char *porter_wifi_close_access_point(void);
const char *porter_wifi_set_country(const char *code);
const char *porter_wifi_set_transmit_power(int dBm);
const char *porter_wifi_scan(void);
int porter_wifi_signal(void);
int porter_wifi_stations(void);

typedef struct {
  /* Bytes from the air, in no particular encoding; ends with a zero. */
  char ssid[PORTER_SSID_BYTES + 1];
  int channel;
  int signalDbm;
  /* One of WifiSecurity's. */
  const char *security;
} PorterNetwork;

/* 0 when the last scan has no more. */
int porter_wifi_next_scanned(PorterNetwork *network);

/* What the event task has to tell; each word is written by it alone. */
typedef struct {
  /* How often the station was associated or not, how it is now, and the reason of the last loss. */
  uint32_t stationChanges;
  uint32_t isStationUp;
  uint32_t reason;
  /* How many scans were finished. */
  uint32_t scans;
} PorterWifiNews;

extern PorterWifiNews porter_wifi_news;

/* Called in the event task after each change of the news; NULL for none. */
void porter_wifi_on_news(void (*listener)(void));

#endif
