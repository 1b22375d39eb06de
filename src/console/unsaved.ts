/** Whether a restart would lose settings. */
import { crc32, encodeSaved } from "../config/savedConfig.js";
import { type CommandContext, runningConfig } from "./command.js";

/** Of the running configuration and the saved one: another number when either has changed. */
export function configFingerprint(context: CommandContext): number {
  return crc32(savedText(context) + runningConfig(context));
}

/**
 * True when the next start would bring other settings than those that run. What runs may differ from what is saved and yet come
 * again: from a simulator's command line, or after crashes, when the saved configuration is not used.
 */
export function hasUnsaved(context: CommandContext): boolean {
  const running = runningConfig(context);
  const saved = savedText(context);
  if (saved === "" ? running === "" : saved === encodeSaved(running)) return false;
  return context.device?.startedAs?.() !== configFingerprint(context);
}

/** "" for nothing, also where flash cannot be read: a start finds nothing there either. */
function savedText({ storage }: CommandContext): string {
  try {
    return storage.read() ?? "";
  } catch {
    return "";
  }
}
