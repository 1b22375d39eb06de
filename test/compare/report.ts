import { fileURLToPath } from "node:url";
import type { Device } from "./duts/device.js";
import type { Outcome } from "./outcome.js";
import type { Probe } from "./probe.js";

export const REPORT_PATH = fileURLToPath(new URL("../../docs/compare.md", import.meta.url));
export const README_PATH = fileURLToPath(new URL("../../README.md", import.meta.url));

/** Around the summary in README.md, which the command rewrites. */
const BEGIN = "<!-- npm run compare writes this -->";
const END = "<!-- until here -->";

/** What each device has answered; the first is Porter. */
export interface Comparison {
  readonly devices: readonly Pick<Device, "name" | "configuration">[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly probe: Probe;
  readonly outcomes: readonly Outcome[];
  /** Linux's, with all cures; for probes that name one. */
  readonly cured?: Outcome | undefined;
}

/** What a probe's id stands for, by how it begins. */
const GROUPS: readonly (readonly [string, string])[] = [
  ["RFC4787", "RFC 4787, NAT for UDP"],
  ["RFC5382", "RFC 5382, NAT for TCP"],
  ["RFC5508", "RFC 5508, NAT for ICMP"],
  ["RFC7857", "RFC 7857, updates to these"],
  ["RFC", "RFC 1122, 1812, 2827, 6864: router, IP ID, ingress"],
  ["T", "failures known of other gateways"],
];

/** The table of docs/compare.md, with how each device was set up. Ends with a newline. */
export function report(comparison: Comparison): string {
  const { devices, rows } = comparison;
  const names = devices.map(({ name }) => name);
  const cures: string[] = [];
  const lines = [...rows].sort(byId).map(({ probe, outcomes, cured }) => {
    const cells = outcomes.map(cell);
    // A cure that cures nothing is none.
    if (probe.linuxCure !== undefined && outcomes.at(-1)?.verdict === "fail" && cured?.verdict === "pass") {
      if (!cures.includes(probe.linuxCure)) cures.push(probe.linuxCure);
      cells[cells.length - 1] += ` (${cures.indexOf(probe.linuxCure) + 1})`;
    }
    return row(probe.id, probe.strength, probe.title, ...cells);
  });
  return [
    `# ${names.join(" and ")}, side by side`,
    "Written by `npm run compare` and not by hand. The same frames, in one run, to each: hosts of the LAN on one side, an ISP's " +
      "router with hosts behind it on the other, all played by the prober. Where a row asks for silence, a datagram that " +
      "was sent later has gone through before silence counts; what must be there for a question to make sense is tried " +
      "first, and where it fails the row says `not judged`. No row waits longer than 35 s, though the RFCs' timers are longer: " +
      "where it says that much was tried, nothing more was.",
    summary(comparison),
    [row("id", "strength", "what is asked", ...names), rule(3 + names.length), ...lines].join("\n"),
    "One parameter or rule more makes Linux pass the rows with these numbers; it was tried in the same run:",
    cures.map((cure, at) => `${at + 1}. ${cure}`).join("\n"),
    "## How they were set up",
    ...devices.flatMap(({ name, configuration }) => [`**${name}.** ${configuration[0]}`, ...configuration.slice(1)]),
    "",
  ].join("\n\n");
}

/** Passed rows of each group, as a table. */
export function summary({ devices, rows }: Comparison): string {
  const count = (chosen: Comparison["rows"]): string[] =>
    devices.map((_, at) => {
      const asked = chosen.filter(({ outcomes }) => outcomes[at]?.verdict !== "not applicable");
      return `${asked.filter(({ outcomes }) => outcomes[at]?.verdict === "pass").length} of ${asked.length}`;
    });
  return [
    row("rows passed", ...devices.map(({ name }) => name)),
    rule(1 + devices.length),
    ...GROUPS.flatMap(([, name], at) => {
      const chosen = rows.filter(({ probe }) => groupIndex(probe) === at);
      return chosen.length === 0 ? [] : [row(name, ...count(chosen))];
    }),
    row("all", ...count(rows)),
  ].join("\n");
}

/** README.md with this summary in its place. */
export function withSummary(readme: string, table: string): string {
  const [before, after] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (before < 0 || after < before) throw new Error("README.md has lost the marks around the table of the comparison.");
  return `${readme.slice(0, before + BEGIN.length)}\n\n${table}\n\n${readme.slice(after)}`;
}

/** The lines that a document has (-) and should have (+), in its order. Linux's release may differ: it says where, not what. */
export function differences(before: string, after: string): string[] {
  const [had, has] = [before, after].map((document) => document.replace(/ Linux [\d.]+, /, " Linux, ").split("\n"));
  return [
    ...had!.filter((line) => !has!.includes(line)).map((line) => `- ${line}`),
    ...has!.filter((line) => !had!.includes(line)).map((line) => `+ ${line}`),
  ];
}

/** The summary that README.md shows, and the one in docs/compare.md: tables alike as long as both are fresh. */
export function shownSummary(document: string): string {
  return /\| rows passed [\s\S]*?\| all .*\|/.exec(document)?.[0] ?? "";
}

/** How a probe's row in docs/compare.md begins, with Porter's cell if it has answered this. */
export function rowStart({ id, strength, title }: Probe, outcome?: Outcome): string {
  return outcome === undefined ? row(id, strength, title) : row(id, strength, title, cell(outcome));
}

function cell({ verdict, observation }: Outcome): string {
  return `${verdict === "fail" ? "**fail**" : verdict}: ${observation}`;
}

/** In the order of the groups, then REQ-2 before REQ-10. */
function byId(a: Row, b: Row): number {
  return groupIndex(a.probe) - groupIndex(b.probe) || a.probe.id.localeCompare(b.probe.id, "en", { numeric: true });
}

function groupIndex({ id }: Probe): number {
  return GROUPS.findIndex(([prefix]) => id.startsWith(prefix));
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function rule(columns: number): string {
  return `|${" --- |".repeat(columns)}`;
}
