/** The Wi-Fi radio of boards that have one. */
import { NEVER } from "../../core/clock.js";
import { unescapeWord, type WifiSettings } from "../../wifi/settings.js";
import type { Wifi } from "../../wifi/wifi.js";
import { type Activity, type Command, type CommandContext, CommandError, partOf, quote } from "../command.js";
import { commandTable } from "../syntax.js";
import { count, formatTable, left, right } from "../table.js";

/** IEEE 802.11-2020 section 9.4.2.2, and the pass-phrases of annex J.4.1. */
const MAX_SSID_BYTES = 32;
const MIN_PASSWORD_CHARACTERS = 8;
const MAX_PASSWORD_CHARACTERS = 63;
/** The key that is otherwise made of a pass-phrase, in hexadecimal digits. */
const KEY = /^[0-9a-f]{64}$/i;
const LAST_CHANNEL = 13;
const MIN_POWER_DBM = 2;
const MAX_POWER_DBM = 20;

const CREDENTIALS = `SSID is the network's name, with "%20" for each space, "%25" for each "%", and "%XX" for any\nbyte in hexadecimal digits. A password has 8 to 63 bytes, written likewise`;

export const WIFI_COMMANDS: readonly Command[] = commandTable([
  {
    syntax: "set wifi station SSID open|password [PASSWORD]",
    summary: "join a Wi-Fi network",
    details: `${CREDENTIALS}, or is a key of 64\nhexadecimal digits.\n`,
    example: "set wifi station home password correct%20horse",
    run(context, [, , , ssid = "", kind, word = ""]) {
      const stationPassword =
        kind === "open" ? "" : KEY.test(word) ? word : readPassword(word, ", or a key of 64 hexadecimal digits");
      configure(context, { stationSsid: readSsid(ssid), stationPassword });
      return "joining the network; see show wifi\n";
    },
  },
  {
    syntax: "set wifi access-point SSID open|password [PASSWORD]",
    summary: "offer a Wi-Fi network of our own",
    details: `${CREDENTIALS}.\n`,
    example: "set wifi access-point porter password correct%20horse",
    run(context, [, , , ssid = "", kind, word = ""]) {
      const accessPointPassword = kind === "open" ? "" : readPassword(word, "");
      configure(context, { accessPointSsid: readSsid(ssid), accessPointPassword });
      return `the access point is on, ${kind === "open" ? "for everybody, without a password" : "with its password"}\n`;
    },
  },
  {
    syntax: "set wifi station|access-point none",
    summary: "leave the network, or close our own",
    example: "set wifi station none",
    run(context, [, , side]) {
      if (side === "station") configure(context, { stationSsid: "", stationPassword: "" });
      else configure(context, { accessPointSsid: "", accessPointPassword: "" });
      return `wifi ${side} is none\n`;
    },
  },
  {
    syntax: "set wifi channel NUMBER",
    summary: "choose our access point's channel, 1 to 13",
    details: "While the station is in a network, that one's channel holds for both.\n",
    example: "set wifi channel 6",
    run(context, [, , , word = ""]) {
      const channel = readNumber(word, 1, LAST_CHANNEL, "a channel");
      configure(context, { channel });
      return `wifi channel is ${channel}\n`;
    },
  },
  {
    syntax: "set wifi hidden yes|no",
    summary: "leave our access point's name out of its beacons",
    example: "set wifi hidden no",
    run(context, [, , , answer]) {
      configure(context, { isHidden: answer === "yes" });
      return `wifi access point is ${answer === "yes" ? "hidden" : "not hidden"}\n`;
    },
  },
  {
    syntax: "set wifi country CODE",
    summary: "say where we are, for the channels and the power allowed",
    details: 'Two letters of ISO 3166, such as DE; "01" is what is allowed everywhere.\n',
    example: "set wifi country DE",
    run(context, [, , , word = ""]) {
      if (!/^([a-z]{2}|01)$/i.test(word)) {
        throw new CommandError(`${quote(word)} is not a country; use two letters such as DE, or 01 for anywhere`);
      }
      const country = word.toUpperCase();
      configure(context, { country });
      return `wifi country is ${country}\n`;
    },
  },
  {
    syntax: "set wifi power NUMBER",
    summary: "limit the transmit power, 2 to 20 dBm",
    example: "set wifi power 20",
    run(context, [, , , word = ""]) {
      const powerDbm = readNumber(word, MIN_POWER_DBM, MAX_POWER_DBM, "a power in dBm");
      configure(context, { powerDbm });
      return `wifi power is ${powerDbm} dBm\n`;
    },
  },
  {
    syntax: "show wifi",
    summary: "the networks we are in, and offer",
    example: "show wifi",
    run: (context) => describe(partOf(context, "wifi")),
  },
  {
    syntax: "wifi scan",
    summary: "list the networks that can be heard",
    details: "It takes about 2 s, in which Wi-Fi carries less.\n",
    example: "wifi scan",
    run(context) {
      const wifi = partOf(context, "wifi");
      wifi.scan();
      return new Scan(wifi);
    },
  },
]);

