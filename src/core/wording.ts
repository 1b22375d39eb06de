/** Figures in words. */

/** `45s`, `5m12s`, `2h04m`, `4d07h` */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const twoDigits = (value: number) => `${value}`.padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${twoDigits(whole % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${twoDigits(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${twoDigits(hours % 24)}h`;
}

/** `1 session`, `2 sessions` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
