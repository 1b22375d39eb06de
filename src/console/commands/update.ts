/** A new firmware over the LAN, for devices that can take one. */
import { formatAddress } from "../../core/address.js";
import { UPDATE_PORT, type UpdateReceiver } from "../../services/updateReceiver.js";
import { type Command, partOf } from "../command.js";
import { commandTable } from "../syntax.js";
import { hasUnsaved } from "../unsaved.js";

export const UPDATE_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "update",
    summary: "take a new firmware from the LAN, once, within 10 min",
    details:
      "It prints a token, which the sender of the image has to know. The new firmware\n" +
      "has a minute to forward a packet and its answer, or else the one before comes back.\n",
    example: "update",
    run(context) {
      const updates = partOf(context, "updates");
      const token = updates.arm();
      const target = `nc ${formatAddress(context.gateway.lan.address)} ${UPDATE_PORT}`;
      return (
        "for ten minutes, a host of the LAN may send one image:\n" +
        `(echo porter-update ${token} ${updates.board} $(wc -c <FILE) $(sha256sum FILE | cut -c1-64); cat FILE) | ${target}\n` +
        (hasUnsaved(context) ? 'settings that are not saved will be lost with the restart; "save" stores them\n' : "")
      );
    },
  },
  {
    syntax: "update cancel",
    summary: "take no new firmware after all",
    example: "update cancel",
    run(context) {
      partOf(context, "updates").cancel();
      return "no image is taken\n";
    },
  },
  {
    syntax: "show update",
    summary: "whether a new firmware is awaited, or coming in",
    example: "show update",
    run: (context) => `${describe(partOf(context, "updates"))}\n`,
  },
]);

function describe({ progress, isArmed, outcome }: UpdateReceiver): string {
  if (progress !== undefined) return `${progress.received} of ${progress.byteLength} bytes have come in`;
  if (isArmed) return `an image is awaited on port ${UPDATE_PORT}${outcome === "" ? "" : `; ${outcome}`}`;
  return outcome === "" ? "no image is awaited" : outcome;
}
