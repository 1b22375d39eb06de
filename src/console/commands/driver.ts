/** What the drivers of a board count. */
import { type Command, partOf } from "../command.js";
import { commandTable } from "../syntax.js";

export const DRIVER_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "show drivers",
    summary: "what the drivers of both sides have counted",
    details:
      '"show counters" counts what came to Porter itself: not what drivers carried, nor what\nthey had no place for.\n',
    example: "show drivers",
    run: (context) => partOf(context, "driverTable")(),
  },
]);
