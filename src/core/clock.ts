/** A deadline that never comes. */
export const NEVER = Number.POSITIVE_INFINITY;

/**
 * The time a stack believes it is, in milliseconds since an arbitrary start.
 *
 * A double, so it neither wraps after 2^31 ms (24.9 days) nor loses a millisecond in 285,000 years. Only the stack's
 * `poll(now)` moves it: everything below reads the same instant during one call.
 */
export class Clock {
  now = 0;
}
