/**
 * Putting datagrams together from fragments (RFC 791 section 3.2, RFC 815, RFC 1122 section 3.3.2), for those who want the
 * whole.
 *
 * A few buffers of fixed size. When all are busy a newcomer gets the oldest: of its own source if there is one, else of its
 * own link if that has half of them or more, else of the others. What is another's is given up only after its holder had
 * it for a moment, with whatever datagrams: so datagrams whose fragments follow each other closely get through, and who
 * floods us does not keep the others out.
 * A fragment that overlaps what is there in part ends its datagram, for no honest host sends one (RFC 1858, RFC 5722).
 * Options are dropped: the whole has a plain 20-byte header.
 */
import { type Clock, NEVER } from "../core/clock.js";
import type { Drops, Verdict } from "../core/drops.js";
import { ETHERNET_HEADER_BYTES, Frame, NETWORK_AT, TRANSPORT_AT } from "../core/frame.js";
import {
  IP_MORE_FRAGMENTS,
  IP_TTL_OFFSET,
  IPV4_HEADER_BYTES,
  ipIdentification,
  ipTos,
  ipTtl,
  writeIpv4,
} from "../wire/ipv4.js";
import type { Packet } from "../wire/packet.js";
import { validateFragment } from "./fragmentShape.js";

/** RFC 1122 section 3.3.2: fixed, between 60 and 120 seconds. */
export const REASSEMBLY_TIMEOUT_MS = 60_000;
/** What another may not end: longer than 3,072 bytes take at 2 Mbit/s. */
export const UNDISTURBED_MS = 20;

/** Told of a datagram that timed out with its first fragment there: the frame holds header and that fragment. */
export type ReassemblyTimeoutHandler = (interfaceIndex: number, frame: Frame, totalBytes: number) => void;

class Assembly {
  /** What has come, in its place; behind it, from word `blocksAt`, one bit for each 8-byte block of it. */
  readonly frame: Frame;
  readonly blocksAt: number;
  inUse = false;
  interfaceIndex = 0;
  source = 0;
  destination = 0;
  protocol = 0;
  identification = 0;
  startedAtMs = 0;
  /** Since when the buffer has been the source's, and the link's, without a pause. */
  sourceSinceMs = 0;
  linkSinceMs = 0;
  receivedBytes = 0;
  /** Where the fragment that reaches furthest ends. */
  reachedBytes = 0;
  /** Payload length of the whole, known from the last fragment; -1 before. */
  payloadBytes = -1;
  /** Payload length of the first fragment; 0 before it came. */
  firstBytes = 0;

  constructor(datagramBytes: number) {
    const blockWords = (datagramBytes >> 8) + 1;
    this.frame = new Frame(ETHERNET_HEADER_BYTES + datagramBytes + 4 * blockWords);
    this.blocksAt = this.frame.words.length - blockWords;
  }
}

export class Reassembly {
  readonly #clock: Clock;
  readonly #drops: Drops;
  readonly #assemblies: Assembly[] = [];
  readonly #maxPayloadBytes: number;
  /** No datagram's time is over before; in ms. */
  #dueAtMs = NEVER;
  /** After `add`: the frame with the whole datagram, its header written; undefined while parts are missing. */
  whole: Frame | undefined;
  onTimeout: ReassemblyTimeoutHandler | undefined;

  constructor(clock: Clock, drops: Drops, count: number, datagramBytes: number) {
    this.#clock = clock;
    this.#drops = drops;
    this.#maxPayloadBytes = datagramBytes - IPV4_HEADER_BYTES;
    for (let i = 0; i < count; i++) this.#assemblies.push(new Assembly(datagramBytes));
  }

