/**
 * What can be set of a Wi-Fi radio, and as what the console writes it. Names and passwords of networks are bytes, one
 * character each.
 */

export interface WifiSettings {
  /** The network to associate with; "" for none. */
  readonly stationSsid: string;
  /** "" for an open network. */
  readonly stationPassword: string;
  /** Of our own access point; "" for none. */
  readonly accessPointSsid: string;
  readonly accessPointPassword: string;
  readonly isHidden: boolean;
  /** Of our access point while the station is not associated, which else decides: 1..13. */
  readonly channel: number;
  /** Two letters of ISO 3166, or `01` for what is allowed everywhere. */
  readonly country: string;
  /** 2..20 dBm. */
  readonly powerDbm: number;
}

export const DEFAULT_WIFI_SETTINGS: WifiSettings = Object.freeze({
  stationSsid: "",
  stationPassword: "",
  accessPointSsid: "",
  accessPointPassword: "",
  isHidden: false,
  channel: 6,
  country: "01",
  powerDbm: 20,
});

/** The commands that reproduce the settings, one a line; what has its default value is left out. */
export function wifiScript(settings: WifiSettings): string {
  const lines: string[] = [];
  const { stationSsid, stationPassword, accessPointSsid, accessPointPassword } = settings;
  if (settings.country !== DEFAULT_WIFI_SETTINGS.country) lines.push(`set wifi country ${settings.country}`);
  if (settings.powerDbm !== DEFAULT_WIFI_SETTINGS.powerDbm) lines.push(`set wifi power ${settings.powerDbm}`);
  if (settings.channel !== DEFAULT_WIFI_SETTINGS.channel) lines.push(`set wifi channel ${settings.channel}`);
  if (settings.isHidden) lines.push("set wifi hidden yes");
  if (accessPointSsid !== "") lines.push(`set wifi access-point ${credentials(accessPointSsid, accessPointPassword)}`);
  if (stationSsid !== "") lines.push(`set wifi station ${credentials(stationSsid, stationPassword)}`);
  return lines.map((line) => `${line}\n`).join("");
}

function credentials(ssid: string, password: string): string {
  return `${escapeWord(ssid)} ${password === "" ? "open" : `password ${escapeWord(password)}`}`;
}

/** Bytes as one word of the console: what is not a visible character of ASCII becomes %XX, and so does "%". */
export function escapeWord(text: string): string {
  let word = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isPlain = code > 0x20 && code < 0x7f && code !== 0x25;
    word += isPlain ? text.charAt(i) : `%${code.toString(16).padStart(2, "0")}`;
  }
  return word;
}

/**
 * The bytes that `escapeWord` made the word of; undefined when a "%" is not followed by two hexadecimal digits, or the word
 * has a character that is more than a byte.
 */
export function unescapeWord(word: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(word)) return undefined;
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) > 0xff) return undefined;
  return word.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
