/** What a start finds: configuration that is run line by line, the one that `save` left, and kept sessions. */
import { decodeSaved } from "../config/savedConfig.js";
import type { Storage } from "../platform/storage.js";
import type { Console } from "./console.js";
import { count } from "./table.js";

/**
 * Runs each line of `script`. A line that is refused changes nothing and does not keep the others from running: as much
 * of a configuration as possible is better than none. Returns a sentence for each such line, in order.
 */
export function runScript(console: Console, script: string): string[] {
  const problems: string[] = [];
  script.split("\n").forEach((line, index) => {
    let text = "";
    console.execute(
      line,
      (part) => {
        text += part;
      },
      (outcome) => {
        if (outcome === "error") problems.push(`line ${index + 1}: ${text.trim().slice("error: ".length)}`);
      },
    );
  });
  console.interrupt();
  return problems;
}

/**
 * Runs what `save` left in `storage`, on a gateway that has its defaults. Returns a sentence for each thing that was wrong
 * with it; a text that is torn or not Porter's is not run at all. Never throws.
 */
export function restore(console: Console, storage: Storage): string[] {
  try {
    const text = storage.read();
    return text === undefined ? [] : runScript(console, decodeSaved(text));
  } catch (error) {
    return [(error as Error).message];
  }
}

/** The sentence that says so at the console. */
export function restoredText(sessions: number): string {
  if (sessions === 0) return "no session goes on from before the restart";
  return `${count(sessions, "session")} ${sessions === 1 ? "goes" : "go"} on from before the restart`;
}
