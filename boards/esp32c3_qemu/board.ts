/** An ESP32-C3 with the Ethernet interface of OpenCores, which exists in emulators: one cable, LAN and WAN as VLANs. */
import type { Board } from "../common/board.js";
import { FULL_CAPACITY } from "../common/capacity.js";

export const board: Board = Object.freeze({
  name: "esp32c3_qemu",
  media: Object.freeze(["ethernet"] as const),
  lan: Object.freeze({ port: "ethernet", vlan: 10 }),
  wan: Object.freeze({ port: "ethernet", vlan: 20 }),
  capacity: FULL_CAPACITY,
  console: Object.freeze({ port: 0, transmit: 21, receive: 20, baud: 115_200 }),
  debugConsole: Object.freeze({ port: 1, transmit: 4, receive: 5, baud: 115_200 }),
});
