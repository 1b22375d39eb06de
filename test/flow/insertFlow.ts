import type { FlowTable } from "../../src/flow/table.js";

/** A new record for a tuple that the table does not have; its index, or -1 when there is no room. */
export function insertFlow(
  table: FlowTable,
  protocol: number,
  inside: number,
  insidePort: number,
  remote: number,
  remotePort: number,
  externalPort: number,
): number {
  table.findOutbound(protocol, inside, insidePort, remote, remotePort);
  return table.insertSought(externalPort, false);
}
