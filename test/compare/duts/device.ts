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

/** Closes all, whatever happens to one, and throws then what that one has thrown: a simulator that has crashed says so here. */
export async function closeAll(devices: readonly Device[]): Promise<void> {
  const ends = await Promise.allSettled(devices.map((device) => device.close()));
  for (const end of ends) {
    if (end.status === "rejected") throw end.reason;
  }
}
