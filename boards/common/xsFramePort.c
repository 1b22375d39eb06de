/* The frame port as framePort.ts declares it: the engine's side of framePort.h. */
#include <string.h>

#include "esp_heap_caps.h"
#include "framePort.h"
#include "mc.defines.h"
/* In this order: each declares for the engine what it has seen of it. */
#include "xsmc.h"
#include "xsHost.h"
#include "mc.xs.h"

#if MODDEF_FRAMEPORT_ETHERNET
#include "ethernetPort.h"
#endif
#if MODDEF_FRAMEPORT_WIFI
#include "wifiPort.h"
#endif

#ifndef MODDEF_TASK_QUEUEWAIT
#error "A driver's task must not wait for the machine's queue without end: defines.task.queueWait in the manifest, best 0."
#endif

/* Frames that can wait for TypeScript at each port. Sixteen take 24 KB, and are 20 ms of 10 Mbit/s. */
#ifndef MODDEF_FRAMEPORT_SLOTS
#define MODDEF_FRAMEPORT_SLOTS 16
#endif
#if MODDEF_FRAMEPORT_SLOTS < 1 || (MODDEF_FRAMEPORT_SLOTS & (MODDEF_FRAMEPORT_SLOTS - 1)) != 0
#error "A port's number of slots is a power of two: defines.framePort.slots in the manifest."
#endif

#define LAST_VLAN 4094
#define WORD_BYTES 4
/* So that a record lies in one line of a cache (src/flow/memory.ts). */
#define FLOW_TABLE_ALIGNMENT 32
#define INTERNAL_RAM (MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT)
#define STATION_BYTES 6

typedef struct {
  PorterFramePort port;
  xsMachine *the;
  xsSlot object;
  xsSlot *onReadable;
  xsSlot *onChanged;
  /* The object, until it is closed, and a message under way: each may be the last to need the memory. */
  uint32_t users;
  int isClosed;
} Record;

/* What each interface has and keeps: its open port, and memory that is allocated once. */
typedef struct {
  Record *record;
  PorterFrameSlot *slots;
  PorterTaggedFrame *tagged;
} Interface;

static Interface interfaces[PORTER_PORTS];
static uint32_t *flowTable;
static uint32_t flowWords;

void xs_framePort_destructor(void *data);

/* On boards with PSRAM, too: tasks exchange words here, and drivers frames. */
static void *allocate(uint32_t bytes) {
  return heap_caps_calloc(1, bytes, INTERNAL_RAM);
}

static void release(Record *record) {
  if (__atomic_sub_fetch(&record->users, 1, __ATOMIC_ACQ_REL) == 0) heap_caps_free(record);
}

static void markCallbacks(xsMachine *the, void *data, xsMarkRoot markRoot) {
  const Record *const record = data;
  if (record->onReadable != NULL) (*markRoot)(the, record->onReadable);
  if (record->onChanged != NULL) (*markRoot)(the, record->onChanged);
}

static const xsHostHooks hooks = {xs_framePort_destructor, markCallbacks, NULL};

static Record *recordOf(xsMachine *the, xsSlot *object) {
  return fxGetHostDataValidate(the, object, (void *)&hooks);
}

static void deliver(void *machine, void *context, uint8_t *message, uint16_t length) {
  xsMachine *const the = machine;
  Record *const record = context;
  (void)message;
  (void)length;
  if (!record->isClosed) {
    const int news = porter_port_deliver(&record->port);
    if (news != 0) {
      xsBeginHost(the);
      if (news & PORTER_CHANGED) xsCallFunction0(xsReference(record->onChanged), record->object);
      /* The first callback may have closed the port. */
      if ((news & PORTER_READABLE) && !record->isClosed) xsCallFunction0(xsReference(record->onReadable), record->object);
      xsEndHost(the);
    }
    if (!record->isClosed) porter_port_delivered(&record->port);
  }
  release(record);
}

static int post(void *context) {
  Record *const record = context;
  __atomic_add_fetch(&record->users, 1, __ATOMIC_ACQ_REL);
  if (modMessagePostToMachine(record->the, NULL, 0, deliver, record) == 0) return 1;
  release(record);
  return 0;
}

void porter_pause(void) {
  modDelayMilliseconds(1);
}

static const char NO_MEDIUM[] = "This board has no such medium: ethernet, station or accessPoint, as its manifest says";

static PorterMedium *mediumNamed(xsMachine *the, xsSlot *slot) {
  const char *problem = NO_MEDIUM;
  PorterMedium *medium = NULL;
  const char *const name = fxToString(the, slot);
#if MODDEF_FRAMEPORT_ETHERNET
  if (strcmp(name, "ethernet") == 0) medium = porter_ethernet_medium(&problem);
#endif
#if MODDEF_FRAMEPORT_WIFI
  if (strcmp(name, "station") == 0) medium = porter_wifi_medium(0, &problem);
  if (strcmp(name, "accessPoint") == 0) medium = porter_wifi_medium(1, &problem);
#endif
  (void)name;
  if (medium == NULL) xsUnknownError("%s", problem);
  return medium;
}

