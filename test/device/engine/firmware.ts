/// <reference path="./globals.d.ts" />
/**
 * The firmware in heaps of the board's size: what it holds at rest, and that the largest console commands over a full
 * configuration fit.
 */
import { DEFAULT_CAPACITY } from "../../../src/core/capacity.js";
import { FirmwareRig } from "./firmwareRig.js";

export default function firmware(): void {
  const rig = new FirmwareRig();
  const atRest = report();
  rig.type("set lan address 192.168.1.1/24");
  rig.type("set wan address 203.0.113.2/24");
  rig.type("set wan gateway 203.0.113.1");
  for (let i = 1; i <= DEFAULT_CAPACITY.forwards; i++) {
    rig.type(`forward add tcp ${1000 + i * 10}-${1005 + i * 10} 192.168.1.${i} from 198.51.100.0/24`);
  }
  for (const line of ["help", "show counters all", "show forwards", "save", "show config", "show version", "update"]) {
    const output = rig.type(line);
    if (output.includes("error: ")) throw new Error(output);
  }
  rig.advance(1000);
  const { faults, lastFault } = rig.firmware.pump;
  if (faults > 0) throw new Error(lastFault);
  print(JSON.stringify({ atRest, inUse: report() }));
}
