/**
 * The saved configuration in a key-value store: two slots, written in turn. A slot holds its generation and a checksum; the
 * whole one with the highest generation counts. So it does not matter what the store leaves of a value, or of its
 * predecessor, when the power goes while it writes.
 */
import { crc32 } from "../../src/config/savedConfig.js";
import type { Storage } from "../../src/platform/storage.js";
import { bytesOf, textOf } from "./latin1.js";

/** A store of bytes by key, such as a namespace of NVS. */
export interface KeyValue {
  read(key: string): Uint8Array | undefined;
  /** Throws an Error when there is no room. */
  write(key: string, value: Uint8Array): void;
}

/** NVS has names of 15 characters at most. */
const SLOTS = Object.freeze(["config-a", "config-b"] as const);
/** 64 forwards and all settings are under 6,000; two slots, and a third while one is written, are half of the partition. */
const MAX_BYTES = 8000;
const HEADER = /^porter slot (\d{1,9}) crc32=([0-9a-f]{8})\n/;
const HEADER_MAX_BYTES = 40;

interface Slot {
  readonly generation: number;
  readonly text: string;
}

export class SlotStorage implements Storage {
  readonly #store: KeyValue;

  constructor(store: KeyValue) {
    this.#store = store;
  }

  read(): string | undefined {
    return this.#newest()?.text;
  }

  write(text: string): void {
    if (text.length > MAX_BYTES) {
      throw new Error(`the configuration has ${text.length} characters, and flash has room for ${MAX_BYTES}`);
    }
    const newest = this.#newest();
    const generation = newest === undefined ? 1 : newest.generation + 1;
    // The other slot than the newest one's.
    const key = SLOTS[generation % SLOTS.length] as string;
    this.#store.write(key, encode({ generation, text }));
  }

  #newest(): Slot | undefined {
    let newest: Slot | undefined;
    for (const key of SLOTS) {
      const bytes = this.#store.read(key);
      const slot = bytes === undefined ? undefined : decode(bytes);
      if (slot !== undefined && slot.generation > (newest?.generation ?? 0)) newest = slot;
    }
    return newest;
  }
}

function checksum({ generation, text }: Slot): string {
  return (crc32(`${generation}\n${text}`) >>> 0).toString(16).padStart(8, "0");
}

function encode(slot: Slot): Uint8Array {
  return bytesOf(`porter slot ${slot.generation} crc32=${checksum(slot)}\n${slot.text}`);
}

/** Undefined for a value that is not a whole slot. */
function decode(bytes: Uint8Array): Slot | undefined {
  if (bytes.length > MAX_BYTES + HEADER_MAX_BYTES) return undefined;
  const whole = textOf(bytes);
  const header = HEADER.exec(whole);
  if (header === null) return undefined;
  const slot = { generation: Number(header[1]), text: whole.slice(header[0].length) };
  return checksum(slot) === header[2] ? slot : undefined;
}
