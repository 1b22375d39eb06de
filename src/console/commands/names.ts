/** How what the commands name reads. */
import { formatAddress } from "../../core/address.js";
import type { ForwardSpec } from "../../nat/forwards.js";
import type { Storage } from "../../platform/storage.js";
import type { PortRange } from "../../transport/portSpace.js";

export { endpoint, protocolName, stateWord } from "../../nat/names.js";

/** `80`, `8000-8010` */
export function formatPorts({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

/** Where a forward leads to: `192.168.1.50:9000`, `192.168.1.50:9000-9010`. */
export function formatTarget({ insideAddress, insidePort, ports }: ForwardSpec): string {
  const inside = { first: insidePort, last: insidePort + ports.last - ports.first };
  return `${formatAddress(insideAddress)}:${formatPorts(inside)}`;
}

/** What follows "saved" in a sentence; "" where nothing needs to be said. */
export function caveatOf({ caveat }: Storage): string {
  return caveat === undefined ? "" : ` ${caveat}`;
}
