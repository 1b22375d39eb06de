/** For devices that can start anew. */
import { type Command, CommandError, partOf } from "../command.js";
import { commandTable } from "../syntax.js";
import { hasUnsaved } from "../unsaved.js";

export const RESTART_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "restart|reboot [fresh] [discard]",
    summary: "start anew, with the saved settings",
    details:
      "Connections through Porter go on behind it, where there is flash to keep them\n" +
      "in. With fresh they do not: then programs hear at once that theirs are gone.\n" +
      "Settings that are not saved are lost only with discard.\n",
    example: "restart",
    run(context, words) {
      const restart = partOf(context, "restart");
      if (!words.includes("discard") && hasUnsaved(context)) {
        throw new CommandError(
          `settings that are not saved would be lost; "save" stores them, "${words.join(" ")} discard" drops them`,
        );
      }
      restart(words.includes("fresh"));
      return "restarting\n";
    },
  },
]);
