/** The firmware with fakes in the drivers' place: what src/main.ts puts together on a board. */
import { BoardPorts, type DriverPort } from "../../../boards/common/boardPorts.js";
import { MonotonicClock } from "../../../boards/common/monotonicClock.js";
import { Pump } from "../../../boards/common/pump.js";
import { SerialConsole, type SerialLineOptions } from "../../../boards/common/serialConsole.js";
import { SlotStorage } from "../../../boards/common/slotStorage.js";
import { SeededRandom } from "../../../host-sim/random.js";
import { Console } from "../../../src/console/console.js";
import { restore } from "../../../src/console/restore.js";
import { DEFAULT_CAPACITY } from "../../../src/core/capacity.js";
import { Gateway, LAN, WAN } from "../../../src/gateway.js";

const ETHERNET = Object.freeze({ port: "ethernet", vlan: 10 });

export class FirmwareRig {
  readonly pump: Pump;
  readonly gateway: Gateway;
  readonly #type: (text: string) => void;
  #ticks = 0;

  constructor() {
    const driver = (): DriverPort => ({
      read: () => 0,
      write: () => true,
      isUp: () => true,
      counter: () => 0,
      close() {},
    });
    const ports: BoardPorts = new BoardPorts({
      media: ["ethernet"],
      defaults: [ETHERNET, { ...ETHERNET, vlan: 20 }],
      open: driver,
      macOf: () => 0x020000000001,
      onReadable: (index) => pump.readable(index),
      onChanged: () => {},
    });
    const gateway = new Gateway({
      random: new SeededRandom(1, "gateway"),
      capacity: DEFAULT_CAPACITY,
      interfaces: ["lan", "wan"].map((name, index) => ({
        name,
        mac: ports.defaultMac(index),
        port: ports.framePort(index),
      })),
    });
    const clock = new MonotonicClock(() => this.#ticks);
    const pump: Pump = new Pump({ gateway, now: () => clock.now(), setTimer: () => {}, feedWatchdog: () => {} });
    pump.setSource(LAN, ports.source(LAN));
    pump.setSource(WAN, ports.source(WAN));
    ports.attach(ports.defaults);
    const flash = new Map<string, Uint8Array>();
    const storage = new SlotStorage({
      read: (key) => flash.get(key),
      write: (key, value) => void flash.set(key, value.slice()),
    });
    const commands = new Console({ gateway, storage, version: "0.1.0" });
    pump.add(commands);
    let typed = "";
    let line: SerialLineOptions | undefined;
    const console = new SerialConsole({
      console: commands,
      open: (options) => {
        line = options;
        return {
          read(buffer) {
            const count = Math.min(typed.length, buffer.length);
            for (let i = 0; i < count; i++) buffer[i] = typed.charCodeAt(i);
            typed = typed.slice(count);
            return count;
          },
          write() {},
        };
      },
      act: (action) => pump.run(action),
    });
    pump.run(() => {
      restore(commands, storage);
      console.start();
    });
    const type = (text: string): void => {
      typed = `${text}\r`;
      while (typed !== "") line?.onReadable();
      // The line drains.
      for (let i = 0; i < 100; i++) line?.onWritable(118);
    };
    this.pump = pump;
    this.gateway = gateway;
    this.#type = type;
  }

  /** Types a line at the console; the output drains. */
  type(line: string): void {
    this.#type(line);
  }

  advance(ms: number): void {
    this.#ticks += ms;
    this.pump.ring();
  }
}
