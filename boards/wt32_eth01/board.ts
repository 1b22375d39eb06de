/** Wireless-Tag WT32-ETH01: an ESP32 with a LAN8720 PHY. The jack is the WAN, Wi-Fi the home. */
import type { Board } from "../common/board.js";
import { ESP32_CAPACITY } from "../common/capacity.js";
import { Wifi } from "../common/wifi.js";

export const board: Board = Object.freeze({
  name: "wt32_eth01",
  media: Object.freeze(["ethernet", "station", "accessPoint"] as const),
  lan: Object.freeze({ port: "accessPoint", vlan: 0 }),
  wan: Object.freeze({ port: "ethernet", vlan: 0 }),
  capacity: ESP32_CAPACITY,
  console: Object.freeze({ port: 0, transmit: 1, receive: 3, baud: 115_200 }),
  debugConsole: Object.freeze({ port: 2, transmit: 17, receive: 5, baud: 115_200 }),
  openRadio: (options) => new Wifi(options),
});
