/** `show` for the host itself: interfaces, neighbours, sockets, counters, configuration and version. */

import { decodeSaved } from "../../config/savedConfig.js";
import { formatAddress, formatMac, formatPrefix } from "../../core/address.js";
import { DROP_REASONS, type DropReason, dropReasonName } from "../../core/drops.js";
import type { Gateway } from "../../gateway.js";
import type { Storage } from "../../platform/storage.js";
import type { SocketEntry } from "../../transport/socketTable.js";
import { type Command, type CommandContext, runningConfig } from "../command.js";
import { commandTable } from "../syntax.js";
import { count, formatDuration, formatTable, left, right } from "../table.js";
import { placeTable } from "./interface.js";
import { caveatOf, endpoint, protocolName } from "./names.js";

export const SHOW_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "show interfaces",
    summary: "both sides: addresses, gateway, MTU, ports, VLANs",
    details: "A line under the sides warns of another station that uses the address of one.\n",
    example: "show interfaces",
    run: ({ gateway }) => interfaceTable(gateway),
  },
  {
    syntax: "show arp",
    summary: "neighbours: which station has which address",
    example: "show arp",
    run: ({ gateway }) =>
      formatTable(
        [left("ADDRESS"), left("SIDE"), left("STATION"), left("STATE"), right("AGE")],
        gateway.neighbours
          .entries()
          .map((one) => [
            formatAddress(one.address),
            one.interfaceName,
            one.state === "incomplete" ? "no answer" : formatMac(one.mac),
            one.state,
            formatDuration(one.ageMs / 1000),
          ]),
        "no neighbours",
      ),
  },
  {
    syntax: "show sockets",
    summary: "Porter's own listeners, connections, UDP sockets",
    details: "UNREAD are bytes that the program has not read yet, UNACKED bytes that the peer\nhas not got yet.\n",
    example: "show sockets",
    run: ({ gateway }) => socketTable(gateway),
  },
  {
    syntax: "show counters [all]",
    summary: "traffic of both sides; what was dropped, and why",
    details: "Only reasons that have occurred are listed; with all, every one.\n",
    example: "show counters",
    run: ({ gateway }, words) => `${trafficTable(gateway)}\n${dropTable(gateway, words[2] === "all")}`,
  },
  {
    syntax: "show config [saved]",
    summary: "the configuration, as commands that reproduce it",
    details: `Without saved, as it is now: "save" stores it for the next start.\n`,
    example: "show config",
    run: showConfig,
  },
  {
    syntax: "show version",
    summary: "version, uptime, and whether changes are unsaved",
    example: "show version",
    run: showVersion,
  },
]);

function interfaceTable(gateway: Gateway): string {
  const { interfaces } = gateway;
  const table = formatTable(
    [left("SIDE"), left("ADDRESS"), left("GATEWAY"), right("MTU"), left("STATION"), left("STATE")],
    interfaces.map((one) => [
      one.name,
      one.address === 0 ? "none" : formatPrefix({ address: one.address, length: one.prefixLength }),
      one.gateway === 0 ? "none" : formatAddress(one.gateway),
      `${one.mtuBytes}`,
      formatMac(one.mac),
      one.address === 0 ? "down: no address" : one.conflicts > 0 ? "address conflict" : "up",
    ]),
    "no interfaces",
  );
  const conflicts = interfaces
    .filter((one) => one.conflicts > 0)
    .map((one) => {
      const times = count(one.conflicts, "time");
      return `${one.name}: station ${formatMac(one.conflictMac)} has claimed ${formatAddress(one.address)}, ${times}\n`;
    });
  const places = placeTable(gateway);
  return table + conflicts.join("") + (places === "" ? "" : `\n${places}`);
}

function socketTable({ sockets }: Gateway): string {
  const rows: string[][] = [];
  sockets.forEach((entry: SocketEntry) => {
    rows.push([
      protocolName(entry.protocol),
      endpoint(entry.localAddress, entry.localPort),
      endpoint(entry.remoteAddress, entry.remotePort),
      entry.stateName.toLowerCase(),
      `${entry.receiveQueueBytes}`,
      `${entry.sendQueueBytes}`,
    ]);
  });
  const places = `${sockets.count} of ${count(sockets.capacity, "socket")}`;
  const inUse = `${places} and ${sockets.listenerCount} of ${count(sockets.listenerCapacity, "listener")} in use`;
  if (rows.length === 0) return `${inUse}\n`;
  const columns = [left("PROTO"), left("LOCAL"), left("REMOTE"), left("STATE"), right("UNREAD"), right("UNACKED")];
  return `${formatTable(columns, rows, "")}${inUse}\n`;
}

function trafficTable({ interfaces }: Gateway): string {
  return formatTable(
    [left("SIDE"), right("FRAMES IN"), right("BYTES IN"), right("FRAMES OUT"), right("BYTES OUT"), right("REFUSED")],
    interfaces.map((one) => [
      one.name,
      `${one.rxFrames}`,
      `${one.rxBytes}`,
      `${one.txFrames}`,
      `${one.txBytes}`,
      `${one.txRefused}`,
    ]),
    "no interfaces",
  );
}

function dropTable({ drops }: Gateway, isWhole: boolean): string {
  const reasons = Object.keys(DROP_REASONS) as DropReason[];
  return formatTable(
    [right("DROPS"), left("REASON"), left("WHICH MEANS")],
    reasons
      .filter((reason) => isWhole || drops.counts[reason] > 0)
      .map((reason) => [`${drops.counts[reason]}`, dropReasonName(reason), DROP_REASONS[reason]]),
    "no drops",
  );
}

function showConfig(context: CommandContext, words: readonly string[]): string {
  const { storage } = context;
  if (words[2] !== "saved") {
    const script = runningConfig(context);
    return script === "" ? "# everything has its default value\n" : script;
  }
  const text = storage.read();
  if (text === undefined) return "# nothing is saved\n";
  const script = decodeSaved(text);
  return storage.caveat === undefined ? script : `${script}# saved${caveatOf(storage)}\n`;
}

function showVersion(context: CommandContext): string {
  const { gateway, storage, version, device } = context;
  const uptime = formatDuration(gateway.clock.now / 1000);
  const saved = describeSaved(runningConfig(context), storage);
  return `Porter ${version} on ${gateway.hostname}, up ${uptime}\n${device?.about() ?? ""}${saved}\n`;
}

function describeSaved(script: string, storage: Storage): string {
  try {
    const saved = storage.read();
    if (saved === undefined) {
      return script === "" ? "the configuration is the default one" : "the configuration is not saved";
    }
    return decodeSaved(saved) === script
      ? `the configuration is saved${caveatOf(storage)}`
      : `the configuration differs from the saved one; "save" stores it`;
  } catch (error) {
    return (error as Error).message;
  }
}
