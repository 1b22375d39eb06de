/**
 * IPv4 addresses are int32 values whose bits read big-endian as on the wire: 192.168.1.1 is `0xc0a80101 | 0`, which is
 * negative. XS computes with int32 directly, while a uint32 above 2^31 becomes a double. MAC addresses are 48-bit
 * non-negative numbers, which a double holds exactly.
 */

export const BROADCAST_ADDRESS = -1;
export const BROADCAST_MAC = 0xffffffffffff;

/** The upper halves of 169.254.0.0/16 and 192.0.0.0/24. */
const LINK_LOCAL = 0xa9fe0000 >> 16;
const IETF_PROTOCOLS = 0xc0000000 >> 16;

/** Reads a dotted quad; undefined when it is not exactly four decimal numbers 0..255 without leading zeros. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const value = Number(part);
    if (value > 255) return undefined;
    address = (address << 8) | value;
  }
  return address;
}

export function formatAddress(address: number): string {
  return `${(address >> 24) & 255}.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`;
}

/** The netmask of a prefix length 0..32, as an int32. */
export function prefixMask(length: number): number {
  // A shift by 32 is a shift by 0 in JavaScript.
  return length === 0 ? 0 : -1 << (32 - length);
}

/** An address with a prefix length: an interface's address (host bits kept) or a network. */
export interface Prefix {
  readonly address: number;
  /** 0..32 */
  readonly length: number;
}

/** Reads `ADDRESS/LENGTH`, or a bare `ADDRESS` as /32; host bits are kept. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return { address, length: 32 };
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9]\d?)$/.test(digits) || Number(digits) > 32) return undefined;
  return { address, length: Number(digits) };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

export function prefixContains(prefix: Prefix, address: number): boolean {
  return ((prefix.address ^ address) & prefixMask(prefix.length)) === 0;
}

/** 224.0.0.0/4 (RFC 5771). */
export function isMulticast(address: number): boolean {
  return (address & 0xf0000000) === (0xe0000000 | 0);
}

/**
 * True for an address that a single host may have, and an answer go to. The others are in special blocks: 0.0.0.0/8 and
 * 127.0.0.0/8 (RFC 1122 section 3.2.1.3), 224.0.0.0/4 (RFC 5771), 240.0.0.0/4 with the limited broadcast (RFC 1112
 * section 4).
 */
export function isUnicastSource(address: number): boolean {
  // One look at the first octet: a call for each block would cost four times as much on XS.
  const first = (address >> 24) & 255;
  return first !== 0 && first !== 127 && first < 224;
}

/**
 * True for a unicast address that packets may cross a router from or to, as the special-purpose registry has it (RFC 6890
 * section 2.2.2): not in 169.254.0.0/16, nor in 192.0.0.0/24 but for 192.0.0.0/29 and the anycast addresses 192.0.0.9 and
 * 192.0.0.10 (RFC 7723, RFC 8155). The networks for documentation pass: every example and test of ours is set in them.
 */
export function isTransitAddress(address: number): boolean {
  const first = (address >> 24) & 255;
  if (first === 0 || first === 127 || first >= 224) return false;
  const head = address >> 16;
  if (head === LINK_LOCAL) return false;
  if (head !== IETF_PROTOCOLS || (address & 0xff00) !== 0) return true;
  const last = address & 0xff;
  return last < 8 || last === 9 || last === 10;
}

/** The group bit of the first octet: multicast and broadcast stations (IEEE 802.3). */
export function isGroupMac(mac: number): boolean {
  return (Math.floor(mac / 0x10000000000) & 1) === 1;
}

/** The upper 16 bits of a station address. */
export function macHead(mac: number): number {
  return Math.floor(mac / 0x100000000);
}

/** The lower 32 bits of a station address, as an int32. */
export function macTail(mac: number): number {
  return (mac % 0x100000000) | 0;
}

/** The station address of these upper 16 and lower 32 bits. */
export function macOf(head: number, tail: number): number {
  return head * 0x100000000 + (tail >>> 0);
}

export function formatMac(mac: number): string {
  const digits = mac.toString(16).padStart(12, "0");
  return digits.match(/../g)?.join(":") ?? digits;
}

/** Reads `02:00:00:00:00:10`, with hyphens as well; undefined when it is not six octets of two hexadecimal digits. */
export function parseMac(text: string): number | undefined {
  if (!/^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i.test(text)) return undefined;
  return Number.parseInt(text.replace(/[:-]/g, ""), 16);
}
