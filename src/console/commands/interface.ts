/** Which port of the device, and which VLAN on it, each side is attached to. */

import { formatBinding } from "../../config/script.js";
import type { Gateway } from "../../gateway.js";
import { type LinkBinding, UNTAGGED } from "../../platform/linkPorts.js";
import type { Command, CommandContext } from "../command.js";
import { commandTable } from "../syntax.js";
import { formatTable, left } from "../table.js";
import { readVlan } from "../values.js";

export const INTERFACE_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "set interface lan|wan port LINK [vlan VLAN|none]",
    summary: "attach a side to a port of the device",
    details:
      'It holds at once, and ends all NAT sessions; without vlan, the VLAN stays. "show\n' +
      'interfaces" lists the ports. On one port the sides need different VLANs, or one\n' +
      "of them none.\n",
    example: "set interface lan port ethernet vlan 10",
    run: setPort,
  },
  {
    syntax: "set interface lan|wan vlan VLAN|none",
    summary: "put a side on a VLAN of its port (IEEE 802.1Q)",
    details:
      "With one, the side's frames are tagged, and only frames of that VLAN are for it.\n" +
      "With none they are untagged.\n",
    example: "set interface lan vlan 10",
    run({ gateway }, [, , side, , vlan = ""]) {
      return attachSide(gateway, side === "lan", (current) => ({ ...current, vlan: readVlan(vlan) }));
    },
  },
  {
    syntax: "set interface lan port LINK [vlan VLAN|none] wan port LINK [vlan VLAN|none]",
    summary: "attach both sides in one step",
    details: "So they can exchange their places. Without vlan, a side's VLAN stays.\n",
    example: "set interface lan port ethernet vlan 10 wan port ethernet vlan 20",
    run({ gateway }, words) {
      const wanAt = words.lastIndexOf("wan");
      const [lan, wan] = currentBindings(gateway);
      gateway.attach(changed(lan, words.slice(3, wanAt)), changed(wan, words.slice(wanAt + 1)));
      return `${describe(gateway, true)}${describe(gateway, false)}`;
    },
  },
]);

/** The sides' places, then the ports where none is; "" on a device whose ports are fixed. */
export function placeTable({ interfaces, bindings, links }: Gateway): string {
  if (links === undefined) return "";
  const rows = links.ports.flatMap(({ name, isUp }) => {
    const state = isUp ? "up" : "down";
    const users = interfaces.filter(({ index }) => bindings[index]?.port === name);
    if (users.length === 0) return [["none", name, "", state]];
    return users.map((one) => [one.name, name, formatVlan(bindings[one.index]?.vlan ?? UNTAGGED), state]);
  });
  return formatTable([left("SIDE"), left("PORT"), left("VLAN"), left("LINK")], rows, "no ports");
}

function setPort({ gateway }: CommandContext, [, , side, ...words]: readonly string[]): string {
  return attachSide(gateway, side === "lan", (current) => changed(current, words));
}

/** `words` are `port LINK`, and perhaps `vlan VLAN|none`. */
function changed(current: LinkBinding, [, port = "", , vlan]: readonly string[]): LinkBinding {
  return { port, vlan: vlan === undefined ? current.vlan : readVlan(vlan) };
}

function attachSide(gateway: Gateway, isLan: boolean, change: (current: LinkBinding) => LinkBinding): string {
  const [lan, wan] = currentBindings(gateway);
  gateway.attach(isLan ? change(lan) : lan, isLan ? wan : change(wan));
  return describe(gateway, isLan);
}

/** Where ports are fixed there are none, and `attach` will say so. */
function currentBindings({ bindings }: Gateway): [lan: LinkBinding, wan: LinkBinding] {
  const nowhere = { port: "", vlan: UNTAGGED };
  return [bindings[0] ?? nowhere, bindings[1] ?? nowhere];
}

function describe({ bindings, lan, wan }: Gateway, isLan: boolean): string {
  const one = isLan ? lan : wan;
  return `${one.name} is on ${formatBinding(bindings[one.index] as LinkBinding)}\n`;
}

function formatVlan(vlan: number): string {
  return vlan === UNTAGGED ? "none" : `${vlan}`;
}
