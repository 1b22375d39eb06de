/**
 * A host that passes the fragments of others' datagrams on, each by itself, the way that their first fragment went (RFC
 * 4787 REQ-14; RFC 1812 section 5.2.6: a router puts nothing together that it forwards).
 *
 * The first fragment alone shows ports: it is judged and translated like a packet, and what became of it holds for the
 * others. Those that come before it wait. Only a datagram that has to be seen whole is put together.
 */
import type { Verdict } from "./core/drops.js";
import { NETWORK_AT } from "./core/frame.js";
import { Host, type HostOptions } from "./host.js";
import { fragmentKey } from "./ip/fragmentKey.js";
import { validateFragment } from "./ip/fragmentShape.js";
import { FragmentTable } from "./ip/fragmentTable.js";
import { HeldFragments } from "./ip/heldFragments.js";
import { ipIdentification } from "./wire/ipv4.js";
import type { Packet } from "./wire/packet.js";

export abstract class FragmentForwarder extends Host {
  readonly #table: FragmentTable;
  readonly #waiting: HeldFragments;

  constructor(options: HostOptions) {
    super(options);
    const { fragmentedDatagrams, heldFragments } = options.capacity;
    this.#table = new FragmentTable(this.clock, fragmentedDatagrams);
    this.#waiting = new HeldFragments(this.clock, this.drops, heldFragments);
  }

  override poll(now: number): void {
    super.poll(now);
    this.#table.poll();
    this.#waiting.poll();
  }

  override nextDeadline(): number {
    return Math.min(super.nextDeadline(), this.#table.nextDeadline(), this.#waiting.nextDeadline());
  }

  /** Whether the datagram that this first fragment belongs to has to be put together; changes nothing. */
  protected abstract isNeededWhole(packet: Packet): boolean;

  /** Whether a fragment may wait for the first one of its datagram; changes nothing. */
  protected abstract judgeWaiting(packet: Packet): Verdict;

  /** Whether a fragment other than the first one may pass to where the first one went; changes nothing. */
  protected abstract judgeNext(packet: Packet, newDestination: number): Verdict;

  /** Translates and sends a fragment that `judgeNext` has admitted. */
  protected abstract sendNext(packet: Packet, newDestination: number, identification: number): Verdict;

  /** Forgets the fragments that have come in by an interface. */
  protected forgetFragments(index: number): void {
    this.#table.forget(index);
    this.#waiting.forget(index);
  }

  /**
   * What those fragments of its datagram that have come mean for a fragment; undefined if there are none, and only the
   * fragment itself counts. Changes nothing.
   */
  protected judgeFragment(packet: Packet): Verdict | undefined {
    if (this.isGathering(packet)) return "ok";
    const entry = this.#table.find(fragmentKey(packet), packet.source, packet.destination);
    const verdict = this.#judge(packet, entry);
    if (verdict !== "ok") return verdict;
    return entry < 0 ? undefined : this.judgeNext(packet, this.#table.newDestination(entry));
  }

  protected override receiveFragment(packet: Packet): Verdict {
    if (this.isGathering(packet)) return this.#gather(packet);
    const table = this.#table;
    const key = fragmentKey(packet);
    const { frame, source, destination, payloadBytes, interfaceIndex } = packet;
    const isFirst = packet.fragmentOffset === 0;
    const entry = table.find(key, source, destination);
    const verdict = this.#judge(packet, entry);
    if (verdict !== "ok") {
      const isSpoilt = verdict === "fragmentMalformed" || verdict === "fragmentTooBig";
      if (isSpoilt && (isFirst || entry >= 0)) this.#refuse(key, source, destination);
      return verdict;
    }
    if (entry >= 0) return this.#passNext(packet, entry);
    if (!isFirst) return this.#hold(packet);
    if (this.isNeededWhole(packet)) return this.#gather(packet);

    const first = packet.isForOthers ? this.forward(packet) : this.deliver(packet);
    if (first !== "ok") {
      this.#refuse(key, source, destination);
      return first;
    }
    const identification = ipIdentification(frame.view, NETWORK_AT);
    table.open(key, source, destination, packet.destination, identification, payloadBytes);
    // The first one has left: its frame carries the others.
    while (this.#waiting.release(key, source, destination, frame, packet)) {
      const next = this.#follow(packet, table.find(key, source, destination));
      if (next !== "ok") this.drops.count(next, interfaceIndex);
    }
    return "ok";
  }

  /** What the fragments of a datagram that have come say to another one; `entry` is -1 for none. Changes nothing. */
  #judge(packet: Packet, entry: number): Verdict {
    if (entry >= 0 && this.#table.isRefused(entry)) return "fragmentRefused";
    const shape = validateFragment(packet);
    if (shape !== "ok" || entry < 0) return shape;
    return this.#table.judge(entry, packet.fragmentOffset, packet.payloadBytes, packet.moreFragments);
  }

  /** A fragment that has waited. The entry may have gone, complete, or been refused for one of those before it. */
  #follow(packet: Packet, entry: number): Verdict {
    if (entry < 0) return "fragmentDuplicate";
    const { source, destination } = packet;
    const verdict = this.#judge(packet, entry);
    if (verdict === "ok") return this.#passNext(packet, entry);
    if (verdict === "fragmentMalformed") this.#table.refuse(fragmentKey(packet), source, destination);
    return verdict;
  }

  #passNext(packet: Packet, entry: number): Verdict {
    const table = this.#table;
    const newDestination = table.newDestination(entry);
    const identification = table.identification(entry);
    const verdict = this.judgeNext(packet, newDestination);
    if (verdict !== "ok") return verdict;
    table.add(entry, packet.fragmentOffset, packet.payloadBytes, packet.moreFragments);
    return this.sendNext(packet, newDestination, identification);
  }

  #hold(packet: Packet): Verdict {
    const verdict = this.judgeWaiting(packet);
    if (verdict !== "ok") return verdict;
    return this.#waiting.keep(packet) ? "ok" : "fragmentTableFull";
  }

  /** Puts a fragment with the others of its datagram, and those that have waited for the first one. */
  #gather(packet: Packet): Verdict {
    const key = fragmentKey(packet);
    const { frame, source, destination, interfaceIndex } = packet;
    let verdict: Verdict = "ok";
    let isMore = true;
    for (let count = 0; isMore; count++) {
      if (this.gather(packet)) {
        this.#waiting.discard(key, source, destination, "fragmentDuplicate");
        return packet.isForOthers ? this.forward(packet) : this.deliver(packet);
      }
      if (count === 0) verdict = this.held;
      else if (this.held !== "ok") this.drops.count(this.held, interfaceIndex);
      if (this.held !== "ok" && this.held !== "fragmentDuplicate") this.#refuse(key, source, destination);
      isMore = this.#waiting.release(key, source, destination, frame, packet);
    }
    return verdict;
  }

  /** Nothing of a datagram passes any more. */
  #refuse(key: number, source: number, destination: number): void {
    this.#table.refuse(key, source, destination);
    this.#waiting.discard(key, source, destination, "fragmentRefused");
  }
}
