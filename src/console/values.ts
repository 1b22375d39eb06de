/** Values in commands: each kind has a name in the syntax, and a strict reader that says what would be right. */

import {
  formatPrefix,
  isGroupMac,
  type Prefix,
  parseAddress,
  parseMac,
  parsePrefix,
  prefixMask,
} from "../core/address.js";
import { freezeRows } from "../core/freeze.js";
import { FIRST_VLAN, LAST_VLAN, UNTAGGED } from "../platform/linkPorts.js";
import type { PortRange } from "../transport/portSpace.js";
import { CommandError, quote } from "./command.js";

export interface ValueKind {
  /** With its article, as a sentence names it. */
  readonly what: string;
  readonly sample: string;
  /** Throws a CommandError when the word is not such a value. */
  read(word: string): unknown;
}

/** RFC 1123 section 2.1: one label of letters, digits and inner hyphens. */
const HOSTNAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
/** Printable ASCII, at a length that a line has room for twice. */
const LINK_NAME = /^[\x21-\x7e]{1,32}$/;
/** A week; what idles longer is gone. */
const MAX_TIMEOUT_S = 604_800;
/** As many as the largest table has. */
const MAX_LIMIT = 32_767;
/** Far more than any device opens. */
const MAX_RATE = 100_000;
/** No network on one link is larger than the old class A. */
const MIN_PREFIX_LENGTH = 8;

export const VALUES: Readonly<Record<string, ValueKind>> = freezeRows({
  ADDRESS: { what: "an address", sample: "192.168.1.50", read: readAddress },
  "ADDRESS/LENGTH": { what: "an address with its prefix length", sample: "192.168.1.1/24", read: readInterfaceAddress },
  PREFIX: { what: "a prefix", sample: "203.0.113.0/24", read: readPrefix },
  ENDPOINT: { what: "an address with a port", sample: "192.168.1.50:53000", read: readEndpoint },
  HOST: { what: "an address, lan or wan", sample: "192.168.1.50", read: readHost },
  PORT: { what: "a port", sample: "25565", read: readPort },
  "PORT[-PORT]": { what: "a port or a range of ports", sample: "25565", read: readPorts },
  "FIRST-LAST": { what: "a range of ports", sample: "1024-49151", read: readRange },
  BYTES: { what: "a number of bytes", sample: "1400", read: readBytes },
  SECONDS: { what: "a number of seconds", sample: "300", read: readSeconds },
  NAME: { what: "a name", sample: "porter", read: readHostname },
  LINK: { what: "a port of the device", sample: "ethernet", read: readLinkName },
  VLAN: { what: "a VLAN", sample: "10", read: readVlan },
  SSID: { what: "a Wi-Fi network's name", sample: "home", read: (word: string) => word },
  PASSWORD: { what: "a password", sample: "correct%20horse", read: (word: string) => word },
  CODE: { what: "a country's code", sample: "DE", read: (word: string) => word },
  MAC: { what: "a station's address", sample: "02:00:00:00:00:10", read: readMac },
  N: { what: "a rule's number", sample: "1", read: readRuleNumber },
  CONDITION: { what: "a rule's condition", sample: "tcp", read: (word: string) => word },
  LIMIT: { what: "a limit", sample: "256", read: readLimit },
  RATE: { what: "a rate", sample: "200", read: readRate },
  NUMBER: { what: "a number", sample: "6", read: (word: string) => word },
  COMMAND: { what: "a command", sample: "show", read: (word: string) => word },
});

export function readAddress(word: string): number {
  const address = parseAddress(word);
  if (address === undefined) {
    throw new CommandError(
      `${quote(word)} is not an address; an address is four numbers from 0 to 255, such as 192.168.1.50`,
    );
  }
  return address;
}

/** An interface's address: the prefix length is a must, for no default is right for everybody. */
export function readInterfaceAddress(word: string): Prefix {
  if (parseAddress(word) !== undefined) {
    throw new CommandError(`${quote(word)} lacks its prefix length; write ${word}/24 for a network of 256 addresses`);
  }
  const prefix = parsePrefix(word);
  if (prefix === undefined || prefix.length < MIN_PREFIX_LENGTH) {
    throw new CommandError(
      `${quote(word)} is not an address with a prefix length from ${MIN_PREFIX_LENGTH} to 32, such as 192.168.1.1/24`,
    );
  }
  return prefix;
}

/** A network, or a bare address as /32. */
export function readPrefix(word: string): Prefix {
  const prefix = parsePrefix(word);
  if (prefix === undefined) {
    throw new CommandError(
      `${quote(word)} is not a prefix; a prefix is a network such as 203.0.113.0/24, or an address`,
    );
  }
  const network = prefix.address & prefixMask(prefix.length);
  if (network !== prefix.address) {
    const right = formatPrefix({ address: network, length: prefix.length });
    throw new CommandError(`${quote(word)} has bits set behind its prefix length; the network is ${right}`);
  }
  return prefix;
}

