/* The engine's side of ports and radio: parameters, callbacks, messages under way, and what closing leaves behind. */
#include "xsmc.h"

#include "cache.h"
#include "check.h"
#include "framePort.h"
#include "idf.h"

void xs_framePort(xsMachine *the);
void xs_framePort_destructor(void *data);
void xs_framePort_close(xsMachine *the);
void xs_framePort_read(xsMachine *the);
void xs_framePort_write(xsMachine *the);
void xs_framePort_isUp(xsMachine *the);
void xs_framePort_mac(xsMachine *the);
void xs_framePort_macOf(xsMachine *the);
void xs_framePort_counter(xsMachine *the);
void xs_framePort_flowMemory(xsMachine *the);
void xs_framePort_loadFlowWord(xsMachine *the);
void xs_framePort_storeFlowWord(xsMachine *the);
void xs_framePort_carryFlows(xsMachine *the);
void xs_porterWifi(xsMachine *the);
void xs_porterWifi_close(xsMachine *the);
void xs_porterWifi_connect(xsMachine *the);
void xs_porterWifi_openAccessPoint(xsMachine *the);
void xs_porterWifi_setTransmitPower(xsMachine *the);
void xs_porterWifi_scan(xsMachine *the);
void xs_porterWifi_nextScanned(xsMachine *the);
void xs_porterWifi_signal(xsMachine *the);
void xs_porterWifi_poll(xsMachine *the);

#define NO_VLAN 0
#define FCS_BYTES 4
/* Rings and tagged frames stay for the next port; records do not. */
#define BLOCKS_OF_A_PORT 1

static xsMachine machine;
static xsMachine *const the = &machine;
static int flowVerdict = PORTER_FLOW_MISS;
static int readables;
static int changes;
static int stations;
static double lastReason;
static int scansTold;
static xsSlot closedInCallback;

int porter_flow_forward(uint32_t *words, void *frame, uint32_t length, uint32_t interfaceIndex) {
  (void)frame;
  (void)length;
  (void)interfaceIndex;
  words[0] += 1;
  return flowVerdict;
}

/* Calls a host function; the sentence it threw, or NULL. */
static const char *call(void (*function)(xsMachine *), xsSlot self, int count) {
  jmp_buf landing;
  the->self = self;
  the->argumentCount = count;
  memset(&the->result, 0, sizeof the->result);
  if (setjmp(landing) != 0) {
    the->landing = NULL;
    return the->message;
  }
  the->landing = &landing;
  function(the);
  the->landing = NULL;
  return NULL;
}

static xsSlot numberOf(double number) {
  xsSlot slot;
  fakeSetNumber(&slot, number);
  return slot;
}

static xsSlot stringOf(const char *string) {
  xsSlot slot;
  fakeSetString(&slot, string);
  return slot;
}

static xsSlot functionOf(void (*function)(xsMachine *)) {
  const xsSlot slot = fakeNewObject();
  slot.object->function = function;
  return slot;
}

static xsSlot bufferOf(void *bytes, uint32_t byteLength) {
  const xsSlot slot = fakeNewObject();
  slot.object->bytes = bytes;
  slot.object->byteLength = byteLength;
  return slot;
}

/* Bytes of a name or a password. */
static xsSlot textOf(const char *text) {
  return bufferOf((void *)(uintptr_t)text, (uint32_t)strlen(text));
}

static void onReadable(xsMachine *self) {
  (void)self;
  readables += 1;
}

static void onChanged(xsMachine *self) {
  (void)self;
  changes += 1;
  if (closedInCallback.type == xsReferenceType) {
    self->self = closedInCallback;
    xs_framePort_close(self);
  }
}

static xsSlot optionsOf(const char *medium, int vlan, int interfaceIndex) {
  const xsSlot options = fakeNewObject();
  options.object->properties[xsID_medium] = stringOf(medium);
  if (vlan != NO_VLAN) options.object->properties[xsID_vlan] = numberOf(vlan);
  options.object->properties[xsID_interfaceIndex] = numberOf(interfaceIndex);
  options.object->properties[xsID_onReadable] = functionOf(onReadable);
  options.object->properties[xsID_onChanged] = functionOf(onChanged);
  return options;
}

