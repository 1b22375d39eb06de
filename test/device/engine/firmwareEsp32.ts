/** The firmware in the heaps of an ESP32 without PSRAM. */
import { ESP32_CAPACITY } from "../../../boards/common/capacity.js";
import { runFirmware } from "./firmware.js";

export default function firmwareEsp32(): void {
  runFirmware(ESP32_CAPACITY, true);
}
