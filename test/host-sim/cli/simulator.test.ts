import { expect, test } from "vitest";
import { Simulator, SimulatorPort } from "../../../host-sim/cli/simulator.js";
import { type Attachment, AttachmentCounters, type AttachmentListener } from "../../../host-sim/ports/attachment.js";
import { SeededRandom } from "../../../host-sim/random.js";
import { ETHERNET_AT, Frame } from "../../../src/core/frame.js";
import { LAN } from "../../../src/gateway.js";
import { UNTAGGED } from "../../../src/platform/linkPorts.js";
import { arpFrame } from "../../support/frames.js";

/** A link that writes down what is done with it. */
class Link implements Attachment {
  readonly counters = new AttachmentCounters();
  readonly up = true;
  readonly #name: string;
  readonly #log: string[];
  #listener: AttachmentListener | undefined;

  constructor(name: string, log: string[]) {
    this.#name = name;
    this.#log = log;
  }

  start(listener: AttachmentListener): void {
    this.#listener = listener;
  }

  send(): boolean {
    this.#log.push(`${this.#name} send`);
    return true;
  }

  cork(): void {
    this.#log.push(`${this.#name} cork`);
  }

  uncork(): void {
    this.#log.push(`${this.#name} uncork`);
  }

  close(): void {}

  describe(): string {
    return this.#name;
  }

  /** Hands over frames in one batch. */
  bring(...frames: readonly Uint8Array[]): void {
    for (const bytes of frames) {
      const frame = new Frame();
      frame.bytes.set(bytes, ETHERNET_AT);
      this.#listener?.onFrame(frame, bytes.length);
    }
    this.#listener?.onBatchEnd?.();
  }
}

test("what a batch brings about is sent in one burst", () => {
  const log: string[] = [];
  const random = new SeededRandom(1, "gateway");
  const [lan, wan] = [new Link("lan", log), new Link("wan", log)];
  const ports = [new SimulatorPort("lan", lan, random), new SimulatorPort("wan", wan, random)];
  const bindings = ports.map(({ name }) => ({ port: name, vlan: UNTAGGED }));
  const simulator = new Simulator(ports, bindings, random);
  simulator.start(() => {});
  simulator.run(() => simulator.gateway.setAddress(LAN, 0xc0a80101 | 0, 24));
  log.length = 0;
  const question = arpFrame({ targetAddress: "192.168.1.1" });
  lan.bring(question, question);
  simulator.stop();
  expect(log).toEqual(["lan cork", "wan cork", "lan send", "lan send", "lan uncork", "wan uncork"]);
});