static const char *construct(xsSlot *port, xsSlot options) {
  *port = fakeNewObject();
  the->arguments[0] = options;
  return call(xs_framePort, *port, 1);
}

static xsSlot openPort(const char *medium, int vlan, int interfaceIndex) {
  xsSlot port;
  const char *const problem = construct(&port, optionsOf(medium, vlan, interfaceIndex));
  if (problem != NULL) fprintf(stderr, "%s\n", problem);
  CHECK(problem == NULL);
  return port;
}

static void closePort(xsSlot port) {
  CHECK(call(xs_framePort_close, port, 0) == NULL);
}

static void arrive(uint32_t length) {
  const uint8_t frame[1600] = {0x02, 0, 0, 0, 0, 1};
  fakeEthernetFrame(frame, length + FCS_BYTES);
  CHECK_EQUAL(fakeBuffersOut, 0);
}

static double counted(xsSlot port, const char *name) {
  the->arguments[0] = stringOf(name);
  CHECK(call(xs_framePort_counter, port, 1) == NULL);
  return the->result.number;
}

static void linkUp(void) {
  fakeEvent(ETH_EVENT, ETHERNET_EVENT_CONNECTED, NULL);
}

static void framesComeAndGo(void) {
  uint8_t bytes[PORTER_BUFFER_BYTES] = {0};
  const xsSlot port = openPort("ethernet", NO_VLAN, 1);
  CHECK(call(xs_framePort_isUp, port, 0) == NULL);
  CHECK_EQUAL(the->result.number, 0);
  linkUp();
  arrive(60);
  arrive(1514);
  CHECK_EQUAL(fakeQueued, 1);
  fakeService(the);
  CHECK_EQUAL(readables, 1);
  CHECK_EQUAL(changes, 1);
  /* Nothing was read, so the port asks again. */
  CHECK_EQUAL(fakeQueued, 1);
  for (int n = 0; n < 3; n += 1) {
    static const int lengths[] = {60, 1514, 0};
    the->arguments[0] = bufferOf(bytes, sizeof bytes);
    CHECK(call(xs_framePort_read, port, 1) == NULL);
    CHECK_EQUAL(the->result.number, lengths[n]);
  }
  CHECK_EQUAL(bytes[PORTER_ETHERNET_AT], 0x02);
  fakeService(the);
  CHECK_EQUAL(readables, 1);
  CHECK_EQUAL(fakeQueued, 0);

  the->arguments[0] = bufferOf(bytes, sizeof bytes);
  the->arguments[1] = numberOf(1514);
  CHECK(call(xs_framePort_write, port, 2) == NULL);
  CHECK_EQUAL(the->result.number, 1);
  CHECK_EQUAL(fakeSentLength, 1514);
  CHECK_EQUAL(fakeSent[0], 0x02);
  CHECK_EQUAL(counted(port, "rxFrames"), 2);
  CHECK_EQUAL(counted(port, "txFrames"), 1);
  CHECK(call(xs_framePort_mac, port, 0) == NULL);
  CHECK_EQUAL(the->result.number, 0x020000000001);
  closePort(port);
  CHECK_EQUAL(fakeRemembered, 0);
  CHECK_EQUAL(fakeCallsOutside, 0);
}

static void shortBuffersAreRefused(void) {
  uint8_t bytes[PORTER_BUFFER_BYTES] = {0};
  const xsSlot port = openPort("ethernet", NO_VLAN, 1);
  the->arguments[0] = bufferOf(bytes, sizeof bytes - 1);
  CHECK(call(xs_framePort_read, port, 1) != NULL);
  static const int lengths[] = {-1, PORTER_FRAME_BYTES + 1};
  for (int n = 0; n < 2; n += 1) {
    the->arguments[0] = bufferOf(bytes, sizeof bytes);
    the->arguments[1] = numberOf(lengths[n]);
    CHECK(call(xs_framePort_write, port, 2) != NULL);
  }
  the->arguments[0] = bufferOf(bytes, 1);
  the->arguments[1] = numberOf(0);
  CHECK(call(xs_framePort_write, port, 2) != NULL);
  the->arguments[0] = stringOf("frames");
  CHECK(call(xs_framePort_counter, port, 1) != NULL);
  closePort(port);
}

