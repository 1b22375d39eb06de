/**
 * The whole firmware, but for the SDK: everything that it asks of the platform comes in as options, so that it runs on a
 * desktop, too.
 */
import { DRIVER_COMMANDS } from "../../src/console/commands/driver.js";
import { RESTART_COMMANDS } from "../../src/console/commands/restart.js";
import { UPDATE_COMMANDS } from "../../src/console/commands/update.js";
import { WIFI_COMMANDS } from "../../src/console/commands/wifi.js";
import { Console } from "../../src/console/console.js";
import { restore, restoredText } from "../../src/console/restore.js";
import { formatTable, left, right } from "../../src/console/table.js";
import type { Random } from "../../src/core/random.js";
import { flowTableBytes, type WordAccess } from "../../src/flow/memory.js";
import { Gateway, LAN, WAN } from "../../src/gateway.js";
import type { Firmware as FirmwareStore } from "../../src/platform/firmware.js";
import type { KeptState } from "../../src/platform/keptState.js";
import type { Radio, RadioOptions } from "../../src/platform/radio.js";
import { UpdateReceiver } from "../../src/services/updateReceiver.js";
import { wifiScript } from "../../src/wifi/settings.js";
import { Wifi } from "../../src/wifi/wifi.js";
import type { Board } from "./board.js";
import { BoardPorts, type DriverPort } from "./boardPorts.js";
import { BootGuard } from "./bootGuard.js";
import { withoutFlowMemory } from "./capacity.js";
import type { FrameCounter, FramePortOptions, Medium } from "./framePort.js";
import { ImageTrial, type TrialHooks } from "./imageTrial.js";
import { MonotonicClock } from "./monotonicClock.js";
import { Pump } from "./pump.js";
import { resetReasonText } from "./resetReason.js";
import { Restarter } from "./restarter.js";
import { SerialConsole, type SerialLine, type SerialLineOptions } from "./serialConsole.js";
import { type KeyValue, SlotStorage } from "./slotStorage.js";
import { StoredState } from "./storedState.js";

export interface FirmwareOptions {
  readonly board: Board;
  readonly version: string;
  readonly random: Random;
  /** Milliseconds, modulo 2^32. */
  readonly ticks: () => number;
  /** See `PumpOptions`. */
  readonly setTimer: (delayMs: number, repeatMs: number) => void;
  readonly feedWatchdog: () => void;
  readonly openPort: (options: FramePortOptions) => DriverPort;
  readonly macOf: (medium: Medium) => number;
  /** Where the drivers carry flows by themselves: memory for the flow table, and the ports between which they do. */
  readonly flows?: {
    memory(byteLength: number): ArrayBuffer;
    /** How the words of that memory are read and written beside the drivers' tasks. */
    readonly access: WordAccess;
    carry(memory: ArrayBuffer, lan: DriverPort, wan: DriverPort): void;
    stop(): void;
  };
  /** Opens the store that outlives a restart; throws when flash is damaged. */
  readonly openStore: () => KeyValue;
  readonly openLine: (options: SerialLineOptions) => SerialLine;
  /** As the chip numbers it. */
  readonly resetReason: number;
  /** Bytes of the system's heap. */
  readonly freeHeap: () => { readonly now: number; readonly least: number };
  /** Starts the device anew, at once. */
  readonly restart: () => void;
  readonly image: TrialHooks & { readonly isOnTrial: boolean };
  /** Where new images go; what it is given starts the device anew, soon. */
  readonly otaFirmware: (restart: () => void) => FirmwareStore;
  /** On a board with a radio. */
  readonly openRadio?: (options: RadioOptions) => Radio;
}

/** What drivers count, and what it means. */
const DRIVER_COUNTERS: readonly (readonly [FrameCounter, string])[] = Object.freeze([
  Object.freeze(["rxFrames", "came in"] as const),
  Object.freeze(["carried", "came in and left at once, carried by the driver"] as const),
  Object.freeze(["carryRefused", "would have, but the other port was full"] as const),
  Object.freeze(["rxDropped", "came in while all places were taken"] as const),
  Object.freeze(["rxFiltered", "were for another station"] as const),
  Object.freeze(["rxMalformed", "were too long"] as const),
  Object.freeze(["rxStray", "were too short, or of a VLAN that nobody has"] as const),
  Object.freeze(["txFrames", "went out"] as const),
  Object.freeze(["txRefused", "did not: the link was down or full"] as const),
  Object.freeze(["unannounced", "came in while the engine's queue was full"] as const),
]);

