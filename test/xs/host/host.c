/*
 * An XS engine that measures: runs the scripts named on the command line, one after the other, in one realm.
 *
 * Scripts find the native functions in `natives`, the standard `TextEncoder`, and `measure(body)`, which calls `body` and prints a line of JSON about
 * that call:
 *   slots, chunkBytes          allocated by it: objects' memory, and that of strings, buffers and byte code
 *   heldSlots, heldChunkBytes  still in use after it, when all garbage is gone
 *   heldCodeBytes              of these, copies of byte code
 *   collected                  whether garbage was collected meanwhile: the first two are wrong then
 *   value                      what it returned, if that is an integer
 * Under `valgrind --tool=callgrind --instr-atstart=no` the instructions of each call are dumped too, in the same order.
 *
 * Before the scripts, and after each of them, a line tells what the engine holds without garbage. Exits with 1 and a
 * sentence on standard error when a script cannot be read or throws.
 */
#include "xsAll.h"
#include "xsScript.h"

#include "natives.h"

#ifdef HOST_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION (void)0
#define CALLGRIND_ZERO_STATS (void)0
#define CALLGRIND_DUMP_STATS (void)0
#define CALLGRIND_STOP_INSTRUMENTATION (void)0
#endif

/* As on the board where pointers have 32 bits. */
typedef char SlotsAreAsSmallAsOnTheBoard[sizeof(void *) == 8 || sizeof(txSlot) == 16 ? 1 : -1];

/* In the SDK's textencoder.c. */
extern void modInstallTextEncoder(xsMachine *the);

/* So large that what is measured does not make the engine collect garbage. The board's sizes would change no count. */
static txCreation creation = {
  .initialChunkSize = 16 * 1024 * 1024,
  .incrementalChunkSize = 1024 * 1024,
  .initialHeapCount = 128 * 1024,
  .incrementalHeapCount = 64 * 1024,
  .stackCount = 8 * 1024,
  .initialKeyCount = 8 * 1024,
  .incrementalKeyCount = 1024,
  .nameModulo = 1993,
  .symbolModulo = 127,
  .parserBufferSize = 8 * 1024 * 1024,
  .parserTableModulo = 1993,
};

typedef struct {
  txSize slots;
  txSize chunkBytes;
  /* Of these, byte code: a function made from source has a copy of its own, one from the board's flash has not. */
  txSize codeBytes;
} Heap;

static int collected;

static Heap heapOf(txMachine *the) {
  Heap heap = { the->currentHeapCount, the->currentChunksSize, 0 };
  return heap;
}

/* Of all functions that there are; the garbage must be gone. A block of slots begins with one that tells its end. */
static txSize codeBytesOf(txMachine *the) {
  txSize bytes = 0;
  for (txSlot *block = the->firstHeap; block != NULL; block = block->next) {
    for (txSlot *slot = block + 1; slot < block->value.reference; slot++) {
      if (slot->kind == XS_CODE_KIND) bytes += ((txChunk *)slot->value.code.address - 1)->size;
    }
  }
  return bytes;
}

static Heap heapWithoutGarbage(txMachine *the) {
  fxCollectGarbage(the);
  Heap heap = heapOf(the);
  heap.codeBytes = codeBytesOf(the);
  return heap;
}

static void onCollected(void *data) {
  (void)data;
  collected = 1;
}

/* A function of its own, so that it shows by name in the profile too. */
static void __attribute__((noinline)) measuredRegion(txMachine *the) {
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  xsResult = xsCallFunction0(xsArg(0), xsUndefined);
  CALLGRIND_DUMP_STATS;
  CALLGRIND_STOP_INSTRUMENTATION;
}

static void measure(txMachine *the) {
  Heap held = heapWithoutGarbage(the);
  /* Garbage from the start: the first collection destroys it. */
  (void)xsNewHostObject(onCollected);
  collected = 0;
  Heap before = heapOf(the);
  measuredRegion(the);
  Heap after = heapOf(the);
  int wasCollected = collected;
  char value[16] = "null";
  if (mxResult->kind == XS_INTEGER_KIND) snprintf(value, sizeof value, "%d", (int)mxResult->value.integer);
  xsResult = xsUndefined;
  Heap rest = heapWithoutGarbage(the);
  printf(
    "{\"slots\":%d,\"chunkBytes\":%d,\"heldSlots\":%d,\"heldChunkBytes\":%d,\"heldCodeBytes\":%d,\"collected\":%s,\"value\":%s}\n",
    (int)(after.slots - before.slots), (int)(after.chunkBytes - before.chunkBytes), (int)(rest.slots - held.slots),
    (int)(rest.chunkBytes - held.chunkBytes), (int)(rest.codeBytes - held.codeBytes), wasCollected ? "true" : "false", value
  );
}

static void installFunctions(txMachine *the) {
  xsVars(2);
  xsVar(0) = xsNewObject();
  for (const Native *native = natives; native->name != NULL; native++) {
    xsVar(1) = xsNewHostFunction(native->callback, native->parameters);
    xsSet(xsVar(0), xsID(native->name), xsVar(1));
  }
  xsSet(xsGlobal, xsID("natives"), xsVar(0));
  xsVar(1) = xsNewHostFunction(measure, 1);
  xsSet(xsGlobal, xsID("measure"), xsVar(1));
}

static void runScript(txMachine *the, FILE *file) {
  txSlot *realm = mxProgram.value.reference->next->value.module.realm;
  /* Without mxDebugFlag: no byte codes that tell lines, as on the board. */
  txScript *script = fxParseScript(the, file, (txGetter)fgetc, mxProgramFlag);
  fxRunScript(
    the, script, mxRealmGlobal(realm), C_NULL, mxRealmClosures(realm)->value.reference, C_NULL, mxProgram.value.reference
  );
  mxPullSlot(mxResult);
}

static void printHeap(txMachine *the) {
  Heap heap = heapWithoutGarbage(the);
  printf("{\"engineSlots\":%d,\"engineChunkBytes\":%d,\"slotBytes\":%d}\n", (int)heap.slots, (int)heap.chunkBytes,
    (int)sizeof(txSlot));
}

int main(int count, char *arguments[]) {
  /* Volatile: it changes between the setjmp of xsTry and what comes after. */
  volatile int exitCode = 0;
  fxInitializeSharedCluster();
  xsMachine *machine = xsCreateMachine(&creation, "host", NULL);
  modInstallTextEncoder(machine);
  xsBeginHost(machine);
  {
    xsTry {
      installFunctions(the);
      printHeap(the);
      for (int index = 1; index < count; index++) {
        FILE *file = fopen(arguments[index], "r");
        if (file == NULL) xsUnknownError("cannot read %s", arguments[index]);
        runScript(the, file);
        fclose(file);
        xsResult = xsUndefined;
        printHeap(the);
      }
    }
    xsCatch {
      fprintf(stderr, "%s\n", xsToString(xsException));
      exitCode = 1;
    }
  }
  xsEndHost(machine);
  xsDeleteMachine(machine);
  fxTerminateSharedCluster();
  return exitCode;
}
