/**
 * The VLAN tag (IEEE 802.1Q-2018 clause 9): four bytes between the source address and the type, of which the first two are
 * read where an untagged frame has its type.
 *
 * The tag goes in and out by one move of all that follows it, so that the Ethernet header stays at its fixed offset.
 */
import {
  ETHERNET_AT,
  ETHERNET_HEADER_BYTES,
  type Frame,
  MAX_FRAME_BYTES,
  MAX_TAGGED_FRAME_BYTES,
  VLAN_TAG_BYTES,
} from "../core/frame.js";
import { ETHERTYPE_AT, etherType } from "./ethernet.js";

/** The customer tag, C-TAG (IEEE 802.1Q-2018 table 9-1). */
export const ETHERTYPE_VLAN = 0x8100;
/** The service tag, S-TAG, which a provider puts in front of the customer's (table 9-1). */
export const ETHERTYPE_SERVICE_VLAN = 0x88a8;

export const TAGGED_HEADER_BYTES = ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;

/** Priority (3 bits) and drop eligibility (1 bit) stand before the VLAN identifier (section 9.6). */
const VLAN_ID_MASK = 0x0fff;
const CONTROL_AT = ETHERTYPE_AT + 2;
const INNER_ETHERTYPE_AT = ETHERTYPE_AT + VLAN_TAG_BYTES;

/** Whether a frame is no shorter than its header and no longer than Ethernet allows, which is 4 bytes more with a tag. */
export function isEthernetLength(frame: Frame, length: number): boolean {
  if (length <= MAX_FRAME_BYTES) return length >= ETHERNET_HEADER_BYTES;
  return length <= MAX_TAGGED_FRAME_BYTES && etherType(frame) === ETHERTYPE_VLAN;
}

/** The VLAN identifier of a tagged frame, 0..4095; 0, the null VLAN ID, in a tag that gives a priority only. */
export function vlanId(frame: Frame): number {
  return frame.view.getUint16(CONTROL_AT) & VLAN_ID_MASK;
}

/** The type behind the tag of a tagged frame. */
export function innerEtherType(frame: Frame): number {
  return frame.view.getUint16(INNER_ETHERTYPE_AT);
}

/** Tags a frame of `length` bytes, which has 4 bytes more afterwards, with priority 0 (section 6.9.4: best effort). */
export function insertVlanTag(frame: Frame, length: number, vlan: number): void {
  frame.bytes.copyWithin(INNER_ETHERTYPE_AT, ETHERTYPE_AT, ETHERNET_AT + length);
  frame.view.setUint16(ETHERTYPE_AT, ETHERTYPE_VLAN);
  frame.view.setUint16(CONTROL_AT, vlan);
}

/** Takes the tag off a tagged frame of `length` bytes, which has 4 bytes less afterwards. */
export function removeVlanTag(frame: Frame, length: number): void {
  frame.bytes.copyWithin(ETHERTYPE_AT, INNER_ETHERTYPE_AT, ETHERNET_AT + length);
}
