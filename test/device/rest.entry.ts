/** What the firmware holds at rest, on any engine. */
import { FirmwareRig } from "./engine/firmwareRig.js";

let rig: FirmwareRig | undefined;

export function create(): void {
  rig = new FirmwareRig();
}

export function isCreated(): boolean {
  return rig !== undefined;
}
