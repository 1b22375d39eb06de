/** The gateway with established conversations, by protocol, direction, how many there are, and the packets' length. */
import { Frame } from "../../../src/core/frame.js";
import { LAN, WAN } from "../../../src/gateway.js";
import { type Bench, entryOf, type PacketCase } from "../packetCase.js";
import { FLOW_STRIDE, nameOf, openOnce, type Protocol, packetsOf } from "./conversations.js";

/** Without the frame check sequence: packets of 64 bytes on the wire, and of 1500 bytes of IP. */
const FRAME_LENGTHS = [60, 1514] as const;
const FLOW_COUNTS = [1, 100, 700] as const;
const PACKETS = 2000;

function forwardingCase(protocol: Protocol, side: typeof LAN | typeof WAN, flows: number, length: number): PacketCase {
  const frame = new Frame(length);
  let packets: Int32Array[] | undefined;
  return {
    name: nameOf(protocol, side, flows, length),
    packets: PACKETS,
    interfaceIndex: side,
    frame,
    length,
    prepare(): Bench {
      const conversations = openOnce(protocol, flows);
      const { rig } = conversations;
      packets ??= packetsOf(conversations, protocol, side, length);
      return { receiver: rig.gateway, doneCount: () => rig.ports[side === LAN ? WAN : LAN]?.sent ?? 0 };
    },
    load: (index) => frame.words.set(packets?.[(index * FLOW_STRIDE) % flows] as Int32Array),
  };
}

/** The length makes no difference to what the gateway does: few flows show it. */
const CASES = FLOW_COUNTS.flatMap((flows) =>
  FRAME_LENGTHS.flatMap((length) =>
    flows === 700 && length > 60
      ? []
      : (["udp", "tcp"] as const).flatMap((protocol) =>
          [LAN, WAN].map((side) => forwardingCase(protocol, side as typeof LAN | typeof WAN, flows, length)),
        ),
  ),
);

export const { listCases, prepare, run } = entryOf(CASES, () => ({ frames: [], counters: {} }));
