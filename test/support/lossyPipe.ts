/** Two transport rigs joined by a pipe under one virtual clock, which delays, loses, repeats, swaps and damages packets. */

import { SeededRandom } from "../../host-sim/random.js";
import { PROTOCOL_TCP } from "../../src/wire/ipv4.js";
import { packetOf, type TransportRig } from "./transportRig.js";

export interface PipeFaults {
  seed: number;
  latencyMs: number;
  /** Probabilities, 0..1. */
  loss: number;
  duplication: number;
  reordering: number;
  corruption: number;
}

export const NO_FAULTS: PipeFaults = { seed: 1, latencyMs: 5, loss: 0, duplication: 0, reordering: 0, corruption: 0 };

interface InFlight {
  at: number;
  order: number;
  to: TransportRig;
  payload: Uint8Array;
  source: number;
  destination: number;
  protocol: number;
}

export class LossyPipe {
  now = 0;
  /** Packets delivered, damaged ones included. */
  delivered = 0;
  readonly verdicts = new Map<string, number>();
  readonly #rigs: readonly TransportRig[];
  readonly #random: SeededRandom;
  readonly #faults: PipeFaults;
  #queue: InFlight[] = [];
  #order = 0;

  constructor(a: TransportRig, b: TransportRig, faults: PipeFaults = NO_FAULTS) {
    this.#rigs = [a, b];
    this.#faults = faults;
    this.#random = new SeededRandom(faults.seed);
    this.#connect(a, b);
    this.#connect(b, a);
  }

  /** Moves time to the next event and carries it out; false when nothing will ever happen again, or not until `limitMs`. */
  step(limitMs: number): boolean {
    let next = Math.min(...this.#rigs.map((rig) => rig.tcp.nextDeadline()));
    for (const packet of this.#queue) next = Math.min(next, packet.at);
    if (!(next <= limitMs)) return false;
    this.now = Math.max(this.now, next);
    for (const rig of this.#rigs) rig.clock.now = this.now;
    const due = this.#queue.filter((packet) => packet.at <= this.now).sort((x, y) => x.at - y.at || x.order - y.order);
    this.#queue = this.#queue.filter((packet) => packet.at > this.now);
    for (const packet of due) this.#deliver(packet);
    for (const rig of this.#rigs) rig.tcp.poll();
    return true;
  }

  /** Steps until `isDone`, until nothing is left to do, or until `limitMs`. */
  run(limitMs: number, isDone: () => boolean = () => false): void {
    while (!isDone() && this.step(limitMs)) {
      // step does the work.
    }
    if (isDone() || limitMs === Number.POSITIVE_INFINITY) return;
    this.now = limitMs;
    for (const rig of this.#rigs) rig.clock.now = limitMs;
  }

  #connect(from: TransportRig, to: TransportRig): void {
    from.output.onDatagram = (payload, source, destination, protocol) => {
      const faults = this.#faults;
      if (this.#chance(faults.loss)) return;
      const copies = this.#chance(faults.duplication) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const damaged = payload.slice();
        if (this.#chance(faults.corruption)) {
          const at = Math.floor(this.#random.fraction() * damaged.length);
          damaged[at] = (damaged[at] as number) ^ (1 << (this.#random.next32() & 7));
        }
        const extraMs = this.#chance(faults.reordering) ? this.#random.fraction() * 4 * faults.latencyMs : 0;
        const at = this.now + faults.latencyMs + extraMs;
        this.#queue.push({ at, order: this.#order++, to, payload: damaged, source, destination, protocol });
      }
    };
  }

  #deliver({ to, payload, source, destination, protocol }: InFlight): void {
    this.delivered++;
    const transport = protocol === PROTOCOL_TCP ? to.tcp : to.udp;
    const verdict = transport.receive(packetOf(payload, source, destination, protocol));
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#random.fraction() < probability;
  }
}
