/** What host.c adds. */
declare function print(text: string): void;
declare function report(): EngineReport;

/** What the engine holds without garbage. */
interface EngineReport {
  readonly slots: number;
  readonly chunkBytes: number;
  /** The most that were ever in use. */
  readonly stackSlots: number;
  /** Names that came up at run time. */
  readonly keys: number;
}
