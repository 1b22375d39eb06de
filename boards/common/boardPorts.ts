/**
 * The board's ports, to which the gateway's interfaces are attached as the configuration says. A driver's port is opened
 * for each interface, with its VLAN: the driver takes and sets the tags.
 */
import type { Frame } from "../../src/core/frame.js";
import type { FramePort } from "../../src/platform/framePort.js";
import { type LinkBinding, type LinkPort, type LinkPorts, UNTAGGED } from "../../src/platform/linkPorts.js";
import type { FramePortOptions as DriverPortOptions, FrameCounter, Medium } from "./framePort.js";
import type { FrameSource } from "./pump.js";

/** Locally administered (IEEE 802-2014 section 8.2.2), and "Porter" without its first letter. */
const LOCAL_MAC = 0x026f72746500;

/** An interface's end at a driver. */
export interface DriverPort extends FrameSource {
  /** Sends the first `length` bytes of the frame at offset 2 of `bytes`; false when the driver does not take it. */
  write(bytes: Uint8Array, length: number): boolean;
  isUp(): boolean;
  counter(name: FrameCounter): number;
  close(): void;
}

export interface BoardPortsOptions {
  /** The media that the board has. */
  readonly media: readonly Medium[];
  /** Where each interface is attached unless the configuration says otherwise, by interface index. */
  readonly defaults: readonly LinkBinding[];
  readonly open: (options: DriverPortOptions) => DriverPort;
  /** A medium's 48-bit station address. */
  readonly macOf: (medium: Medium) => number;
  /** From now on, the drivers carry flows between these by themselves; without ports they carry none. */
  readonly carry?: (lan?: DriverPort, wan?: DriverPort) => void;
  /** Frames wait at an interface. */
  readonly onReadable: (interfaceIndex: number) => void;
  /** An interface's link went up or down, or it is attached elsewhere. */
  readonly onChanged: (interfaceIndex: number) => void;
}

export class BoardPorts implements LinkPorts {
  /** Why a port could not be opened when interfaces were last attached, in a sentence; "" when all were. */
  problem = "";
  /** Why a driver did not start, in a sentence; "" when all did. */
  driverProblem = "";
  readonly ports: readonly LinkPort[];
  readonly defaults: readonly LinkBinding[];
  readonly #options: BoardPortsOptions;
  /** By interface index. */
  readonly #attached: Attachment[];

  constructor(options: BoardPortsOptions) {
    this.#options = options;
    this.defaults = options.defaults;
    this.#attached = options.defaults.map(() => new Attachment());
    this.ports = options.media.map((medium, index) => this.#describe(medium, index));
  }

  /** Where an interface sends; stays the same wherever it is attached. */
  framePort(interfaceIndex: number): FramePort {
    return this.#attached[interfaceIndex] as Attachment;
  }

  /** Where an interface's frames come from; stays the same wherever it is attached. */
  source(interfaceIndex: number): FrameSource {
    return this.#attached[interfaceIndex] as Attachment;
  }

  /** The station address an interface begins with. */
  defaultMac(interfaceIndex: number): number {
    return this.ports.find((one) => one.name === this.defaults[interfaceIndex]?.port)?.mac ?? 0;
  }

  /** What an interface's driver counts; 0 while it is attached to none. */
  counter(interfaceIndex: number, name: FrameCounter): number {
    return this.#attached[interfaceIndex]?.driver?.counter(name) ?? 0;
  }

  /** A port that the driver does not open stays down, and `problem` says why. */
  attach(bindings: readonly LinkBinding[]): void {
    const { carry } = this.#options;
    this.problem = "";
    carry?.();
    // All are closed before the first is opened: two may change places.
    for (const one of this.#attached) one.close();
    bindings.forEach((binding, index) => {
      try {
        (this.#attached[index] as Attachment).open(this.#open(binding, index), binding.port);
      } catch (error) {
        this.problem = `port ${binding.port} is down: ${(error as Error).message}`;
      }
    });
    const [lan, wan] = this.#attached;
    if (lan?.driver !== undefined && wan?.driver !== undefined) carry?.(lan.driver, wan.driver);
  }

  #open({ port, vlan }: LinkBinding, index: number): DriverPort {
    return this.#options.open({
      medium: port as Medium,
      ...(vlan === UNTAGGED ? {} : { vlan }),
      interfaceIndex: index as 0 | 1,
      onReadable: () => this.#options.onReadable(index),
      onChanged: () => this.#options.onChanged(index),
    });
  }

  /** A driver that does not start has none: then it is a local one, different for each port. */
  #macOf(medium: Medium, index: number): number {
    try {
      return this.#options.macOf(medium);
    } catch (error) {
      this.driverProblem = `${medium} does not work: ${(error as Error).message}`;
      return LOCAL_MAC + index;
    }
  }

  #describe(medium: Medium, index: number): LinkPort {
    const attached = this.#attached;
    return {
      name: medium,
      mac: this.#macOf(medium, index),
      // A radio's frames have no tags (IEEE 802.11 maps priorities otherwise).
      carriesTags: medium === "ethernet",
      get isUp() {
        return attached.some((one) => one.port === medium && one.isUp);
      },
    };
  }
}

/** An interface's place at a driver, which may change. */
class Attachment implements FramePort, FrameSource {
  driver: DriverPort | undefined;
  port = "";

  get isUp(): boolean {
    return this.driver?.isUp() ?? false;
  }

  open(driver: DriverPort, port: string): void {
    this.driver = driver;
    this.port = port;
  }

  close(): void {
    this.driver?.close();
    this.driver = undefined;
    this.port = "";
  }

  send(frame: Frame, length: number): boolean {
    return this.driver?.write(frame.bytes, length) ?? false;
  }

  read(bytes: Uint8Array): number {
    return this.driver?.read(bytes) ?? 0;
  }
}
