/**
 * An Ethernet: a switch with a station at the end of each cable, and the faults of real ones, drawn from a seed.
 *
 * A frame goes to the station that has its destination address, a group frame to all others. Stations may be kept apart
 * by VLANs: what a station of a VLAN sends gets its tag at the switch, and goes to the others of the VLAN, without the tag,
 * and to the stations of none, as it is, for they are on trunks.
 *
 * What costs time is the sender's cable: one frame after the other at its bandwidth, then the latency. The switch itself
 * is ideal.
 */
import { isGroupMac } from "../../src/core/address.js";
import { ETHERNET_AT, Frame, MAX_FRAME_BYTES, VLAN_TAG_BYTES } from "../../src/core/frame.js";
import type { FramePort } from "../../src/platform/framePort.js";
import { UNTAGGED } from "../../src/platform/linkPorts.js";
import { etherDestination, etherType } from "../../src/wire/ethernet.js";
import { ETHERTYPE_VLAN, insertVlanTag, isEthernetLength, removeVlanTag, vlanId } from "../../src/wire/vlan.js";
import type { SeededRandom } from "../random.js";

/** Preamble, frame check sequence and gap between frames, which take time on the cable too (IEEE 802.3). */
const ETHERNET_OVERHEAD_BYTES = 24;
/** The shortest frame on a cable, its check sequence not counted: shorter ones are padded (IEEE 802.3). */
const MIN_FRAME_BYTES = 60;

export interface Conditions {
  /** From station to station, in ms. */
  latencyMs: number;
  /** Of each station's cable, in bits per second. */
  bandwidthBps: number;
  /** Frames that wait for a station's cable before the next one is refused. */
  queueFrames: number;
  /** Probabilities, 0..1, for each frame. */
  loss: number;
  duplication: number;
  /** One bit of the frame, wherever, is flipped. */
  corruption: number;
  /** The frame is held back for `reorderingDelayMs`, so that later ones overtake it. */
  reordering: number;
  reorderingDelayMs: number;
}

const IDEAL: Readonly<Conditions> = Object.freeze({
  latencyMs: 0,
  bandwidthBps: Number.POSITIVE_INFINITY,
  queueFrames: 1000,
  loss: 0,
  duplication: 0,
  corruption: 0,
  reordering: 0,
  reorderingDelayMs: 10,
});

/** Sees each frame as its sender puts it on the cable, before any fault. The frame is the viewer's during the call only. */
export type Tap = (timeMs: number, frame: Frame, length: number, sender: Station) => void;

/** Decides about a frame on the cable: false loses it. It may change the frame. */
export type FrameFilter = (frame: Frame, length: number, sender: Station) => boolean;

/** Takes a frame that arrives; it may be rewritten, and belongs to the switch again when this returns. */
export type FrameReceiver = (frame: Frame, length: number) => void;

/** Frames of a segment since it was made. */
export class SegmentCounters {
  sent = 0;
  delivered = 0;
  /** Not taken: the sender's queue was full, the frame was longer than an Ethernet's, or had a tag where the switch tags. */
  refused = 0;
  filtered = 0;
  lost = 0;
  duplicated = 0;
  corrupted = 0;
  reordered = 0;
  /** For a station address that nobody on the segment has. */
  unclaimed = 0;
}

/** What a segment needs of the network it is part of. */
export interface SegmentClock {
  readonly nowMs: number;
  schedule(delayMs: number, cause: string, run: () => void): void;
  frameSent(): void;
}

/** The end of a cable: where a stack's frames go in, and come out. */
export class Station implements FramePort {
  readonly name: string;
  /** 48-bit station address. */
  readonly mac: number;
  readonly segment: Segment;
  readonly cause: string;
  /** 1..4094; `UNTAGGED` for a trunk, whose frames have what tags they have. */
  readonly vlan: number;
  receiver: FrameReceiver = () => {};
  /** When the cable will have carried everything that waits for it. */
  freeAtMs = 0;
  waitingFrames = 0;

  constructor(name: string, mac: number, segment: Segment, vlan: number) {
    this.name = name;
    this.mac = mac;
    this.segment = segment;
    this.vlan = vlan;
    this.cause = `frames of ${name} on ${segment.name}`;
  }

  send(frame: Frame, length: number): boolean {
    return this.segment.send(this, frame, length);
  }
}

export class Segment {
  readonly name: string;
  /** May be changed at any time; frames under way arrive as they were sent. */
  readonly conditions: Conditions;
  readonly counters = new SegmentCounters();
  filter: FrameFilter | undefined;
  readonly #clock: SegmentClock;
  readonly #random: SeededRandom;
  readonly #stations: Station[] = [];
  readonly #taps: Tap[] = [];
  readonly #freeFrames: Frame[] = [];

  constructor(name: string, clock: SegmentClock, random: SeededRandom, conditions: Partial<Conditions>) {
    this.name = name;
    this.conditions = { ...IDEAL, ...conditions };
    this.#clock = clock;
    this.#random = random;
  }