export class Firmware {
  readonly gateway: Gateway;
  readonly pump: Pump;
  readonly ports: BoardPorts;
  readonly #options: FirmwareOptions;
  readonly #guard: BootGuard;
  readonly #trial: ImageTrial;
  readonly #storage: SlotStorage;
  readonly #kept: KeptState;
  readonly #commands: Console;
  readonly #console: SerialConsole;
  readonly #wifi: Wifi | undefined;
  #flowProblem = "";
  #radioProblem = "";
  #startedAs = 0;

  constructor(options: FirmwareOptions) {
    this.#options = options;
    const { board, random, openRadio, flows } = options;
    const memory = this.#flowMemory(flowTableBytes(board.capacity.sessions, board.capacity.neighbours));
    const capacity = memory === undefined ? withoutFlowMemory(board.capacity) : board.capacity;
    this.ports = new BoardPorts({
      media: board.media,
      defaults: [board.lan, board.wan],
      open: options.openPort,
      macOf: options.macOf,
      carry: (lan, wan) => {
        if (memory === undefined) return;
        if (lan !== undefined && wan !== undefined) flows?.carry(memory, lan, wan);
        else flows?.stop();
      },
      onReadable: (index) => this.pump.readable(index),
      onChanged: (index) => this.pump.run(() => this.#claim(index)),
    });
    this.gateway = new Gateway({
      random,
      capacity,
      interfaces: ["lan", "wan"].map((name, index) => ({
        name,
        mac: this.ports.defaultMac(index),
        port: this.ports.framePort(index),
      })),
      links: this.ports,
      ...(memory === undefined || flows === undefined ? {} : { flowMemory: { buffer: memory, access: flows.access } }),
    });
    const clock = new MonotonicClock(options.ticks);
    const { gateway } = this;
    this.pump = new Pump({
      gateway,
      now: () => clock.now(),
      setTimer: options.setTimer,
      feedWatchdog: options.feedWatchdog,
    });
    this.pump.setSource(LAN, this.ports.source(LAN));
    this.pump.setSource(WAN, this.ports.source(WAN));

    const store = openOrReplace(options.openStore);
    this.#guard = new BootGuard(store, options.resetReason);
    const restarter = new Restarter(gateway.clock, (isFresh) => this.#restart(isFresh));
    this.#trial = new ImageTrial(gateway, options.image.isOnTrial, {
      confirm: () => {
        options.image.confirm();
        this.#console.print("the new firmware forwards, and stays\r\n");
      },
      reject: () => this.#reject(),
    });
    const updates = new UpdateReceiver(
      gateway,
      random,
      options.otaFirmware(() => restarter.soon(false)),
      board.name,
    );
    this.#wifi = openRadio === undefined ? undefined : this.#openWifi(openRadio);
    this.#storage = new SlotStorage(store);
    this.#kept = new StoredState(store);
    this.#commands = new Console({
      gateway,
      storage: this.#storage,
      version: options.version,
      commands: [
        ...UPDATE_COMMANDS,
        ...RESTART_COMMANDS,
        ...DRIVER_COMMANDS,
        ...(this.#wifi === undefined ? [] : WIFI_COMMANDS),
      ],
      device: {
        about: () => this.#about(),
        script: () => (this.#wifi === undefined ? "" : wifiScript(this.#wifi.settings)),
        updates,
        restart: (isFresh) => restarter.soon(isFresh),
        startedAs: () => this.#startedAs,
        driverTable: () => this.#driverTable(),
        ...(this.#wifi === undefined ? {} : { wifi: this.#wifi }),
      },
    });
    this.#console = new SerialConsole({
      console: this.#commands,
      open: options.openLine,
      act: (action) => this.pump.run(action),
    });
    this.pump.add(updates);
    if (this.#wifi !== undefined) this.pump.add(this.#wifi);
    this.pump.add(this.#trial);
    this.pump.add({ poll: () => this.#guard.poll(gateway.clock.now), nextDeadline: () => this.#guard.nextDeadline() });
    this.pump.add(restarter);
    // Last: what the others did may be what a command waits for.
    this.pump.add(this.#commands);
  }

  /** Attaches the ports, restores the configuration, and greets. Never throws. */
  start(): void {
    this.pump.run(() => {
      const { board, version, resetReason } = this.#options;
      this.#console.print(`\r\nPorter ${version} on ${board.name}, started by ${resetReasonText(resetReason)}\r\n`);
      this.ports.attach(this.ports.defaults);
      for (const problem of [...this.#problems(), ...this.#restore()]) this.#console.print(`${problem}\r\n`);
      this.#startedAs = this.#commands.configFingerprint;
      this.#restoreSessions();
      this.gateway.disownForgotten();
      this.#console.start();
    });
  }

  #restore(): string[] {
    if (!this.#guard.isCrashLoop) return restore(this.#commands, this.#storage);
    return [
      `The last ${this.#guard.crashes} starts ended in a crash within five minutes, so the saved configuration is not used.`,
      'It is still saved: "show config saved" prints it, and "restart" tries it again.',
    ];
  }

  #restoreSessions(): void {
    const bytes = this.#kept.take();
    // Whatever crashed may have to do with them.
    if (bytes === undefined || this.#guard.isCrashLoop) return;
    this.#console.print(`${restoredText(this.gateway.restoreSessions(bytes))}\r\n`);
  }

  /** When a link comes up, the neighbours behind it may be others: our address is claimed anew (RFC 5227 section 2.1). */
  #claim(index: number): void {
    const { interfaces, neighbours } = this.gateway;
    const one = interfaces[index];
    if (one !== undefined && one.address !== 0) neighbours.claim(one);
  }

  #about(): string {
    const { board, resetReason, freeHeap } = this.#options;
    const { pump } = this;
    const heap = freeHeap();
    const lines = [
      `${board.name}, started by ${resetReasonText(resetReason)}${this.#trial.isOnTrial ? ", new firmware on trial" : ""}`,
      `${heap.now} bytes of memory free, never less than ${heap.least}`,
      ...(pump.faults === 0 ? [] : [`${pump.faults} faults, the last one: ${pump.lastFault}`]),
      ...this.#problems(),
    ];
    return lines.map((line) => `${line}\n`).join("");
  }

  /** What the device does without, a sentence each. */
  #problems(): string[] {
    const { driverProblem, problem } = this.ports;
    const all = [this.#flowProblem, driverProblem, this.#radioProblem, problem, this.#guard.problem];
    return all.filter((one) => one !== "");
  }

  /** Without memory that drivers can read, all flows go through TypeScript, and there are fewer. */
  #flowMemory(byteLength: number): ArrayBuffer | undefined {
    try {
      return this.#options.flows?.memory(byteLength);
    } catch (error) {
      const { sessions } = withoutFlowMemory(this.#options.board.capacity);
      this.#flowProblem = `drivers carry no flows, and ${sessions} sessions have room: ${(error as Error).message}`;
      return undefined;
    }
  }

  #driverTable(): string {
    const rows = DRIVER_COUNTERS.map(([name, meaning]) => [
      `${this.ports.counter(LAN, name)}`,
      `${this.ports.counter(WAN, name)}`,
      meaning,
    ]);
    const table = formatTable([right("LAN"), right("WAN"), left("FRAMES")], rows, "");
    const held = this.gateway.nat.flows.countHeld();
    return held === 0
      ? table
      : `${table}changes of the flow table that wait until a driver is done with what it reads: ${held}\n`;
  }

  #restart(isFresh: boolean): void {
    this.#guard.expectRestart();
    if (!isFresh) this.#keepSessions();
    this.#options.restart();
  }

  #keepSessions(): void {
    try {
      this.#kept.put(this.gateway.nat.keepSessions(this.#kept.capacityBytes));
    } catch (error) {
      this.#console.print(`connections are not kept: ${(error as Error).message}\r\n`);
    }
  }

  #reject(): void {
    this.#guard.expectRestart();
    this.#options.image.reject();
    // It returns when there is no image to go back to.
    this.#console.print("the new firmware has not forwarded within a minute, but there is none before it\r\n");
  }

  /** A device whose radio does not start is one without. */
  #openWifi(open: (options: RadioOptions) => Radio): Wifi | undefined {
    try {
      return new Wifi(this.gateway.clock, this.#options.random, this.#inTurn(open));
    } catch (error) {
      this.#radioProblem = `the radio does not work: ${(error as Error).message}`;
      return undefined;
    }
  }

  /** The driver's calls come at any time. */
  #inTurn(open: (options: RadioOptions) => Radio): (options: RadioOptions) => Radio {
    return ({ onStation, onScanned }) =>
      open({
        onStation: (isUp, reason) => this.pump.run(() => onStation(isUp, reason)),
        onScanned: () => this.pump.run(onScanned),
      });
  }
}

/** Flash that cannot be opened keeps nothing, and says so to whoever asks. */
function openOrReplace(open: () => KeyValue): KeyValue {
  try {
    return open();
  } catch (error) {
    const fail = () => {
      throw new Error(`flash cannot be used: ${(error as Error).message}`);
    };
    return { read: fail, write: fail };
  }
}
