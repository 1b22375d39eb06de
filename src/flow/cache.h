/*
 * The flow cache for the driver's task on the board: the same behaviour as `createFlowCache` in cache.ts, byte for byte,
 * in the frame and in the table. Plain C99: no operating system, no engine, no allocation, no state of its own.
 */
#ifndef PORTER_FLOW_CACHE_H
#define PORTER_FLOW_CACHE_H

#include <stdint.h>

/* The flow cache has left the frame and the table as they were. */
#define PORTER_FLOW_MISS (-1)

/*
 * Takes a frame that came in by interface 0 (LAN) or 1 (WAN). A hit is rewritten in place, ready to leave by the interface
 * whose index is returned, at its full length; anything that wants a decision is a PORTER_FLOW_MISS.
 * One task at a time may do this for each interface, beside the one that changes the table.
 *
 * table   the words of a FlowTable, laid out as layout.h says; best at a multiple of 32 bytes
 * frame   aligned to four bytes: two bytes of padding, which a hit overwrites, then the Ethernet header
 * length  bytes of the frame, without the padding and the FCS; no byte behind them is read or written, and none behind the
 *         first 54: of a longer frame a caller may give the beginning alone
 */
int porter_flow_forward(uint32_t *table, void *frame, uint32_t length, uint32_t interfaceIndex);

#endif
