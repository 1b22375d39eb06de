/** For devices that can start anew. */
import { type Command, partOf } from "../command.js";
import { commandTable } from "../syntax.js";

export const RESTART_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "restart",
    summary: "start anew; what is not saved is lost",
    example: "restart",
    run(context) {
      partOf(context, "restart")();
      return "restarting\n";
    },
  },
]);
