#include "xsmc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_QUEUED 8
#define MOST_OBJECTS 64

int fakeRemembered;
int fakeCallsOutside;
int fakeQueued;
int fakeQueueLength = MOST_QUEUED;

static struct {
  modMessageDeliver callback;
  void *context;
} queue[MOST_QUEUED];
static FakeObject objects[MOST_OBJECTS];
static int objectCount;

void fakeThrow(xsMachine *the, const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(the->message, sizeof the->message, format, values);
  va_end(values);
  if (the->landing == NULL) {
    fprintf(stderr, "nobody catches: %s\n", the->message);
    exit(1);
  }
  longjmp(*the->landing, 1);
}

void fakeSetNumber(xsSlot *slot, double number) {
  memset(slot, 0, sizeof *slot);
  slot->type = xsNumberType;
  slot->number = number;
}

void fakeSetString(xsSlot *slot, const char *string) {
  memset(slot, 0, sizeof *slot);
  slot->type = xsStringType;
  snprintf(slot->string, sizeof slot->string, "%s", string);
}

/* Of the last one, which is as many as a test looks at. */
void fakeSetArrayBuffer(xsSlot *slot, const void *bytes, xsIntegerValue size) {
  static uint8_t copy[80];
  if (size < 0 || (size_t)size > sizeof copy) abort();
  memcpy(copy, bytes, (size_t)size);
  *slot = fakeNewObject();
  slot->object->bytes = copy;
  slot->object->byteLength = (uint32_t)size;
}

xsSlot fakeNewObject(void) {
  if (objectCount == MOST_OBJECTS) abort();
  FakeObject *const object = objects + objectCount++;
  object->reference.type = xsReferenceType;
  object->reference.object = object;
  return object->reference;
}

void fakeGetBuffer(xsMachine *the, const xsSlot *slot, void **bytes, xsUnsignedValue *size) {
  if (slot->type != xsReferenceType || slot->object->bytes == NULL) fakeThrow(the, "invalid buffer");
  *bytes = slot->object->bytes;
  *size = slot->object->byteLength;
}

void *fxGetHostDataValidate(xsMachine *the, const xsSlot *slot, void *validator) {
  if (slot->type != xsReferenceType || slot->object->hooks != validator) fakeThrow(the, "invalid host data");
  return slot->object->data;
}

void fakeCall(xsMachine *the, const xsSlot *function, const xsSlot *self, int count, xsSlot first, xsSlot second) {
  const xsSlot callee = *function;
  if (the->hosts != 1) fakeCallsOutside += 1;
  the->self = *self;
  the->argumentCount = count;
  the->arguments[0] = first;
  the->arguments[1] = second;
  callee.object->function(the);
}

int modMessagePostToMachine(
  xsMachine *the, uint8_t *message, uint16_t length, modMessageDeliver callback, void *context
) {
  (void)the;
  if (message != NULL || length != 0) abort();
  if (fakeQueued >= fakeQueueLength) return -2;
  queue[fakeQueued].callback = callback;
  queue[fakeQueued].context = context;
  fakeQueued += 1;
  return 0;
}

void fakeService(xsMachine *the) {
  for (int left = fakeQueued; left > 0; left -= 1) {
    const modMessageDeliver callback = queue[0].callback;
    void *const context = queue[0].context;
    fakeQueued -= 1;
    memmove(queue, queue + 1, sizeof *queue * (size_t)fakeQueued);
    callback(the, context, NULL, 0);
  }
}
