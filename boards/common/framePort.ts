/** A port of the board as TypeScript sees it: frames of an Ethernet or Wi-Fi driver, without any network stack between. */

export type Medium = "ethernet" | "station" | "accessPoint";

/**
 * What a port counts, modulo 2^32:
 *
 * - `rxFrames` waited for `read`; `rxDropped` found every slot taken; `rxFiltered` were for another station; `rxMalformed`
 *   were too long; `rxStray` were too short for any port, or of a VLAN that none has (all ports of a medium share this one)
 * - `txFrames` were sent by `write`; `txRefused` were not: link down, driver full, or an impossible length
 * - `carried` came in here and left at once by the other port, without TypeScript; `carryRefused` would have, and were dropped
 * - `unannounced` is how often the machine's message queue had no room for this port's message
 */
export type FrameCounter =
  | "rxFrames"
  | "rxDropped"
  | "rxFiltered"
  | "rxMalformed"
  | "rxStray"
  | "txFrames"
  | "txRefused"
  | "carried"
  | "carryRefused"
  | "unannounced";

export interface FramePortOptions {
  medium: Medium;
  /** 1-4094: the port is this VLAN of an Ethernet medium, and frames have their tag on the wire alone. */
  vlan?: number;
  /** The gateway's number for the interface: 0 is the LAN, 1 the WAN. */
  interfaceIndex: 0 | 1;
  /** Frames wait. Called once for all that came since; a frame left unread calls again. */
  onReadable: () => void;
  /** The link went up or down. */
  onChanged: () => void;
}

/**
 * A frame in a buffer begins at offset 2 (`ETHERNET_AT`), and its length counts neither those two bytes nor tag and FCS.
 * Nothing here blocks or throws on account of traffic. Both callbacks come from the machine's own loop.
 */
export class FramePort extends Native("xs_framePort_destructor") {
  /**
   * Takes the medium into service. Throws an Error of one sentence when the board has no such medium, when another port has
   * the medium or its VLAN, or when memory or the driver fails.
   */
  constructor(options: FramePortOptions) {
    super();
    native("xs_framePort").call(this, options);
  }

  /**
   * Copies the frame that waits longest into `bytes` (at least 1516) and returns its length; 0 when none waits, and also
   * after as many frames as there are slots since the last `onReadable`, which will then be called again.
   */
  read(bytes: Uint8Array): number {
    return native("xs_framePort_read").call(this, bytes);
  }

  /** Sends `length` bytes, 14-1514. False when the driver refused them: they are counted, and lost. */
  write(bytes: Uint8Array, length: number): boolean {
    return native("xs_framePort_write").call(this, bytes, length);
  }

  isUp(): boolean {
    return native("xs_framePort_isUp").call(this);
  }

  /** The station address as a number of 48 bits. */
  mac(): number {
    return native("xs_framePort_mac").call(this);
  }

  counter(name: FrameCounter): number {
    return native("xs_framePort_counter").call(this, name);
  }

  /** No callback comes any more; frames are no longer carried from or to this port. Closing twice is allowed. */
  close(): void {
    native("xs_framePort_close").call(this);
  }
}

/**
 * A medium's station address as a number of 48 bits, also before a port is opened on it. Throws an Error of one sentence
 * when the board has no such medium, or its driver fails.
 */
export function macOf(this: unknown, medium: Medium): number {
  return native("xs_framePort_macOf").call(this, medium);
}

/**
 * Memory for the flow table: zeros, in internal RAM, at one address for good. There is one such block: a second call
 * throws, and so does a board that has less memory.
 */
export function flowMemory(this: unknown, byteLength: number): ArrayBuffer {
  return native("xs_framePort_flowMemory").call(this, byteLength);
}

/**
 * Word `at` of the memory of `flowMemory`, as the drivers' tasks have it: whole, and sequentially consistent. The engine's
 * Atomics know no such memory, and its views of it may write a word in pieces.
 */
export function loadFlowWord(this: unknown, at: number): number {
  return native("xs_framePort_loadFlowWord").call(this, at);
}

/** Writes a word likewise. */
export function storeFlowWord(this: unknown, at: number, value: number): void {
  native("xs_framePort_storeFlowWord").call(this, at, value);
}

/**
 * From now on, frames that the flow table knows are rewritten and sent on in the driver's own task. `memory` is what
 * `flowMemory` gave, with a finished flow table in it; `lan` and `wan` have interface indices 0 and 1. Without parameters
 * no frame is carried any more, and none is on its way when the function returns.
 */
export function carryFlows(this: unknown, memory?: ArrayBuffer, lan?: FramePort, wan?: FramePort): void {
  native("xs_framePort_carryFlows").call(this, memory, lan, wan);
}
