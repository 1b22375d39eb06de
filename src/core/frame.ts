/**
 * One Ethernet frame in memory.
 *
 * The buffer begins with two bytes of padding, so that the IPv4 header behind the 14-byte Ethernet header is aligned to
 * four bytes: on XS one aligned 32-bit read costs as much as one byte read, so the hot path reads whole words.
 */

/** Offset of the Ethernet header in a frame's buffer. */
export const ETHERNET_AT = 2;
/** Offset of the network header (IPv4, ARP) in a frame's buffer. */
export const NETWORK_AT = 16;
/** Offset of the transport header behind an IPv4 header without options. */
export const TRANSPORT_AT = 36;

export const ETHERNET_HEADER_BYTES = 14;
/** The largest frame without VLAN tag and FCS: 14 bytes of header and 1500 of payload (IEEE 802.3). */
export const MAX_FRAME_BYTES = 1514;
/** TPID and TCI (IEEE 802.1Q-2018 section 9.6), by which a tagged frame may be longer (IEEE 802.3-2018 section 3.2.7). */
export const VLAN_TAG_BYTES = 4;
export const MAX_TAGGED_FRAME_BYTES = MAX_FRAME_BYTES + VLAN_TAG_BYTES;

export class Frame {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The same memory as native-endian 32-bit words; word `n` is bytes `4n..4n+3`. */
  readonly words: Int32Array;
  /** Largest frame the buffer holds, in bytes, without the padding and without a VLAN tag, for which there is room, too. */
  readonly capacity: number;

  constructor(capacity: number = MAX_FRAME_BYTES) {
    this.capacity = capacity;
    const buffer = new ArrayBuffer((ETHERNET_AT + capacity + VLAN_TAG_BYTES + 3) & ~3);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
  }
}
