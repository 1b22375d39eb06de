/** `show` for what belongs to the NAT: forwards, mappings, sessions and ports. */

import { filteringName } from "../../config/script.js";
import { formatAddress, formatPrefix } from "../../core/address.js";
import type { Gateway } from "../../gateway.js";
import type { Forward } from "../../nat/forwards.js";
import type { ClassUse, Fill, HostUse } from "../../nat/nat.js";
import type { PortClaim } from "../../transport/portSpace.js";
import type { Command, CommandContext } from "../command.js";
import { commandTable } from "../syntax.js";
import { count, formatDuration, formatTable, left, right } from "../table.js";
import { readAddress } from "../values.js";
import { endpoint, formatPorts, formatTarget, protocolName, stateWord } from "./names.js";

/** Lines of a table: more at a time would take memory that a board does not have. */
const MAX_ROWS = 32;
const MAX_TOP_ROWS = 16;

export const SHOW_NAT_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "show forwards",
    summary: "port forwards, and how many sessions each admitted",
    example: "show forwards",
    run: ({ gateway }) => forwardTable(gateway.nat.forwards.list()),
  },
  {
    syntax: "show nat [ADDRESS]",
    summary: "NAT mappings: which external port stands for whom",
    details: "With an ADDRESS, only those of that inside host. A mapping lives as long as it\nhas sessions.\n",
    example: "show nat 192.168.1.50",
    run: showMappings,
  },
  {
    syntax: "show sessions [ADDRESS]",
    summary: "NAT sessions: who talks to whom",
    details:
      "With an ADDRESS, only those of that inside or remote host. PORT is the external\n" +
      "one. STATE of a tcp session: opening, established, half-closed (one side has\n" +
      "finished), closing (both have), reset. EXPIRES tells when it ends if no packet\n" +
      "comes.\n",

    example: "show sessions 192.168.1.50",
    run: showSessions,
  },
  {
    syntax: "show top",
    summary: "who fills the NAT's tables, and what made way",
    details:
      "MOST is the high-water mark, A HOST what one may have. Each session is of one\n" +
      "CLASS; transitory tcp is opening or closing, an unproven call one from outside\n" +
      "whose caller has not answered yet. EXPIRED counts those ended by their timeout,\n" +
      "EVICTED those that made way for others. In the list of hosts TCP is established,\n" +
      "TRANSITORY counts calls, too; REFUSED are new sessions refused by a limit or\n" +
      "rate, up to 65535. Hosts whose addresses end alike count as one: a + stands\n" +
      "behind its address. outside: all callers of forwards.\n",
    example: "show top",
    run: showTop,
  },
  {
    syntax: "show ports",
    summary: "who owns which port of the WAN address",
    details: "Ports of sockets, listeners, forwards and NAT mappings; of icmp, the identifiers\nof pings.\n",
    example: "show ports",
    run: ({ gateway }) => portTable(gateway),
  },
]);

function forwardTable(forwards: readonly Forward[]): string {
  return formatTable(
    [left("PROTO"), left("PORTS"), left("INSIDE"), left("FROM"), left("STATE"), right("HITS")],
    forwards.map((forward) => [
      forward.protocol,
      formatPorts(forward.ports),
      formatTarget(forward),
      forward.source === undefined ? "anywhere" : formatPrefix(forward.source),
      forward.isEnabled ? "enabled" : "disabled",
      `${forward.hits}`,
    ]),
    "no forwards",
  );
}

function showMappings({ gateway: { nat } }: CommandContext, [, , text]: readonly string[]): string {
  const inside = text === undefined ? undefined : readAddress(text);
  let fitting = 0;
  const mappings = nat.mappings((address) => (inside === undefined || address === inside) && ++fitting <= MAX_ROWS);
  const filtering = `${filteringName(nat.settings.filtering)} filtering`;
  if (mappings.length === 0) return `no mappings${ofHost(inside)}, ${filtering}\n`;
  const table = formatTable(
    [left("PROTO"), left("INSIDE"), left("EXTERNAL"), left("KIND"), right("SESSIONS")],
    mappings.map((mapping) => [
      protocolName(mapping.protocol),
      endpoint(mapping.insideAddress, mapping.insidePort),
      endpoint(nat.externalAddress, mapping.externalPort),
      mapping.isStatic ? "forward" : "dynamic",
      `${mapping.sessions}`,
    ]),
    "",
  );
  return `${table}${shownOf(mappings.length, nat.mappingCount, "mapping")}, ${filtering}\n`;
}

