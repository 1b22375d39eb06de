/** The firmware with fakes in the places of drivers, flash and the serial line, on any engine. */
import type { Board } from "../../../boards/common/board.js";
import type { DriverPort } from "../../../boards/common/boardPorts.js";
import { FULL_CAPACITY } from "../../../boards/common/capacity.js";
import { Firmware, type FirmwareOptions } from "../../../boards/common/firmware.js";
import type { FramePortOptions } from "../../../boards/common/framePort.js";
import type { SerialLineOptions } from "../../../boards/common/serialConsole.js";
import type { KeyValue } from "../../../boards/common/slotStorage.js";
import { SeededRandom } from "../../../host-sim/random.js";

const PINS = Object.freeze({ port: 0, transmit: 1, receive: 3, baud: 115_200 });
export const BOARD: Board = Object.freeze({
  name: "rig",
  media: Object.freeze(["ethernet"] as const),
  lan: Object.freeze({ port: "ethernet", vlan: 10 }),
  wan: Object.freeze({ port: "ethernet", vlan: 20 }),
  capacity: FULL_CAPACITY,
  console: PINS,
  debugConsole: PINS,
});
/** What the hardware takes at once. */
const FIFO_BYTES = 128;
export const RESET_BY_POWER = 1;
export const RESET_BY_CRASH = 4;

/** Keeps values for as long as the process lives. */
export class MemoryStore implements KeyValue {
  readonly #values = new Map<string, Uint8Array>();

  read(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  write(key: string, value: Uint8Array): void {
    this.#values.set(key, value.slice());
  }
}

/** A driver's end that does nothing until it is given frames. */
export class FakeDriverPort implements DriverPort {
  readonly options: FramePortOptions;
  readonly sent: Uint8Array[] = [];
  readonly waiting: Uint8Array[] = [];
  isOpen = true;
  /** What `read` throws, once. */
  fault = "";

  constructor(options: FramePortOptions) {
    this.options = options;
  }

  read(bytes: Uint8Array): number {
    if (this.fault !== "") {
      const fault = this.fault;
      this.fault = "";
      throw new Error(fault);
    }
    const frame = this.waiting.shift();
    if (frame === undefined) return 0;
    bytes.set(frame, 2);
    return frame.length;
  }

  write(bytes: Uint8Array, length: number): boolean {
    this.sent.push(bytes.slice(2, 2 + length));
    return true;
  }

  isUp(): boolean {
    return true;
  }

  counter(): number {
    return 0;
  }

  close(): void {
    this.isOpen = false;
  }
}

export interface RigOptions extends Partial<FirmwareOptions> {
  /** Whether the line takes output; true unless told. */
  readonly drains?: boolean;
  /** One of its own unless told. */
  readonly store?: KeyValue;
}

export class FirmwareRig {
  readonly firmware: Firmware;
  readonly drivers: FakeDriverPort[] = [];
  /** What the console has printed. */
  output = "";
  restarts = 0;
  feeds = 0;
  /** What was set last. */
  timer = { delayMs: Number.NaN, repeatMs: Number.NaN };
  line: SerialLineOptions | undefined;
  #typed = "";
  #ticks = 0;

  constructor(options: RigOptions = {}) {
    this.firmware = new Firmware({
      board: BOARD,
      version: "1.2.3",
      random: new SeededRandom(1, "firmware"),
      ticks: () => this.#ticks | 0,
      setTimer: (delayMs, repeatMs) => {
        this.timer = { delayMs, repeatMs };
      },
      feedWatchdog: () => {
        this.feeds++;
      },
      openPort: (port) => {
        const driver = new FakeDriverPort(port);
        this.drivers.push(driver);
        return driver;
      },
      macOf: () => 0x020000000001,
      openStore: () => options.store ?? new MemoryStore(),
      openLine: (line) => {
        this.line = line;
        return { read: (buffer) => this.#read(buffer), write: (bytes) => this.#write(bytes) };
      },
      resetReason: RESET_BY_POWER,
      freeHeap: () => ({ now: 100_000, least: 90_000 }),
      restart: () => {
        this.restarts++;
      },
      image: { isOnTrial: false, confirm() {}, reject() {} },
      otaFirmware: (restart) => ({
        begin: () => ({ write() {}, complete() {}, abort() {} }),
        hash: () => ({ write() {}, digest: () => "" }),
        restart,
      }),
      ...options,
    });
    this.firmware.start();
    if (options.drains !== false) this.drain();
  }

  /** The port of an interface that is open now. */
  driver(interfaceIndex: number): FakeDriverPort | undefined {
    return this.drivers.find(({ isOpen, options }) => isOpen && options.interfaceIndex === interfaceIndex);
  }

  /** Types a line at the console; the output drains. Returns what was printed, the echo included. */
  type(line: string): string {
    this.output = "";
    this.enter(line);
    this.drain();
    return this.output;
  }

  /** Types a line while the output does not drain. */
  enter(line: string): void {
    this.#typed = `${line}\r`;
    while (this.#typed !== "") this.line?.onReadable();
  }

  /** The serial line takes all that waits. */
  drain(): void {
    for (let before = -1; before < this.output.length; ) {
      before = this.output.length;
      this.line?.onWritable(FIFO_BYTES - 10);
    }
  }

  advance(ms: number): void {
    this.#ticks += ms;
    this.firmware.pump.ring();
    this.drain();
  }

  #read(buffer: Uint8Array): number {
    const count = Math.min(this.#typed.length, buffer.length);
    for (let i = 0; i < count; i++) buffer[i] = this.#typed.charCodeAt(i);
    this.#typed = this.#typed.slice(count);
    return count;
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length > FIFO_BYTES) throw new Error("output full");
    for (const byte of bytes) this.output += String.fromCharCode(byte);
  }
}
