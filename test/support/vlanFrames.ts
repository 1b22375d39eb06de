/** Frames with VLAN tags, put together from IEEE 802.1Q alone. */

const ADDRESSES_BYTES = 12;

/** The frame with a tag behind its addresses: `control` is priority, drop eligibility and VLAN identifier. */
export function taggedFrame(frame: Uint8Array, control: number, type = 0x8100): Uint8Array {
  const tagged = new Uint8Array(frame.length + 4);
  tagged.set(frame.subarray(0, ADDRESSES_BYTES));
  tagged.set([type >> 8, type & 255, control >> 8, control & 255], ADDRESSES_BYTES);
  tagged.set(frame.subarray(ADDRESSES_BYTES), ADDRESSES_BYTES + 4);
  return tagged;
}

/** The four bytes behind the addresses, as in "8100000a" for VLAN 10; of an untagged frame they are others. */
export function tagOf(frame: Uint8Array): string {
  return Buffer.from(frame.subarray(ADDRESSES_BYTES, ADDRESSES_BYTES + 4)).toString("hex");
}

/** The frame without the tag that it has. */
export function untaggedFrame(frame: Uint8Array): Uint8Array {
  const untagged = new Uint8Array(frame.length - 4);
  untagged.set(frame.subarray(0, ADDRESSES_BYTES));
  untagged.set(frame.subarray(ADDRESSES_BYTES + 4), ADDRESSES_BYTES);
  return untagged;
}
