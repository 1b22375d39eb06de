/** An ESP32-WROVER: as esp32_wifi, with PSRAM and larger tables. Its GPIO 16 and 17 are the PSRAM's. */
import type { Board } from "../common/board.js";
import { PSRAM_CAPACITY } from "../common/capacity.js";
import { Wifi } from "../common/wifi.js";

export const board: Board = Object.freeze({
  name: "esp32_wrover",
  media: Object.freeze(["station", "accessPoint"] as const),
  lan: Object.freeze({ port: "accessPoint", vlan: 0 }),
  wan: Object.freeze({ port: "station", vlan: 0 }),
  capacity: PSRAM_CAPACITY,
  console: Object.freeze({ port: 0, transmit: 1, receive: 3, baud: 115_200 }),
  debugConsole: Object.freeze({ port: 2, transmit: 4, receive: 5, baud: 115_200 }),
  openRadio: (options) => new Wifi(options),
});
