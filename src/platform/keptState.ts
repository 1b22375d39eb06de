/** What outlives a planned restart, and only that: flash on a board, a file on the desktop. */
export interface KeptState {
  /** The most that it takes, in bytes. */
  readonly capacityBytes: number;
  /** Throws an Error of one sentence when the bytes cannot be kept. */
  put(bytes: Uint8Array): void;
  /** What was put last; once, so that a start after a crash finds nothing. Undefined when there is nothing, or none to be read. */
  take(): Uint8Array | undefined;
}