static void wrongOptionsTakeNothing(void) {
  xsSlot port;
  CHECK(construct(&port, optionsOf("carrierPigeon", NO_VLAN, 0)) != NULL);
  CHECK(construct(&port, optionsOf("ethernet", 4095, 0)) != NULL);
  CHECK(construct(&port, optionsOf("ethernet", -1, 0)) != NULL);
  CHECK(construct(&port, optionsOf("ethernet", NO_VLAN, 2)) != NULL);
  CHECK(construct(&port, optionsOf("ethernet", NO_VLAN, -1)) != NULL);
  xsSlot options = optionsOf("ethernet", NO_VLAN, 0);
  options.object->properties[xsID_onChanged] = numberOf(1);
  CHECK(construct(&port, options) != NULL);
  CHECK_EQUAL(fakeBlocks, 0);
  CHECK_EQUAL(fakeRemembered, 0);
  fakeFailure = "esp_eth_driver_install";
  CHECK(construct(&port, optionsOf("ethernet", NO_VLAN, 0)) != NULL);
  CHECK_EQUAL(fakeBlocks, 0);
  fakeFailure = "heap_caps_calloc";
  CHECK(construct(&port, optionsOf("ethernet", 10, 0)) != NULL);
  CHECK_EQUAL(fakeRemembered, 0);
  CHECK(construct(&port, optionsOf("ethernet", 10, 0)) == NULL);
  closePort(port);
}

static void placesAreTaken(void) {
  xsSlot port;
  const xsSlot lan = openPort("ethernet", 10, 0);
  const int blocks = fakeBlocks;
  CHECK(construct(&port, optionsOf("ethernet", 20, 0)) != NULL);
  CHECK_EQUAL(fakeBlocks, blocks);
  CHECK(construct(&port, optionsOf("station", NO_VLAN, 0)) != NULL);
  CHECK(construct(&port, optionsOf("ethernet", 10, 1)) != NULL);
  /* The other interface's memory was had, and waits for its port. */
  closePort(lan);
  const int kept = fakeBlocks;
  const xsSlot wan = openPort("ethernet", 10, 1);
  CHECK_EQUAL(fakeBlocks, kept + BLOCKS_OF_A_PORT);
  closePort(wan);
  CHECK_EQUAL(fakeBlocks, kept);
}

static void closedLeavesNoRecord(void) {
  const xsSlot port = openPort("ethernet", NO_VLAN, 1);
  const int open = fakeBlocks;
  /* The message is under way as the port closes, and finds it closed. */
  linkUp();
  arrive(60);
  CHECK_EQUAL(fakeQueued, 1);
  closePort(port);
  CHECK_EQUAL(fakeBlocks, open);
  fakeService(the);
  CHECK_EQUAL(fakeBlocks, open - BLOCKS_OF_A_PORT);
  CHECK_EQUAL(readables, 0);
  CHECK_EQUAL(changes, 0);
  closePort(port);
  CHECK_EQUAL(fakeRemembered, 0);
  CHECK(call(xs_framePort_isUp, port, 0) != NULL);

  /* Another takes its place while the first one's message is still under way. */
  const xsSlot second = openPort("ethernet", NO_VLAN, 1);
  arrive(60);
  closePort(second);
  const xsSlot third = openPort("ethernet", NO_VLAN, 1);
  fakeService(the);
  CHECK_EQUAL(readables, 0);
  CHECK_EQUAL(changes, 1);
  closePort(third);
}

static void closesInItsCallback(void) {
  const xsSlot port = openPort("ethernet", NO_VLAN, 1);
  const int open = fakeBlocks;
  closedInCallback = port;
  linkUp();
  arrive(60);
  fakeService(the);
  CHECK_EQUAL(changes, 1);
  CHECK_EQUAL(readables, 0);
  CHECK_EQUAL(fakeBlocks, open - BLOCKS_OF_A_PORT);
  CHECK_EQUAL(fakeQueued, 0);
}

