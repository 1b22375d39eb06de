import { formatAddress, formatPrefix, prefixContains } from "../../core/address.js";
import { type Forward, type ForwardProtocol, formatForward } from "../../nat/forwards.js";
import { type Command, type CommandContext, CommandError } from "../command.js";
import { commandTable } from "../syntax.js";
import { readAddress, readPort, readPorts, readPrefix } from "../values.js";

export const FORWARD_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "forward add tcp|udp|both PORT[-PORT] ADDRESS [PORT] [from PREFIX]",
    summary: "lead ports of the WAN address to a host of the LAN",
    details:
      "ADDRESS is the host's, and PORT its port where that is another one. Of a range\n" +
      "it is the first, and the others follow: 8000-8010 to PORT 9000 leads 8003 to\n" +
      "9003. from PREFIX admits one network only, or one host: an address. Hosts of the\n" +
      "LAN reach the forward by the WAN address as well.\n" +
      "in full: forward add tcp 8000-8010 192.168.1.50 9000 from 198.51.100.0/24\n",

    example: "forward add tcp 25565 192.168.1.50",
    run: addForward,
  },
  {
    syntax: "forward enable|disable tcp|udp|both PORT",
    summary: "switch a forward on or off; it keeps its ports",
    details: "Switching off ends its sessions. A range is named by its first port.\n",
    example: "forward disable tcp 25565",
    run({ gateway: { nat } }, words) {
      const forward = findForward(nat.forwards.list(), words);
      nat.forwards.setEnabled(forward.id, words[1] === "enable");
      return `${words[1]}d: ${formatForward(forward)}\n`;
    },
  },
  {
    syntax: "forward remove tcp|udp|both PORT",
    summary: "remove a forward and end its sessions",
    details: "A range is named by its first port.\n",
    example: "forward remove tcp 25565",
    run({ gateway: { nat } }, words) {
      const forward = findForward(nat.forwards.list(), words);
      nat.forwards.remove(forward.id);
      return `removed: ${formatForward(forward)}\n`;
    },
  },
]);

function addForward({ gateway }: CommandContext, words: readonly string[]): string {
  const [, , protocol, portText = "", addressText = "", next = "from"] = words;
  const fromAt = words.indexOf("from");
  const ports = readPorts(portText);
  const spec = {
    protocol: protocol as ForwardProtocol,
    ports,
    insideAddress: readAddress(addressText),
    insidePort: next === "from" ? ports.first : readPort(next),
    source: fromAt < 0 ? undefined : readPrefix(words[fromAt + 1] ?? ""),
  };
  const text = formatForward(spec);
  const same = gateway.nat.forwards.list().find((forward) => formatForward(forward) === text);
  // So that a script may run again, after a restart or by hand.
  if (same !== undefined) return `exists already${same.isEnabled ? "" : ", disabled"}: ${text}\n`;
  const problem = gateway.nat.forwards.add(spec);
  if (problem !== undefined) throw new CommandError(problem);
  return `added: ${text}\n${noteAboutTarget(gateway.lan, spec.insideAddress)}`;
}

/** An unreachable target is no error: a new LAN address may be the next command. */
function noteAboutTarget(lan: CommandContext["gateway"]["lan"], target: number): string {
  if (lan.address === 0) return "";
  const network = { address: lan.address & lan.mask, length: lan.prefixLength };
  const text = formatAddress(target);
  if (target === lan.address) return `note: ${text} is Porter's own address, so nothing answers there\n`;
  if (lan.isBroadcast(target))
    return `note: ${text} is the LAN's own address or its broadcast, so nothing arrives there\n`;
  if (prefixContains(network, target)) return "";
  return `note: ${text} is not on the LAN ${formatPrefix(network)}, so nothing arrives there\n`;
}

/** The forward that `forward VERB PROTOCOL PORT` names. Throws a CommandError that says what there is instead. */
function findForward(forwards: readonly Forward[], [, , protocol, portText = ""]: readonly string[]): Forward {
  const port = readPort(portText);
  const near = forwards.filter(({ ports }) => ports.first <= port && port <= ports.last);
  const named = near.find((forward) => forward.protocol === protocol && forward.ports.first === port);
  if (named !== undefined) return named;
  const missing = `there is no forward "${protocol} ${port}"`;
  const other = near.find((forward) => [forward.protocol, protocol].includes("both") || forward.protocol === protocol);
  if (other === undefined) throw new CommandError(`${missing}; "show forwards" lists those there are`);
  throw new CommandError(`${missing}; the port belongs to "${other.protocol} ${other.ports.first}": name it like that`);
}
