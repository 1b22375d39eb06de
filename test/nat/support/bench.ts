/** A NAT in a given state, on a clock and a random source that the test holds. */

import { SeededRandom } from "../../../host-sim/random.js";
import { type Capacity, DEFAULT_CAPACITY } from "../../../src/core/capacity.js";
import { Clock } from "../../../src/core/clock.js";
import { Rules } from "../../../src/firewall/rules.js";
import { Nat } from "../../../src/nat/nat.js";
import { DEFAULT_NAT_SETTINGS, type NatSettings } from "../../../src/nat/settings.js";
import { PortSpace } from "../../../src/transport/portSpace.js";
import type { Packet } from "../../../src/wire/packet.js";
import { NO_EFFECTS } from "../../firewall/arbitraries.js";
import { address } from "./packets.js";

export const WAN_ADDRESS = address("203.0.113.2");

export interface Bench {
  readonly nat: Nat;
  readonly ports: PortSpace;
  readonly clock: Clock;
  /** Lets time pass, polling as a gateway does at each deadline. */
  advance(seconds: number): void;
  /** Translates an outbound packet, which must succeed, and returns it. */
  out(packet: Packet): Packet;
  /** Translates an inbound packet, which must succeed, and returns it. */
  in(packet: Packet): Packet;
}

export function makeBench(settings: Partial<NatSettings> = {}, capacity: Partial<Capacity> = {}, seed = 1): Bench {
  const full = { ...DEFAULT_CAPACITY, ...capacity };
  const clock = new Clock();
  const random = new SeededRandom(seed);
  const ports = new PortSpace(random, full.mappings + full.sockets + full.listeners, full.forwards * 2);
  const nat = new Nat(clock, ports, random, full, new Rules(0, NO_EFFECTS), { ...DEFAULT_NAT_SETTINGS, ...settings });
  nat.setExternalAddress(WAN_ADDRESS);
  const translated = (packet: Packet, verdict: string): Packet => {
    if (verdict !== "ok") throw new Error(`dropped: ${verdict}`);
    return packet;
  };
  return {
    nat,
    ports,
    clock,
    advance(seconds) {
      const target = clock.now + seconds * 1000;
      for (let polls = 0; polls < 100_000; polls++) {
        clock.now = Math.min(target, Math.max(clock.now, nat.nextDeadline()));
        nat.poll();
        if (clock.now === target && nat.nextDeadline() > target) return;
      }
      throw new Error("The NAT asks to be polled for ever.");
    },
    out: (packet) => translated(packet, nat.outbound(packet)),
    in: (packet) => translated(packet, nat.inbound(packet)),
  };
}
