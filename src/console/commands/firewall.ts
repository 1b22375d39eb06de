/** Commands of the firewall: rules, stations, and how the WAN is answered. */
import { formatAddress, formatMac, isUnicastSource, prefixContains } from "../../core/address.js";
import { ANY_ZONE, formatRule, parseRule, type Rule, ZONE_LAN } from "../../firewall/rule.js";
import { NO_RULE, type RuleInfo } from "../../firewall/rules.js";
import type { Gateway } from "../../gateway.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../wire/ipv4.js";
import { type Command, type CommandContext, CommandError } from "../command.js";
import { commandTable } from "../syntax.js";
import { formatTable, left, right } from "../table.js";
import { readAddress, readMac, readRuleNumber } from "../values.js";
import { protocolName } from "./names.js";

const RULE = "allow|deny|reject [CONDITION...]";
/** RULE with the words that may stand in it. */
const RULE_PATTERN = "allow|deny|reject [log|tcp|udp|icmp|any|from|to|self|in|out|lan|wan|CONDITION...]";

export const FIREWALL_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: `rule add ${RULE}`,
    pattern: `rule add ${RULE_PATTERN}`,
    summary: "put a firewall rule behind the others",
    details:
      "The first rule that fits decides about a new conversation; answers need no rule.\n" +
      "Conditions, in this order, those that are left out fit everything:\n" +
      "  log   tcp|udp|icmp|any   from HOSTS   to HOSTS   in|out lan|wan\n" +
      "HOSTS are a network, an address or any, with or without ports: 10.0.0.0/8,\n" +
      "192.168.1.50:80-443, any:53. to self is Porter: to self:2323 in wan opens a\n" +
      "service of Porter's to the WAN. Hosts of the LAN go by their own addresses,\n" +
      "behind a forward as well. deny is silent; reject answers. Conversations that a\n" +
      "new rule denies end.\n",
    example: "rule add deny tcp from 192.168.1.50 to any:25 out wan",
    run: ({ gateway }, words) => addRule(gateway, gateway.firewall.rules.count, words.slice(2)),
  },
  {
    syntax: `rule insert N ${RULE}`,
    pattern: `rule insert N ${RULE_PATTERN}`,
    summary: "put a firewall rule before rule N",
    details: "As rule add, which explains the conditions.\n",
    example: "rule insert 1 allow udp from 192.168.1.10 to any:53",
    run: ({ gateway }, words) => addRule(gateway, readRuleNumber(words[2] ?? "") - 1, words.slice(3)),
  },
  {
    syntax: "rule move N N",
    summary: "give a firewall rule another place",
    details: "The second number is the one that it will have.\n",
    example: "rule move 1 1",
    run({ gateway: { firewall } }, [, , from = "", to = ""]) {
      const place = readRuleNumber(to);
      insist(firewall.rules.move(readRuleNumber(from) - 1, place - 1));
      return `rule ${place} is: ${formatRule((firewall.rules.list()[place - 1] as RuleInfo).rule)}\n`;
    },
  },
  {
    syntax: "rule remove N",
    summary: "remove a firewall rule",
    details: `"show rules" numbers them; those behind it move up.\n`,
    example: "rule remove 1",
    run({ gateway: { firewall } }, [, , number = ""]) {
      const at = readRuleNumber(number) - 1;
      const info = firewall.rules.list()[at];
      insist(firewall.rules.remove(at));
      return `removed: ${formatRule((info as RuleInfo).rule)}\n`;
    },
  },
  {
    syntax: "show rules",
    summary: "firewall rules in order, and their hits",
    details:
      "HITS are conversations; one that is refused counts with each try. Of a rule with\n" +
      "log the last one is shown.\n",
    example: "show rules",
    run: ({ gateway }) => ruleTable(gateway),
  },
  {
    syntax: "mac allow|deny MAC",
    summary: "let a station of the LAN in, or keep it out",
    details:
      "If any station is allowed, all that are not listed are kept out. A station that\n" +
      "is kept out gets no answer at all, and its sessions end. The lists know stations\n" +
      "by what they call themselves: they are no protection against a forged address.\n",
    example: "mac deny 02:00:00:00:00:10",
    run({ gateway: { firewall } }, [, verb, text = ""]) {
      const mac = readMac(text);
      const allowedBefore = firewall.stations.list().some(({ isAllowed }) => isAllowed);
      insist(firewall.stations.set(mac, verb === "allow"));
      if (verb === "deny") return `${formatMac(mac)} is denied\n`;
      const note = allowedBefore ? "" : "note: all stations that are not allowed are kept out from now on\n";
      return `${formatMac(mac)} is allowed\n${note}`;
    },
  },
  {
    syntax: "mac remove MAC",
    summary: "take a station off the MAC lists",
    example: "mac remove 02:00:00:00:00:10",
    run({ gateway: { firewall } }, [, , text = ""]) {
      const mac = readMac(text);
      insist(firewall.stations.remove(mac));
      return `${formatMac(mac)} is not listed any more\n`;
    },
  },
  {
    syntax: "show macs",
    summary: "stations of the LAN that are allowed or denied",
    example: "show macs",
    run: ({ gateway: { firewall } }) =>
      formatTable(
        [left("STATION"), left("LIST")],
        firewall.stations.list().map(({ mac, isAllowed }) => [formatMac(mac), isAllowed ? "allowed" : "denied"]),
        "no stations are listed, and all of them may use Porter",
      ),
  },
  {
    syntax: "set firewall ping allow|deny",
    summary: "answer pings from the WAN, or do not",
    details: "Firewall rules come first. The default is allow.\n",
    example: "set firewall ping deny",
    run({ gateway: { firewall } }, [, , , word]) {
      firewall.answersPing = word === "allow";
      return `firewall ping is ${word}\n`;
    },
  },
  {
    syntax: "set firewall closed-ports silent|reject",
    summary: "say nothing at closed ports of the WAN, or refuse",
    details:
      "silent, the default: nobody learns whether anybody is there. reject: callers are\n" +
      "told at once, at tcp ports that NAT uses after 6 seconds, for an inside host may\n" +
      "be about to call them.\n",
    example: "set firewall closed-ports reject",
    run({ gateway: { firewall } }, [, , , word]) {
      firewall.rejectsClosedPorts = word === "reject";
      return `firewall closed-ports are ${word}\n`;
    },
  },
  {
    syntax: "set dmz ADDRESS|none",
    summary: "lead all ports of nobody to one host of the LAN",
    details:
      "Forwards, Porter's own ports and other hosts' mappings come first. The host is\n" +
      "open to the whole internet: firewall rules can narrow that.\n",
    example: "set dmz 192.168.1.50",
    run: setDmz,
  },
]);

