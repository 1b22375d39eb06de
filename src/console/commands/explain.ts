import { parseAddress } from "../../core/address.js";
import { DROP_REASONS, dropReasonName } from "../../core/drops.js";
import { describeOutcome } from "../../explain/ends.js";
import { explain } from "../../explain/explain.js";
import type { Explanation, Outcome } from "../../explain/explanation.js";
import { packetOf, sideOf } from "../../explain/flowPacket.js";
import { explainLastDrop } from "../../explain/lastDrop.js";
import { type Gateway, LAN, WAN } from "../../gateway.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../wire/ipv4.js";
import { type Command, type CommandContext, CommandError } from "../command.js";
import { commandTable } from "../syntax.js";
import { TERMINAL_COLUMNS, wrapWords } from "../table.js";
import { readEndpoint, readHost } from "../values.js";

const PROTOCOLS: Readonly<Record<string, number>> = Object.freeze({
  tcp: PROTOCOL_TCP,
  udp: PROTOCOL_UDP,
  icmp: PROTOCOL_ICMP,
});
/** The longest name of a step, and a gap. */
const NAME_COLUMNS = 12;
const DETAILS =
  "Nothing is sent, and nothing changes. Of tcp it is the SYN that opens a\n" +
  "connection, or a later segment where there is one; of icmp a ping. lan and wan\n" +
  "stand for Porter's own addresses, also in wan:25565. Without a side the packet\n" +
  "comes from where its source is.\n";

export const EXPLAIN_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "explain tcp|udp ENDPOINT to ENDPOINT",
    summary: "what Porter would do with a packet, step by step",
    details: DETAILS,
    example: "explain tcp 198.51.100.7:4242 to wan:25565",
    run: ({ gateway }, [, protocol = "", from = "", , to = ""]) => explainFlow(gateway, "", protocol, from, to),
  },
  {
    syntax: "explain icmp HOST to HOST",
    summary: "what Porter would do with a ping, step by step",
    details: DETAILS,
    example: "explain icmp 192.168.1.50 to 1.1.1.1",
    run: ({ gateway }, [, protocol = "", from = "", , to = ""]) => explainFlow(gateway, "", protocol, from, to),
  },
  {
    syntax: "explain lan|wan ENDPOINT to ENDPOINT tcp|udp",
    summary: "the same, of a packet that comes in by that side",
    details: DETAILS,
    example: "explain lan 192.168.1.50:53000 to 1.1.1.1:443 tcp",
    run: ({ gateway }, [, side = "", from = "", , to = "", protocol = ""]) =>
      explainFlow(gateway, side, protocol, from, to),
  },
  {
    syntax: "explain lan|wan HOST to HOST icmp",
    summary: "the same, of a ping that comes in by that side",
    details: DETAILS,
    example: "explain wan 198.51.100.7 to wan icmp",
    run: ({ gateway }, [, side = "", from = "", , to = "", protocol = ""]) =>
      explainFlow(gateway, side, protocol, from, to),
  },
  {
    syntax: "explain last drop",
    summary: "the packet that was dropped last, and why",
    details: "As it was when it was dropped: what has been configured since is not in it.\n",
    example: "explain last drop",
    run: ({ gateway }: CommandContext) => {
      const explanation = explainLastDrop(gateway);
      return explanation === undefined ? "nothing has been dropped yet\n" : formatExplanation(explanation);
    },
  },
]);

function explainFlow(gateway: Gateway, sideText: string, protocolText: string, from: string, to: string): string {
  const protocol = PROTOCOLS[protocolText] as number;
  const [source, sourcePort] = resolve(gateway, from);
  const [destination, destinationPort] = resolve(gateway, to);
  const side = sideText === "" ? sideOf(gateway, source) : sideText === "lan" ? LAN : WAN;
  const ends = { protocol, source, sourcePort, destination, destinationPort };
  return formatExplanation(explain(gateway, packetOf(gateway, side, ends)));
}

/** Address and port of an endpoint or host that is known to be well written. */
function resolve({ lan, wan }: Gateway, text: string): [address: number, port: number] {
  const { host, port } = text.includes(":") ? readEndpoint(text) : { host: text, port: 0 };
  const address = parseAddress(host);
  if (address !== undefined) return [address, port];
  const side = readHost(host) === "lan" ? lan : wan;
  if (side.address !== 0) return [side.address, port];
  throw new CommandError(`the ${side.name} has no address that ${host} could stand for; write an address instead`);
}

/** The steps in order, and the verdict: a line each, and what is long goes on below itself. */
function formatExplanation({ steps, verdict, outcome, remedy }: Explanation): string {
  const lines = steps.map(({ name, text }) => formatStep(name, text));
  if (outcome !== undefined) lines.push(formatStep("passes", tellOutcome(outcome)));
  if (verdict !== "ok") lines.push(formatStep("dropped", `${dropReasonName(verdict)}: ${DROP_REASONS[verdict]}`));
  if (remedy !== "") lines.push(formatStep("advice", remedy));
  return lines.join("");
}

function tellOutcome(outcome: Outcome): string {
  if (outcome.side === "self") return "to Porter itself";
  return `leaves by the ${outcome.side === "lan" ? "LAN" : "WAN"}: ${describeOutcome(outcome)}`;
}

function formatStep(name: string, text: string): string {
  return wrapWords(text, TERMINAL_COLUMNS - NAME_COLUMNS)
    .map((part, index) => `${(index === 0 ? name : "").padEnd(NAME_COLUMNS)}${part}\n`)
    .join("");
}
