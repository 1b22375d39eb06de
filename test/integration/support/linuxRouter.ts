import { type Bench, LAN_PORT, WAN_PORT } from "./bench.js";
import type { DeviceUnderTest } from "./deviceUnderTest.js";
import { isInstalled, Namespace } from "./namespaces.js";

interface Forward {
  readonly protocol: string;
  readonly port: string;
  readonly address: string;
  readonly internalPort: string;
}

/**
 * The Linux kernel as the device under test: forwarding and nftables' NAT in a namespace of its own. It is the proof
 * that the bench and its tests are right, and knows the few console commands that the tests use.
 */
export class LinuxRouter implements DeviceUnderTest {
  readonly name = "the Linux kernel";
  readonly #bench: Bench;
  #router: Namespace | undefined;
  #wanAddress = "";
  #lanPrefix = "";
  readonly #forwards: Forward[] = [];

  constructor(bench: Bench, _pcapDirectory?: string) {
    this.#bench = bench;
  }

  static missing(): string | undefined {
    const missing = ["nft", "ethtool", "tcpdump"].filter((command) => !isInstalled(command));
    return missing.length === 0 ? undefined : `${missing.join(" and ")} missing`;
  }

  async start(commands: readonly string[]): Promise<void> {
    const router = await Namespace.create("router");
    this.#router = router;
    for (const [port, device] of [
      [LAN_PORT, "lan"],
      [WAN_PORT, "wan"],
    ] as const) {
      await this.#bench.wires.ip(`link add ${port} type veth peer name ${device} netns ${router.name}`);
      await this.#bench.plugIn(port);
      await router.ip(`link set ${device} up`);
      await withoutOffloads(router, device);
    }
    // The router quotes the hosts' packets in its ICMP errors, where an unfinished checksum stays so.
    for (const host of [this.#bench.lan1, this.#bench.lan2, this.#bench.web]) {
      await withoutOffloads(host.namespace, "eth0");
    }
    await router.sysctl("net/ipv4/ip_forward", 1);
    await router.sysctl("net/ipv4/icmp_ratelimit", 0);
    await router.sysctl("net/ipv4/conf/all/send_redirects", 0);
    await router.sysctl("net/ipv4/conf/lan/send_redirects", 0);
    for (const command of commands) {
      const answer = await this.console(command);
      if (answer.startsWith("error: ")) {
        throw new Error(`"${command}": ${answer}`);
      }
    }
  }

  async console(line: string): Promise<string> {
    const words = line.split(" ");
    const router = this.#namespace();
    if (/^set (lan|wan) address \S+$/.test(line)) {
      const [, device, , address] = words as [string, string, string, string];
      await router.ip(`addr flush dev ${device}`, `addr add ${address} dev ${device}`);
      this.#wanAddress = device === "wan" ? (address.split("/")[0] as string) : this.#wanAddress;
      this.#lanPrefix = device === "lan" ? address : this.#lanPrefix;
      await this.#writeRules();
    } else if (/^set wan gateway \S+$/.test(line)) {
      await router.ip(`route replace default via ${words[3]}`);
    } else if (/^set (lan|wan) mtu \d+$/.test(line)) {
      await router.ip(`link set ${words[1]} mtu ${words[3]}`, "route flush cache");
    } else if (/^forward add (tcp|udp) \d+ \S+( \d+)?$/.test(line)) {
      const [, , protocol, port, address, internalPort = port] = words as [string, string, string, string, string];
      if (this.#forwards.some((taken) => taken.protocol === protocol && taken.port === port)) {
        return `error: ${protocol} port ${port} is taken`;
      }
      this.#forwards.push({ protocol, port, address, internalPort });
      await this.#writeRules();
    } else if (/^forward remove (tcp|udp) \d+$/.test(line)) {
      const at = this.#forwards.findIndex((forward) => forward.protocol === words[2] && forward.port === words[3]);
      if (at < 0) {
        return "error: no such forward";
      }
      this.#forwards.splice(at, 1);
      await this.#writeRules();
    } else {
      return `error: this stand-in does not know "${line}"`;
    }
    return "";
  }

  async stop(): Promise<void> {
    await this.#router?.destroy();
    this.#router = undefined;
    // Deleting one end of a veth pair deletes both, though not before the namespace is gone for good.
    for (const port of [LAN_PORT, WAN_PORT]) {
      await this.#bench.wires.run(["ip", "link", "del", port]);
    }
  }

  async #writeRules(): Promise<void> {
    const forwards = this.#forwards.map(
      ({ protocol, port, address, internalPort }) =>
        `ip daddr ${this.#wanAddress} ${protocol} dport ${port} dnat to ${address}:${internalPort};`,
    );
    const hairpin =
      this.#lanPrefix && this.#wanAddress
        ? `oifname "lan" ip saddr ${this.#lanPrefix} ct status dnat snat to ${this.#wanAddress};`
        : "";
    const rules = `
      table ip nat {}
      delete table ip nat
      table ip nat {
        chain prerouting { type nat hook prerouting priority dstnat; ${forwards.join(" ")} }
        chain postrouting { type nat hook postrouting priority srcnat; oifname "wan" masquerade; ${hairpin} }
        chain forward {
          type filter hook forward priority filter; policy drop;
          ct state established,related accept; ct status dnat accept; iifname "lan" oifname "wan" accept;
        }
        chain input {
          type filter hook input priority filter; policy accept;
          iifname "wan" ct state new meta l4proto { tcp, udp } drop;
        }
      }`;
    await this.#namespace().mustRun(["nft", "-f", "-"], 5000, rules);
  }

  #namespace(): Namespace {
    if (this.#router === undefined) {
      throw new Error("The router is not running.");
    }
    return this.#router;
  }
}

/** Between virtual devices Linux leaves checksums unfinished and segments joined; this makes real frames of them. */
async function withoutOffloads(namespace: Namespace, device: string): Promise<void> {
  await namespace.mustRun(["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off"]);
}
