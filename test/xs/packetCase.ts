/**
 * What is measured, on XS and on Node alike: a receiver of frames in a known state, and the frame it gets again and again.
 *
 * An entry file collects its cases with `entryOf` and exports the result; the very same file is bundled for XS and
 * imported on Node.
 */
import type { Frame } from "../../src/core/frame.js";

/** A gateway, a control that stands in for one, or whatever else is to be measured. */
export interface Receiver {
  receive(interfaceIndex: number, frame: Frame, length: number): void;
}

export interface Bench {
  readonly receiver: Receiver;
  /** How many packets have gone the way that the case is about, such as out of a port. */
  doneCount(): number;
}

export interface PacketCase {
  readonly name: string;
  /** How many packets `prepare` leaves room for: an even number. A case whose packets use up a table needs few. */
  readonly packets: number;
  /** Where the frame arrives. */
  readonly interfaceIndex: number;
  readonly frame: Frame;
  readonly length: number;
  /** A fresh receiver in the state the case begins with, such as an established session. */
  prepare(): Bench;
  /** Writes packet `index` into `frame`, which the receiver rewrote in place; must not allocate. */
  load(index: number): void;
}

/** All that came out of a fixed set of frames: `interface:hex` each in order, and the counters by name. */
export interface Replay {
  readonly frames: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
}

/** What an entry file exports. */
export interface Entry {
  /** Names and packet counts of all cases. */
  listCases(): { name: string; packets: number }[];
  prepare(name: string): void;
  /**
   * Runs `count` packets of the case prepared last and returns how many went its way. With `receiving` false the packets
   * are only loaded: the cost of the loop itself, to be subtracted.
   */
  run(count: number, receiving: boolean): number;
  replay(): Replay;
}

export function entryOf(cases: readonly PacketCase[], replay: () => Replay): Entry {
  let current: PacketCase | undefined;
  let bench: Bench | undefined;
  return {
    listCases: () => cases.map(({ name, packets }) => ({ name, packets })),
    prepare(name) {
      current = cases.find((candidate) => candidate.name === name);
      bench = current?.prepare();
    },
    run(count, receiving) {
      if (current === undefined || bench === undefined) throw new Error("No case of this name was prepared.");
      const { interfaceIndex, frame, length } = current;
      const { receiver } = bench;
      const doneBefore = bench.doneCount();
      for (let index = 0; index < count; index++) {
        current.load(index);
        if (receiving) receiver.receive(interfaceIndex, frame, length);
      }
      return bench.doneCount() - doneBefore;
    },
    replay,
  };
}
