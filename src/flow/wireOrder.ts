/** A 32-bit value as a word whose bytes lie in network order in memory, and back. */
export function toWire(value: number, isLittleEndian: boolean): number {
  return isLittleEndian
    ? (value << 24) | ((value & 0xff00) << 8) | ((value >> 8) & 0xff00) | ((value >> 24) & 0xff)
    : value;
}
