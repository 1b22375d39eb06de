/** For devices that can start anew. */
import { type Command, partOf } from "../command.js";
import { commandTable } from "../syntax.js";

export const RESTART_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "restart|reboot [fresh]",
    summary: "start anew; settings that are not saved are lost",
    details:
      "Connections through Porter go on behind it, where there is flash to keep them\n" +
      "in. With fresh they do not: then programs hear at once that theirs are gone.\n",
    example: "restart",
    run(context, words) {
      partOf(context, "restart")(words[1] === "fresh");
      return "restarting\n";
    },
  },
]);
