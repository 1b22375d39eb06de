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
  const last = words[IDENTIFICATION] as number;
  const { outbound, inbound } = createFlowCache(table, ((last & 0xff) << 8) | (last >> 8));
  return (frame, length, interfaceIndex) => {
    const sentBytes = (interfaceIndex === LAN ? outbound : inbound)(frame.words, length);
    if (sentBytes === MISS) return MISS;
    // The one in C keeps the last there, for another task's has no other place for it.
    const word5 = frame.words[5] as number;
    if (interfaceIndex === LAN && word5 >> 16 === 0) words[IDENTIFICATION] = word5;
    if (sentBytes !== ETHERNET_HEADER_BYTES + ipTotalBytes(frame.view, NETWORK_AT)) {
      throw new Error(`The flow cache in TypeScript would send ${sentBytes} bytes.`);
    }
    return LAN + WAN - interfaceIndex;
  };
}
