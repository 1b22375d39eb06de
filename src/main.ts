/** The firmware's entry: puts the gateway, the board's ports, the clock, the flash store and the console together. */

import Serial from "embedded:io/serial";
import KeyValueStore from "embedded:storage/key-value";
import { board } from "boards/this/board";
import config from "mc/config";
import Time from "time";
import Timer from "timer";
import type { SerialPins } from "../boards/common/board.js";
import { BoardPorts } from "../boards/common/boardPorts.js";
import { FramePort, type Medium } from "../boards/common/framePort.js";
import {
  ACCESS_POINT_MAC,
  ETHERNET_MAC,
  HardwareRandom,
  resetReason,
  STATION_MAC,
  stationAddress,
  Watchdog,
} from "../boards/common/hardware.js";
import { MonotonicClock } from "../boards/common/monotonicClock.js";
import { Pump } from "../boards/common/pump.js";
import { resetReasonText } from "../boards/common/resetReason.js";
import { SerialConsole, type SerialLine, type SerialLineOptions } from "../boards/common/serialConsole.js";
import { type KeyValue, SlotStorage } from "../boards/common/slotStorage.js";
import { Console } from "./console/console.js";
import { restore } from "./console/restore.js";
import { DEFAULT_CAPACITY, LARGE_CAPACITY } from "./core/capacity.js";
import { Gateway, LAN, WAN } from "./gateway.js";

const MAC_TYPES: Readonly<Record<Medium, number>> = Object.freeze({
  ethernet: ETHERNET_MAC,
  station: STATION_MAC,
  accessPoint: ACCESS_POINT_MAC,
});

export default function main(): void {
  const random = new HardwareRandom();
  random.enableEntropy();

  const ports: BoardPorts = new BoardPorts({
    media: board.media,
    defaults: [board.lan, board.wan],
    open: (options) => new FramePort(options),
    macOf: (medium) => stationAddress(MAC_TYPES[medium]),
    onReadable: (index) => pump.readable(index),
    onChanged: (index) => pump.run(() => announce(gateway, index)),
  });
  const gateway = new Gateway({
    random,
    capacity: board.hasLargeTables ? LARGE_CAPACITY : DEFAULT_CAPACITY,
    interfaces: ["lan", "wan"].map((name, index) => ({
      name,
      mac: ports.defaultMac(index),
      port: ports.framePort(index),
    })),
  });
  const clock = new MonotonicClock(() => Time.ticks);
  const watchdog = new Watchdog("gateway");
  const timer = Timer.repeat(() => pump.ring(), 1000);
  const pump: Pump = new Pump({
    gateway,
    now: () => clock.now(),
    setTimer: (delayMs, repeatMs) => Timer.schedule(timer, delayMs, repeatMs),
    feedWatchdog: () => watchdog.feed(),
  });
  pump.setSource(LAN, ports.source(LAN));
  pump.setSource(WAN, ports.source(WAN));
  ports.attach(ports.defaults);

  const storage = new SlotStorage(openStore("porter"));
  const version: string = config.version;
  const commands = new Console({ gateway, storage, version });
  pump.add(commands);
  const console = new SerialConsole({
    console: commands,
    open: openLine,
    act: (action) => pump.run(action),
  });
  pump.run(() => {
    console.print(`\r\nPorter ${version} on ${board.name}, started by ${resetReasonText(resetReason())}\r\n`);
    for (const problem of restore(commands, storage)) console.print(`${problem}\r\n`);
    console.start();
  });
}

/** When a link comes up, the neighbours behind it may be others: ours is announced to them (RFC 5227 section 2.3). */
function announce({ interfaces, neighbours }: Gateway, index: number): void {
  const one = interfaces[index];
  if (one !== undefined && one.address !== 0) neighbours.request(one, one.address);
}

function openLine(options: SerialLineOptions): SerialLine {
  try {
    return openSerial(board.console, options);
  } catch {
    // In a debug build the debugger has the line.
    return openSerial(board.debugConsole, options);
  }
}

function openSerial(pins: SerialPins, { onReadable, onWritable }: SerialLineOptions): SerialLine {
  return new Serial({ ...pins, format: "buffer", onReadable: () => onReadable(), onWritable });
}

/** A namespace of NVS. */
function openStore(path: string): KeyValue {
  const store = KeyValueStore.open({ path, mode: "r+", format: "buffer" });
  return {
    read(key) {
      const value = store.read(key) as ArrayBuffer | undefined;
      return value === undefined ? undefined : new Uint8Array(value);
    },
    write(key, value) {
      store.write(key, value);
    },
  };
}
