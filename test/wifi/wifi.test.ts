import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/random.js";
import { WIFI_COMMANDS } from "../../src/console/commands/wifi.js";
import { Console } from "../../src/console/console.js";
import { runScript } from "../../src/console/restore.js";
import type { Radio, RadioOptions, ScannedNetwork } from "../../src/platform/radio.js";
import { DEFAULT_WIFI_SETTINGS, escapeWord, unescapeWord, wifiScript } from "../../src/wifi/settings.js";
import { Wifi } from "../../src/wifi/wifi.js";
import { ConsoleFixture } from "../console/fixture.js";

/** Notes the calls; refuses those named in `refused`. */
class FakeRadio implements Radio {
  readonly calls: string[] = [];
  refused = "";
  polls = 0;
  found: ScannedNetwork[] = [];
  options: RadioOptions | undefined;

  connect = (...parameters: unknown[]) => this.#note("connect", parameters);
  disconnect = () => this.#note("disconnect", []);
  openAccessPoint = (...parameters: unknown[]) => this.#note("openAccessPoint", parameters);
  closeAccessPoint = () => this.#note("closeAccessPoint", []);
  setCountry = (...parameters: unknown[]) => this.#note("setCountry", parameters);
  setTransmitPower = (...parameters: unknown[]) => this.#note("setTransmitPower", parameters);
  scan = () => this.#note("scan", []);
  nextScanned = () => this.found.shift();
  signal = () => -61;
  stations = () => 3;
  poll = () => {
    this.polls++;
  };

  #note(name: string, parameters: unknown[]): void {
    if (name === this.refused) throw new Error("the driver refuses");
    this.calls.push([name, ...parameters].join(" "));
  }
}

let radio: FakeRadio;
let wifi: Wifi;
let porter: ConsoleFixture;
let console: Console;

beforeEach(() => {
  porter = new ConsoleFixture();
  radio = new FakeRadio();
  wifi = new Wifi(porter.gateway.clock, new SeededRandom(1, "wifi"), (options) => {
    radio.options = options;
    return radio;
  });
  console = new Console({
    gateway: porter.gateway,
    storage: porter.storage,
    version: "1.2.3",
    commands: WIFI_COMMANDS,
    device: { about: () => "started by power\n", script: () => wifiScript(wifi.settings), wifi },
  });
});

function type(line: string): string {
  let text = "";
  console.execute(line, (part) => {
    text += part;
  });
  return text;
}

