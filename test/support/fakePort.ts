import { ETHERNET_AT, type Frame } from "../../src/core/frame.js";
import type { FramePort } from "../../src/platform/framePort.js";
import { shownAsHex } from "./shownAsHex.js";

/** A port that keeps a copy of every frame it takes, and can be told to take no more. */
export class FakePort implements FramePort {
  /** The frames sent, oldest first, as they stand on the wire. */
  readonly sent: Uint8Array[] = [];
  /** How many frames it still takes before it is full. */
  room = Number.POSITIVE_INFINITY;
  /** Frames refused because it was full. */
  refused = 0;

  send(frame: Frame, length: number): boolean {
    if (this.room <= 0) {
      this.refused++;
      return false;
    }
    this.room--;
    this.sent.push(shownAsHex(frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length)));
    return true;
  }

  /** The frames sent since the last call. */
  take(): Uint8Array[] {
    return this.sent.splice(0);
  }
}
