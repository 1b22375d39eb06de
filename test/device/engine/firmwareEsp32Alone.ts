/** The firmware in the heaps of an ESP32 without PSRAM whose drivers get no memory for the flow table. */
import { ESP32_CAPACITY } from "../../../boards/common/capacity.js";
import { runFirmware } from "./firmware.js";

export default function firmwareEsp32Alone(): void {
  runFirmware(ESP32_CAPACITY, false);
}
