/**
 * The flow cache in C for a gateway on Node, through koffi.
 *
 * koffi takes the memory of a typed array where it lies: an ArrayBuffer of Node's does not move. Measured: 75 ns for a call
 * with the two arrays, 50 with addresses kept as numbers, which would leave it to us to keep their memory alive. Neither
 * allocates anything.
 */
import koffi from "koffi";
import { ETHERNET_HEADER_BYTES } from "../src/core/frame.js";
import { type FlowCache, type Forward, MISS } from "../src/flow/cache.js";
import { type FlowTable, LAN, WAN } from "../src/flow/table.js";
import { buildFlowCache, LIBRARY_FLAGS } from "./buildFlowCache.js";

// A pointer to words would make koffi look whether the array is of their kind.
const PROTOTYPE = "int porter_flow_forward(void *table, void *frame, uint32_t length, uint32_t interfaceIndex)";

/**
 * What `createFlowCache` is for the flow cache in TypeScript. Builds and loads the C library at once; throws an Error with
 * one sentence where there is no C compiler for it.
 */
export function loadNativeFlowCache(): (flows: FlowTable) => FlowCache {
  const forward = koffi.load(buildFlowCache([], LIBRARY_FLAGS)).func(PROTOTYPE);
  return ({ words }) => {
    const carryFrom =
      (index: number): Forward =>
      (packet, length) =>
        forward(words, packet, length, index) === MISS
          ? MISS
          : ETHERNET_HEADER_BYTES + totalBytesIn(packet[4] as number);
    return { outbound: carryFrom(LAN), inbound: carryFrom(WAN) };
  };
}

/** The packet's length, in word 4 of its frame. Little-endian: on other machines the C carries nothing. */
function totalBytesIn(word: number): number {
  return ((word >> 8) & 0xff00) | ((word >> 24) & 0xff);
}
