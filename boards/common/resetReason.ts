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

export const RESET_POWER_ON = 1;
export const RESET_PIN = 2;

/** What "started by" may precede. */
export function resetReasonText(reason: number): string {
  return REASONS[reason] ?? `reset reason ${reason}`;
}
