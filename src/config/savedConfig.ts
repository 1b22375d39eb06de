/**
 * The saved configuration: the script behind a line that tells a whole one of this version from anything else that the
 * storage may hold.
 */
import { addToCrc32 } from "../core/crc32.js";

/** Raised when an older reader would misunderstand the text; new commands alone do not need it. */
const FORMAT_VERSION = 1;
const HEADER = /^# porter config (\d{1,9}) crc32=([0-9a-f]{8})\n/;

export function encodeSaved(script: string): string {
  return `# porter config ${FORMAT_VERSION} crc32=${hex(crc32(script))}\n${script}`;
}

/** The script in a saved text. Throws an Error of one sentence when the text is not one that `encodeSaved` made. */
export function decodeSaved(text: string): string {
  const header = HEADER.exec(text);
  if (header === null) {
    throw new Error("the saved configuration was not written by Porter: its first line is not a porter config header");
  }
  const version = Number(header[1]);
  if (version !== FORMAT_VERSION) {
    throw new Error(
      `the saved configuration has format ${version}, and this Porter reads format ${FORMAT_VERSION} only`,
    );
  }
  const script = text.slice(header[0].length);
  if (hex(crc32(script)) !== header[2]) {
    throw new Error("the saved configuration is damaged: its checksum does not fit its text");
  }
  return script;
}

/** CRC-32 of IEEE 802.3 over the text's characters, which are ASCII in every script; as an int32. */
export function crc32(text: string): number {
  let crc = -1;
  for (let i = 0; i < text.length; i++) crc = addToCrc32(crc, text.charCodeAt(i));
  return ~crc;
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, "0");
}