static xsSlot *callbackNamed(xsMachine *the, xsIdentifier id) {
  xsmcGet(xsVar(0), xsArg(0), id);
  if (!xsmcIsCallable(xsVar(0))) xsTypeError("A port's onReadable and onChanged are functions");
  return xsmcToReference(xsVar(0));
}

void xs_framePort(xsMachine *the) {
  xsmcVars(1);
  xsSlot *const onReadable = callbackNamed(the, xsID_onReadable);
  xsSlot *const onChanged = callbackNamed(the, xsID_onChanged);
  xsIntegerValue vlan = 0;
  xsmcGet(xsVar(0), xsArg(0), xsID_vlan);
  if (xsmcTypeOf(xsVar(0)) != xsUndefinedType) {
    vlan = xsmcToInteger(xsVar(0));
    if (vlan < 1 || vlan > LAST_VLAN) xsRangeError("A VLAN is a number from 1 to 4094");
  }
  xsmcGet(xsVar(0), xsArg(0), xsID_interfaceIndex);
  const xsIntegerValue index = xsmcToInteger(xsVar(0));
  if (index < 0 || index >= PORTER_PORTS) xsRangeError("An interface index is 0 or 1");
  Interface *const interface = interfaces + index;
  if (interface->record != NULL) xsUnknownError("This interface has an open port already");
  xsmcGet(xsVar(0), xsArg(0), xsID_medium);
  PorterMedium *const medium = mediumNamed(the, &xsVar(0));

  if (interface->slots == NULL) interface->slots = allocate(MODDEF_FRAMEPORT_SLOTS * sizeof(PorterFrameSlot));
  if (vlan != 0 && interface->tagged == NULL) interface->tagged = allocate(2 * sizeof(PorterTaggedFrame));
  Record *const record = allocate(sizeof(Record));
  if (record == NULL || interface->slots == NULL || (vlan != 0 && interface->tagged == NULL)) {
    heap_caps_free(record);
    xsUnknownError("Too little memory for a port");
  }
  record->the = the;
  record->users = 1;
  record->onReadable = onReadable;
  record->onChanged = onChanged;
  PorterTaggedFrame *const tagged = vlan == 0 ? NULL : interface->tagged;
  if (!porter_port_open(
    &record->port, interface->slots, MODDEF_FRAMEPORT_SLOTS, tagged, medium, (uint32_t)vlan, (uint32_t)index, post, record
  )) {
    heap_caps_free(record);
    xsUnknownError("Another port has this medium and VLAN");
  }
  interface->record = record;
  record->object = xsThis;
  xsmcSetHostData(xsThis, record);
  xsSetHostHooks(xsThis, &hooks);
  xsRemember(record->object);
}

/* As the engine ends, too, when nothing has closed the port. */
void xs_framePort_destructor(void *data) {
  Record *const record = data;
  if (record == NULL) return;
  record->isClosed = 1;
  porter_port_close(&record->port);
  interfaces[record->port.interfaceIndex].record = NULL;
  release(record);
}

void xs_framePort_close(xsMachine *the) {
  if (xsmcGetHostData(xsThis) == NULL) return;
  Record *const record = recordOf(the, &xsThis);
  xsForget(record->object);
  xsmcSetHostData(xsThis, NULL);
  xsSetHostDestructor(xsThis, NULL);
  xs_framePort_destructor(record);
}

void xs_framePort_read(xsMachine *the) {
  Record *const record = recordOf(the, &xsThis);
  void *bytes;
  xsUnsignedValue size;
  xsmcGetBufferWritable(xsArg(0), &bytes, &size);
  if (size < PORTER_BUFFER_BYTES) xsRangeError("A port reads into a buffer of at least 1516 bytes");
  xsmcSetInteger(xsResult, (xsIntegerValue)porter_port_read(&record->port, bytes));
}

void xs_framePort_write(xsMachine *the) {
  Record *const record = recordOf(the, &xsThis);
  const xsIntegerValue length = xsmcToInteger(xsArg(1));
  void *bytes;
  xsUnsignedValue size;
  xsmcGetBufferReadable(xsArg(0), &bytes, &size);
  /* A negative length is a large one here. */
  if (size < PORTER_ETHERNET_AT || (xsUnsignedValue)length > size - PORTER_ETHERNET_AT) {
    xsRangeError("A port writes no more bytes than its buffer has behind offset 2");
  }
  xsmcSetBoolean(xsResult, porter_port_write(&record->port, (uint8_t *)bytes + PORTER_ETHERNET_AT, (uint32_t)length));
}

