import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeIf, testIf } from "../support/skip.js";
import { Host } from "./support/host.js";
import { isInstalled, missingRights, missingVlans, Namespace } from "./support/namespaces.js";
import type { Background } from "./support/processes.js";

/*
 * A router on a stick between Linux hosts: Porter has one TAP device, the trunk, and its LAN and WAN are VLANs 10 and 20
 * there. What takes them apart are the kernel's own VLAN devices; and a switch made of the tests' code, because not every
 * kernel has VLANs.
 *
 *     pc  192.168.1.10 -- VLAN 10 --+
 *                                   +-- tap0 = Porter, 192.168.1.1 on VLAN 10 and 203.0.113.2 on VLAN 20
 *     web 203.0.113.1  -- VLAN 20 --+
 */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SWITCH = [process.execPath, ".config/run.mjs", "test/integration/vlanSwitch.ts"];
const SIMULATOR = [process.execPath, ".config/run.mjs", "host-sim/cli/main.ts"];
const TAP = "tap0";
const TCP_PORT = 80;
const PC = "192.168.1.10";
const WEB = "203.0.113.1";
const ROUTER_LAN = "192.168.1.1";
const ROUTER_WAN = "203.0.113.2";
const MEGABYTES = 3_000_000;
/** With the headers of IPv4 and ICMP, 1500 bytes: a frame of 1518 with its tag. */
const FULL_PAYLOAD = "1472";

/** What takes the trunk's VLANs apart. */
interface Switch {
  /** In the namespace of the trunk: a device whose frames go to Porter untagged. */
  readonly untaggedDevice: string;
  /** Gives a host a device on a VLAN, and its address there. */
  plugIn(host: Namespace, vlan: number, address: string): Promise<void>;
}

const hasPing = isInstalled("ping");
const needsPing = "needs ping (Debian package iputils-ping)";

stickTests("the kernel's VLAN devices", missingVlans(), async (wires) => ({
  untaggedDevice: TAP,
  async plugIn(host, vlan, address) {
    const name = `${TAP}.${vlan}`;
    await wires.ip(`link add link ${TAP} name ${name} type vlan id ${vlan}`);
    await move(wires, name, host, address);
  },
}));

stickTests("a switch of the tests' own", missingRights(), async (wires) => {
  const bridge = "wire";
  const trunk = "trunk0";
  await wires.ip(
    `link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`,
    `tuntap add dev ${trunk} mode tap`,
    ...[bridge, trunk].map((name) => `link set ${name} up`),
    ...[TAP, trunk].map((name) => `link set ${name} master ${bridge}`),
  );
  const accesses = [10, 20, 30, 40].map((vlan) => `${vlan}=tap:vlan${vlan}`);
  await wires.start([...SWITCH, `tap:${trunk}`, ...accesses], ROOT).line(/^ready$/, 20_000);
  return { untaggedDevice: bridge, plugIn: (host, vlan, address) => move(wires, `vlan${vlan}`, host, address) };
});

async function move(from: Namespace, device: string, to: Namespace, address: string): Promise<void> {
  await from.ip(`link set ${device} netns ${to.name}`);
  await to.ip(`addr add ${address} dev ${device}`, `link set ${device} up`);
}

function stickTests(name: string, missing: string | undefined, make: (wires: Namespace) => Promise<Switch>): void {
  describeIf(missing === undefined, missing ?? "", `a router on a stick, before ${name}`, () => describeStick(make));
}

