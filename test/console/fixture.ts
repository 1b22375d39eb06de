import { SeededRandom } from "../../host-sim/random.js";
import type { Command } from "../../src/console/command.js";
import { Console, type Outcome } from "../../src/console/console.js";
import { DEFAULT_CAPACITY } from "../../src/core/capacity.js";
import { Gateway, LAN } from "../../src/gateway.js";
import { Host } from "../../src/host.js";
import type { PatchPanel } from "../../src/link/patchPanel.js";
import type { Storage } from "../../src/platform/storage.js";
import { FakePort } from "../support/fakePort.js";
import { loadFrame } from "../support/frames.js";
import { ip, LAN_MAC, WAN_MAC } from "../support/stackFixture.js";

const PC_MAC = 0x020000000010;

export class MemoryStorage implements Storage {
  caveat?: string;
  text: string | undefined;

  read(): string | undefined {
    return this.text;
  }

  write(text: string): void {
    this.text = text;
  }
}

/** What a new console on a gateway prints, without a prompt. */
export class ConsoleFixture {
  readonly lanPort = new FakePort();
  readonly wanPort = new FakePort();
  readonly gateway: Gateway;
  readonly storage = new MemoryStorage();
  readonly console: Console;
  /** How the lines given to `run` ended. */
  readonly outcomes: Outcome[] = [];
  #text = "";

  /** A gateway with its defaults: without addresses; behind `panel`, if there is one, instead of the two ports. */
  constructor(commands: readonly Command[] = [], panel?: PatchPanel) {
    const [lan = { mac: LAN_MAC, port: this.lanPort }, wan = { mac: WAN_MAC, port: this.wanPort }] =
      panel === undefined ? [] : panel.outlets.map((outlet) => ({ mac: outlet.mac, port: outlet }));
    this.gateway = new Gateway({
      random: new SeededRandom(1),
      capacity: DEFAULT_CAPACITY,
      interfaces: [
        { name: "lan", ...lan },
        { name: "wan", ...wan },
      ],
      ...(panel === undefined ? {} : { links: panel }),
    });
    const { gateway, storage } = this;
    this.console = new Console({ gateway, storage, version: "1.2.3", commands });
  }

  /** Types the lines, and returns what has been printed since the last call. */
  run(...lines: string[]): string {
    for (const line of lines) {
      this.console.execute(
        line,
        (text) => {
          this.#text += text;
        },
        (outcome) => this.outcomes.push(outcome),
      );
    }
    return this.take();
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** Moves time on by `ms`, with `poll` called at each deadline on the way. */
  advance(ms: number): void {
    const { gateway, console } = this;
    const endMs = gateway.clock.now + ms;
    while (gateway.clock.now < endMs) {
      const dueMs = Math.min(gateway.nextDeadline(), console.nextDeadline());
      gateway.poll(Math.min(Math.max(dueMs, gateway.clock.now), endMs));
      console.poll();
      if (dueMs > endMs) break;
    }
  }
}

/** 192.168.1.50 on the fixture's LAN, which answers ARP and pings as soon as `exchange` is called. */
export class LanHost {
  readonly #fixture: ConsoleFixture;
  readonly #port = new FakePort();
  readonly #host: Host;

  constructor(fixture: ConsoleFixture) {
    this.#fixture = fixture;
    const interfaces = [{ name: "eth0", mac: PC_MAC, port: this.#port }];
    this.#host = new Host({ random: new SeededRandom(2), capacity: DEFAULT_CAPACITY, interfaces });
    this.#host.setAddress(0, ip("192.168.1.50"), 24);
  }

  /** Carries the frames of both sides until there are none, without time passing; then polls the console. */
  exchange(): void {
    for (let round = 0; round < 10; round++) {
      for (const bytes of this.#fixture.lanPort.take()) this.#host.receive(0, loadFrame(bytes), bytes.length);
      for (const bytes of this.#port.take()) this.#fixture.gateway.receive(LAN, loadFrame(bytes), bytes.length);
    }
    this.#fixture.console.poll();
  }
}

/** Both addresses and a gateway, as in the manual. */
export const HOME: readonly string[] = [
  "set lan address 192.168.1.1/24",
  "set wan address 203.0.113.2/24",
  "set wan gateway 203.0.113.1",
];