static void engineEnds(void) {
  const xsSlot port = openPort("ethernet", NO_VLAN, 1);
  const int open = fakeBlocks;
  port.object->hooks->destructor(port.object->data);
  CHECK_EQUAL(fakeBlocks, open - BLOCKS_OF_A_PORT);
  arrive(60);
  CHECK_EQUAL(fakeQueued, 0);
  xs_framePort_destructor(NULL);
}

static int marked;

static void markRoot(xsMachine *self, xsSlot *slot) {
  (void)self;
  CHECK(slot->object->function == onReadable || slot->object->function == onChanged);
  marked += 1;
}

static void callbacksLive(void) {
  const xsSlot port = openPort("ethernet", NO_VLAN, 1);
  port.object->hooks->marker(the, port.object->data, markRoot);
  CHECK_EQUAL(marked, 2);
  closePort(port);
}

static void fullQueueIsCounted(void) {
  const xsSlot port = openPort("ethernet", NO_VLAN, 1);
  fakeQueueLength = 0;
  arrive(60);
  CHECK_EQUAL(counted(port, "unannounced"), 1);
  fakeQueueLength = 1;
  arrive(60);
  fakeService(the);
  CHECK_EQUAL(readables, 1);
  const int open = fakeBlocks;
  closePort(port);
  fakeService(the);
  CHECK_EQUAL(fakeBlocks, open - BLOCKS_OF_A_PORT);
}

static void flowsAreCarried(void) {
  const xsSlot lan = openPort("accessPoint", NO_VLAN, 0);
  const xsSlot wan = openPort("ethernet", NO_VLAN, 1);
  the->arguments[0] = numberOf(6);
  CHECK(call(xs_framePort_flowMemory, wan, 1) != NULL);
  the->arguments[0] = numberOf(8);
  CHECK(call(xs_framePort_flowMemory, wan, 1) == NULL);
  const xsSlot memory = the->result;
  uint32_t *const table = memory.object->bytes;
  CHECK_EQUAL(memory.object->properties[xsID_byteLength].number, 8);
  CHECK_EQUAL(table[0], 0);
  CHECK(call(xs_framePort_flowMemory, wan, 1) != NULL);
  the->arguments[0] = numberOf(1);
  the->arguments[1] = numberOf(-5);
  CHECK(call(xs_framePort_storeFlowWord, memory, 2) == NULL);
  CHECK_EQUAL((int32_t)table[1], -5);
  CHECK(call(xs_framePort_loadFlowWord, memory, 1) == NULL);
  CHECK_EQUAL(the->result.number, -5);
  static const int outside[] = {-1, 2};
  for (int n = 0; n < 2; n += 1) {
    the->arguments[0] = numberOf(outside[n]);
    CHECK(call(xs_framePort_loadFlowWord, memory, 1) != NULL);
    CHECK(call(xs_framePort_storeFlowWord, memory, 2) != NULL);
  }

  the->arguments[0] = memory;
  the->arguments[1] = wan;
  the->arguments[2] = lan;
  CHECK(call(xs_framePort_carryFlows, memory, 3) != NULL);
  uint8_t bytes[8];
  the->arguments[0] = bufferOf(bytes, sizeof bytes);
  the->arguments[1] = lan;
  the->arguments[2] = wan;
  CHECK(call(xs_framePort_carryFlows, memory, 3) != NULL);
  arrive(60);
  CHECK_EQUAL(table[0], 0);
  the->arguments[0] = memory;
  CHECK(call(xs_framePort_carryFlows, memory, 3) == NULL);
  arrive(60);
  CHECK_EQUAL(table[0], 1);
  flowVerdict = 0;
  arrive(60);
  CHECK_EQUAL(counted(wan, "carried"), 1);
  CHECK_EQUAL(fakeSentTo, WIFI_IF_AP);
  memset(the->arguments, 0, sizeof the->arguments);
  CHECK(call(xs_framePort_carryFlows, memory, 1) == NULL);
  arrive(60);
  CHECK_EQUAL(table[0], 2);
  CHECK_EQUAL(counted(wan, "rxFrames"), 3);
  closePort(lan);
  closePort(wan);
  CHECK(call(xs_framePort_carryFlows, memory, 0) == NULL);
}

