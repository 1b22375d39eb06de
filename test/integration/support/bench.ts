import { Host } from "./host.js";
import { Namespace } from "./namespaces.js";

/** The addresses of the test bench. The WAN side uses the documentation blocks of RFC 5737. */
export const ROUTER_LAN = "192.168.1.1";
export const ROUTER_WAN = "203.0.113.2";
export const LAN1 = "192.168.1.10";
export const LAN2 = "192.168.1.50";
export const WEB = "203.0.113.1";
export const FRIEND = "198.51.100.7";

/** What `Bench.serve` serves at the web. */
export const TCP_PORT = 80;
export const UDP_PORT = 7;

/** The ports of the switch where the device under test is plugged in; for Porter these are TAP devices. */
export const LAN_PORT = "dut-lan";
export const WAN_PORT = "dut-wan";

/**
 * The network around the device under test, one Linux TCP/IP stack per host:
 *
 *     lan1 .10 --+                                               .1 web 198.51.100.1 ---- 198.51.100.7 friend
 *                +-- [lan bridge] dut-lan = DUT = dut-wan [wan bridge] --+
 *     lan2 .50 --+    192.168.1.0/24               203.0.113.0/24
 *
 * `web` is the WAN's gateway as well, so `friend` is one hop further. It has no route to the LAN: a packet that leaves
 * untranslated is never answered. The bridges and the DUT's ports are in the namespace `wires`, where Porter runs.
 */
export class Bench {
  readonly wires: Namespace;
  readonly lan1: Host;
  readonly lan2: Host;
  readonly web: Host;
  readonly friend: Host;
  readonly #namespaces: readonly Namespace[];

  private constructor(wires: Namespace, hosts: readonly [Namespace, Namespace, Namespace, Namespace]) {
    this.wires = wires;
    this.lan1 = new Host(hosts[0], LAN1);
    this.lan2 = new Host(hosts[1], LAN2);
    this.web = new Host(hosts[2], WEB);
    this.friend = new Host(hosts[3], FRIEND);
    this.#namespaces = [...hosts, wires];
  }

  static async create(): Promise<Bench> {
    const made: Namespace[] = [];
    const make = async (role: string): Promise<Namespace> => {
      const namespace = await Namespace.create(role);
      made.push(namespace);
      return namespace;
    };
    try {
      const wires = await make("wires");
      const hosts = [await make("lan1"), await make("lan2"), await make("web"), await make("friend")] as const;
      await wireUp(wires, hosts);
      return new Bench(wires, [...hosts]);
    } catch (error) {
      await destroyAll(made);
      throw error;
    }
  }

  /** Puts a port of the DUT, a device that has been made in `wires`, into its bridge. */
  async plugIn(port: string): Promise<void> {
    const bridge = port === LAN_PORT ? "lan" : "wan";
    await this.wires.ip(`link set ${port} master ${bridge} up`);
  }

  /** Serves TCP and UDP: on the web's ports 80 and 7, and at lan2 on a port for a forward. */
  async serve(gamePort: number): Promise<void> {
    await Promise.all([
      this.web.serveTcp(TCP_PORT),
      this.web.serveUdp(UDP_PORT),
      this.lan2.serveTcp(gamePort),
      this.lan2.serveUdp(gamePort),
    ]);
  }

  /** Forgets the path MTUs that the hosts have learned. */
  async forgetPathMtus(): Promise<void> {
    for (const host of [this.lan1, this.lan2, this.web, this.friend]) {
      await host.namespace.ip("route flush cache");
    }
  }

  async destroy(): Promise<void> {
    await destroyAll(this.#namespaces);
  }
}

async function wireUp(wires: Namespace, hosts: readonly Namespace[]): Promise<void> {
  const [lan1, lan2, web, friend] = hosts as [Namespace, Namespace, Namespace, Namespace];
  for (const bridge of ["lan", "wan"]) {
    await wires.ip(`link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`, `link set ${bridge} up`);
  }
  // A bridge that passes frames through the IP hooks would drop the malformed ones that the captures must show.
  await wires.sysctl("net/bridge/bridge-nf-call-iptables", 0, true);
  await wires.ip(
    `link add lan1 type veth peer name eth0 netns ${lan1.name}`,
    `link add lan2 type veth peer name eth0 netns ${lan2.name}`,
    `link add web type veth peer name eth0 netns ${web.name}`,
    "link set lan1 master lan up",
    "link set lan2 master lan up",
    "link set web master wan up",
  );
  await web.ip(`link add eth1 type veth peer name eth0 netns ${friend.name}`);
  await lan1.ip(`addr add ${LAN1}/24 dev eth0`, "link set eth0 up", `route add default via ${ROUTER_LAN}`);
  await lan2.ip(`addr add ${LAN2}/24 dev eth0`, "link set eth0 up", `route add default via ${ROUTER_LAN}`);
  await web.ip(`addr add ${WEB}/24 dev eth0`, "link set eth0 up");
  await web.ip("addr add 198.51.100.1/24 dev eth1", "link set eth1 up");
  await web.sysctl("net/ipv4/ip_forward", 1);
  await friend.ip(`addr add ${FRIEND}/24 dev eth0`, "link set eth0 up", "route add default via 198.51.100.1");
  for (const host of hosts) {
    // Linux sends one ICMP error a second to each address; the tests provoke them faster.
    await host.sysctl("net/ipv4/icmp_ratelimit", 0);
  }
}

async function destroyAll(namespaces: readonly Namespace[]): Promise<void> {
  for (const namespace of namespaces) {
    await namespace.destroy();
  }
}