  /** Adds a station, of a VLAN or on a trunk; set its `receiver` to take frames. */
  plugIn(name: string, mac: number, vlan = UNTAGGED): Station {
    const station = new Station(name, mac, this, vlan);
    this.#stations.push(station);
    return station;
  }

  addTap(tap: Tap): void {
    this.#taps.push(tap);
  }

  send(sender: Station, frame: Frame, length: number): boolean {
    const isTagged = etherType(frame) === ETHERTYPE_VLAN;
    if (!isEthernetLength(frame, length) || (isTagged && sender.vlan !== UNTAGGED) || !this.#hasRoom(sender)) {
      this.counters.refused++;
      return false;
    }
    this.counters.sent++;
    this.#clock.frameSent();
    const copy = this.#copy(frame, length);
    if (sender.vlan === UNTAGGED) return this.#queue(sender, copy, length);
    insertVlanTag(copy, length, sender.vlan);
    return this.#queue(sender, copy, length + VLAN_TAG_BYTES);
  }

  /** Puts a frame of the segment's own on the sender's cable. */
  #queue(sender: Station, copy: Frame, length: number): boolean {
    const carriedAtMs = Math.max(this.#clock.nowMs, sender.freeAtMs) + this.#transmissionMs(length);
    if (carriedAtMs === this.#clock.nowMs) {
      this.#carry(sender, copy, length);
      return true;
    }
    sender.freeAtMs = carriedAtMs;
    sender.waitingFrames++;
    this.#clock.schedule(carriedAtMs - this.#clock.nowMs, sender.cause, () => {
      sender.waitingFrames--;
      this.#carry(sender, copy, length);
    });
    return true;
  }

  #hasRoom(sender: Station): boolean {
    return sender.waitingFrames < this.conditions.queueFrames;
  }

  #transmissionMs(length: number): number {
    const bits = (Math.max(length, MIN_FRAME_BYTES) + ETHERNET_OVERHEAD_BYTES) * 8;
    return (bits / this.conditions.bandwidthBps) * 1000;
  }

  /** The frame has left the sender: what becomes of it on its way. */
  #carry(sender: Station, frame: Frame, length: number): void {
    for (const tap of this.#taps) tap(this.#clock.nowMs, frame, length, sender);
    const { counters, conditions } = this;
    if (this.filter !== undefined && !this.filter(frame, length, sender)) {
      counters.filtered++;
      this.#freeFrames.push(frame);
      return;
    }
    if (this.#random.chance(conditions.loss)) {
      counters.lost++;
      this.#freeFrames.push(frame);
      return;
    }
    if (this.#random.chance(conditions.duplication)) {
      counters.duplicated++;
      this.#deliverLater(sender, this.#copy(frame, length), length);
    }
    this.#deliverLater(sender, frame, length);
  }

  #deliverLater(sender: Station, frame: Frame, length: number): void {
    const { counters, conditions } = this;
    let delayMs = conditions.latencyMs;
    if (this.#random.chance(conditions.corruption)) {
      counters.corrupted++;
      const bit = this.#random.below(length * 8);
      frame.bytes[ETHERNET_AT + (bit >> 3)]! ^= 1 << (bit & 7);
    }
    if (this.#random.chance(conditions.reordering)) {
      counters.reordered++;
      delayMs += conditions.reorderingDelayMs;
    }
    this.#clock.schedule(delayMs, sender.cause, () => {
      this.#deliver(sender, frame, length);
      this.#freeFrames.push(frame);
    });
  }

  #deliver(sender: Station, frame: Frame, length: number): void {
    const destination = etherDestination(frame);
    const isGroup = isGroupMac(destination);
    const vlan = etherType(frame) === ETHERTYPE_VLAN ? vlanId(frame) : UNTAGGED;
    let isClaimed = isGroup;
    for (const station of this.#stations) {
      if (station === sender || (!isGroup && station.mac !== destination)) continue;
      if (station.vlan !== UNTAGGED && station.vlan !== vlan) continue;
      isClaimed = true;
      this.counters.delivered++;
      if (!isGroup) {
        handOver(station, frame, length);
        continue;
      }
      // Each receiver may rewrite what it gets.
      const copy = this.#copy(frame, length);
      handOver(station, copy, length);
      this.#freeFrames.push(copy);
    }
    if (!isClaimed) this.counters.unclaimed++;
  }

  #copy(frame: Frame, length: number): Frame {
    const copy = this.#freeFrames.pop() ?? new Frame(MAX_FRAME_BYTES);
    copy.bytes.set(frame.bytes.subarray(0, ETHERNET_AT + length));
    return copy;
  }
}

function handOver(station: Station, frame: Frame, length: number): void {
  if (station.vlan === UNTAGGED) {
    station.receiver(frame, length);
    return;
  }
  removeVlanTag(frame, length);
  station.receiver(frame, length - VLAN_TAG_BYTES);
}
