/// <reference path="./globals.d.ts" />
/**
 * The firmware in heaps of the board's size: what it holds at rest, and that the largest console commands over a full
 * configuration fit, and a start with it.
 */
import type { Capacity } from "../../../src/core/capacity.js";
import { BOARD, FirmwareRig, MemoryStore, type RigOptions } from "./firmwareRig.js";

/** Without `hasFlowMemory`, drivers get no memory for the flow table. */
export function runFirmware(capacity: Capacity, hasFlowMemory: boolean): void {
  const store = new MemoryStore();
  const options = { board: { ...BOARD, capacity }, store, ...(hasFlowMemory ? { flows: flowMemory() } : {}) };
  const result = { atRest: fill(options, capacity.forwards), inUse: report(), restored: restore(options, capacity) };
  print(JSON.stringify(result));
}

/** Fills the configuration and saves it; returns what was held before. */
function fill(options: RigOptions, forwards: number): unknown {
  const rig = new FirmwareRig(options);
  const atRest = report();
  rig.type("set lan address 192.168.1.1/24");
  rig.type("set wan address 203.0.113.2/24");
  rig.type("set wan gateway 203.0.113.1");
  for (let i = 1; i <= forwards; i++) {
    rig.type(`forward add tcp ${1000 + i * 10}-${1005 + i * 10} 192.168.1.${i} from 198.51.100.0/24`);
  }
  for (const line of ["help", "show counters all", "show forwards", "save", "show config", "show version", "update"]) {
    const output = rig.type(line);
    if (output.includes("error: ")) throw new Error(output);
  }
  rig.advance(1000);
  refuseFaults(rig);
  return atRest;
}

function restore(options: RigOptions, { forwards }: Capacity): unknown {
  const rig = new FirmwareRig(options);
  refuseFaults(rig);
  const restored = rig.firmware.gateway.nat.forwards.list().length;
  if (restored !== forwards) throw new Error(`${restored} of ${forwards} forwards were restored\n${rig.output}`);
  return report();
}

function refuseFaults({ firmware: { pump } }: FirmwareRig): void {
  if (pump.faults > 0) throw new Error(pump.lastFault);
}

function flowMemory(): NonNullable<RigOptions["flows"]> {
  let words = new Int32Array(0);
  return {
    memory(byteLength) {
      words = new Int32Array(byteLength >> 2);
      return words.buffer;
    },
    access: {
      load: (at) => words[at] as number,
      store(at, value) {
        words[at] = value;
      },
    },
    carry() {},
    stop() {},
  };
}
