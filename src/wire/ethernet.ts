/** The Ethernet II header (IEEE 802.3 clause 3): destination, source, type; at `ETHERNET_AT` of a frame. */
import { ETHERNET_AT, type Frame } from "../core/frame.js";

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;

const DESTINATION_AT = ETHERNET_AT;
const SOURCE_AT = ETHERNET_AT + 6;
const TYPE_AT = ETHERNET_AT + 12;

/** Reads a station address as a 48-bit number. */
export function readMac(view: DataView, at: number): number {
  return view.getUint16(at) * 0x100000000 + view.getUint32(at + 2);
}

export function writeMac(view: DataView, at: number, mac: number): void {
  view.setUint16(at, Math.floor(mac / 0x100000000));
  view.setUint32(at + 2, mac % 0x100000000);
}

export function etherDestination(frame: Frame): number {
  return readMac(frame.view, DESTINATION_AT);
}

export function etherSource(frame: Frame): number {
  return readMac(frame.view, SOURCE_AT);
}

export function etherType(frame: Frame): number {
  return frame.view.getUint16(TYPE_AT);
}

export function writeEthernet(frame: Frame, destination: number, source: number, type: number): void {
  writeMac(frame.view, DESTINATION_AT, destination);
  writeMac(frame.view, SOURCE_AT, source);
  frame.view.setUint16(TYPE_AT, type);
}
