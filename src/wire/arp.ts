/** ARP for IPv4 over Ethernet (RFC 826); the packet begins at `NETWORK_AT` of a frame. */
import { type Frame, NETWORK_AT } from "../core/frame.js";
import { ETHERTYPE_IPV4, readMac, writeMac } from "./ethernet.js";

export const ARP_BYTES = 28;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

const HARDWARE_AT = NETWORK_AT;
const PROTOCOL_AT = NETWORK_AT + 2;
const LENGTHS_AT = NETWORK_AT + 4;
const OPERATION_AT = NETWORK_AT + 6;
const SENDER_MAC_AT = NETWORK_AT + 8;
const SENDER_ADDRESS_AT = NETWORK_AT + 14;
const TARGET_MAC_AT = NETWORK_AT + 18;
const TARGET_ADDRESS_AT = NETWORK_AT + 24;

const HARDWARE_ETHERNET = 1;
/** Hardware address length 6, protocol address length 4. */
const LENGTHS = 0x0604;

/** True for a complete Ethernet/IPv4 request or reply in `bytes` bytes; only then may the accessors be used. */
export function isArpValid(frame: Frame, bytes: number): boolean {
  const view = frame.view;
  if (bytes < ARP_BYTES) return false;
  const operation = view.getUint16(OPERATION_AT);
  return (
    view.getUint16(HARDWARE_AT) === HARDWARE_ETHERNET &&
    view.getUint16(PROTOCOL_AT) === ETHERTYPE_IPV4 &&
    view.getUint16(LENGTHS_AT) === LENGTHS &&
    (operation === ARP_REQUEST || operation === ARP_REPLY)
  );
}

export function arpOperation(frame: Frame): number {
  return frame.view.getUint16(OPERATION_AT);
}

export function arpSenderMac(frame: Frame): number {
  return readMac(frame.view, SENDER_MAC_AT);
}

export function arpSenderAddress(frame: Frame): number {
  return frame.view.getInt32(SENDER_ADDRESS_AT);
}

export function arpTargetAddress(frame: Frame): number {
  return frame.view.getInt32(TARGET_ADDRESS_AT);
}

export function writeArp(
  frame: Frame,
  operation: number,
  senderMac: number,
  senderAddress: number,
  targetMac: number,
  targetAddress: number,
): void {
  const view = frame.view;
  view.setUint16(HARDWARE_AT, HARDWARE_ETHERNET);
  view.setUint16(PROTOCOL_AT, ETHERTYPE_IPV4);
  view.setUint16(LENGTHS_AT, LENGTHS);
  view.setUint16(OPERATION_AT, operation);
  writeMac(view, SENDER_MAC_AT, senderMac);
  view.setInt32(SENDER_ADDRESS_AT, senderAddress);
  writeMac(view, TARGET_MAC_AT, targetMac);
  view.setInt32(TARGET_ADDRESS_AT, targetAddress);
}