function describeStick(make: (wires: Namespace) => Promise<Switch>): void {
  const namespaces: Namespace[] = [];
  let wires: Namespace;
  let pc: Host;
  let web: Host;
  let switched: Switch;
  let porter: Background;

  beforeAll(async () => {
    for (const role of ["stick", "pc", "web"]) namespaces.push(await Namespace.create(role));
    const [stick, home, internet] = namespaces as [Namespace, Namespace, Namespace];
    wires = stick;
    pc = new Host(home, PC);
    web = new Host(internet, WEB);
    await wires.ip(`tuntap add dev ${TAP} mode tap`, `link set ${TAP} up`);
    switched = await make(wires);
    await switched.plugIn(home, 10, `${PC}/24`);
    await switched.plugIn(internet, 20, `${WEB}/24`);
    await home.ip(`route add default via ${ROUTER_LAN}`);
    const commands = [`set lan address ${ROUTER_LAN}/24`, `set wan address ${ROUTER_WAN}/24`, `set wan gateway ${WEB}`];
    porter = wires.start(
      [
        ...SIMULATOR,
        ...["--lan", `tap:${TAP},vlan=10`, "--wan", `tap:${TAP},vlan=20`],
        ...commands.flatMap((command) => ["--exec", command]),
      ],
      ROOT,
    );
    await porter.line(/^ready: lan tap:tap0,vlan=10, wan tap:tap0,vlan=20/, 20_000);
    await web.serveTcp(TCP_PORT);
  });

  afterAll(async () => {
    await porter?.stop();
    for (const namespace of namespaces) await namespace.destroy();
  });

  /** The first line of the answer to a console command that fits. */
  async function porterSays(command: string, expected: RegExp): Promise<string> {
    porter.writeLine(command);
    return await porter.line(expected);
  }

  testIf(hasPing, needsPing, "carries pings between the VLANs, and answers those to itself", async () => {
    for (const target of [WEB, ROUTER_LAN]) expect(await pc.ping(target), target).toContain(" 0% packet loss");
    expect(await web.ping(ROUTER_WAN)).toContain(" 0% packet loss");
  });

  testIf(hasPing, needsPing, "carries packets of 1500 bytes that must not be fragmented", async () => {
    expect(await pc.ping(WEB, "-M", "do", "-s", FULL_PAYLOAD)).toContain(" 0% packet loss");
    expect(await pc.ping(ROUTER_LAN, "-M", "do", "-s", FULL_PAYLOAD)).toContain(" 0% packet loss");
  });

  test("carries TCP down and up without an error in it", async () => {
    for (const direction of ["download", "upload"] as const) {
      const result = await pc[direction](WEB, TCP_PORT, MEGABYTES);
      expect(result, direction).toMatchObject({ bytes: MEGABYTES, sent: result.received });
    }
  });

  test("shows its WAN address to the server", async () => {
    const tab = await pc.mustConnect(WEB, TCP_PORT);
    expect(await tab.ask("whoami")).toMatch(new RegExp(`^${ROUTER_WAN}:\\d+$`));
    await tab.close();
  });

  test("forwards a connection from the WAN's VLAN to a host of the LAN's", async () => {
    await pc.serveTcp(8080);
    await porterSays(`forward add tcp 8080 ${PC}`, /^added/);
    const result = await web.download(ROUTER_WAN, 8080, 1_000_000);
    expect(result).toMatchObject({ bytes: 1_000_000, sent: result.received });
  });

  testIf(hasPing, needsPing, "lets no VLAN but its own in, and says what it dropped", async () => {
    const stranger = await Namespace.create("stranger");
    namespaces.push(stranger);
    await switched.plugIn(stranger, 30, "192.168.1.77/24");
    expect(await new Host(stranger, "192.168.1.77").ping(ROUTER_LAN)).toContain(" 100% packet loss");
    await wires.ip(`addr add 192.168.1.78/24 dev ${switched.untaggedDevice}`);
    expect(await new Host(wires, "192.168.1.78").ping(ROUTER_LAN)).toContain(" 100% packet loss");
    expect(await porterSays("show counters", /vlan-unknown/)).toMatch(/^ *[1-9]\d* {2}vlan-unknown/);
    expect(await porterSays("show counters", /vlan-missing/)).toMatch(/^ *[1-9]\d* {2}vlan-missing/);
  });

  testIf(hasPing, needsPing, "moves to another VLAN at once", async () => {
    await switched.plugIn(pc.namespace, 40, "192.168.4.10/24");
    await porterSays("set interface lan vlan 40", /^lan is on port trunk vlan 40$/);
    await porterSays("set lan address 192.168.4.1/24", /^lan address/);
    expect(await pc.ping("192.168.4.1")).toContain(" 0% packet loss");
    expect(await pc.ping(ROUTER_LAN)).toContain(" 100% packet loss");
  });
}