void xs_framePort_isUp(xsMachine *the) {
  xsmcSetBoolean(xsResult, porter_port_is_up(&recordOf(the, &xsThis)->port));
}

static double numberOf(const uint8_t *station) {
  double number = 0;
  for (int index = 0; index < STATION_BYTES; index += 1) number = number * 256 + station[index];
  return number;
}

void xs_framePort_mac(xsMachine *the) {
  xsmcSetNumber(xsResult, numberOf(recordOf(the, &xsThis)->port.medium->station));
}

void xs_framePort_macOf(xsMachine *the) {
  uint8_t station[STATION_BYTES];
  const char *problem = NO_MEDIUM;
  const char *const name = xsmcToString(xsArg(0));
#if MODDEF_FRAMEPORT_ETHERNET
  if (strcmp(name, "ethernet") == 0) {
    const PorterMedium *const medium = porter_ethernet_medium(&problem);
    if (medium != NULL) {
      memcpy(station, medium->station, sizeof station);
      problem = NULL;
    }
  }
#endif
#if MODDEF_FRAMEPORT_WIFI
  /* Whoever asks for its address alone should not pay for the driver's memory. */
  if (strcmp(name, "station") == 0) problem = porter_wifi_address(0, station);
  if (strcmp(name, "accessPoint") == 0) problem = porter_wifi_address(1, station);
#endif
  (void)name;
  if (problem != NULL) xsUnknownError("%s", problem);
  xsmcSetNumber(xsResult, numberOf(station));
}

void xs_framePort_counter(xsMachine *the) {
  const Record *const record = recordOf(the, &xsThis);
  const char *const name = xsmcToString(xsArg(0));
  int counter = 0;
  while (counter < PORTER_COUNTERS && strcmp(name, porter_counter_names[counter]) != 0) counter += 1;
  if (counter == PORTER_COUNTERS) xsRangeError("A port has no counter of this name");
  xsmcSetNumber(xsResult, porter_port_counter(&record->port, counter));
}

void xs_framePort_flowMemory(xsMachine *the) {
  const xsIntegerValue bytes = xsmcToInteger(xsArg(0));
  if (bytes <= 0 || bytes % WORD_BYTES != 0) xsRangeError("The flow table has a size of whole words");
  if (flowTable != NULL) xsUnknownError("There is one flow table, and its memory is taken");
  flowTable = heap_caps_aligned_calloc(FLOW_TABLE_ALIGNMENT, 1, (size_t)bytes, INTERNAL_RAM);
  if (flowTable == NULL) xsUnknownError("Too little memory for the flow table");
  flowWords = (uint32_t)bytes / WORD_BYTES;
  xsmcVars(1);
  xsResult = xsNewHostObject(NULL);
  xsmcSetHostBuffer(xsResult, flowTable, bytes);
  /* Views of it need nothing else; its users may want the length, which a host buffer does not tell. */
  xsmcSetInteger(xsVar(0), bytes);
  xsmcSet(xsResult, xsID_byteLength, xsVar(0));
}

/* The word of the flow table whose number is the first parameter. */
static uint32_t *flowWord(xsMachine *the) {
  const xsIntegerValue at = xsmcToInteger(xsArg(0));
  if ((uint32_t)at >= flowWords) xsRangeError("The flow table has no such word");
  return flowTable + at;
}

void xs_framePort_loadFlowWord(xsMachine *the) {
  xsmcSetInteger(xsResult, (xsIntegerValue)__atomic_load_n(flowWord(the), __ATOMIC_SEQ_CST));
}

void xs_framePort_storeFlowWord(xsMachine *the) {
  const xsIntegerValue value = xsmcToInteger(xsArg(1));
  __atomic_store_n(flowWord(the), (uint32_t)value, __ATOMIC_SEQ_CST);
}

void xs_framePort_carryFlows(xsMachine *the) {
  if (xsmcArgc == 0 || xsmcTypeOf(xsArg(0)) == xsUndefinedType) {
    for (int index = 0; index < PORTER_PORTS; index += 1) {
      if (interfaces[index].record != NULL) porter_stop_carrying(&interfaces[index].record->port);
    }
    return;
  }
  Record *const lan = recordOf(the, &xsArg(1));
  Record *const wan = recordOf(the, &xsArg(2));
  void *bytes;
  xsUnsignedValue size;
  xsmcGetBufferWritable(xsArg(0), &bytes, &size);
  if (bytes != flowTable) xsTypeError("Flows are carried by a table in the memory of flowMemory");
  if (lan->port.interfaceIndex != 0 || wan->port.interfaceIndex != 1) {
    xsRangeError("Flows are carried between the ports of interfaces 0 and 1");
  }
  porter_carry_flows(flowTable, &lan->port, &wan->port);
}
