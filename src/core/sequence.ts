/** TCP sequence numbers: int32 values compared modulo 2^32 (RFC 9293 section 3.4). */

export function seqLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function seqLessOrEqual(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0;
}

/** `low <= value < low + size`, for sizes up to 2^31. */
export function seqInWindow(value: number, low: number, size: number): boolean {
  const offset = (value - low) | 0;
  return offset >= 0 && offset < size;
}

export function seqMax(a: number, b: number): number {
  return seqLess(a, b) ? b : a;
}