describe("Wi-Fi settings", () => {
  it("reach the radio, each by itself", () => {
    type("set wifi country de");
    type("set wifi power 15");
    type("set wifi channel 11");
    type("set wifi access-point my%20porter password correct%20horse");
    type("set wifi hidden yes");
    type("set wifi station home password 12345678");
    expect(radio.calls).toEqual([
      "setCountry DE",
      "setTransmitPower 15",
      "closeAccessPoint",
      "openAccessPoint my porter correct horse 11 false 8",
      "openAccessPoint my porter correct horse 11 true 8",
      "connect home 12345678",
    ]);
  });

  it("are part of the saved configuration, which restores them", () => {
    type("set hostname attic");
    for (const line of [
      "set wifi country DE",
      "set wifi access-point my%20porter%25 open",
      "set wifi station home password correct%20horse",
    ]) {
      type(line);
    }
    expect(type("save")).toBe("saved 4 lines\n");
    const script = type("show config");
    expect(script).toContain(
      "set wifi access-point my%20porter%25 open\nset wifi station home password correct%20horse\n",
    );
    const before = wifi.settings;
    wifi.configure(DEFAULT_WIFI_SETTINGS);
    expect(runScript(console, script)).toEqual([]);
    expect(wifi.settings).toEqual(before);
    expect(type("show version")).toContain("started by power\nthe configuration is saved\n");
  });

  it("stay as they are when the driver refuses", () => {
    radio.refused = "setCountry";
    expect(type("set wifi country DE")).toBe("error: the driver refuses\n");
    expect(wifi.settings).toEqual(DEFAULT_WIFI_SETTINGS);
  });

  it.each([
    ["set wifi channel 14", "is not a channel; use a number from 1 to 13"],
    ["set wifi power 1", "is not a power in dBm; use a number from 2 to 20"],
    ["set wifi country Germany", "is not a country; use two letters such as DE, or 01 for anywhere"],
    ["set wifi station home password short", "that is not a password; use 8 to 63 bytes, with %20 for a space"],
    ["set wifi station home password", "that is not a password"],
    ["set wifi station a%2 open", "is not a network's name; use 1 to 32 bytes, with %20 for a space"],
    ["set wifi station a%00b open", "is not a network's name"],
    [`set wifi station ${"%c3%a9".repeat(16)}x open`, "is not a network's name"],
    ["set wifi station \u20ac open", "is not a network's name"],
    [`set wifi station home password ${"g".repeat(64)}`, "or a key of 64 hexadecimal digits"],
    [`set wifi access-point home password ${"0".repeat(64)}`, "use 8 to 63 bytes, with %20 for a space\n"],
    ["set wifi station home", '"set wifi station home" is incomplete'],
  ])("are refused with a sentence: %s", (line, sentence) => {
    expect(type(line)).toContain(sentence);
    expect(radio.calls).toEqual([]);
  });

  it("take a station's key instead of its pass-phrase", () => {
    const key = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
    type(`set wifi station home password ${key}`);
    expect(radio.calls).toEqual([`connect home ${key}`]);
  });

  it("are bytes, of which one character of UTF-8 may take two", () => {
    const name = "\xc3\xa9".repeat(16);
    type(`set wifi station ${"%c3%a9".repeat(16)} open`);
    type(`set wifi access-point ${name} open`);
    expect(wifi.settings).toMatchObject({ stationSsid: name, accessPointSsid: name });
  });

  it("keep any network's name in one word", () => {
    for (const name of ["home", "my home", "100%", "\x00\xff\t", "%20"])
      expect(unescapeWord(escapeWord(name))).toBe(name);
  });
});

it("Wi-Fi asks the radio, whenever it is polled, for what the radio could not tell", () => {
  wifi.poll();
  expect(radio.polls).toBe(1);
});

describe("the console", () => {
  it("shows the networks we are in, and offer", () => {
    expect(type("show wifi")).toBe("station: none\naccess point: none\nchannel 6, country 01, 20 dBm\n");
    type("set wifi access-point porter open");
    type("set wifi station home open");
    expect(type("show wifi")).toContain('station: "home", connecting, attempt 1\n');
    radio.options?.onStation(true, 0);
    expect(type("show wifi")).toContain('station: "home", up, signal -61 dBm\naccess point: "porter", 3 stations\n');
    radio.options?.onStation(false, 8);
    expect(type("show wifi")).toContain('station: "home", waiting, attempt 0, last reason 8\n');
  });

  it("tells why the driver does not connect, and tries again", () => {
    radio.refused = "connect";
    type("set wifi station home open");
    expect(type("show wifi")).toContain('station: "home", waiting, attempt 1: the driver refuses\n');
    radio.refused = "";
    porter.gateway.poll(1500);
    wifi.poll();
    expect(radio.calls).toEqual(["connect home "]);
  });

  it("lists what a scan finds", () => {
    let text = "";
    radio.found = [
      { ssid: "home", channel: 6, signalDbm: -40, security: "wpa2" },
      { ssid: "", channel: 11, signalDbm: -80, security: "open" },
    ];
    console.execute("wifi scan", (part) => {
      text += part;
    });
    console.poll();
    expect(text).toBe("");
    radio.options?.onScanned();
    console.poll();
    expect(text).toBe(
      ' SIGNAL  CHANNEL  SECURITY  SSID\n-40 dBm        6  wpa2      "home"\n-80 dBm       11  open      (hidden)\n',
    );
  });

  it("gets an answer to a scan that the driver forgets", () => {
    let text = "";
    console.execute("wifi scan", (part) => {
      text += part;
    });
    expect(wifi.nextDeadline()).toBe(10_000);
    porter.gateway.poll(10_000);
    wifi.poll();
    console.poll();
    expect(text).toBe("no networks\n");
  });
});
