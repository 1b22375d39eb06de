/*
 * What the board's C files ask of the engine, as far as they ask it, in this test's own words: values, objects with host
 * data, calls and messages, but no memory of its own. The real headers are test/boards/headers.ts's.
 */
#ifndef PORTER_FAKE_XS_H
#define PORTER_FAKE_XS_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "mc.xs.h"

typedef int32_t xsIntegerValue;
typedef uint32_t xsUnsignedValue;
typedef int xsIdentifier;
typedef struct xsMachine xsMachine;
typedef struct FakeObject FakeObject;

typedef enum { xsUndefinedType, xsNumberType, xsStringType, xsReferenceType } xsType;

typedef struct {
  xsType type;
  double number;
  char string[80];
  FakeObject *object;
} xsSlot;

typedef void (*xsMarkRoot)(xsMachine *the, xsSlot *slot);
typedef struct {
  void (*destructor)(void *data);
  void (*marker)(xsMachine *the, void *data, xsMarkRoot markRoot);
  const char *signature;
} xsHostHooks;

struct FakeObject {
  /* First, so that a reference to the object is one to this. */
  xsSlot reference;
  const xsHostHooks *hooks;
  void *data;
  int isHost;
  void *bytes;
  uint32_t byteLength;
  void (*function)(xsMachine *the);
  xsSlot properties[FAKE_IDS];
};

#define FAKE_ARGUMENTS 5
#define FAKE_VARIABLES 2

struct xsMachine {
  xsSlot self;
  xsSlot result;
  xsSlot arguments[FAKE_ARGUMENTS];
  int argumentCount;
  xsSlot variables[FAKE_VARIABLES];
  jmp_buf *landing;
  char message[120];
  int hosts;
};

#define xsThis (the->self)
#define xsResult (the->result)
#define xsArg(index) (the->arguments[index])
#define xsVar(index) (the->variables[index])
#define xsmcArgc (the->argumentCount)
#define xsmcVars(count) ((void)(count))

void fakeThrow(xsMachine *the, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
#define xsUnknownError(...) fakeThrow(the, __VA_ARGS__)
#define xsRangeError(...) fakeThrow(the, __VA_ARGS__)
#define xsTypeError(...) fakeThrow(the, __VA_ARGS__)

#define xsmcTypeOf(slot) ((slot).type)
#define xsmcTest(slot) ((slot).number != 0)
#define xsmcToInteger(slot) ((xsIntegerValue)(slot).number)
#define fxToString(the, slot) ((the)->message[0] = 0, (slot)->string)
#define xsmcToString(slot) fxToString(the, &(slot))
#define xsmcIsCallable(slot) ((slot).type == xsReferenceType && (slot).object->function != NULL)
#define xsmcToReference(slot) (&(slot).object->reference)
#define xsReference(pointer) (*(pointer))

void fakeSetNumber(xsSlot *slot, double number);
void fakeSetString(xsSlot *slot, const char *string);
void fakeSetArrayBuffer(xsSlot *slot, const void *bytes, xsIntegerValue size);
#define xsmcSetInteger(slot, value) fakeSetNumber(&(slot), value)
#define xsmcSetNumber(slot, value) fakeSetNumber(&(slot), value)
#define xsmcSetBoolean(slot, value) fakeSetNumber(&(slot), (value) ? 1 : 0)
#define xsmcSetString(slot, value) fakeSetString(&(slot), value)
#define xsmcSetArrayBuffer(slot, bytes, size) fakeSetArrayBuffer(&(slot), bytes, size)
#define xsmcSetStringX(slot, value) fakeSetString(&(slot), value)
#define xsmcGet(slot, of, id) ((slot) = (of).object->properties[id])
#define xsmcSet(of, id, slot) ((void)((of).object->properties[id] = (slot)))

xsSlot fakeNewObject(void);
#define xsmcSetNewObject(slot) ((slot) = fakeNewObject())
#define xsNewHostObject(destructor) fakeNewObject()
#define xsmcSetHostBuffer(slot, theBytes, size) \
  ((slot).object->bytes = (theBytes), (slot).object->byteLength = (uint32_t)(size))
void fakeGetBuffer(xsMachine *the, const xsSlot *slot, void **bytes, xsUnsignedValue *size);
#define xsmcGetBufferReadable(slot, bytes, size) fakeGetBuffer(the, &(slot), bytes, size)
#define xsmcGetBufferWritable(slot, bytes, size) fakeGetBuffer(the, &(slot), bytes, size)

#define xsmcGetHostData(slot) ((slot).object->data)
#define xsmcSetHostData(slot, theData) ((slot).object->data = (theData))
#define xsSetHostHooks(slot, theHooks) ((slot).object->hooks = (theHooks))
#define xsSetHostDestructor(slot, destructor) ((slot).object->hooks = NULL)
void *fxGetHostDataValidate(xsMachine *the, const xsSlot *slot, void *validator);
#define xsmcGetHostDataValidate(slot, validator) fxGetHostDataValidate(the, &(slot), validator)

/* Objects that are remembered, and calls outside of a host's turn, are counted. */
extern int fakeRemembered;
extern int fakeCallsOutside;
#define xsRemember(slot) ((void)(fakeRemembered += 1))
#define xsForget(slot) ((void)(fakeRemembered -= 1))
#define xsBeginHost(machine) ((void)((machine)->hosts += 1))
#define xsEndHost(machine) ((void)((machine)->hosts -= 1))
void fakeCall(xsMachine *the, const xsSlot *function, const xsSlot *self, int count, xsSlot first, xsSlot second);
#define xsCallFunction0(function, self) fakeCall(the, &(function), &(self), 0, xsThis, xsThis)
#define xsCallFunction2(function, self, first, second) fakeCall(the, &(function), &(self), 2, first, second)

/* The machine's queue, of as many messages as there may be. */
typedef void (*modMessageDeliver)(void *the, void *context, uint8_t *message, uint16_t length);
int modMessagePostToMachine(
  xsMachine *the, uint8_t *message, uint16_t length, modMessageDeliver callback, void *context
);
#define modDelayMilliseconds(ms) ((void)(ms))
extern int fakeQueued;
extern int fakeQueueLength;
/* Delivers what is queued now. */
void fakeService(xsMachine *the);

#endif
