/** Counts what a forwarded packet costs the flow cache in C, in the processor's instructions, with callgrind. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildFlowCache } from "../../../host-sim/buildFlowCache.js";
import { SeededRandom } from "../../../host-sim/random.js";
import { type Frame, NETWORK_AT, TRANSPORT_AT } from "../../../src/core/frame.js";
import { FlowTable, LAN, WAN } from "../../../src/flow/table.js";
import { writeEthernet } from "../../../src/wire/ethernet.js";
import { IP_DONT_FRAGMENT, writeIpv4 } from "../../../src/wire/ipv4.js";
import { insertFlow } from "../insertFlow.js";
import { asTwin } from "./asTwin.js";
import { Batch } from "./batch.js";
import { besideThisFile, canBuild } from "./build.js";
import { Trace } from "./trace.js";

export const VARIANT_FLAGS = { "64-bit -O2": ["-O2"], "32-bit -Os": ["-m32", "-Os"] } as const;
export type Variant = keyof typeof VARIANT_FLAGS;

export interface Case {
  readonly protocol: "UDP" | "TCP";
  readonly side: number;
  /** Sessions in a table of 1,024. */
  readonly flows: number;
  readonly frameBytes: number;
}

export interface Cost {
  /** Instructions per packet: of the session that costs most, of the one in the middle, and of all in turn. */
  readonly worst: number;
  readonly median: number;
  readonly mean: number;
}

const CALLGRIND = ["-q", "--tool=callgrind", "--toggle-collect=porter_flow_forward", "--callgrind-out-file=profile"];
const CALLGRIND_FLAG = "-DREPLAY_CALLGRIND";
const TIMEOUT_MS = 120_000;

const SESSIONS = 1024;
const LAN_MAC = 0x02_00_00_00_01_01;
const WAN_MAC = 0x02_00_00_00_01_02;
const HOST_MAC = 0x02_00_00_00_02_10;
const ROUTER_MAC = 0x02_00_00_00_02_11;
const GATEWAY = 0xcb007102 | 0;
const TCP = 6;
const UDP = 17;

/** Why there is nothing to count here, in a sentence; undefined if there is. */
export function whyNoInstructions(variant: Variant): string | undefined {
  if (!canBuild(...VARIANT_FLAGS[variant])) return `needs a C compiler \`cc\` that makes ${variant} programs`;
  if (spawnSync("valgrind", ["--version"]).status !== 0) return "needs valgrind";
  return canBuild("-include", "valgrind/callgrind.h") ? undefined : "needs valgrind's header callgrind.h";
}

/** The cost of one packet of each session, in each case. */
export function countInstructions(variant: Variant, cases: readonly Case[]): Cost[] {
  const program = buildFlowCache([besideThisFile("replay.c")], [...VARIANT_FLAGS[variant], CALLGRIND_FLAG]);
  const directory = mkdtempSync(join(tmpdir(), "porter-flow-"));
  try {
    const trace = new Trace(join(directory, "trace"));
    for (const each of cases) record(trace, each);
    trace.close();
    const { stdout, stderr } = spawnSync("valgrind", [...CALLGRIND, program, "trace"], {
      cwd: directory,
      encoding: "utf8",
      timeout: TIMEOUT_MS,
    });
    const frames = cases.reduce((sum, { flows }) => sum + flows, 0);
    if (stdout !== `${frames}\n`) throw new Error(`callgrind: ${stderr}`);
    let dump = 0;
    return cases.map(({ flows }) => {
      const counts = Array.from({ length: flows }, () => readCount(join(directory, `profile.${++dump}`)));
      counts.sort((one, other) => one - other);
      const sum = counts.reduce((total, one) => total + one, 0);
      return { worst: counts.at(-1) as number, median: counts[flows >> 1] as number, mean: sum / flows };
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function readCount(dump: string): number {
  const count = /^totals: (\d+)$/m.exec(readFileSync(dump, "utf8"))?.[1];
  if (count === undefined) throw new Error("callgrind's dump has no totals.");
  return Number(count);
}

/** One packet of each session, for 1 to 1,024 sessions. */
function record(trace: Trace, { protocol, side, flows, frameBytes }: Case): void {
  const random = new SeededRandom(1, "sessions");
  const table = new FlowTable(SESSIONS, 32, random);
  table.externalAddress = GATEWAY;
  table.setLifetimes(300, 7440);
  table.setInterface(LAN, LAN_MAC, 1500);
  table.setInterface(WAN, WAN_MAC, 1500);
  table.setNeighbour(LAN, HOST_MAC, LAN_MAC);
  table.setNeighbour(WAN, ROUTER_MAC, WAN_MAC);
  const batch = new Batch(flows);
  const number = protocol === "TCP" ? TCP : UDP;
  for (let n = 0; n < flows; n++) {
    const inside = 0xc0a80100 + 2 + (n % 200);
    const remote = random.next32();
    const index = insertFlow(table, number, inside | 0, 1024 + random.below(60000), remote, 443, 1024 + n);
    table.setSettled(index, true);
    for (const hop of [LAN, WAN]) table.setNextHop(index, hop, hop);
    write(batch.frames[n] as Frame, table, index, side, frameBytes);
    batch.arrive(n, frameBytes, side);
  }
  const forward = asTwin(table);
  trace.forwardAll(table, batch, forward);
  for (let n = 0; n < flows; n++) if (batch.verdict(n) !== 1 - side) throw new Error("A packet was not forwarded.");
}

function write(frame: Frame, table: FlowTable, index: number, side: number, frameBytes: number): void {
  const { view } = frame;
  const isOutbound = side === LAN;
  const inside = table.insideAddress(index);
  const remote = table.remoteAddress(index);
  writeEthernet(frame, isOutbound ? LAN_MAC : WAN_MAC, isOutbound ? HOST_MAC : ROUTER_MAC, 0x0800);
  const source = isOutbound ? inside : remote;
  const destination = isOutbound ? remote : GATEWAY;
  const ports = isOutbound
    ? [table.insidePort(index), table.remotePort(index)]
    : [table.remotePort(index), table.externalPort(index)];
  // As most send: TCP looks for the path's MTU, and UDP does not.
  const flags = table.protocol(index) === TCP ? IP_DONT_FRAGMENT : 0;
  writeIpv4(view, NETWORK_AT, 0, frameBytes - 14, index, flags, 64, table.protocol(index), source, destination);
  view.setUint16(TRANSPORT_AT, ports[0] as number);
  view.setUint16(TRANSPORT_AT + 2, ports[1] as number);
  if (table.protocol(index) === UDP) {
    view.setUint16(TRANSPORT_AT + 4, frameBytes - 34);
    view.setUint16(TRANSPORT_AT + 6, 1 + index);
  } else {
    view.setUint16(TRANSPORT_AT + 12, 0x5010);
    view.setUint16(TRANSPORT_AT + 16, 1 + index);
  }
}