static void mediaHaveAddresses(void) {
  static const struct {
    const char *medium;
    double address;
  } known[] = {{"ethernet", 0x020000000001}, {"station", 0x020000000100}, {"accessPoint", 0x020000000101}};
  for (int n = 0; n < 6; n += 1) {
    the->arguments[0] = stringOf(known[n % 3].medium);
    CHECK(call(xs_framePort_macOf, the->arguments[0], 1) == NULL);
    CHECK_EQUAL(the->result.number, known[n % 3].address);
  }
  the->arguments[0] = stringOf("token ring");
  CHECK(call(xs_framePort_macOf, the->arguments[0], 1) != NULL);
}

static void onStation(xsMachine *self) {
  stations += 1;
  lastReason = self->arguments[0].number != 0 ? 0 : self->arguments[1].number;
}

static void onScanned(xsMachine *self) {
  (void)self;
  scansTold += 1;
}

static xsSlot openRadio(void) {
  const xsSlot radio = fakeNewObject();
  const xsSlot options = fakeNewObject();
  options.object->properties[xsID_onStation] = functionOf(onStation);
  options.object->properties[xsID_onScanned] = functionOf(onScanned);
  the->arguments[0] = options;
  const char *const problem = call(xs_porterWifi, radio, 1);
  CHECK(problem == NULL);
  return radio;
}

static void loseStation(uint8_t reason) {
  wifi_event_sta_disconnected_t data = {reason};
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &data);
}

static void radioTellsNews(void) {
  const xsSlot radio = openRadio();
  the->arguments[0] = textOf("uplink");
  the->arguments[1] = textOf("its password");
  CHECK(call(xs_porterWifi_connect, radio, 2) == NULL);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_CONNECTED, NULL);
  fakeEvent(WIFI_EVENT, WIFI_EVENT_SCAN_DONE, NULL);
  CHECK_EQUAL(fakeQueued, 1);
  fakeService(the);
  CHECK_EQUAL(stations, 1);
  CHECK_EQUAL(scansTold, 1);
  CHECK_EQUAL(lastReason, 0);
  CHECK(call(xs_porterWifi_signal, radio, 0) == NULL);
  CHECK_EQUAL(the->result.number, -55);
  fakeQueueLength = 0;
  loseStation(15);
  fakeQueueLength = 1;
  loseStation(201);
  fakeService(the);
  CHECK_EQUAL(stations, 2);
  CHECK_EQUAL(lastReason, 201);
  loseStation(201);
  CHECK(call(xs_porterWifi_close, radio, 0) == NULL);
  CHECK(call(xs_porterWifi_close, radio, 0) == NULL);
  fakeService(the);
  loseStation(201);
  CHECK_EQUAL(fakeQueued, 0);
  CHECK_EQUAL(stations, 2);
  CHECK_EQUAL(fakeRemembered, 0);
  CHECK_EQUAL(fakeCallsOutside, 0);
  /* What happened in between is no news to the next. */
  const xsSlot second = openRadio();
  fakeEvent(WIFI_EVENT, WIFI_EVENT_SCAN_DONE, NULL);
  fakeService(the);
  CHECK_EQUAL(stations, 2);
  CHECK_EQUAL(scansTold, 2);
  CHECK(call(xs_porterWifi_close, second, 0) == NULL);
}

static void radioTellsLater(void) {
  const xsSlot radio = openRadio();
  fakeEvent(WIFI_EVENT, WIFI_EVENT_STA_CONNECTED, NULL);
  fakeService(the);
  fakeQueueLength = 0;
  loseStation(15);
  fakeQueueLength = 1;
  CHECK_EQUAL(fakeQueued, 0);
  CHECK(call(xs_porterWifi_poll, radio, 0) == NULL);
  CHECK(call(xs_porterWifi_poll, radio, 0) == NULL);
  CHECK_EQUAL(fakeQueued, 1);
  fakeService(the);
  CHECK_EQUAL(stations, 2);
  CHECK_EQUAL(lastReason, 15);
  CHECK(call(xs_porterWifi_poll, radio, 0) == NULL);
  CHECK_EQUAL(fakeQueued, 0);
  CHECK(call(xs_porterWifi_close, radio, 0) == NULL);
}

