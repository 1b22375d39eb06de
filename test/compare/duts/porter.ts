import type { Attachment } from "../../../host-sim/ports/attachment.js";
import { Namespace } from "../../integration/support/namespaces.js";
import { PorterSimulator, type Wires } from "../../integration/support/porterSimulator.js";
import { DEVICE_LAN, DEVICE_WAN, FORWARDED_PORT, ISP, L2, WAN_MTU } from "../addresses.js";
import type { Device } from "./device.js";
import { openTapInside } from "./tapInside.js";

const COMMANDS = [
  `set lan address ${DEVICE_LAN}/24`,
  `set wan address ${DEVICE_WAN}/24`,
  `set wan gateway ${ISP}`,
  `set wan mtu ${WAN_MTU}`,
  `forward add both ${FORWARDED_PORT} ${L2.address}`,
];

/** Porter's simulator, `npm run sim`, between two TAP devices, each bridged with one of the prober's. */
export async function startPorter(): Promise<Device> {
  const wires = await Namespace.create("compare-porter");
  const plugIn: Wires["plugIn"] = (port) => wires.ip(`link set ${port} master ${port.split("-")[1]} up`);
  const simulator = new PorterSimulator({ wires, plugIn });
  const attachments: Attachment[] = [];
  const close = async (): Promise<void> => {
    for (const one of attachments) one.close();
    await simulator.stop().finally(() => wires.destroy());
  };
  try {
    for (const bridge of ["lan", "wan"]) {
      await wires.ip(`link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`, `link set ${bridge} up`);
    }
    // A bridge that passes frames through the IP hooks would drop malformed ones.
    await wires.sysctl("net/bridge/bridge-nf-call-iptables", 0, true);
    const [lan, wan] = [openTapInside(wires, "probe-lan"), openTapInside(wires, "probe-wan")];
    attachments.push(lan, wan);
    await plugIn("probe-lan");
    await plugIn("probe-wan");
    await simulator.start(COMMANDS);
    const commands = COMMANDS.map((one) => `\`${one}\``).join(", ");
    return {
      name: "Porter",
      lan,
      wan,
      configuration: [`The simulator (\`npm run sim\`) with its defaults, after ${commands}.`],
      close,
    };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}
