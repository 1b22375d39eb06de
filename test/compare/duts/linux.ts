import { release } from "node:os";
import type { Attachment } from "../../../host-sim/ports/attachment.js";
import { isInstalled, Namespace } from "../../integration/support/namespaces.js";
import { DEVICE_LAN, DEVICE_WAN, FORWARDED_PORT, ISP, L2, LAN_PREFIX, WAN_MTU } from "../addresses.js";
import type { Device } from "./device.js";
import { openTapInside } from "./tapInside.js";

const MASQUERADE = `table ip nat {
  chain postrouting { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr ${DEVICE_WAN} meta l4proto { tcp, udp } th dport ${FORWARDED_PORT} dnat to ${L2.address};
  }
}`;

/** The rules that the probes name as cures, and the parameters. */
const CURES = `table ip nat {
  chain postrouting { oifname "lan" ip saddr ${LAN_PREFIX} ct status dnat snat to ${DEVICE_WAN}; }
}
table ip filter {
  chain forward {
    type filter hook forward priority filter;
    ct state invalid drop;
    iifname "wan" ct state established,related accept;
    iifname "wan" ct status dnat accept;
    iifname "wan" drop;
  }
  chain input { type filter hook input priority filter; iifname "wan" ct state new meta l4proto { tcp, udp } drop; }
}`;
const CURED_PARAMETERS: readonly (readonly [string, number])[] = [
  ["net/netfilter/nf_conntrack_udp_timeout", 300],
  ["net/netfilter/nf_conntrack_icmp_timeout", 60],
  ["net/netfilter/nf_conntrack_tcp_timeout_last_ack", 240],
  ["net/netfilter/nf_conntrack_tcp_timeout_close", 240],
];

/** The parameters on which verdicts hang. All but the first stand as the kernel gives them to a new namespace. */
const PARAMETERS = [
  "net/ipv4/ip_forward",
  "net/ipv4/conf/all/rp_filter",
  "net/ipv4/icmp_ratelimit",
  "net/netfilter/nf_conntrack_udp_timeout",
  "net/netfilter/nf_conntrack_udp_timeout_stream",
  "net/netfilter/nf_conntrack_icmp_timeout",
  "net/netfilter/nf_conntrack_tcp_timeout_last_ack",
  "net/netfilter/nf_conntrack_tcp_timeout_close",
  "net/netfilter/nf_conntrack_tcp_be_liberal",
  "net/netfilter/nf_conntrack_tcp_loose",
  "net/netfilter/nf_conntrack_checksum",
];

/** Why there is no Linux NAT to be had here, in one sentence; undefined when there is. */
export function missingForLinux(): string | undefined {
  return isInstalled("nft") ? undefined : "the command nft is missing (Debian package nftables)";
}

/**
 * Linux as the gateway: a namespace whose two devices are TAP devices of the prober, and one masquerading rule. With
 * `isCured`, all that the probes name as cures is set as well.
 */
export async function startLinux(isCured = false): Promise<Device> {
  const router = await Namespace.create("compare-linux");
  const attachments: Attachment[] = [];
  const close = async (): Promise<void> => {
    for (const one of attachments) one.close();
    await router.destroy();
  };
  try {
    const [lan, wan] = [openTapInside(router, "lan"), openTapInside(router, "wan")];
    attachments.push(lan, wan);
    await router.ip(
      `addr add ${DEVICE_LAN}/24 dev lan`,
      `addr add ${DEVICE_WAN}/24 dev wan`,
      `link set wan mtu ${WAN_MTU}`,
      `route add default via ${ISP}`,
    );
    await router.sysctl("net/ipv4/ip_forward", 1);
    await router.mustRun(["nft", "-f", "-"], 5000, isCured ? `${MASQUERADE}\n${CURES}` : MASQUERADE);
    for (const [path, value] of isCured ? CURED_PARAMETERS : []) await router.sysctl(path, value);
    const values = await router.mustRun([
      "sh",
      "-c",
      'cd /proc/sys; for one; do cat "$one"; done',
      "sh",
      ...PARAMETERS,
    ]);
    const parameters = values
      .trim()
      .split("\n")
      .map((value, at) => `\`${PARAMETERS[at]?.replaceAll("/", ".")}=${value}\``);
    return {
      name: isCured ? "Linux, cured" : "Linux masquerade",
      lan,
      wan,
      configuration: [
        `Linux ${/^[\d.]+/.exec(release())?.[0]}, a network namespace of its own with these rules and no others:\n\n\`\`\`\n${MASQUERADE}\n\`\`\``,
        `\`ip_forward\` was switched on, the WAN's MTU set to ${WAN_MTU}, and nothing else touched: ${parameters.join(", ")}.`,
      ],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
