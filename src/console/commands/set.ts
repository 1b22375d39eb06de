import {
  FILTERINGS,
  NAT_LIMITS,
  NAT_RATES,
  NAT_TIMEOUTS,
  type NatLimitName,
  type NatRateName,
  type NatTimeoutName,
} from "../../config/script.js";
import { formatAddress } from "../../core/address.js";
import type { Filtering } from "../../nat/settings.js";
import type { Command, CommandContext } from "../command.js";
import { commandTable } from "../syntax.js";
import {
  readAddress,
  readBytes,
  readHostname,
  readInterfaceAddress,
  readLimit,
  readRange,
  readRate,
  readSeconds,
} from "../values.js";

/** The word for both the timeout of opening and that of closing TCP connections, as configurations of old have it. */
const TCP_TRANSITORY = "tcp-transitory";

export const SET_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "set lan|wan address ADDRESS/LENGTH|none",
    summary: "give a side its address",
    details:
      "A new WAN address ends all NAT sessions; forwards stay. A gateway that is not on\n" +
      "the new network is removed.\n" +
      "The networks of the two sides must not overlap.\n",
    example: "set lan address 192.168.1.1/24",
    run: setAddress,
  },
  {
    syntax: "set wan gateway ADDRESS|none",
    summary: "name the router that leads to the internet",
    details: "It must be on the network of the WAN address, so set that first.\n",
    example: "set wan gateway 203.0.113.1",
    run: setGateway,
  },
  {
    syntax: "set lan|wan mtu BYTES",
    summary: "limit the packets of a side, 68 to 1500 bytes",
    example: "set wan mtu 1400",
    run({ gateway }, [, side, , bytes = ""]) {
      const one = side === "lan" ? gateway.lan : gateway.wan;
      gateway.setMtu(one.index, readBytes(bytes));
      return `${one.name} mtu is ${one.mtuBytes}\n`;
    },
  },
  {
    syntax: "set hostname NAME",
    summary: "name the gateway",
    example: "set hostname porter",
    run({ gateway }, [, , name = ""]) {
      gateway.hostname = readHostname(name);
      return `hostname is ${gateway.hostname}\n`;
    },
  },
  {
    syntax: `set nat filtering ${Object.keys(FILTERINGS).join("|")}`,
    summary: "choose who may answer through a NAT mapping",
    details:
      "address-dependent: only hosts that the inside host has sent to; the default.\n" +
      "endpoint-independent: everybody, for as long as the mapping lives; some games\n" +
      "and calls need it.\n",
    example: "set nat filtering endpoint-independent",
    run({ gateway: { nat } }, [, , , policy = ""]) {
      nat.configure({ ...nat.settings, filtering: FILTERINGS[policy] as Filtering });
      return `nat filtering is ${policy}\n`;
    },
  },
  {
    syntax: `set nat timeout ${Object.keys(NAT_TIMEOUTS).join("|")} SECONDS`,
    pattern: `set nat timeout ${[...Object.keys(NAT_TIMEOUTS), TCP_TRANSITORY].join("|")} SECONDS`,
    summary: "end NAT sessions after this long without a packet",
    details:
      "Defaults: udp 300, tcp-established 7440, tcp-opening and tcp-closing 240, icmp\n" +
      "60. tcp-transitory sets both of these two. A call from outside whose caller has\n" +
      "not answered is opening, even when it is refused.\n" +
      "It holds for the sessions that are open, too.\n",
    example: "set nat timeout udp 300",
    run({ gateway: { nat } }, [, , , name, seconds = ""]) {
      const timeoutS = readSeconds(seconds);
      const timeouts =
        name === TCP_TRANSITORY
          ? { tcpOpeningTimeoutS: timeoutS, tcpClosingTimeoutS: timeoutS }
          : { [NAT_TIMEOUTS[name as NatTimeoutName]]: timeoutS };
      nat.configure({ ...nat.settings, ...timeouts });
      return `nat timeout ${name} is ${seconds} s\n`;
    },
  },
  {
    syntax: `set nat limit ${Object.keys(NAT_LIMITS).join("|")} LIMIT|default`,
    summary: "limit what one LAN host may have of the NAT",
    details:
      "The default is half of the table. At its limit a host's new sessions take the\n" +
      "place of its own old ones; established TCP connections stay. All callers from\n" +
      "outside together count as one host.\n" +
      "The last eighth of each table is for hosts that hold less than a sixteenth.\n",
    example: "set nat limit sessions 256",
    run({ gateway: { nat } }, [, , , name, limit = ""]) {
      nat.configure({ ...nat.settings, [NAT_LIMITS[name as NatLimitName]]: readLimit(limit) });
      return `nat limit ${name} is ${limit}\n`;
    },
  },
  {
    syntax: `set nat rate ${Object.keys(NAT_RATES).join("|")} RATE|off`,
    summary: "limit how many sessions are opened a second",
    details:
      "host: by each LAN host, 200 by default, beside a burst. total: by all of them,\n" +
      "1000. inbound: from outside through forwards, 1000.\n",
    example: "set nat rate host 200",
    run({ gateway: { nat } }, [, , , name, rate = ""]) {
      nat.configure({ ...nat.settings, [NAT_RATES[name as NatRateName]]: readRate(rate) });
      return `nat rate ${name} is ${rate === "off" ? "off" : `${rate} a second`}\n`;
    },
  },
  {
    syntax: "set ports nat FIRST-LAST socket FIRST-LAST",
    summary: "choose where NAT and Porter itself get ports from",
    details:
      "The two must not overlap. Defaults: nat 1024-49151, socket 49152-65535. What is\n" +
      "in use stays as it is.\n" +
      "Inside ports below 1024 are mapped to ports below 1024 in any case.\n",
    example: "set ports nat 1024-49151 socket 49152-65535",
    run({ gateway }, [, , , nat = "", , sockets = ""]) {
      gateway.setPortRanges(readRange(nat), readRange(sockets));
      return `ports are nat ${nat}, socket ${sockets}\n`;
    },
  },
]);

function setAddress({ gateway }: CommandContext, [, side, , text = ""]: readonly string[]): string {
  const one = side === "lan" ? gateway.lan : gateway.wan;
  const nextHop = one.gateway;
  const prefix = text === "none" ? { address: 0, length: 0 } : readInterfaceAddress(text);
  gateway.setAddress(one.index, prefix.address, prefix.length);
  const answer = `${one.name} address is ${text}\n`;
  if (nextHop === 0 || one.gateway !== 0) return answer;
  return `${answer}note: the gateway ${formatAddress(nextHop)} no longer fits and is removed\n`;
}

function setGateway({ gateway }: CommandContext, [, , , text = ""]: readonly string[]): string {
  gateway.setGateway(gateway.wan.index, text === "none" ? 0 : readAddress(text));
  return `wan gateway is ${text}\n`;
}
