/* The radio as wifi.ts declares it: the engine's side of wifiPort.h. */
#include <stddef.h>
#include <string.h>

#include "mc.defines.h"
#include "wifiPort.h"
/* In this order: each declares for the engine what it has seen of it. */
#include "xsmc.h"
#include "xsHost.h"
#include "mc.xs.h"

typedef struct {
  xsMachine *the;
  xsSlot object;
  xsSlot *onStation;
  xsSlot *onScanned;
  int isOpen;
  /* What the callbacks were told last. */
  uint32_t stationChanges;
  uint32_t scans;
} Radio;

/* There is one, so a message that comes late finds it, open or not. */
static Radio radio;
/* A message is under way: there is never a second one. */
static uint32_t isPosted;

void xs_porterWifi_destructor(void *data);

static void markCallbacks(xsMachine *the, void *data, xsMarkRoot markRoot) {
  const Radio *const marked = data;
  if (marked->onStation != NULL) (*markRoot)(the, marked->onStation);
  if (marked->onScanned != NULL) (*markRoot)(the, marked->onScanned);
}

static const xsHostHooks hooks = {xs_porterWifi_destructor, markCallbacks, NULL};

static uint32_t told(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void deliver(void *machine, void *context, uint8_t *message, uint16_t length) {
  xsMachine *const the = machine;
  (void)context;
  (void)message;
  (void)length;
  (void)__atomic_exchange_n(&isPosted, 0, __ATOMIC_ACQ_REL);
  if (!radio.isOpen) return;
  const uint32_t stationChanges = told(&porter_wifi_news.stationChanges);
  const uint32_t scans = told(&porter_wifi_news.scans);
  const int isStationNews = stationChanges != radio.stationChanges;
  const int isScanNews = scans != radio.scans;
  radio.stationChanges = stationChanges;
  radio.scans = scans;
  xsBeginHost(the);
  xsmcVars(2);
  if (isStationNews) {
    xsmcSetBoolean(xsVar(0), told(&porter_wifi_news.isStationUp) != 0);
    xsmcSetInteger(xsVar(1), (xsIntegerValue)told(&porter_wifi_news.reason));
    xsCallFunction2(xsReference(radio.onStation), radio.object, xsVar(0), xsVar(1));
  }
  if (isScanNews && radio.isOpen) xsCallFunction0(xsReference(radio.onScanned), radio.object);
  xsEndHost(the);
}

/* When the queue has no room, the next event or `poll` asks again. */
static void announce(void) {
  if (__atomic_exchange_n(&isPosted, 1, __ATOMIC_ACQ_REL) != 0) return;
  if (modMessagePostToMachine(radio.the, NULL, 0, deliver, NULL) != 0) {
    __atomic_store_n(&isPosted, 0, __ATOMIC_RELEASE);
  }
}

/*
 * Bytes of a name or a password, which come in a buffer: as strings the engine would take them for UTF-8. `text` has room
 * for `most` and a zero.
 */
static void readText(xsMachine *the, xsSlot *slot, char *text, size_t most) {
  void *bytes = NULL;
  xsUnsignedValue size = 0;
  xsmcGetBufferReadable(*slot, &bytes, &size);
  if (size > most) xsRangeError("A network's name has 1 to 32 bytes, and a password at most 64");
  if (size > 0) memcpy(text, bytes, size);
  text[size] = 0;
  if (strlen(text) != size) xsRangeError("Names and passwords of networks have no zero byte");
}

static void validate(xsMachine *the) {
  (void)xsmcGetHostDataValidate(xsThis, (void *)&hooks);
}

static void check(xsMachine *the, const char *problem) {
  if (problem != NULL) xsUnknownError("%s", problem);
}

static xsSlot *callbackNamed(xsMachine *the, xsIdentifier id) {
  xsmcGet(xsVar(0), xsArg(0), id);
  if (!xsmcIsCallable(xsVar(0))) xsTypeError("The radio's onStation and onScanned are functions");
  return xsmcToReference(xsVar(0));
}

void xs_porterWifi(xsMachine *the) {
  xsmcVars(1);
  xsSlot *const onStation = callbackNamed(the, xsID_onStation);
  xsSlot *const onScanned = callbackNamed(the, xsID_onScanned);
  if (radio.isOpen) xsUnknownError("There is one radio, and it is open already");
  const char *problem = NULL;
  (void)porter_wifi_medium(0, &problem);
  check(the, problem);
  radio.the = the;
  radio.object = xsThis;
  radio.onStation = onStation;
  radio.onScanned = onScanned;
  radio.stationChanges = told(&porter_wifi_news.stationChanges);
  radio.scans = told(&porter_wifi_news.scans);
  radio.isOpen = 1;
  xsmcSetHostData(xsThis, &radio);
  xsSetHostHooks(xsThis, &hooks);
  xsRemember(radio.object);
  porter_wifi_on_news(announce);
}

void xs_porterWifi_destructor(void *data) {
  if (data == NULL) return;
  porter_wifi_on_news(NULL);
  radio.isOpen = 0;
}

void xs_porterWifi_close(xsMachine *the) {
  if (xsmcGetHostData(xsThis) == NULL) return;
  validate(the);
  xsForget(radio.object);
  xsmcSetHostData(xsThis, NULL);
  xsSetHostDestructor(xsThis, NULL);
  xs_porterWifi_destructor(&radio);
}

void xs_porterWifi_connect(xsMachine *the) {
  char ssid[PORTER_SSID_BYTES + 1];
  char password[PORTER_PASSWORD_BYTES + 1];
  validate(the);
  readText(the, &xsArg(0), ssid, PORTER_SSID_BYTES);
  readText(the, &xsArg(1), password, PORTER_PASSWORD_BYTES);
  check(the, porter_wifi_connect(ssid, password));
}

void xs_porterWifi_disconnect(xsMachine *the) {
  validate(the);
  check(the, porter_wifi_disconnect());
}

void xs_porterWifi_openAccessPoint(xsMachine *the) {
  char ssid[PORTER_SSID_BYTES + 1];
  char password[PORTER_PASSWORD_BYTES + 1];
  validate(the);
  readText(the, &xsArg(0), ssid, PORTER_SSID_BYTES);
  readText(the, &xsArg(1), password, PORTER_PASSWORD_BYTES);
  const xsIntegerValue channel = xsmcToInteger(xsArg(2));
  const int isHidden = xsmcTest(xsArg(3)) ? 1 : 0;
  check(the, porter_wifi_open_access_point(ssid, password, channel, isHidden, xsmcToInteger(xsArg(4))));
}

void xs_porterWifi_closeAccessPoint(xsMachine *the) {
  validate(the);
  check(the, porter_wifi_close_access_point());
}

void xs_porterWifi_setCountry(xsMachine *the) {
  validate(the);
  check(the, porter_wifi_set_country(xsmcToString(xsArg(0))));
}

void xs_porterWifi_setTransmitPower(xsMachine *the) {
  validate(the);
  check(the, porter_wifi_set_transmit_power(xsmcToInteger(xsArg(0))));
}

void xs_porterWifi_scan(xsMachine *the) {
  validate(the);
  check(the, porter_wifi_scan());
}

void xs_porterWifi_nextScanned(xsMachine *the) {
  PorterNetwork network;
  validate(the);
  if (!porter_wifi_next_scanned(&network)) return;
  xsmcVars(1);
  xsmcSetNewObject(xsResult);
  xsmcSetArrayBuffer(xsVar(0), network.ssid, (xsIntegerValue)strlen(network.ssid));
  xsmcSet(xsResult, xsID_ssid, xsVar(0));
  xsmcSetInteger(xsVar(0), network.channel);
  xsmcSet(xsResult, xsID_channel, xsVar(0));
  xsmcSetInteger(xsVar(0), network.signalDbm);
  xsmcSet(xsResult, xsID_signalDbm, xsVar(0));
  xsmcSetStringX(xsVar(0), (char *)network.security);
  xsmcSet(xsResult, xsID_security, xsVar(0));
}

void xs_porterWifi_signal(xsMachine *the) {
  validate(the);
  xsmcSetInteger(xsResult, porter_wifi_signal());
}

void xs_porterWifi_stations(xsMachine *the) {
  validate(the);
  xsmcSetInteger(xsResult, porter_wifi_stations());
}

void xs_porterWifi_poll(xsMachine *the) {
  validate(the);
  if (told(&porter_wifi_news.stationChanges) != radio.stationChanges || told(&porter_wifi_news.scans) != radio.scans) {
    announce();
  }
}
