/** What the gateway holds at rest, as the board would hold it. */
import { fileURLToPath } from "node:url";
import type { Variant } from "./build.js";
import type { CapacityName } from "./rest.entry.js";
import { type Measurement, measure, type RegionCost } from "./xsHost.js";

const REST_FILE = fileURLToPath(new URL("rest.entry.ts", import.meta.url));
/** On the board, whatever the engine was built for here. */
const BOARD_SLOT_BYTES = 16;

export interface Rest {
  readonly slots: number;
  /** Strings, buffers and arrays, without copies of byte code, which the board has in flash. */
  readonly chunkBytes: number;
  /** Both, with the board's slots. */
  readonly bytes: number;
  readonly measurement: Measurement;
}

/** `large` is what a board with PSRAM has room for. */
export async function measureRest(capacity: CapacityName, variant: Variant): Promise<Rest> {
  const measurement = await measure(REST_FILE, [{ run: ["create", capacity] }], variant);
  const { heldSlots: slots, heldChunkBytes, heldCodeBytes } = measurement.costs[0] as RegionCost;
  const chunkBytes = heldChunkBytes - heldCodeBytes;
  return { slots, chunkBytes, bytes: slots * BOARD_SLOT_BYTES + chunkBytes, measurement };
}
