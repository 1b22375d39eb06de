/** A source of randomness; the platform provides it. It must be unpredictable on a board, and seeded in a simulation. */
export interface Random {
  /** A uniformly distributed int32. */
  next32(): number;
}

/**
 * A uniform integer in `0 .. bound - 1`, for bounds of 1..65,536. The bias is below 2^-14, far under what a port scan
 * could use.
 */
export function randomBelow(random: Random, bound: number): number {
  return ((random.next32() >> 1) & 0x3fffffff) % bound;
}