function configure(context: CommandContext, change: Partial<WifiSettings>): void {
  const wifi = partOf(context, "wifi");
  wifi.configure({ ...wifi.settings, ...change });
}

class Scan implements Activity {
  readonly #wifi: Wifi;
  isDone = false;

  constructor(wifi: Wifi) {
    this.#wifi = wifi;
  }

  poll(): string {
    const scanned = this.#wifi.scanned;
    if (this.isDone || scanned === undefined) return "";
    this.isDone = true;
    return formatTable(
      [right("SIGNAL"), right("CHANNEL"), left("SECURITY"), left("SSID")],
      scanned.map((one) => [
        `${one.signalDbm} dBm`,
        `${one.channel}`,
        one.security,
        one.ssid === "" ? "(hidden)" : quote(one.ssid),
      ]),
      "no networks",
    );
  }

  interrupt(): string {
    this.isDone = true;
    return "";
  }

  /** The radio says when it is done, which polls us. */
  nextDeadline(): number {
    return NEVER;
  }
}

function describe(wifi: Wifi): string {
  const { stationSsid, accessPointSsid, channel, country, powerDbm } = wifi.settings;
  const station = stationSsid === "" ? "none" : `${quote(stationSsid)}, ${describeLink(wifi)}`;
  const own = accessPointSsid === "" ? "none" : `${quote(accessPointSsid)}, ${count(wifi.stations, "station")}`;
  return `station: ${station}\naccess point: ${own}\nchannel ${channel}, country ${country}, ${powerDbm} dBm\n`;
}

function describeLink({ link, signalDbm, problem }: Wifi): string {
  if (link.state === "up") return `up, signal ${signalDbm} dBm`;
  const reason = problem !== "" ? `: ${problem}` : link.lastReason === 0 ? "" : `, last reason ${link.lastReason}`;
  return `${link.state}, attempt ${link.attempts}${reason}`;
}

function readSsid(word: string): string {
  const ssid = unescapeWord(word);
  if (ssid === undefined || ssid === "" || ssid.length > MAX_SSID_BYTES || ssid.includes("\0")) {
    throw new CommandError(`${quote(word)} is not a network's name; use 1 to 32 bytes, with %20 for a space`);
  }
  return ssid;
}

function readPassword(word: string, orElse: string): string {
  const password = unescapeWord(word);
  const length = password?.length ?? 0;
  const isGood = length >= MIN_PASSWORD_CHARACTERS && length <= MAX_PASSWORD_CHARACTERS && !password?.includes("\0");
  if (password === undefined || !isGood) {
    throw new CommandError(`that is not a password; use 8 to 63 bytes, with %20 for a space${orElse}`);
  }
  return password;
}

function readNumber(word: string, first: number, last: number, what: string): number {
  const number = /^\d{1,3}$/.test(word) ? Number(word) : Number.NaN;
  if (!(number >= first && number <= last)) {
    throw new CommandError(`${quote(word)} is not ${what}; use a number from ${first} to ${last}`);
  }
  return number;
}