/** `198.51.100.7:4242`, or `wan:25565` for one of Porter's own addresses. */
export function readEndpoint(word: string): { readonly host: string; readonly port: number } {
  const [host = "", port = "", ...rest] = word.split(":");
  if (rest.length > 0 || port === "") {
    throw new CommandError(`${quote(word)} lacks its port; write an address and a port, such as 192.168.1.50:443`);
  }
  return { host: readHost(host), port: readPort(port) };
}

/** An address, or the side whose address of ours is meant, in lower case. */
export function readHost(word: string): string {
  const host = word.toLowerCase();
  if (host === "lan" || host === "wan" || parseAddress(host) !== undefined) return host;
  if (host.includes(":"))
    throw new CommandError(`${quote(word)} has a port, and a ping has none; write an address alone`);
  throw new CommandError(
    `${quote(word)} is not an address; write one such as 192.168.1.50, or lan or wan for Porter's own`,
  );
}

export function readPort(word: string): number {
  const port = readNumber(word);
  if (port < 1 || port > 65535) {
    throw new CommandError(`${quote(word)} is not a port; a port is a number from 1 to 65535`);
  }
  return port;
}

export function readPorts(word: string): PortRange {
  if (word.includes("-")) return readRange(word);
  const port = readPort(word);
  return { first: port, last: port };
}

export function readRange(word: string): PortRange {
  const [first = "", last = "", ...rest] = word.split("-");
  const range = { first: readNumber(first), last: readNumber(last) };
  if (rest.length > 0 || range.first < 1 || range.last > 65535 || range.last < range.first) {
    throw new CommandError(`${quote(word)} is not a range of ports; write FIRST-LAST with 1 <= FIRST <= LAST <= 65535`);
  }
  return range;
}

export function readBytes(word: string): number {
  const bytes = readNumber(word);
  if (bytes < 0) throw new CommandError(`${quote(word)} is not a number of bytes; write digits only, such as 1400`);
  return bytes;
}

export function readSeconds(word: string): number {
  const seconds = readNumber(word);
  if (seconds < 1 || seconds > MAX_TIMEOUT_S) {
    throw new CommandError(`${quote(word)} is not a number of seconds from 1 to ${MAX_TIMEOUT_S}`);
  }
  return seconds;
}

/** `default` is 0. */
export function readLimit(word: string): number {
  if (word === "default") return 0;
  const limit = readNumber(word);
  if (limit < 1 || limit > MAX_LIMIT) {
    throw new CommandError(`${quote(word)} is not a limit; a limit is a number from 1 to ${MAX_LIMIT}, or default`);
  }
  return limit;
}

/** A second; `off` is 0. */
export function readRate(word: string): number {
  if (word === "off") return 0;
  const rate = readNumber(word);
  if (rate < 1 || rate > MAX_RATE) {
    throw new CommandError(`${quote(word)} is not a rate; a rate is a number a second from 1 to ${MAX_RATE}, or off`);
  }
  return rate;
}

/** Which ports there are only the device knows. */
export function readLinkName(word: string): string {
  if (!LINK_NAME.test(word)) {
    throw new CommandError(`${quote(word)} is not the name of a port; "show interfaces" lists those there are`);
  }
  return word;
}

/** `none` is no VLAN. */
export function readVlan(word: string): number {
  if (word === "none") return UNTAGGED;
  const vlan = readNumber(word);
  if (vlan < FIRST_VLAN || vlan > LAST_VLAN) {
    throw new CommandError(
      `${quote(word)} is not a VLAN; a VLAN is a number from ${FIRST_VLAN} to ${LAST_VLAN}, or none`,
    );
  }
  return vlan;
}

export function readHostname(word: string): string {
  if (!HOSTNAME.test(word)) {
    throw new CommandError(
      `${quote(word)} is not a host name; use 1 to 63 letters, digits and hyphens, with no hyphen at either end`,
    );
  }
  return word;
}

export function readMac(word: string): number {
  const mac = parseMac(word);
  if (mac === undefined || isGroupMac(mac) || mac === 0) {
    throw new CommandError(`${quote(word)} is not a station's address; write six octets such as 02:00:00:00:00:10`);
  }
  return mac;
}

/** As `show rules` counts: from 1. */
export function readRuleNumber(word: string): number {
  const number = readNumber(word);
  if (number < 1) throw new CommandError(`${quote(word)} is not a rule's number; "show rules" numbers them from 1`);
  return number;
}

/** A decimal number without sign or leading zeros; -1 for anything else. */
function readNumber(word: string): number {
  return /^(0|[1-9]\d{0,8})$/.test(word) ? Number(word) : -1;
}
