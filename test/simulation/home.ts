import { GAME_PORT } from "../../host-sim/hosts/gameServer.js";
import { GAME_PC, ISP, PORTER_LAN, PORTER_WAN, Scene } from "../../host-sim/story/scene.js";
import { parseAddress } from "../../src/core/address.js";
import type { DropCounts } from "../../src/core/drops.js";
import { LAN, WAN } from "../../src/gateway.js";
import type { ForwardSpec } from "../../src/nat/forwards.js";

export function address(text: string): number {
  const value = parseAddress(text);
  if (value === undefined) throw new Error(`"${text}" is no address.`);
  return value;
}

/** What the owner tells Porter in the story. */
export const GAME_FORWARD: ForwardSpec = {
  protocol: "tcp",
  ports: { first: GAME_PORT, last: GAME_PORT },
  insideAddress: address(GAME_PC),
  insidePort: GAME_PORT,
};

/** The story's scene with Porter set up and everybody at rest. */
export function home(seed = 1): Scene {
  const scene = new Scene(seed);
  scene.porter.setAddress(LAN, address(PORTER_LAN), 24);
  scene.porter.setAddress(WAN, address(PORTER_WAN), 24);
  scene.porter.setGateway(WAN, address(ISP));
  scene.settle();
  return scene;
}

/** The reasons for which Porter has dropped something, with how often. */
export function drops(scene: Scene): Partial<DropCounts> {
  const counted = Object.entries(scene.porter.drops.counts).filter(([, count]) => count > 0);
  return Object.fromEntries(counted);
}
