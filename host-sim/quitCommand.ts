import type { Command } from "../src/console/command.js";

/** `quit` and `exit`, for a console that somebody can leave. */
export function quitCommand(summary: string, quit: () => void): Command {
  return {
    syntax: "quit|exit",
    summary,
    example: "quit",
    run: () => {
      quit();
      return "";
    },
  };
}
