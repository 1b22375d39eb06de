/**
 * What Porter's simulator carries between two TAP devices, beside pasta (a user-mode network stack in C), Linux's own
 * NAT and a plain veth pair. Linux, root; all traffic stays in network namespaces that are made here.
 *
 *   npm run bench:net                    the whole table, in less than 3 minutes
 *   npm run bench:net -- TEXT...         only the rows whose names contain one of the texts
 *
 * Absolute figures mean little on a shared machine. So all paths are open at the same time, and each row goes through
 * them in turn, five times; the figures are medians, and the ratios are of those. On all paths the hosts send frames of
 * at most 1514 bytes, finished, as a wire carries them. A row that is far below the plain veth's is the device's; one near
 * it may be the machine's.
 */
import { styleText } from "node:util";
import { LinuxRouter } from "../integration/support/linuxRouter.js";
import { isInstalled, missingRights } from "../integration/support/namespaces.js";
import { Load } from "./net/load.js";
import { PastaRouter } from "./net/pastaRouter.js";
import {
  openLinuxPath,
  openPastaPath,
  openPlainPath,
  openPorterPath,
  type Path,
  PORTER_LIMITS_OFF,
} from "./net/paths.js";

const ROUNDS = 5;
const RATE_MS = 350;
const ROUND_TRIP_MS = 400;
/** So few that the default tables hold them, so that ports are used again as they are by a host that opens many. */
const SOURCE_PORTS = 256;
/** UDP payloads that make IP packets of 64 and 1400 bytes. */
const SMALL_BYTES = 64 - 28;
const LARGE_BYTES = 1400 - 28;

interface Row {
  readonly name: string;
  readonly unit: string;
  /** A mode of load.c and its last argument. */
  readonly mode: string;
  readonly argument?: number;
  readonly durationMs: number;
}

const rate = (name: string, unit: string, mode: string, argument?: number): Row =>
  argument === undefined
    ? { name, unit, mode, durationMs: RATE_MS }
    : { name, unit, mode, argument, durationMs: RATE_MS };

const ROUND_TRIP: Row = { name: "round trip, idle", unit: "us", mode: "round-trip", durationMs: ROUND_TRIP_MS };

const ROWS: readonly Row[] = [
  rate("TCP down, 1 stream", "Mbit/s", "tcp-down", 1),
  rate("TCP down, 8 streams", "Mbit/s", "tcp-down", 8),
  rate("TCP up, 1 stream", "Mbit/s", "tcp-up", 1),
  rate("TCP up, 8 streams", "Mbit/s", "tcp-up", 8),
  rate("TCP up, 8, overflowing queues", "Mbit/s", "tcp-flood-up", 8),
  rate("UDP down, 64-byte packets", "1/s", "udp-down", SMALL_BYTES),
  rate("UDP down, 1400-byte packets", "1/s", "udp-down", LARGE_BYTES),
  rate("UDP up, 64-byte packets", "1/s", "udp-up", SMALL_BYTES),
  rate("UDP up, 1400-byte packets", "1/s", "udp-up", LARGE_BYTES),
  rate("TCP connections", "1/s", "connections", SOURCE_PORTS),
  rate("TCP request-answer pairs", "1/s", "tcp-pairs"),
  rate("UDP request-answer pairs", "1/s", "udp-pairs"),
  ROUND_TRIP,
];

const NAME_WIDTH = 30;
const CELL_WIDTH = 12;
const RATIO_WIDTH = 10;

async function openPaths(): Promise<Path[]> {
  const others: readonly (readonly [string, string | undefined, () => Promise<Path>])[] = [
    ["pasta", PastaRouter.missing(), openPastaPath],
    ["Linux NAT", LinuxRouter.missing(), openLinuxPath],
    ["plain veth", undefined, openPlainPath],
  ];
  const paths = [await openPorterPath()];
  for (const [name, missing, open] of others) {
    if (missing === undefined) paths.push(await open());
    else console.log(styleText("yellow", `LEFT OUT: ${name}, for ${missing}.`));
  }
  return paths;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

/** The figure of each path; NaN where a measurement failed, which is said. */
async function measureRow(load: Load, paths: readonly Path[], row: Row): Promise<number[]> {
  const measured: number[][] = paths.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { name, client, serverAddress }] of paths.entries()) {
      const more = row.argument === undefined ? [] : [row.argument];
      try {
        measured[index]?.push(await load.measure(client, row.mode, serverAddress, row.durationMs, ...more));
      } catch (error) {
        console.log(styleText("yellow", `FAILED: ${row.name} through ${name}: ${(error as Error).message.trim()}`));
      }
    }
  }
  return measured.map((values) => (values.length === 0 ? Number.NaN : median(values)));
}

function printRow(name: string, unit: string, figures: readonly string[], ratios: readonly string[]): void {
  const cells = figures.map((text) => text.padStart(CELL_WIDTH)).join("");
  console.log(
    `${name.padEnd(NAME_WIDTH)}${unit.padStart(7)}${cells}  ${ratios.map((r) => r.padStart(RATIO_WIDTH)).join("")}`,
  );
}

/** Porter, always the first, to each other path. */
function ratios([porter = Number.NaN, ...others]: readonly number[]): string[] {
  return others.map((other) => (porter / other).toFixed(2));
}

async function main(): Promise<void> {
  const missing =
    missingRights() ??
    (isInstalled("cc") ? undefined : "the command cc is missing (Debian package gcc)") ??
    (isInstalled("ethtool") ? undefined : "the command ethtool is missing (Debian package ethtool)");
  if (missing !== undefined) throw new Error(`This measurement cannot run here: ${missing}.`);
  const wanted = process.argv.slice(2);
  const rows = ROWS.filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)));
  const load = new Load();
  const paths = await openPaths();
  try {
    for (const { server } of paths) await load.serve(server);
    await load.keepAwake((paths[0] as Path).client);
    const names = paths.map(({ name }) => name);
    console.log(`One host has all of Porter here: ${PORTER_LIMITS_OFF.join("; ")}.`);
    printRow(
      "",
      "",
      names,
      names.slice(1).map((name) => `/${name.split(" ")[0]}`),
    );
    const plain = names.indexOf("plain veth");
    for (const row of rows) {
      const figures = await measureRow(load, paths, row);
      printRow(
        row.name,
        row.unit,
        figures.map((figure) => Math.round(figure).toLocaleString("en")),
        ratios(figures),
      );
      if (row === ROUND_TRIP && plain >= 0) {
        const added = figures.map((figure) => figure - (figures[plain] as number)).slice(0, plain);
        printRow(
          "round trip, added",
          row.unit,
          added.map((us) => us.toFixed(0)),
          ratios(added),
        );
      }
    }
    console.log(
      styleText("dim", "\nThe last columns are Porter's figure by the others'; more is better, but for round trips."),
    );
  } finally {
    for (const path of paths) await path.close();
  }
}

await main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