static void radioRefuses(void) {
  const xsSlot radio = openRadio();
  const xsSlot second = fakeNewObject();
  the->arguments[0] = fakeNewObject();
  CHECK(call(xs_porterWifi, second, 1) != NULL);
  the->arguments[0].object->properties[xsID_onStation] = functionOf(onStation);
  the->arguments[0].object->properties[xsID_onScanned] = functionOf(onScanned);
  CHECK(call(xs_porterWifi, second, 1) != NULL);
  the->arguments[0] = textOf("123456789012345678901234567890123");
  the->arguments[1] = textOf("its password");
  CHECK(call(xs_porterWifi_connect, radio, 2) != NULL);
  the->arguments[0] = bufferOf("up\0link", 7);
  CHECK(call(xs_porterWifi_connect, radio, 2) != NULL);
  the->arguments[0] = stringOf("uplink");
  CHECK(call(xs_porterWifi_connect, radio, 2) != NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_NULL);
  the->arguments[0] = textOf("caf\xc3\xa9 \xff");
  the->arguments[1] = textOf("");
  CHECK(call(xs_porterWifi_connect, radio, 2) == NULL);
  CHECK(memcmp(fakeConfigs[WIFI_IF_STA].sta.ssid, "caf\xc3\xa9 \xff", 8) == 0);
  the->arguments[0] = textOf("porter");
  the->arguments[1] = textOf("a password");
  the->arguments[2] = numberOf(14);
  the->arguments[3] = numberOf(0);
  the->arguments[4] = numberOf(4);
  CHECK(call(xs_porterWifi_openAccessPoint, radio, 5) != NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_STA);
  the->arguments[2] = numberOf(6);
  CHECK(call(xs_porterWifi_openAccessPoint, radio, 5) == NULL);
  CHECK_EQUAL(fakeMode, WIFI_MODE_APSTA);
  the->arguments[0] = numberOf(30);
  CHECK(call(xs_porterWifi_setTransmitPower, radio, 1) != NULL);
  CHECK(call(xs_porterWifi_close, radio, 0) == NULL);
  CHECK(call(xs_porterWifi_scan, radio, 0) != NULL);
}

static void radioDescribesNetworks(void) {
  const xsSlot radio = openRadio();
  fakeScanned = 1;
  CHECK(call(xs_porterWifi_nextScanned, radio, 0) == NULL);
  const xsSlot *const found = the->result.object->properties;
  const FakeObject *const ssid = found[xsID_ssid].object;
  CHECK_EQUAL(ssid->byteLength, 32);
  CHECK_EQUAL(((const uint8_t *)ssid->bytes)[31], 0xf0);
  CHECK_EQUAL(found[xsID_channel].number, 6);
  CHECK_EQUAL(found[xsID_signalDbm].number, -70);
  CHECK(strcmp(found[xsID_security].string, "wpa2-wpa3") == 0);
  CHECK(call(xs_porterWifi_nextScanned, radio, 0) == NULL);
  CHECK_EQUAL(the->result.type, xsUndefinedType);
  CHECK(call(xs_porterWifi_close, radio, 0) == NULL);
}

static const Case cases[] = {
  {"reads and writes frames, and calls back from the machine's loop", framesComeAndGo},
  {"refuses buffers that are too short, and unknown counters", shortBuffersAreRefused},
  {"refuses wrong options, and takes nothing", wrongOptionsTakeNothing},
  {"lets each interface and each VLAN have one port, and keeps their memory", placesAreTaken},
  {"frees a closed port's record with the message that is under way", closedLeavesNoRecord},
  {"can be closed in its own callback", closesInItsCallback},
  {"leaves nothing behind when the engine ends", engineEnds},
  {"keeps its callbacks alive", callbacksLive},
  {"counts a full queue, and asks again with the next frame", fullQueueIsCounted},
  {"carries flows by the table it gave, and stops", flowsAreCarried},
  {"tells each medium's station address", mediaHaveAddresses},
  {"tells of the radio's news in one message", radioTellsNews},
  {"tells later what the queue had no room for", radioTellsLater},
  {"refuses a second radio, and wrong settings", radioRefuses},
  {"describes networks that were found", radioDescribesNetworks},
};

CASES(cases)
