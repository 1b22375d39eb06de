import { Bench, ROUTER_LAN, ROUTER_WAN, WEB } from "./support/bench.js";
import { chosenDevice, missingForDevice } from "./support/chosenDevice.js";
import { Host } from "./support/host.js";
import { missingRights, Namespace } from "./support/namespaces.js";

/*
 * Measures one TCP stream through the device under test, and over a plain veth pair in the same run:
 *
 *     node .config/run.mjs test/integration/throughput.ts [SECONDS]
 *
 * The veth pair hands over segments of up to 64 KiB without copying them, so the ratio is small by nature; the pair
 * without offloads, which moves frames of 1514 bytes as the device must, is the fairer measure, where ethtool is present.
 */

const PORT = 5001;
const durationMs = Number(process.argv[2] ?? 5) * 1000;

async function vethMbps(offloads: boolean): Promise<number> {
  const [near, far] = [await Namespace.create("near"), await Namespace.create("far")];
  try {
    await near.ip(`link add eth0 type veth peer name eth0 netns ${far.name}`, "addr add 192.168.1.10/24 dev eth0");
    await far.ip("addr add 192.168.1.50/24 dev eth0", "link set eth0 up");
    await near.ip("link set eth0 up");
    for (const namespace of offloads ? [] : [near, far]) {
      await namespace.mustRun(["ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off"]);
    }
    const server = new Host(far, "192.168.1.50");
    await server.serveTcp(PORT);
    return await new Host(near, "192.168.1.10").measureMbps(server.address, PORT, durationMs);
  } finally {
    await near.destroy();
    await far.destroy();
  }
}

async function deviceMbps(): Promise<{ name: string; down: number; up: number }> {
  const bench = await Bench.create();
  const device = chosenDevice(bench);
  try {
    await device.start([
      `set lan address ${ROUTER_LAN}/24`,
      `set wan address ${ROUTER_WAN}/24`,
      `set wan gateway ${WEB}`,
      `forward add tcp ${PORT} ${bench.lan1.address}`,
    ]);
    await bench.web.serveTcp(PORT);
    await bench.lan1.serveTcp(PORT);
    return {
      name: device.name,
      down: await bench.lan1.measureMbps(WEB, PORT, durationMs),
      up: await bench.web.measureMbps(ROUTER_WAN, PORT, durationMs),
    };
  } finally {
    await device.stop().finally(() => bench.destroy());
  }
}

async function main(): Promise<void> {
  const missing = missingRights() ?? missingForDevice();
  if (missing !== undefined) {
    throw new Error(`This measurement cannot run here: ${missing}.`);
  }
  const plain = await vethMbps(true);
  const frames = await vethMbps(false).catch(() => undefined);
  const { name, down, up } = await deviceMbps();
  const row = (title: string, mbps: number): void => {
    const ratios = [plain, frames].map((base) => (base === undefined ? "-" : (mbps / base).toFixed(4)));
    process.stdout.write(
      `${title.padEnd(44)}${mbps.toFixed(0).padStart(8)}${ratios.map((r) => r.padStart(12)).join("")}\n`,
    );
  };
  process.stdout.write(`${"one TCP stream".padEnd(44)}  Mbit/s     of plain   of 1514-byte\n`);
  row("plain veth pair", plain);
  if (frames !== undefined) {
    row("veth pair without offloads, 1514-byte frames", frames);
  }
  row(`WAN to LAN through ${name}`, down);
  row(`LAN to WAN through ${name} (forward)`, up);
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
