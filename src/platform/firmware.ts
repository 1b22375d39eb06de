/** Where a new version of the firmware goes. */

/** One image on its way into flash. */
export interface ImageWriter {
  /** Appends bytes. Throws an Error of one sentence when flash does not take them. */
  write(bytes: Uint8Array): void;
  /** The image is whole: the next start is its own. Throws an Error of one sentence when it is not one for this chip. */
  complete(): void;
  /** Forgets what was written. */
  abort(): void;
}

/** SHA-256 (FIPS 180-4) over bytes that come in pieces. */
export interface Sha256 {
  write(bytes: Uint8Array): void;
  /** 64 lower-case hexadecimal digits; the last call. */
  digest(): string;
}

export interface Firmware {
  /** Begins to write an image of `byteLength` bytes. Throws an Error of one sentence when there is no room. */
  begin(byteLength: number): ImageWriter;
  hash(): Sha256;
  /** Starts the device anew: soon, so that what is said until then gets out. */
  restart(): void;
}
