/**
 * A firewall rule, and its text: what `rule add` takes, and `show config` prints.
 *
 *     allow|deny|reject [log] [tcp|udp|icmp|any] [from HOSTS] [to HOSTS] [in|out lan|wan]
 *
 * HOSTS are a prefix, or `any`; with ports behind a colon: `198.51.100.0/24`, `192.168.1.50:80-443`, `any:53`. Behind `to`
 * they may be `self`, the gateway itself. `parseRule` and `formatRule` are each other's inverse.
 */
import { formatAddress, formatPrefix, parsePrefix, prefixMask } from "../core/address.js";
import { quote } from "../core/quote.js";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ipv4.js";

/** Zones: the interfaces by their numbers, and the gateway itself. */
export const ZONE_LAN = 0;
export const ZONE_WAN = 1;
export const ZONE_SELF = 2;
/** Of a rule that holds for all of them. */
export const ANY_ZONE = -1;
/** Of a rule that holds for all protocols. */
export const ANY_PROTOCOL = 0;

export type RuleAction = "allow" | "deny" | "reject";

/** Who a rule is about at one end of a conversation. */
export interface RuleHosts {
  /** A network (int32) and its prefix length; 0 and 0 for everybody. */
  readonly address: number;
  readonly length: number;
  /** Ports, inclusive; 0 and 0 for all. Where there are some, the rule is about TCP and UDP only. */
  readonly firstPort: number;
  readonly lastPort: number;
}

export interface Rule {
  readonly action: RuleAction;
  /** Its last hit is remembered, for `show rules`. */
  readonly isLogged: boolean;
  /** ANY_PROTOCOL, or an IP protocol's number. */
  readonly protocol: number;
  readonly from: RuleHosts;
  readonly to: RuleHosts;
  /** ZONE_LAN, ZONE_WAN or ANY_ZONE. */
  readonly zoneIn: number;
  /** ZONE_SELF means `to self`; no rule is about what the gateway itself sends. */
  readonly zoneOut: number;
}

const EVERYBODY: RuleHosts = Object.freeze({ address: 0, length: 0, firstPort: 0, lastPort: 0 });

const FORM = "allow|deny|reject [log] [tcp|udp|icmp|any] [from HOSTS] [to HOSTS] [in|out lan|wan]";
const HOSTS_EXAMPLES = "198.51.100.0/24, 192.168.1.50:80-443 or any:53";
const ACTIONS: readonly string[] = Object.freeze(["allow", "deny", "reject"]);
const PROTOCOLS: Readonly<Record<string, number>> = Object.freeze({
  any: ANY_PROTOCOL,
  tcp: PROTOCOL_TCP,
  udp: PROTOCOL_UDP,
  icmp: PROTOCOL_ICMP,
});
const SIDES: readonly string[] = Object.freeze(["lan", "wan"]);

/** The rule that these words are. Throws an Error of one sentence when they are none. */
export function parseRule(given: readonly string[]): Rule {
  const words = given.map((word) => word.toLowerCase());
  let at = 0;
  const action = words[at++] ?? "";
  if (!ACTIONS.includes(action)) throw new Error(`a rule begins with allow, deny or reject; its form is ${FORM}`);
  const isLogged = words[at] === "log";
  if (isLogged) at++;
  const name = words[at] ?? "";
  // Every object has a "constructor", too.
  const named = Object.keys(PROTOCOLS).includes(name) ? PROTOCOLS[name] : undefined;
  if (named !== undefined) at++;
  let from = EVERYBODY;
  let to = EVERYBODY;
  let zoneIn = ANY_ZONE;
  let zoneOut = ANY_ZONE;
  if (words[at] === "from") {
    from = parseHosts("from", words[at + 1]);
    at += 2;
  }
  if (words[at] === "to") {
    const text = words[at + 1] ?? "";
    const isSelf = text === "self" || text.startsWith("self:");
    if (isSelf) zoneOut = ZONE_SELF;
    to = parseHosts("to", isSelf ? `any${text.slice("self".length)}` : text);
    at += 2;
  }
  const way = words[at];
  if (way === "in" || way === "out") {
    const zone = SIDES.indexOf(words[at + 1] ?? "");
    if (zone < 0) throw new Error(`"${way}" needs lan or wan next, e.g. ${way} wan`);
    if (way === "in") zoneIn = zone;
    else if (zoneOut === ZONE_SELF)
      throw new Error('what goes "to self" leaves by no side; leave out "out", or use "in"');
    else zoneOut = zone;
    at += 2;
  }
  if (at < given.length)
    throw new Error(`${quote(given[at] as string)} does not belong there; a rule's form is ${FORM}`);
  const protocol = named ?? ANY_PROTOCOL;
  if (protocol === PROTOCOL_ICMP && from.firstPort + to.firstPort > 0) {
    throw new Error("icmp has no ports; leave them out, or name tcp or udp");
  }
  return { action: action as RuleAction, isLogged, protocol, from, to, zoneIn, zoneOut };
}

