/**
 * SYNs to ports that NAT could map, but has not: RFC 5382 section 4.3. Such a SYN may be half of a connection that both sides
 * open at once, so it hears nothing for 6 s; if by then nobody behind us has opened the other half, its sender is told.
 *
 * A ring: all wait equally long, so the oldest is the next that is due. Where it is full, the oldest is forgotten.
 */
import { NEVER } from "../core/clock.js";
import { ETHERNET_HEADER_BYTES, Frame, NETWORK_AT } from "../core/frame.js";
import { ipHeaderBytes } from "../wire/ipv4.js";
import { Packet } from "../wire/packet.js";

/** RFC 5382 REQ-4. */
const UNSOLICITED_SYN_WAIT_MS = 6000;
/** A port scan gets so many answers in 6 s, a person who mistypes a port gets his. */
export const REMEMBERED_SYNS = 8;
/** What an ICMP error has to quote: the longest IPv4 header, and 8 bytes (RFC 792). */
const QUOTED_TRANSPORT_BYTES = 8;
const QUOTE_WORDS = (60 + QUOTED_TRANSPORT_BYTES) / 4;

class RememberedSyn {
  source = 0;
  sourcePort = 0;
  destinationPort = 0;
  dueAtMs = 0;
  quoteWords = 0;
}

export class ClosedPorts {
  /** SYNs that made way for newer ones before they were answered. */
  forgotten = 0;
  readonly #syns: RememberedSyn[] = [];
  readonly #quotes = new Int32Array(REMEMBERED_SYNS * QUOTE_WORDS);
  /** A SYN as it came in, for as long as it is complained about. */
  readonly #packet = new Packet(new Frame(ETHERNET_HEADER_BYTES + QUOTE_WORDS * 4));
  #oldest = 0;
  #count = 0;

  constructor() {
    for (let i = 0; i < REMEMBERED_SYNS; i++) this.#syns.push(new RememberedSyn());
  }

  get count(): number {
    return this.#count;
  }

  /** Keeps what there is to say about an unsolicited SYN, at `nowMs`. One that is sent again does not wait again. */
  remember(packet: Packet, nowMs: number): void {
    for (let i = 0; i < this.#count; i++) if (this.isSame(this.at(i), packet)) return;
    if (this.#count === REMEMBERED_SYNS) {
      this.forgetOldest();
      this.forgotten++;
    }
    const place = (this.#oldest + this.#count) % REMEMBERED_SYNS;
    const syn = this.#syns[place] as RememberedSyn;
    const view = packet.frame.view;
    syn.source = packet.source;
    syn.sourcePort = packet.sourcePort;
    syn.destinationPort = packet.destinationPort;
    syn.dueAtMs = nowMs + UNSOLICITED_SYN_WAIT_MS;
    syn.quoteWords = (ipHeaderBytes(view, NETWORK_AT) + QUOTED_TRANSPORT_BYTES) >> 2;
    for (let i = 0; i < syn.quoteWords; i++) this.#quotes[place * QUOTE_WORDS + i] = view.getInt32(NETWORK_AT + i * 4);
    this.#count++;
  }

  /**
   * The next SYN that has waited long enough at `nowMs`, as the packet that came in by `interfaceIndex`, cut off behind what
   * an ICMP error has to quote; it is forgotten now. Undefined when none is due.
   */
  take(nowMs: number, interfaceIndex: number): Packet | undefined {
    const place = this.#oldest;
    const syn = this.#syns[place] as RememberedSyn;
    if (this.#count === 0 || nowMs < syn.dueAtMs) return undefined;
    this.forgetOldest();
    const packet = this.#packet;
    const view = packet.frame.view;
    for (let i = 0; i < syn.quoteWords; i++)
      view.setInt32(NETWORK_AT + i * 4, this.#quotes[place * QUOTE_WORDS + i] as number);
    packet.read(packet.frame, interfaceIndex, false);
    packet.totalBytes = syn.quoteWords * 4;
    return packet;
  }

  /** When the next one is due, in ms. */
  nextDeadline(): number {
    return this.#count === 0 ? NEVER : (this.#syns[this.#oldest] as RememberedSyn).dueAtMs;
  }

  private at(age: number): RememberedSyn {
    return this.#syns[(this.#oldest + age) % REMEMBERED_SYNS] as RememberedSyn;
  }

  private isSame(syn: RememberedSyn, { source, sourcePort, destinationPort }: Packet): boolean {
    return syn.source === source && syn.sourcePort === sourcePort && syn.destinationPort === destinationPort;
  }

  private forgetOldest(): void {
    this.#oldest = (this.#oldest + 1) % REMEMBERED_SYNS;
    this.#count--;
  }
}
