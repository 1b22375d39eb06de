import { ETHERNET_AT, type Frame } from "../../src/core/frame.js";

/** The Ethernet frame of `length` bytes as hexadecimal digits; without the help of Node, for it runs on XS too. */
export function toHex(frame: Frame, length: number): string {
  let digits = "";
  for (let at = ETHERNET_AT; at < ETHERNET_AT + length; at++) {
    digits += (frame.bytes[at] as number).toString(16).padStart(2, "0");
  }
  return digits;
}
