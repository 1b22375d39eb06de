import type { Frame } from "../core/frame.js";

/** Where frames leave: an Ethernet or Wi-Fi driver, a TAP device, a simulated link. */
export interface FramePort {
  /**
   * Sends the first `length` bytes of the Ethernet frame in `frame` (from `ETHERNET_AT`).
   *
   * The port must have copied or written the bytes when it returns, for the caller reuses the frame at once. It never
   * throws and never blocks: it returns false when the frame could not be taken (queue full, link down).
   */
  send(frame: Frame, length: number): boolean;
}
