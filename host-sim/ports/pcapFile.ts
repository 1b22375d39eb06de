import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ETHERNET_AT, type Frame } from "../../src/core/frame.js";

/*
 * The classic capture format (draft-ietf-opsawg-pcap), with nanoseconds, in little-endian byte order: what tcpdump,
 * tshark and Wireshark read.
 */

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINKTYPE_ETHERNET = 1;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** The longest frame a file of ours holds. */
const SNAP_BYTES = 65535;
const BUFFER_BYTES = 128 * 1024;

/**
 * A capture file being written. Frames are buffered: only `flush` and `close` leave a file that is whole. A file
 * that takes no more, as on a full disk, ends the recording: `onFailure` gets one sentence, and without it the call throws.
 */
export class PcapFile {
  readonly #path: string;
  readonly #onFailure: ((sentence: string) => void) | undefined;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #used = 0;
  #closed = false;

  /** Makes `DIRECTORY/NAME.pcap`, and the directory too; throws an Error of one sentence when that cannot be. */
  static create(directory: string, name: string, onFailure?: (sentence: string) => void): PcapFile {
    const path = join(directory, `${name}.pcap`);
    try {
      mkdirSync(directory, { recursive: true });
      return new PcapFile(path, onFailure);
    } catch (error) {
      throw new Error(`the capture ${path} cannot be made: ${(error as Error).message}`);
    }
  }

  /** Replaces the file at `path`; throws what the file system throws. */
  constructor(path: string, onFailure?: (sentence: string) => void) {
    this.#path = path;
    this.#onFailure = onFailure;
    this.#fd = openSync(path, "w");
    this.#buffer.writeUInt32LE(MAGIC_NANOSECONDS, 0);
    this.#buffer.writeUInt16LE(2, 4); // version 2.4
    this.#buffer.writeUInt16LE(4, 6);
    this.#buffer.writeUInt32LE(SNAP_BYTES, 16);
    this.#buffer.writeUInt32LE(LINKTYPE_ETHERNET, 20);
    this.#used = FILE_HEADER_BYTES;
  }

  /** Adds a frame. `timeMs` counts from 1970, or from the start of a simulation: then the capture begins in 1970. */
  record(timeMs: number, frame: Frame, length: number): void {
    if (this.#used + RECORD_HEADER_BYTES + length > BUFFER_BYTES) this.flush();
    if (this.#closed) return;
    let seconds = Math.floor(timeMs / 1000);
    let nanoseconds = Math.round((timeMs - seconds * 1000) * 1e6);
    if (nanoseconds === 1e9) {
      seconds++;
      nanoseconds = 0;
    }
    const buffer = this.#buffer;
    const at = this.#used;
    buffer.writeUInt32LE(seconds, at);
    buffer.writeUInt32LE(nanoseconds, at + 4);
    buffer.writeUInt32LE(length, at + 8);
    buffer.writeUInt32LE(length, at + 12);
    buffer.set(frame.bytes.subarray(ETHERNET_AT, ETHERNET_AT + length), at + RECORD_HEADER_BYTES);
    this.#used = at + RECORD_HEADER_BYTES + length;
  }

  flush(): void {
    if (this.#closed) return;
    try {
      for (let at = 0; at < this.#used; ) at += writeSync(this.#fd, this.#buffer, at, this.#used - at);
      this.#used = 0;
    } catch (error) {
      this.#closed = true;
      closeSync(this.#fd);
      if (this.#onFailure === undefined) throw error;
      const why = (error as Error).message;
      this.#onFailure(`the capture ${this.#path} ends here (${why}); make room and start again to record on`);
    }
  }

  /** Writes what is buffered; frames recorded later are ignored. */
  close(): void {
    this.flush();
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }
}

export interface PcapRecord {
  readonly timeMs: number;
  /** The Ethernet frame, without padding in front. */
  readonly bytes: Uint8Array;
}

/** The records of an Ethernet capture in the classic format, of either byte order and resolution. */
export function readPcap(file: Uint8Array): PcapRecord[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < FILE_HEADER_BYTES)
    throw new Error("This is no capture file: it is shorter than the header of one.");
  const littleEndian = [MAGIC_NANOSECONDS, MAGIC_MICROSECONDS].includes(view.getUint32(0, true));
  const magic = view.getUint32(0, littleEndian);
  if (magic !== MAGIC_NANOSECONDS && magic !== MAGIC_MICROSECONDS) {
    throw new Error(
      "This is no capture file in the classic pcap format; a pcapng file can be converted with editcap -F pcap.",
    );
  }
  const linkType = view.getUint32(20, littleEndian) & 0xffff;
  if (linkType !== LINKTYPE_ETHERNET) throw new Error(`This capture has link type ${linkType}; Ethernet is 1.`);
  const unitMs = magic === MAGIC_NANOSECONDS ? 1e-6 : 1e-3;
  const records: PcapRecord[] = [];
  for (let at = FILE_HEADER_BYTES; at < file.length; ) {
    const bytesAt = at + RECORD_HEADER_BYTES;
    const length = bytesAt <= file.length ? view.getUint32(at + 8, littleEndian) : 0;
    if (bytesAt + length > file.length)
      throw new Error(`The capture ends in the middle of record ${records.length + 1}.`);
    const timeMs = view.getUint32(at, littleEndian) * 1000 + view.getUint32(at + 4, littleEndian) * unitMs;
    records.push({ timeMs, bytes: file.subarray(bytesAt, bytesAt + length) });
    at = bytesAt + length;
  }
  return records;
}
