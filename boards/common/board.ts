/** What a board's board.ts says of it. */
import type { Capacity } from "../../src/core/capacity.js";
import type { LinkBinding } from "../../src/platform/linkPorts.js";
import type { Radio, RadioOptions } from "../../src/platform/radio.js";
import type { Medium } from "./framePort.js";

export interface Board {
  /** As its directory is called. */
  readonly name: string;
  /** The ports that the board has. */
  readonly media: readonly Medium[];
  /** Where the two sides are attached unless the configuration says otherwise. */
  readonly lan: LinkBinding;
  readonly wan: LinkBinding;
  /** How much its tables hold; its manifest includes the heaps for it. */
  readonly capacity: Capacity;
  readonly console: SerialPins;
  /** For a debug build, where the debugger has the first line. */
  readonly debugConsole: SerialPins;
  /** Opens the radio of a board that has one. */
  readonly openRadio?: (options: RadioOptions) => Radio;
}

/** A serial line of the chip. */
export interface SerialPins {
  readonly port: number;
  readonly transmit: number;
  readonly receive: number;
  readonly baud: number;
}