  /** Takes a fragment. `whole` holds the datagram afterwards if that completed it, until the next call. */
  add(packet: Packet): Verdict {
    this.whole = undefined;
    const offset = packet.fragmentOffset;
    const length = packet.payloadBytes;
    const shape = validateFragment(packet);
    if (shape === "fragmentMalformed") return shape;
    const found = this.find(packet);
    if (offset + length > this.#maxPayloadBytes) {
      // What came before can never be completed.
      if (found !== undefined) found.inUse = false;
      return "fragmentTooBig";
    }

    const assembly = found ?? this.start(packet);
    if (assembly === undefined) return "fragmentTableFull";
    const verdict = this.insert(assembly, packet, offset, length);
    if (verdict === "ok" && assembly.receivedBytes === assembly.payloadBytes) this.finish(assembly);
    return verdict;
  }

  /** Whether other fragments of the packet's datagram are here. */
  has(packet: Packet): boolean {
    return this.find(packet) !== undefined;
  }

  /** Drops what has come in by an interface. */
  forget(interfaceIndex: number): void {
    for (const assembly of this.#assemblies) {
      if (assembly.interfaceIndex === interfaceIndex) assembly.inUse = false;
    }
  }

  poll(): void {
    if (this.#clock.now < this.#dueAtMs) return;
    for (let i = 0; i < this.#assemblies.length; i++) {
      const assembly = this.#assemblies[i] as Assembly;
      if (!assembly.inUse || this.#clock.now < assembly.startedAtMs + REASSEMBLY_TIMEOUT_MS) continue;
      assembly.inUse = false;
      this.#drops.count("fragmentTimeout", assembly.interfaceIndex);
      if (assembly.firstBytes === 0 || this.onTimeout === undefined) continue;
      // As the first fragment came in: the error about it quotes this (RFC 1812 section 4.3.2.3).
      this.writeHeader(assembly, assembly.firstBytes, IP_MORE_FRAGMENTS);
      this.onTimeout(assembly.interfaceIndex, assembly.frame, IPV4_HEADER_BYTES + assembly.firstBytes);
    }
    this.#dueAtMs = this.nextDeadline();
  }

  nextDeadline(): number {
    let next = NEVER;
    for (let i = 0; i < this.#assemblies.length; i++) {
      const assembly = this.#assemblies[i] as Assembly;
      const dueAtMs = assembly.startedAtMs + REASSEMBLY_TIMEOUT_MS;
      if (assembly.inUse && dueAtMs < next) next = dueAtMs;
    }
    return next;
  }

  private find(packet: Packet): Assembly | undefined {
    const identification = ipIdentification(packet.frame.view, NETWORK_AT);
    for (let i = 0; i < this.#assemblies.length; i++) {
      const assembly = this.#assemblies[i] as Assembly;
      if (
        assembly.inUse &&
        assembly.identification === identification &&
        assembly.source === packet.source &&
        assembly.destination === packet.destination &&
        assembly.protocol === packet.protocol &&
        assembly.interfaceIndex === packet.interfaceIndex
      ) {
        return assembly;
      }
    }
    return undefined;
  }

  private start(packet: Packet): Assembly | undefined {
    const chosen = this.choose(packet);
    if (chosen === undefined) return undefined;
    if (chosen.inUse) this.#drops.count("fragmentTableFull", chosen.interfaceIndex);
    const { now } = this.#clock;
    const isSameLink = chosen.inUse && chosen.interfaceIndex === packet.interfaceIndex;
    if (!isSameLink) chosen.linkSinceMs = now;
    if (!isSameLink || chosen.source !== packet.source) chosen.sourceSinceMs = now;
    chosen.inUse = true;
    chosen.interfaceIndex = packet.interfaceIndex;
    chosen.source = packet.source;
    chosen.destination = packet.destination;
    chosen.protocol = packet.protocol;
    chosen.identification = ipIdentification(packet.frame.view, NETWORK_AT);
    chosen.startedAtMs = now;
    this.#dueAtMs = Math.min(this.#dueAtMs, now + REASSEMBLY_TIMEOUT_MS);
    chosen.receivedBytes = 0;
    chosen.reachedBytes = 0;
    chosen.payloadBytes = -1;
    chosen.firstBytes = 0;
    chosen.frame.words.fill(0, chosen.blocksAt);
    return chosen;
  }

  /** A free buffer, or the one that a newcomer may take; undefined if it has to wait. */
  private choose({ interfaceIndex, source }: Packet): Assembly | undefined {
    let ofLink = 0;
    let own: Assembly | undefined;
    for (let i = 0; i < this.#assemblies.length; i++) {
      const assembly = this.#assemblies[i] as Assembly;
      if (!assembly.inUse) return assembly;
      if (assembly.interfaceIndex !== interfaceIndex) continue;
      ofLink++;
      if (assembly.source === source && (own === undefined || assembly.startedAtMs < own.startedAtMs)) own = assembly;
    }
    if (own !== undefined) return own;
    const isOwnTurn = ofLink * 2 >= this.#assemblies.length;
    let oldest: Assembly | undefined;
    for (let i = 0; i < this.#assemblies.length; i++) {
      const assembly = this.#assemblies[i] as Assembly;
      if ((assembly.interfaceIndex === interfaceIndex) !== isOwnTurn) continue;
      const sinceMs = isOwnTurn ? assembly.sourceSinceMs : assembly.linkSinceMs;
      if (this.#clock.now - sinceMs < UNDISTURBED_MS) continue;
      if (oldest === undefined || assembly.startedAtMs < oldest.startedAtMs) oldest = assembly;
    }
    return oldest;
  }

  private insert(assembly: Assembly, packet: Packet, offset: number, length: number): Verdict {
    const end = offset + length;
    // Without the second half, blocks behind the end could stand in for missing ones in the count of bytes.
    const contradictsEnd =
      (assembly.payloadBytes >= 0 && end > assembly.payloadBytes) ||
      (!packet.moreFragments && end < assembly.reachedBytes);
    const { words } = assembly.frame;
    const firstBlock = offset >> 3;
    const lastBlock = (end - 1) >> 3;
    let present = 0;
    for (let block = firstBlock; block <= lastBlock; block++) {
      present += ((words[assembly.blocksAt + (block >> 5)] as number) >> (block & 31)) & 1;
    }
    // A repeated fragment changes nothing; it is no reason to lose the rest.
    if (present === lastBlock - firstBlock + 1 && !contradictsEnd) return "fragmentDuplicate";
    if (present !== 0 || contradictsEnd) {
      assembly.inUse = false;
      return "fragmentMalformed";
    }
    for (let block = firstBlock; block <= lastBlock; block++) {
      const at = assembly.blocksAt + (block >> 5);
      words[at] = (words[at] as number) | (1 << (block & 31));
    }
    const from = packet.transportAt;
    assembly.frame.bytes.set(packet.frame.bytes.subarray(from, from + length), TRANSPORT_AT + offset);
    assembly.receivedBytes += length;
    if (end > assembly.reachedBytes) assembly.reachedBytes = end;
    if (!packet.moreFragments) assembly.payloadBytes = end;
    if (offset === 0) {
      assembly.firstBytes = length;
      // For `writeHeader`.
      assembly.frame.view.setUint8(NETWORK_AT + 1, ipTos(packet.frame.view, NETWORK_AT));
      assembly.frame.view.setUint8(NETWORK_AT + IP_TTL_OFFSET, packet.ttl);
    }
    return "ok";
  }

  private finish(assembly: Assembly): void {
    this.writeHeader(assembly, assembly.payloadBytes, 0);
    assembly.inUse = false;
    this.whole = assembly.frame;
  }

  private writeHeader(assembly: Assembly, payloadBytes: number, fragmentField: number): void {
    const { view } = assembly.frame;
    writeIpv4(
      view,
      NETWORK_AT,
      ipTos(view, NETWORK_AT),
      IPV4_HEADER_BYTES + payloadBytes,
      assembly.identification,
      fragmentField,
      ipTtl(view, NETWORK_AT),
      assembly.protocol,
      assembly.source,
      assembly.destination,
    );
  }
}
