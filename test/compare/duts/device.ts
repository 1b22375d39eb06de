import type { Attachment } from "../../../host-sim/ports/attachment.js";

/** A gateway that is being probed. The prober holds the other end of both its cables. */
export interface Device {
  /** Its column in the table. */
  readonly name: string;
  readonly lan: Attachment;
  readonly wan: Attachment;
  /** What runs there and how it was set up, a paragraph of Markdown each. */
  readonly configuration: readonly string[];
  close(): Promise<void>;
}
