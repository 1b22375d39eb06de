/** Turns a 32-bit value into a word whose bytes lie in network order in memory, and back. */
export type WireOrder = (value: number) => number;

/** Chosen once, so that nobody has to ask at each value. */
export function wireOrderOf(isLittleEndian: boolean): WireOrder {
  return isLittleEndian ? swapped : unchanged;
}

function swapped(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >> 8) & 0xff00) | ((value >> 24) & 0xff);
}

function unchanged(value: number): number {
  return value;
}
