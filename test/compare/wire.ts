import type { Attachment } from "../../host-sim/ports/attachment.js";
import { ETHERNET_AT, Frame } from "../../src/core/frame.js";
import { arpFrame, udpFrame } from "../support/frames.js";
import { DEVICE_LAN, DEVICE_WAN, ISP, ISP_MAC, L3, MARK_PEER, STATIONS } from "./addresses.js";
import type { Device } from "./duts/device.js";
import { type Packet, readPacket } from "./packet.js";

export type Side = "lan" | "wan";
export type Matches = (packet: Packet) => boolean;

const MAX_FRAME_BYTES = 1514;
/** Unread packets a side; the oldest go first. Probes read what they are about, and leave the rest. */
const INBOX_PACKETS = 4096;
/** In which a device must carry something that it carries for certain. */
const MARK_TIMEOUT_MS = 3000;
/** How much later than a mark a packet may come that was sent before it: it may have waited for ARP, or on another wire. */
const GRACE_MS = 150;
const MARK_PORT = 19_999;

/**
 * Both cables of a device, with the stations and the ISP's router at their far ends: they answer ARP. Several probes may
 * use it at once, each with packets that it can tell from all others.
 */
export class Wire {
  readonly #attachments: Record<Side, Attachment>;
  readonly #unread: Record<Side, Packet[]> = { lan: [], wan: [] };
  readonly #waiting = new Set<() => void>();
  /** One for all that is sent: an attachment keeps a view of each Frame that it is given. */
  readonly #outgoing = new Frame(MAX_FRAME_BYTES);
  readonly #deviceMacs: Partial<Record<Side, string>> = {};
  #marks = 0;

  private constructor({ lan, wan }: Device) {
    this.#attachments = { lan, wan };
    for (const side of ["lan", "wan"] as const) {
      this.#attachments[side].start({
        onFrame: (frame, length) => this.#receive(side, frame.bytes.slice(ETHERNET_AT, ETHERNET_AT + length)),
        onNotice: () => this.#wake(),
      });
    }
  }

  /** All stations have made themselves known when this returns, and the device forwards. */
  static async open(device: Device): Promise<Wire> {
    const wire = new Wire(device);
    for (let attempt = 0; attempt < 10 && !wire.#isIntroduced(); attempt++) {
      for (const { address, mac } of STATIONS) {
        wire.send("lan", arpFrame({ senderAddress: address, senderMac: mac, targetAddress: DEVICE_LAN }));
      }
      wire.send("wan", arpFrame({ senderAddress: ISP, senderMac: ISP_MAC, targetAddress: DEVICE_WAN }));
      await wire.#until(() => wire.#isIntroduced(), 500);
    }
    if (!wire.#isIntroduced()) throw new Error(`${device.name} does not answer ARP.`);
    await wire.mark();
    return wire;
  }

  /** The device's Ethernet address. */
  mac(side: Side): string {
    return this.#deviceMacs[side] as string;
  }

  send(side: Side, frame: Uint8Array): void {
    this.#outgoing.bytes.set(frame, ETHERNET_AT);
    this.#attachments[side].send(this.#outgoing, frame.length);
  }

  /** The oldest unread packet of that side that matches; waits for one as long as that, or until `isOver` says so. */
  async next(side: Side, matches: Matches, timeoutMs: number, isOver = () => false): Promise<Packet | undefined> {
    let found: Packet | undefined;
    const isDecided = (): boolean => {
      found = this.#take(side, matches);
      return found !== undefined || isOver();
    };
    await this.#until(isDecided, timeoutMs);
    return found;
  }

  /**
   * As `next`, for a packet that the device lets through at once or never: when a mark that was sent later has gone
   * through in both directions, and some time more, it has been dropped. Throws when the mark does not go through:
   * a device that is dead gets no credit for its silence.
   */
  async arrives(side: Side, matches: Matches): Promise<Packet | undefined> {
    const found = this.#take(side, matches);
    if (found !== undefined) return found;
    const marked = this.mark();
    let isMarked = false;
    const marks = (): void => {
      isMarked = true;
      this.#wake();
    };
    // Also where the packet comes first, and nobody waits for the mark any more.
    marked.then(marks, marks);
    const arrived = await this.next(side, matches, MARK_TIMEOUT_MS + GRACE_MS, () => isMarked);
    if (arrived !== undefined) return arrived;
    await marked;
    return await this.next(side, matches, GRACE_MS);
  }

  /** Sends a datagram from L3 to the outside, and its answer back in. */
  async mark(): Promise<void> {
    const text = `mark ${++this.#marks}.`;
    const ends = { source: L3.address, destination: MARK_PEER, sourceMac: L3.mac, destinationMac: this.mac("lan") };
    this.send("lan", udpFrame({ ...ends, sourcePort: MARK_PORT, destinationPort: MARK_PORT, payload: text }));
    const out = await this.next("wan", (packet) => endsWith(packet, text), MARK_TIMEOUT_MS);
    if (out === undefined) throw new Error("The device carries nothing to the outside any more.");
    const answer = {
      source: MARK_PEER,
      destination: out.source,
      sourceMac: ISP_MAC,
      destinationMac: this.mac("wan"),
      sourcePort: MARK_PORT,
      destinationPort: out.sourcePort,
      payload: text,
    };
    this.send("wan", udpFrame(answer));
    const isBack = await this.next("lan", (packet) => endsWith(packet, text), MARK_TIMEOUT_MS);
    if (isBack === undefined) throw new Error("The device carries nothing to the inside any more.");
  }

  #isIntroduced(): boolean {
    return this.#deviceMacs.lan !== undefined && this.#deviceMacs.wan !== undefined;
  }

  #receive(side: Side, frame: Uint8Array): void {
    if (frame[12] === 0x08 && frame[13] === 0x06) {
      this.#answerArp(side, frame);
    }
    const packet = readPacket(frame);
    if (packet !== undefined) {
      const unread = this.#unread[side];
      unread.push(packet);
      if (unread.length > INBOX_PACKETS) unread.shift();
    }
    this.#wake();
  }

  #answerArp(side: Side, frame: Uint8Array): void {
    const asker = { mac: hex(frame.subarray(22, 28)), address: frame.subarray(28, 32).join(".") };
    if (asker.address === (side === "lan" ? DEVICE_LAN : DEVICE_WAN)) this.#deviceMacs[side] = asker.mac;
    const wanted = frame.subarray(38, 42).join(".");
    const mac = side === "wan" && wanted === ISP ? ISP_MAC : STATIONS.find((one) => one.address === wanted)?.mac;
    const isHere = mac !== undefined && (side === "lan") === (mac !== ISP_MAC);
    if (frame[21] === 1 && isHere) {
      const from = { operation: "reply" as const, senderMac: mac, senderAddress: wanted };
      this.send(side, arpFrame({ ...from, targetMac: asker.mac, targetAddress: asker.address }));
    }
  }

  #take(side: Side, matches: Matches): Packet | undefined {
    const unread = this.#unread[side];
    const at = unread.findIndex(matches);
    return at < 0 ? undefined : unread.splice(at, 1)[0];
  }

  /** Returns when `holds` does, which is asked after every frame, or when the time is over. */
  async #until(holds: () => boolean, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!holds()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Whether the packet is no ICMP error and its last bytes are this text. */
export function endsWith(packet: Packet, text: string): boolean {
  return packet.quote === undefined && Buffer.from(packet.payload).toString("latin1").endsWith(text);
}

function hex(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
