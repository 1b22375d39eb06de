/** Why the chip started, by the numbers of ESP-IDF's esp_reset_reason_t. */
const REASONS: readonly string[] = Object.freeze([
  "an unknown cause",
  "power",
  "the reset pin",
  "a restart by software",
  "a crash",
  "the interrupt watchdog",
  "the task watchdog",
  "another watchdog",
  "a wake-up from deep sleep",
  "a brownout",
  "SDIO",
  "USB",
  "JTAG",
  "an eFuse error",
  "a power glitch",
  "a locked-up processor",
]);

/** Software, which an exception that nobody caught ends in, too; crash, watchdogs, a locked-up processor. */
const CRASHES: readonly number[] = Object.freeze([3, 4, 5, 6, 7, 15]);

/** Whether the start may be due to a fault of ours. Power, brownouts and the reset pin are not. */
export function isCrash(reason: number): boolean {
  return CRASHES.includes(reason);
}

/** What "started by" may precede. */
export function resetReasonText(reason: number): string {
  return REASONS[reason] ?? `reset reason ${reason}`;
}
