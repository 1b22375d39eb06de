/** For devices that can start anew. */
import { freezeRows } from "../../core/freeze.js";
import type { Command } from "../command.js";

/** `restart` starts the device anew, soon enough after the answer is out. */
export function restartCommands(restart: () => void): readonly Command[] {
  return freezeRows<readonly Command[]>([
    {
      syntax: "restart",
      summary: "start anew; what is not saved is lost",
      example: "restart",
      run() {
        restart();
        return "restarting\n";
      },
    },
  ]);
}
