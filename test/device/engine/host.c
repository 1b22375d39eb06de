/*
 * Runs a linked module on a desktop as the board runs it: what is preloaded is read-only, and the heaps have the sizes that
 * the manifest gives them.
 *
 * The module's default export is called, and may call global functions in turn: `print(text)`; `report()`, which gives an
 * object of what the engine holds without garbage. The exit status is 0; 1 with an exception on standard error; 2 when the
 * engine cannot go on.
 */
#include "xsAll.h"
#include "xs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *xsPreparationAndCreation(xsCreation **creation);

/* What a slot of the stack holds that was never in use. */
enum { UNTOUCHED = 0xa5 };

/* The engine calls it when it cannot go on: no memory, a built-in function that was stripped. */
void fxAbort(txMachine *the, int status)
{
	(void)the;
	fprintf(stderr, "the engine stops: %s\n", fxAbortString(status));
	exit(2);
}

static void print(txMachine *the)
{
	puts(xsToString(xsArg(0)));
}

static void markStack(txMachine *the)
{
	memset(the->stackBottom, UNTOUCHED, (char *)the->stack - (char *)the->stackBottom);
}

/* From the top to where so many slots in a row were never in use: some are skipped, and the lowest are the engine's. */
static int usedStackSlots(txMachine *the)
{
	int quiet = 0;
	txSlot *slot = the->stack;
	while (slot > the->stackBottom && quiet < 32) {
		const unsigned char *bytes = (const unsigned char *)--slot;
		quiet++;
		for (size_t i = 0; i < sizeof(txSlot); i++) {
			if (bytes[i] != UNTOUCHED) quiet = 0;
		}
	}
	return (int)(the->stackTop - slot) - quiet;
}

static void report(txMachine *the)
{
	xsVars(1);
	int stackSlots = usedStackSlots(the);
	fxCollectGarbage(the);
	int slots = the->currentHeapCount;
	int chunkBytes = the->currentChunksSize;
	xsResult = xsNewObject();
	xsVar(0) = xsInteger(slots);
	xsSet(xsResult, xsID("slots"), xsVar(0));
	xsVar(0) = xsInteger(chunkBytes);
	xsSet(xsResult, xsID("chunkBytes"), xsVar(0));
	xsVar(0) = xsInteger(stackSlots);
	xsSet(xsResult, xsID("stackSlots"), xsVar(0));
	xsVar(0) = xsInteger(the->keyIndex - the->keyOffset);
	xsSet(xsResult, xsID("keys"), xsVar(0));
}

int main(int count, char *arguments[])
{
	int status = 0;
	if (count != 2) return 1;
	xsMachine *machine = fxPrepareMachine(NULL, xsPreparationAndCreation(NULL), "porter", NULL, NULL);
	markStack(machine);
	xsBeginHost(machine);
	{
		xsVars(1);
		xsTry {
			xsVar(0) = xsNewHostFunction(print, 1);
			xsSet(xsGlobal, xsID("print"), xsVar(0));
			xsVar(0) = xsNewHostFunction(report, 0);
			xsSet(xsGlobal, xsID("report"), xsVar(0));
			xsVar(0) = xsAwaitImport(arguments[1], XS_IMPORT_DEFAULT);
			(void)xsCallFunction0(xsVar(0), xsUndefined);
		}
		xsCatch {
			fprintf(stderr, "%s\n", xsToString(xsException));
			status = 1;
		}
	}
	xsEndHost(machine);
	xsDeleteMachine(machine);
	return status;
}
