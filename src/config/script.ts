/**
 * The running configuration as text: the console commands that make a fresh gateway equal to this one. What has its
 * default value is left out.
 */
import { formatAddress, formatMac, formatPrefix } from "../core/address.js";
import type { Firewall } from "../firewall/firewall.js";
import { formatRule } from "../firewall/rule.js";
import type { Gateway } from "../gateway.js";
import { DEFAULT_MTU_BYTES, type Interface } from "../link/interface.js";
import { type Forward, formatForward } from "../nat/forwards.js";
import { DEFAULT_NAT_SETTINGS, type Filtering, type NatSettings } from "../nat/settings.js";
import { type LinkBinding, UNTAGGED } from "../platform/linkPorts.js";
import { type PortRange, SOCKET_PORTS } from "../transport/portSpace.js";

/** The timeouts by the words that the console has for them. */
export const NAT_TIMEOUTS = Object.freeze({
  udp: "udpTimeoutS",
  "tcp-established": "tcpEstablishedTimeoutS",
  "tcp-opening": "tcpOpeningTimeoutS",
  "tcp-closing": "tcpClosingTimeoutS",
  icmp: "icmpTimeoutS",
} as const);

/** What one host may hold, and how many sessions may be opened a second, by the words that the console has for them. */
export const NAT_LIMITS = Object.freeze({ sessions: "hostSessions", mappings: "hostMappings" } as const);
export const NAT_RATES = Object.freeze({ host: "hostRate", total: "totalRate", inbound: "inboundRate" } as const);

/** As `Gateway` has it. */
const DEFAULT_HOSTNAME = "porter";

export type NatTimeoutName = keyof typeof NAT_TIMEOUTS;
export type NatLimitName = keyof typeof NAT_LIMITS;
export type NatRateName = keyof typeof NAT_RATES;

/** The filtering policies by the words that the console has for them. */
export const FILTERINGS: Readonly<Record<string, Filtering>> = Object.freeze({
  "address-dependent": "addressDependent",
  "endpoint-independent": "endpointIndependent",
});

/** One command a line; empty when everything has its default value. Every line ends with "\n". */
export function configScript(gateway: Gateway): string {
  const { lan, wan, nat, ports, hostname } = gateway;
  const lines = [
    ...(hostname === DEFAULT_HOSTNAME ? [] : [`set hostname ${hostname}`]),
    ...placeLines(gateway),
    ...interfaceLines(lan),
    ...interfaceLines(wan),
    // Behind the address, whose network it must be on.
    ...(wan.gateway === 0 ? [] : [`set wan gateway ${formatAddress(wan.gateway)}`]),
    ...natLines(nat.settings),
    ...portLines(nat.settings.ports, ports.socketPorts),
    ...nat.forwards.list().flatMap(forwardLines),
    ...firewallLines(gateway.firewall),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

export function filteringName(filtering: Filtering): string {
  return Object.keys(FILTERINGS).find((name) => FILTERINGS[name] === filtering) ?? "";
}

/** `port ethernet vlan 10`, as in a command. */
export function formatBinding({ port, vlan }: LinkBinding): string {
  return `port ${port} vlan ${vlan === UNTAGGED ? "none" : vlan}`;
}

/** One line for both sides: by one after the other, the first might come to the place that the second is to leave. */
function placeLines({ links, bindings, lan, wan }: Gateway): string[] {
  const isUsual = bindings.every(({ port, vlan }, index) => {
    const usual = links?.defaults[index];
    return usual?.port === port && usual.vlan === vlan;
  });
  if (isUsual) return [];
  const places = [lan, wan].map(({ name, index }) => `${name} ${formatBinding(bindings[index] as LinkBinding)}`);
  return [`set interface ${places.join(" ")}`];
}

function interfaceLines({ name, address, prefixLength, mtuBytes }: Interface): string[] {
  const lines: string[] = [];
  if (address !== 0) lines.push(`set ${name} address ${formatPrefix({ address, length: prefixLength })}`);
  if (mtuBytes !== DEFAULT_MTU_BYTES) lines.push(`set ${name} mtu ${mtuBytes}`);
  return lines;
}

function natLines(settings: NatSettings): string[] {
  const lines: string[] = [];
  if (settings.filtering !== DEFAULT_NAT_SETTINGS.filtering) {
    lines.push(`set nat filtering ${filteringName(settings.filtering)}`);
  }
  for (const name of Object.keys(NAT_TIMEOUTS) as NatTimeoutName[]) {
    const seconds = settings[NAT_TIMEOUTS[name]];
    if (seconds !== DEFAULT_NAT_SETTINGS[NAT_TIMEOUTS[name]]) lines.push(`set nat timeout ${name} ${seconds}`);
  }
  if (settings.dmzAddress !== 0) lines.push(`set dmz ${formatAddress(settings.dmzAddress)}`);
  for (const name of Object.keys(NAT_LIMITS) as NatLimitName[]) {
    const most = settings[NAT_LIMITS[name]];
    if (most !== DEFAULT_NAT_SETTINGS[NAT_LIMITS[name]]) lines.push(`set nat limit ${name} ${most}`);
  }
  for (const name of Object.keys(NAT_RATES) as NatRateName[]) {
    const rate = settings[NAT_RATES[name]];
    if (rate !== DEFAULT_NAT_SETTINGS[NAT_RATES[name]]) lines.push(`set nat rate ${name} ${rate === 0 ? "off" : rate}`);
  }
  return lines;
}

function portLines(nat: PortRange, sockets: PortRange): string[] {
  const isUsual = isSameRange(nat, DEFAULT_NAT_SETTINGS.ports) && isSameRange(sockets, SOCKET_PORTS);
  return isUsual ? [] : [`set ports nat ${nat.first}-${nat.last} socket ${sockets.first}-${sockets.last}`];
}

function isSameRange(one: PortRange, other: PortRange): boolean {
  return one.first === other.first && one.last === other.last;
}

function firewallLines({ rules, stations, answersPing, rejectsClosedPorts }: Firewall): string[] {
  return [
    ...(answersPing ? [] : ["set firewall ping deny"]),
    ...(rejectsClosedPorts ? ["set firewall closed-ports reject"] : []),
    ...rules.list().map(({ rule }) => `rule add ${formatRule(rule)}`),
    ...stations.list().map(({ mac, isAllowed }) => `mac ${isAllowed ? "allow" : "deny"} ${formatMac(mac)}`),
  ];
}

function forwardLines(forward: Forward): string[] {
  const lines = [`forward add ${formatForward(forward)}`];
  if (!forward.isEnabled) lines.push(`forward disable ${forward.protocol} ${forward.ports.first}`);
  return lines;
}
