/**
 * The firmware's JavaScript against its budget of flash: the byte code, names and tables that the engine holds once the
 * whole firmware is loaded, which on a board are in the image. It needs no SDK, only a C compiler. The SDK's linker makes
 * 3 % more of it, built-in functions included (554,264 here, 571,806 bytes of image when this was written). The firewall,
 * fairness, fragments and `explain` have brought 180,000: 735,664 here, an image of 1,207,216 bytes.
 */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { whyNotBuildable } from "../xs/host/build.js";
import { measure } from "../xs/host/xsHost.js";

const ENTRY = fileURLToPath(new URL("rest.entry.ts", import.meta.url));
const BOARD_VARIANT = "32-bit -Os";
/** Of the 2,031,616 bytes of an image's partition, which ESP-IDF, drivers and the engine share. Raised only on purpose. */
const BUDGET_BYTES = 800_000;

const problem = whyNotBuildable(BOARD_VARIANT);

it.skipIf(problem !== undefined)(
  "the firmware's JavaScript keeps to its budget of flash",
  async () => {
    const { engine, loaded } = await measure(ENTRY, [], BOARD_VARIANT);
    const slotBytes = (loaded.slots - engine.slots) * engine.slotBytes;
    expect(slotBytes + loaded.chunkBytes - engine.chunkBytes).toBeLessThan(BUDGET_BYTES);
  },
  240_000,
);
