/** Bytes as text, one character for each, and back. */

/** Arguments of one call: each takes a place on the engine's stack. */
const CHUNK = 64;

export function textOf(bytes: Uint8Array, count = bytes.length): string {
  const parts: string[] = [];
  for (let at = 0; at < count; at += CHUNK) {
    parts.push(String.fromCharCode(...bytes.subarray(at, Math.min(at + CHUNK, count))));
  }
  return parts.join("");
}

/** Characters beyond Latin-1 lose their upper bits. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