function addRule(gateway: Gateway, at: number, words: readonly string[]): string {
  const { rules } = gateway.firewall;
  const rule = parseRule(words);
  const same = rules.find(rule);
  // So that a script may run again, after a restart or by hand.
  if (same !== NO_RULE) return `exists already, as rule ${same + 1}: ${formatRule(rule)}\n`;
  insist(rules.insert(at, rule));
  return `rule ${at + 1} is: ${formatRule(rule)}\n${noteAboutServices(gateway, rule)}`;
}

/** Who thinks of his LAN's way out should know that he opens a way in. */
function noteAboutServices({ wan }: Gateway, { action, protocol, to, zoneIn, zoneOut }: Rule): string {
  const isForWan = action === "allow" && protocol !== PROTOCOL_ICMP && zoneIn !== ZONE_LAN && zoneOut === ANY_ZONE;
  if (!isForWan || !(to.length === 0 || (wan.address !== 0 && prefixContains(to, wan.address)))) return "";
  return `note: it opens Porter's own services to the WAN as well; "in lan" would not\n`;
}

function ruleTable({ firewall, nat }: Gateway): string {
  const { rules, answersPing, rejectsClosedPorts } = firewall;
  const table = formatTable(
    [right("N"), right("HITS"), left("RULE")],
    rules
      .list()
      .flatMap((info, index) => [
        [`${index + 1}`, `${info.hits}`, formatRule(info.rule)],
        ...(info.last === undefined || info.hits === 0 ? [] : [["", "", `last: ${formatLast(info.last)}`]]),
      ]),
    "no rules",
  );
  const ping = answersPing ? "allow" : "deny";
  const ports = rejectsClosedPorts ? "reject" : "silent";
  const { dmzAddress } = nat.settings;
  const dmz = dmzAddress === 0 ? "none" : formatAddress(dmzAddress);
  return `${table}${rules.count} of ${rules.capacity} rules; ping: ${ping}, closed-ports: ${ports}, dmz: ${dmz}\n`;
}

function formatLast({
  protocol,
  source,
  sourcePort,
  destination,
  destinationPort,
}: NonNullable<RuleInfo["last"]>): string {
  const hasPorts = protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP;
  const end = (address: number, port: number) => `${formatAddress(address)}${hasPorts ? `:${port}` : ""}`;
  return `${protocolName(protocol)} ${end(source, sourcePort)} to ${end(destination, destinationPort)}`;
}

function setDmz({ gateway: { lan, nat } }: CommandContext, [, , text = ""]: readonly string[]): string {
  const address = text === "none" ? 0 : readAddress(text);
  if (text !== "none" && !isUnicastSource(address)) throw new CommandError(`${text} is not a host's address`);
  nat.configure({ ...nat.settings, dmzAddress: address });
  const isHost = lan.isOnLink(address) && address !== lan.address && !lan.isBroadcast(address);
  const isElsewhere = address !== 0 && lan.address !== 0 && !isHost;
  const note = isElsewhere ? `note: ${text} is not another host of the LAN, so nothing arrives there\n` : "";
  return `dmz is ${text}\n${note}`;
}

/** A change that is refused is an error at the console. */
function insist(problem: string | undefined): void {
  if (problem !== undefined) throw new CommandError(problem);
}
