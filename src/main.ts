/** The firmware's entry: puts the gateway, the board's ports, the clock, the flash store and the console together. */

import Serial from "embedded:io/serial";
import KeyValueStore from "embedded:storage/key-value";
import { board } from "boards/this/board";
import config from "mc/config";
import Time from "time";
import Timer from "timer";
import type { SerialPins } from "../boards/common/board.js";
import { Firmware } from "../boards/common/firmware.js";
import { carryFlows, FramePort, flowMemory, loadFlowWord, macOf, storeFlowWord } from "../boards/common/framePort.js";
import {
  confirmImage,
  freeHeap,
  HardwareRandom,
  isImageOnTrial,
  rejectImage,
  resetReason,
  restart,
  Watchdog,
} from "../boards/common/hardware.js";
import { NoisyRadio } from "../boards/common/noisyRadio.js";
import { otaFirmware } from "../boards/common/otaFirmware.js";
import type { SerialLine, SerialLineOptions } from "../boards/common/serialConsole.js";
import type { KeyValue } from "../boards/common/slotStorage.js";

export default function main(): void {
  const random = new HardwareRandom();
  random.enableEntropy();
  const { openRadio } = board;
  const watchdog = new Watchdog("gateway");
  const timer = Timer.repeat(() => firmware.pump.ring(), 1000);
  const firmware: Firmware = new Firmware({
    board,
    version: config.version,
    random,
    ticks: () => Time.ticks,
    setTimer: (delayMs, repeatMs) => Timer.schedule(timer, delayMs, repeatMs),
    feedWatchdog: () => watchdog.feed(),
    openPort: (options) => new FramePort(options),
    macOf: (medium) => macOf(medium),
    flows: {
      memory: (byteLength) => flowMemory(byteLength),
      access: { load: loadFlowWord, store: storeFlowWord },
      // What openPort made.
      carry: (memory, lan, wan) => carryFlows(memory, lan as FramePort, wan as FramePort),
      stop: () => carryFlows(),
    },
    openStore: () => openStore("porter"),
    openLine,
    resetReason: resetReason(),
    freeHeap,
    restart,
    image: { isOnTrial: isImageOnTrial(), confirm: confirmImage, reject: rejectImage },
    otaFirmware,
    ...(openRadio === undefined ? {} : { openRadio: (options) => new NoisyRadio(() => openRadio(options), random) }),
  });
  firmware.start();
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
