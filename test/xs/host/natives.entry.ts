/** Calls of the host's native functions, and other things to measure the host itself by. Runs on XS alone. */
interface Natives {
  nothing(buffer: Uint8Array, offset: number, length: number, index: number): number;
  checksum(buffer: ArrayBuffer | Uint8Array, offset: number, length: number): number;
  fixedBuffer(byteLength: number): ArrayBuffer;
}

declare const natives: Natives;

const BYTES = 64;
const buffer = new Uint8Array(BYTES);
const fixed = natives.fixedBuffer(BYTES);
const fixedBytes = new Uint8Array(fixed);
for (let at = 0; at < BYTES; at++) fixedBytes[at] = buffer[at] = at * 7;

export function callNothing(count: number): void {
  for (let index = 0; index < count; index++) natives.nothing(buffer, 2, 60, index);
}

export function loop(count: number): void {
  for (let index = 0; index < count; index++);
}

export function checksum(offset: number, length: number): number {
  return natives.checksum(buffer, offset, length);
}

export function checksumOfFixed(offset: number, length: number): number {
  return natives.checksum(fixed, offset, length);
}

let kept: unknown;

/** Three slots: an instance and two properties. */
export function keepObject(): void {
  kept = { one: 1, two: 2 };
}

export function drop(): void {
  kept = undefined;
}

export function makeObject(): boolean {
  return { one: 1 }.one === 1;
}

export function keepBytes(byteLength: number): void {
  kept = new ArrayBuffer(byteLength);
}

export function isKept(): boolean {
  return kept !== undefined;
}

export function fail(): void {
  throw new RangeError("this much is too much");
}
