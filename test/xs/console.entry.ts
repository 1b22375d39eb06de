/** A console over a gateway that carries traffic: what an administrator reads, in any engine. */
import { Console } from "../../src/console/console.js";
import { restore } from "../../src/console/restore.js";
import { LAN, WAN } from "../../src/gateway.js";
import { PROTOCOL_UDP } from "../../src/wire/ipv4.js";
import { icmpFrame, tcpFrame, udpFrame } from "../support/frames.js";
import { between, FRIEND, GAME_PC, GatewayRig, LAPTOP, OUR_LAN, OUR_WAN, ROUTER, SERVER } from "./gatewayRig.js";

const INSIDE_PORT = 40000;
const GAME_PORT = 25565;

export function talk(): string {
  const rig = new GatewayRig();
  const storage = memoryStorage();
  const console = new Console({ gateway: rig.gateway, storage, version: "1.2.3" });
  let output = "";
  const type = (...lines: string[]) => {
    for (const line of lines) {
      output += `> ${line}\n`;
      console.execute(line, (text) => {
        output += text;
      });
    }
  };

  type(`set lan address ${OUR_LAN.address}/24`, `set wan address ${OUR_WAN.address}/24`);
  type(`set wan gateway ${ROUTER.address}`, "set hostname attic");
  rig.introduce(LAPTOP, GAME_PC, ROUTER);
  const out = { ...between(LAPTOP, SERVER), sourcePort: INSIDE_PORT };
  rig.receive(LAN, udpFrame(out), tcpFrame(out), icmpFrame(out));
  const destinationPort = rig.externalPort(PROTOCOL_UDP, INSIDE_PORT);
  rig.receive(WAN, udpFrame({ ...between(SERVER, OUR_WAN), sourcePort: 53, destinationPort }));
  const call = { ...between(FRIEND, OUR_WAN), sourcePort: 50000, destinationPort: GAME_PORT };
  rig.receive(WAN, tcpFrame(call));
  type("show nat", "show sessions", "show counters");
  type(`forward add tcp ${GAME_PORT} ${GAME_PC.address}`, `forward add tcp ${GAME_PORT} ${LAPTOP.address}`);
  rig.receive(WAN, tcpFrame(call));
  rig.gateway.poll(61_000);
  type("show forwards", "show sessions", "show arp", "show interfaces", "show ports", "set nat timeout udp 120");
  type("show config", "save", "clear nat", "show nat");

  const restarted = new GatewayRig();
  const problems = restore(new Console({ gateway: restarted.gateway, storage, version: "1.2.3" }), storage);
  return `${output}after a restart: ${restarted.gateway.hostname}, ${problems.length} problems\n${storage.read()}`;
}

function memoryStorage() {
  let saved: string | undefined;
  return {
    read: () => saved,
    write(text: string) {
      saved = text;
    },
  };
}