function showSessions({ gateway: { nat } }: CommandContext, [, , text]: readonly string[]): string {
  const host = text === undefined ? undefined : readAddress(text);
  let all = 0;
  let fitting = 0;
  const sessions = nat.sessions((inside, remote) => {
    all++;
    return (host === undefined || inside === host || remote === host) && ++fitting <= MAX_ROWS;
  });
  if (sessions.length === 0) return `no sessions${ofHost(host)}\n`;
  const table = formatTable(
    [left("PROTO"), left("INSIDE"), right("PORT"), left("REMOTE"), left("STATE"), right("EXPIRES")],
    sessions.map((session) => [
      protocolName(session.protocol),
      endpoint(session.insideAddress, session.insidePort),
      `${session.externalPort}`,
      endpoint(session.remoteAddress, session.remotePort),
      stateWord(session.state),
      formatDuration(session.expiresInS),
    ]),
    "",
  );
  return `${table}${shownOf(sessions.length, all, "session")} of at most ${nat.flows.capacity}\n`;
}

function showTop({ gateway: { nat } }: CommandContext): string {
  const { sessions, mappings, halfOpen, classes, hostSessions, hostMappings } = nat.use;
  const { hostRate, totalRate, inboundRate } = nat.settings;
  const fill = (name: string, one: Fill, share: string): string[] => [
    name,
    `${one.now}`,
    `${one.most}`,
    `${one.capacity}`,
    share,
  ];
  const tables = formatTable(
    [left("TABLE"), right("NOW"), right("MOST"), right("SIZE"), right("A HOST")],
    [
      fill("sessions", sessions, `${hostSessions}`),
      fill("mappings", mappings, `${hostMappings}`),
      fill("transitory tcp", halfOpen, ""),
    ],
    "",
  );
  const perSecond = (rate: number): string => (rate === 0 ? "no limit" : `${rate}/s`);
  const rates = `a host ${perSecond(hostRate)}, all ${perSecond(totalRate)}, inbound ${perSecond(inboundRate)}`;
  const kinds = formatTable(
    [left("CLASS"), right("NOW"), right("MOST"), right("EXPIRED"), right("EVICTED")],
    [
      classRow("established tcp", classes.established),
      classRow("unproven calls", classes.calls),
      classRow("other transitory tcp", classes.transitory),
      classRow("answered udp", classes.answered),
      classRow("unanswered udp", classes.unanswered),
      classRow("icmp", classes.icmp),
    ],
    "",
  );
  const hosts = formatTable(
    [
      left("HOST"),
      right("SESSIONS"),
      right("SHARE"),
      right("TCP"),
      right("TRANSITORY"),
      right("UDP"),
      right("ICMP"),
      right("MAPPINGS"),
      right("REFUSED"),
    ],
    nat
      .hostUse(MAX_TOP_ROWS)
      .map((one) => [
        hostName(one),
        `${one.sessions}`,
        `${Math.round((one.sessions * 100) / sessions.capacity)}%`,
        `${one.established}`,
        `${one.halfOpen}`,
        `${one.udp}`,
        `${one.icmp}`,
        `${one.mappings}`,
        `${one.refusals}`,
      ]),
    "no sessions",
  );
  return `${tables}rates: ${rates}\n\n${kinds}\n${hosts}`;
}

function classRow(name: string, { now, most, expired, evicted }: ClassUse): string[] {
  return [name, `${now}`, `${most}`, `${expired}`, `${evicted}`];
}

function hostName({ address, account, isCallers, isShared }: HostUse): string {
  if (isCallers) return "outside";
  return address === 0 ? `*.${account}` : `${formatAddress(address)}${isShared ? "+" : ""}`;
}

function portTable(gateway: Gateway): string {
  const claims = gateway.ports.claims(undefined, undefined, MAX_ROWS + 1);
  const isCut = claims.length > MAX_ROWS;
  if (isCut) claims.length = MAX_ROWS;
  claims.sort((a, b) => a.protocol - b.protocol || a.range.first - b.range.first);
  const table = formatTable(
    [left("PROTO"), left("PORTS"), left("OWNER"), left("FOR")],
    claims.map((claim) => [
      protocolName(claim.protocol),
      formatPorts(claim.range),
      claim.kind,
      claimant(gateway, claim),
    ]),
    "no ports in use",
  );
  return isCut ? `${table}and more; show nat ADDRESS tells those of a host\n` : table;
}

function claimant({ nat, hostname }: Gateway, claim: PortClaim): string {
  if (claim.kind !== "forward" && claim.kind !== "mapping") return hostname;
  if (claim.kind === "forward") {
    const forward = nat.forwards.get(claim.id);
    return forward === undefined ? "" : formatTarget(forward);
  }
  const { insideAddress, insidePort } = nat.mapping(claim.id);
  return endpoint(insideAddress, insidePort);
}

function ofHost(address: number | undefined): string {
  return address === undefined ? "" : ` of ${formatAddress(address)}`;
}

/** `3 of 20 sessions`, `20 sessions` */
function shownOf(shown: number, all: number, noun: string): string {
  return shown === all ? count(all, noun) : `${shown} of ${count(all, noun)}`;
}
