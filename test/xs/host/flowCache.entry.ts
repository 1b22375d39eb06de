/** The flow cache in TypeScript alone, as its twin in C is measured: one call of a packet that it carries. */
import { Frame } from "../../../src/core/frame.js";
import { createFlowCache, type Forward, MISS } from "../../../src/flow/cache.js";
import { LAN, WAN } from "../../../src/gateway.js";
import { FLOW_STRIDE, nameOf, openOnce, packetsOf } from "./conversations.js";

/** Of 64 bytes on the wire. */
const FRAME_BYTES = 60;
const PACKETS = 2000;
export const prefix = "flow cache, ";

const CASES = [1, 100, 700].flatMap((flows) =>
  (["udp", "tcp"] as const).flatMap((protocol) =>
    ([LAN, WAN] as const).map((side) => ({
      name: prefix + nameOf(protocol, side, flows, FRAME_BYTES),
      packets: PACKETS,
      protocol,
      side,
      flows,
    })),
  ),
);

const frame = new Frame(FRAME_BYTES);
let packets: readonly Int32Array[] = [];
let forward: Forward = () => MISS;

export function listCases(): { name: string; packets: number }[] {
  return CASES.map(({ name, packets: count }) => ({ name, packets: count }));
}

/** Throws where a packet of the case is not carried. */
export function prepare(name: string): void {
  const wanted = CASES.find((one) => one.name === name);
  if (wanted === undefined) throw new Error("No case has this name.");
  const { protocol, side, flows } = wanted;
  const conversations = openOnce(protocol, flows);
  const { gateway } = conversations.rig;
  const { outbound, inbound } = createFlowCache(gateway.nat.flows, gateway.wan.nextIdentification());
  forward = side === LAN ? outbound : inbound;
  packets = packetsOf(conversations, protocol, side, FRAME_BYTES);
  for (const words of packets) {
    frame.words.set(words);
    if (forward(frame.words, FRAME_BYTES) === MISS) throw new Error("The flow cache does not carry it.");
  }
}

/** As `Entry.run`; `prepare` has seen that all packets are carried. */
export function run(count: number, receiving: boolean): number {
  const carry = forward;
  for (let index = 0; index < count; index++) {
    frame.words.set(packets[(index * FLOW_STRIDE) % packets.length] as Int32Array);
    if (receiving) carry(frame.words, FRAME_BYTES);
  }
  return receiving ? count : 0;
}
