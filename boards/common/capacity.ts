/** How much a board's tables hold. The heaps in its manifest have room for all of it, in use at the same time. */
import { type Capacity, DEFAULT_CAPACITY, LARGE_CAPACITY } from "../../src/core/capacity.js";

/** Sockets of our own are few: a new firmware's, and what services will need. Their buffers are the largest on a board. */
const OWN_SOCKETS = Object.freeze({ sockets: 4, listeners: 2, tcpReceiveBytes: 2048, tcpSendBytes: 2048 });

/** For a chip without a radio to feed; boards/common/heap.json has the heaps for it. */
export const FULL_CAPACITY: Capacity = Object.freeze({ ...DEFAULT_CAPACITY, ...OWN_SOCKETS });

/**
 * For an ESP32 without PSRAM: what its RAM leaves beside Wi-Fi. boards/common/esp32Heap.json has the heaps for it, and
 * test/device/memory.test.ts the sum.
 */
export const ESP32_CAPACITY: Capacity = Object.freeze({
  ...FULL_CAPACITY,
  sockets: 3,
  pendingFrames: 2,
  reassemblies: 1,
  mappings: 128,
  sessions: 256,
});

/**
 * For a board with PSRAM; boards/common/psram.json has the heaps for it. The flow table is in internal RAM, whose largest
 * block has no room for more sessions.
 */
export const PSRAM_CAPACITY: Capacity = Object.freeze({
  ...LARGE_CAPACITY,
  ...OWN_SOCKETS,
  sockets: 8,
  listeners: 4,
  sessions: 2048,
});

/**
 * For a board whose drivers get no memory for the flow table: it is in the engine's heap then, which has the same size. A
 * session takes 48 bytes of it beside the 19 that it takes anyway (`npm run bench:xs`), so that a quarter of them fits.
 */
export function withoutFlowMemory(capacity: Capacity): Capacity {
  return { ...capacity, sessions: capacity.sessions >> 2 };
}
