/** The firmware in the emulated board's heaps. */
import { FULL_CAPACITY } from "../../../boards/common/capacity.js";
import { runFirmware } from "./firmware.js";

export default function firmwareFull(): void {
  runFirmware(FULL_CAPACITY, true);
}
