/**
 * A gateway between real links, two or one with VLANs, in real time.
 *
 * Frames come in batches: the clock is read once a batch, and one timer, set again only for an earlier deadline, does the
 * rest. Nothing is allocated for a frame.
 */
import { type Capacity, DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { NEVER } from "../../src/core/clock.js";
import type { Frame } from "../../src/core/frame.js";
import type { Random } from "../../src/core/random.js";
import { createFlowCache } from "../../src/flow/cache.js";
import { Gateway } from "../../src/gateway.js";
import { type PanelPort, PatchPanel } from "../../src/link/patchPanel.js";
import { type LinkBinding, UNTAGGED } from "../../src/platform/linkPorts.js";
import type { Attachment } from "../ports/attachment.js";

/** By interface index, as the console names them. */
export const INTERFACE_NAMES: readonly string[] = Object.freeze(["lan", "wan"]);

/** The longest delay setTimeout takes. */
const MAX_DELAY_MS = 0x7fffffff;
/**
 * A lone frame is often a question, and looking for the answer this long costs less than to sleep and be woken by it.
 * Measured: up to twice the request-answer pairs per second, and nothing lost elsewhere.
 */
const LINGER_MS = 0.03;
/** Then timers and the console get their turn. */
const MAX_LINGERING_BATCHES = 64;

/** Works beside the gateway: is polled after it, and has deadlines as it has. */
export interface Companion {
  poll(): void;
  /** Gives up what it is about: the gateway is about to be another one. */
  interrupt(): void;
  /** In ms of the gateway's clock; NEVER for none. */
  nextDeadline(): number;
}

/** A link of this machine as a port of the gateway's, by the name that the console has for it. */
export class SimulatorPort implements PanelPort {
  readonly name: string;
  readonly mac: number;
  readonly attachment: Attachment;
  readonly carriesTags = true;

  constructor(name: string, attachment: Attachment, random: Random) {
    this.name = name;
    this.mac = localMac(random);
    this.attachment = attachment;
  }

  get isUp(): boolean {
    return this.attachment.up;
  }

  send(frame: Frame, length: number): boolean {
    return this.attachment.send(frame, length);
  }
}

export class Simulator {
  readonly #ports: readonly SimulatorPort[];
  readonly #bindings: readonly LinkBinding[];
  readonly #random: Random;
  readonly #flowCache: typeof createFlowCache;
  readonly #capacity: Capacity;
  readonly #companions = new Set<Companion>();
  #gateway!: Gateway;
  #panel!: PatchPanel;
  #startedAtMs = 0;
  /** 0 between batches. */
  #batchFrames = 0;
  #wasLoneFrame = false;
  #isLingering = false;
  readonly #canLinger: boolean;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = NEVER;

  /** `bindings` say where the LAN and the WAN are attached at the start; they have passed `checkBindings`. */
  constructor(
    ports: readonly SimulatorPort[],
    bindings: readonly LinkBinding[],
    random: Random,
    flowCache = createFlowCache,
    capacity = DEFAULT_CAPACITY,
  ) {
    this.#ports = ports;
    this.#bindings = bindings;
    this.#random = random;
    this.#flowCache = flowCache;
    this.#capacity = capacity;
    this.#canLinger = ports.every(({ attachment }) => attachment.takeWaiting !== undefined);
    this.#powerOn();
  }

  /** Another one after `restart`. */
  get gateway(): Gateway {
    return this.#gateway;
  }

  /** As a board that starts anew: a fresh gateway, and its clock at 0, on the links that there are. */
  restart(): void {
    for (const companion of this.#companions) companion.interrupt();
    this.#powerOn();
    this.#setTimer();
  }

  #powerOn(): void {
    this.#panel = new PatchPanel(this.#ports, this.#bindings);
    this.#startedAtMs = performance.now();
    this.#gateway = new Gateway({
      random: this.#random,
      flowCache: this.#flowCache,
      capacity: this.#capacity,
      interfaces: this.#panel.outlets.map((outlet, index) => {
        return { name: INTERFACE_NAMES[index] as string, mac: outlet.mac, port: outlet };
      }),
      links: this.#panel,
    });
    this.#gateway.disownForgotten();
  }

  /** Takes frames from now on; `onNotice` gets a sentence when a link comes or goes. */
  start(onNotice: (sentence: string) => void): void {
    for (const port of this.#ports) this.#take(port, onNotice);
    this.run(() => {});
  }

  /** Does nothing more by itself. The links stay open, and their owner's to close. */
  stop(): void {
    clearTimeout(this.#timer);
    // So that no call sets it again.
    this.#timerAtMs = Number.NEGATIVE_INFINITY;
  }

  add(companion: Companion): void {
    this.#companions.add(companion);
  }

  remove(companion: Companion): void {
    this.#companions.delete(companion);
  }

  /** Carries out `action` on the gateway at the present time, and sees to what it is due to do next. */
  run(action: () => void): void {
    this.#poll();
    action();
    this.#setTimer();
  }

  /** Where a side is attached now, as the user wrote it. */
  describe(index: number): string {
    const { port, vlan } = this.gateway.bindings[index] as LinkBinding;
    const link = this.#ports.find(({ name }) => name === port)?.attachment.describe();
    return `${INTERFACE_NAMES[index]} ${link}${vlan === UNTAGGED ? "" : `,vlan=${vlan}`}`;
  }

  #take(port: SimulatorPort, onNotice: (sentence: string) => void): void {
    port.attachment.start({
      onFrame: (frame, length) => {
        if (this.#batchFrames++ === 0) {
          this.#poll();
          this.#cork();
        }
        this.#panel.receive(this.#gateway, port, frame, length);
      },
      onBatchEnd: () => {
        this.#uncork();
        this.#wasLoneFrame = this.#batchFrames === 1;
        this.#batchFrames = 0;
        this.#pollCompanions();
        this.#setTimer();
        if (this.#wasLoneFrame && !this.#isLingering) this.#linger();
      },
      onNotice,
    });
  }

  /** What comes out of a batch goes in one burst: its receivers are woken once or twice instead of by each frame. */
  #cork(): void {
    for (let i = 0; i < this.#ports.length; i++) this.#ports[i]?.attachment.cork?.();
  }

  #uncork(): void {
    for (let i = 0; i < this.#ports.length; i++) this.#ports[i]?.attachment.uncork?.();
  }

  #linger(): void {
    if (!this.#canLinger) return;
    this.#isLingering = true;
    let untilMs = performance.now() + LINGER_MS;
    let batches = 0;
    while (this.#wasLoneFrame && batches < MAX_LINGERING_BATCHES && performance.now() < untilMs) {
      if (!this.#takeWaiting()) continue;
      batches++;
      untilMs = performance.now() + LINGER_MS;
    }
    this.#isLingering = false;
  }

  #takeWaiting(): boolean {
    for (let i = 0; i < this.#ports.length; i++) {
      if (this.#ports[i]?.attachment.takeWaiting?.()) return true;
    }
    return false;
  }

  #poll(): void {
    this.#gateway.poll(performance.now() - this.#startedAtMs);
    this.#pollCompanions();
  }

  #pollCompanions(): void {
    if (this.#companions.size === 0) return;
    for (const companion of this.#companions) companion.poll();
  }

  /** A timer that rings too early does no harm, so that only an earlier deadline needs another one. */
  #setTimer(): void {
    let deadlineMs = this.#gateway.nextDeadline();
    if (this.#companions.size > 0) {
      for (const companion of this.#companions) deadlineMs = Math.min(deadlineMs, companion.nextDeadline());
    }
    if (deadlineMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    const nowMs = performance.now() - this.#startedAtMs;
    // Rounded up, for Node cuts off fractions and would ring a moment before there is something to do.
    const delayMs = Math.min(Math.max(Math.ceil(deadlineMs - nowMs), 0), MAX_DELAY_MS);
    this.#timerAtMs = deadlineMs;
    this.#timer = setTimeout(this.#ring, delayMs);
  }

  readonly #ring = (): void => {
    this.#timerAtMs = NEVER;
    this.#poll();
    this.#setTimer();
  };
}

/** A random station address with the "local" bit set and the group bit clear (IEEE 802). */
function localMac(random: Random): number {
  return 0x020000000000 + ((random.next32() & 0xff) * 0x100000000 + (random.next32() >>> 0));
}
