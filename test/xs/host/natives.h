/*
 * The native functions that scripts on the host may call: a script finds each as a property of the global `natives`.
 *
 * To add one, write it against xsmc.h alone, as it will be compiled for the board, declare it here, name it in the table
 * of natives.c, and list its source file in NATIVE_SOURCES of build.ts.
 */
#ifndef XS_HOST_NATIVES_H
#define XS_HOST_NATIVES_H

#include "xs.h"

typedef struct {
  char *name;
  xsCallback callback;
  /* How many parameters the function says it has. */
  xsIntegerValue parameters;
} Native;

/* Ends with an entry whose name is NULL. */
extern const Native natives[];

#endif
