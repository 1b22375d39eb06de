/** Any ESP32 board with 4 MB of flash and no Ethernet: station in the network of the WAN, access point for the home. */
import type { Board } from "../common/board.js";
import { ESP32_CAPACITY } from "../common/capacity.js";
import { Wifi } from "../common/wifi.js";

export const board: Board = Object.freeze({
  name: "esp32_wifi",
  media: Object.freeze(["station", "accessPoint"] as const),
  lan: Object.freeze({ port: "accessPoint", vlan: 0 }),
  wan: Object.freeze({ port: "station", vlan: 0 }),
  capacity: ESP32_CAPACITY,
  console: Object.freeze({ port: 0, transmit: 1, receive: 3, baud: 115_200 }),
  debugConsole: Object.freeze({ port: 2, transmit: 17, receive: 5, baud: 115_200 }),
  openRadio: (options) => new Wifi(options),
});
