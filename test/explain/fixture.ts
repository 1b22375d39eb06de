import { explain } from "../../src/explain/explain.js";
import type { Explanation } from "../../src/explain/explanation.js";
import { LAN } from "../../src/gateway.js";
import { Packet } from "../../src/wire/packet.js";
import { loadFrame } from "../support/frames.js";
import type { GatewayBench } from "../support/gatewayBench.js";

/** What is told of a frame from the LAN. */
export function explained({ gateway }: GatewayBench, bytes: Uint8Array): Explanation {
  const packet = new Packet(loadFrame(bytes));
  packet.read(packet.frame, LAN, false);
  return explain(gateway, packet);
}
