/** The ways between two hosts that the bench compares: straight, and through each device under test. */
import { Bench, ROUTER_LAN, ROUTER_WAN, WEB } from "../../integration/support/bench.js";
import { LinuxRouter } from "../../integration/support/linuxRouter.js";
import { Namespace } from "../../integration/support/namespaces.js";
import { PorterSimulator } from "../../integration/support/porterSimulator.js";
import { PastaRouter } from "./pastaRouter.js";
import { withRealFrames } from "./realFrames.js";

/** A client and a server with something between them, both ready. */
export interface Path {
  readonly name: string;
  readonly client: Namespace;
  readonly server: Namespace;
  readonly serverAddress: string;
  close(): Promise<void>;
}

interface Router {
  start(commands: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const COMMANDS = [
  `set lan address ${ROUTER_LAN}/24`,
  `set wan address ${ROUTER_WAN}/24`,
  `set wan gateway ${WEB}`,
] as const;

/** A plain veth pair: the rates of the load itself and of Linux's own TCP/IP, with nothing in between. */
export async function openPlainPath(): Promise<Path> {
  const [near, far] = [await Namespace.create("near"), await Namespace.create("far")];
  const close = async (): Promise<void> => {
    await near.destroy();
    await far.destroy();
  };
  const serverAddress = "192.168.1.50";
  await near.ip(`link add eth0 type veth peer name eth0 netns ${far.name}`, "addr add 192.168.1.10/24 dev eth0");
  await far.ip(`addr add ${serverAddress}/24 dev eth0`, "link set eth0 up");
  await near.ip("link set eth0 up");
  await withRealFrames(near, "eth0");
  await withRealFrames(far, "eth0");
  return { name: "plain veth", client: near, server: far, serverAddress, close };
}

/** The client opens sessions as fast as it can, which the others let every host do. */
export const PORTER_LIMITS_OFF = [
  "set nat rate host off",
  "set nat rate total off",
  "set nat limit sessions 1024",
  "set nat limit mappings 512",
] as const;

export function openPorterPath(): Promise<Path> {
  return openPath("Porter", (bench) => new PorterSimulator(bench), PORTER_LIMITS_OFF);
}

export function openLinuxPath(): Promise<Path> {
  return openPath("Linux NAT", (bench) => new LinuxRouter(bench));
}

export function openPastaPath(): Promise<Path> {
  return openPath("pasta", (bench) => new PastaRouter(bench));
}

async function openPath(
  name: string,
  makeRouter: (bench: Bench) => Router,
  commands: readonly string[] = [],
): Promise<Path> {
  const bench = await Bench.create();
  const router = makeRouter(bench);
  const close = async (): Promise<void> => {
    await router.stop().finally(() => bench.destroy());
  };
  try {
    await router.start([...COMMANDS, ...commands]);
    await withRealFrames(bench.lan1.namespace, "eth0");
    await withRealFrames(bench.web.namespace, "eth0");
  } catch (error) {
    await close();
    throw error;
  }
  return { name, client: bench.lan1.namespace, server: bench.web.namespace, serverAddress: WEB, close };
}
