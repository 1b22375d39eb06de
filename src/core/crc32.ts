/** CRC-32 of IEEE 802.3, of bytes that are given one by one: `crc` is -1 at first, and inverted at the end (`~crc`). */
export function addToCrc32(crc: number, byte: number): number {
  let next = crc ^ byte;
  for (let bit = 0; bit < 8; bit++) next = (next >>> 1) ^ (next & 1 ? 0xedb88320 : 0);
  return next;
}
