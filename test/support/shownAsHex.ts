/**
 * The same bytes, which a failing test shows as hexadecimal digits in one line, not as a line for each byte. It is no class
 * of its own, for `toEqual` takes no bytes of one class for those of another.
 */
export function shownAsHex(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const toJSON = (): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return Object.defineProperty(bytes, "toJSON", { value: toJSON });
}