export function formatRule(rule: Rule): string {
  const { action, isLogged, protocol, from, to, zoneIn, zoneOut } = rule;
  const isToSelf = zoneOut === ZONE_SELF;
  const parts: string[] = [action];
  if (isLogged) parts.push("log");
  if (protocol !== ANY_PROTOCOL) parts.push(protocolName(protocol));
  if (!isEverybody(from)) parts.push(`from ${formatHosts(from)}`);
  if (isToSelf) parts.push(`to self${formatPorts(to)}`);
  else if (!isEverybody(to)) parts.push(`to ${formatHosts(to)}`);
  if (zoneIn !== ANY_ZONE) parts.push(`in ${SIDES[zoneIn]}`);
  if (!isToSelf && zoneOut !== ANY_ZONE) parts.push(`out ${SIDES[zoneOut]}`);
  return parts.join(" ");
}

function parseHosts(word: string, given: string | undefined): RuleHosts {
  if (given === undefined || given === "") throw new Error(`"${word}" needs hosts next, such as ${HOSTS_EXAMPLES}`);
  if (given === "self" || given.startsWith("self:")) {
    throw new Error('"self" stands behind "to" only: what Porter sends itself needs no rule');
  }
  const colon = given.indexOf(":");
  const hosts = colon < 0 ? given : given.slice(0, colon);
  const prefix = hosts === "any" ? EVERYBODY : parsePrefix(hosts);
  if (prefix === undefined)
    throw new Error(`${quote(given)} names no hosts; write a prefix, any or ports with it, such as ${HOSTS_EXAMPLES}`);
  const network = prefix.address & prefixMask(prefix.length);
  if (network !== prefix.address) {
    const right = formatPrefix({ address: network, length: prefix.length });
    throw new Error(`${quote(hosts)} has bits set behind its prefix length; the network is ${right}`);
  }
  const { address, length } = prefix;
  if (colon < 0) return { address, length, firstPort: 0, lastPort: 0 };
  const ports = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(given.slice(colon + 1));
  const firstPort = Number(ports?.[1] ?? 0);
  const lastPort = Number(ports?.[2] ?? firstPort);
  if (ports === null || lastPort > 65535 || firstPort > lastPort) {
    throw new Error(
      `${quote(given.slice(colon + 1))} is neither a port nor a range of ports; write 25 or 80-443 behind the colon`,
    );
  }
  return { address, length, firstPort, lastPort };
}

function isEverybody({ length, firstPort }: RuleHosts): boolean {
  return length === 0 && firstPort === 0;
}

function formatHosts(hosts: RuleHosts): string {
  const { address, length } = hosts;
  const name = length === 0 ? "any" : length === 32 ? formatAddress(address) : formatPrefix(hosts);
  return `${name}${formatPorts(hosts)}`;
}

function formatPorts({ firstPort, lastPort }: RuleHosts): string {
  if (firstPort === 0) return "";
  return firstPort === lastPort ? `:${firstPort}` : `:${firstPort}-${lastPort}`;
}

function protocolName(protocol: number): string {
  return Object.keys(PROTOCOLS).find((name) => PROTOCOLS[name] === protocol) ?? `${protocol}`;
}
