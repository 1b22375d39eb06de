import { ETHERNET_HEADER_BYTES, type Frame, NETWORK_AT } from "../../../src/core/frame.js";
import { createFlowCache, MISS } from "../../../src/flow/cache.js";
import { IDENTIFICATION } from "../../../src/flow/layout.js";
import { type FlowTable, LAN, WAN } from "../../../src/flow/table.js";
import { ipTotalBytes } from "../../../src/wire/ipv4.js";

/** The flow cache as it is in C: for both interfaces, and with the one that the frame leaves by as its verdict. */
export type TwinForward = (frame: Frame, length: number, interfaceIndex: number) => number;

/** The flow cache in TypeScript as the one in C is. Throws when the length to send is not the packet's. */
export function asTwin(table: FlowTable): TwinForward {
  const { words } = table;
  // Another task's, which has no other place for it.
  const { outbound, inbound } = createFlowCache(table, {
    get identification() {
      return words[IDENTIFICATION] as number;
    },
    set identification(value) {
      words[IDENTIFICATION] = value;
    },
  });
  return (frame, length, interfaceIndex) => {
    const sentBytes = interfaceIndex === LAN ? outbound(frame, length) : inbound(frame, length);
    if (sentBytes === MISS) return MISS;
    if (sentBytes !== ETHERNET_HEADER_BYTES + ipTotalBytes(frame.view, NETWORK_AT)) {
      throw new Error(`The flow cache in TypeScript would send ${sentBytes} bytes.`);
    }
    return LAN + WAN - interfaceIndex;
  };
}
