import type { PanelPort } from "../../src/link/patchPanel.js";
import { FakePort } from "./fakePort.js";

/** A port of a device, with a cable plugged in, that keeps a copy of every frame it takes. */
export class FakeLinkPort extends FakePort implements PanelPort {
  readonly name: string;
  readonly mac: number;
  readonly carriesTags: boolean;
  isUp = true;

  constructor(name: string, mac: number, carriesTags = true) {
    super();
    this.name = name;
    this.mac = mac;
    this.carriesTags = carriesTags;
  }
}
