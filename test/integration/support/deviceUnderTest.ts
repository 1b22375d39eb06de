/** The gateway between the bench's two segments. It speaks Porter's console language. */
export interface DeviceUnderTest {
  readonly name: string;
  /** Starts it with these console commands carried out; it forwards when this returns. Throws when one fails. */
  start(commands: readonly string[]): Promise<void>;
  /** Carries out one console command and returns its answer, without the prompt. */
  console(line: string): Promise<string>;
  stop(): Promise<void>;
}
