/** How much a board's tables hold. The heaps in manifest.json have room for all of it, in use at the same time. */
import { type Capacity, DEFAULT_CAPACITY, LARGE_CAPACITY } from "../../src/core/capacity.js";

/** Sockets of our own are few: a new firmware's, and what services will need. Their buffers are the largest on a board. */
const OWN_SOCKETS = Object.freeze({ sockets: 4, listeners: 2, tcpReceiveBytes: 2048, tcpSendBytes: 2048 });

export const BOARD_CAPACITY: Capacity = Object.freeze({ ...DEFAULT_CAPACITY, ...OWN_SOCKETS });

/** For a board with PSRAM; boards/common/psram.json has the heaps for it. */
export const PSRAM_CAPACITY: Capacity = Object.freeze({ ...LARGE_CAPACITY, ...OWN_SOCKETS, sockets: 8, listeners: 4 });
