/** The flash partition that is not running, as the place of a new image. */

import Flash from "embedded:storage/flash";
import Update from "embedded:update";
import { Digest } from "crypt";
import type { Firmware, ImageWriter, Sha256 } from "../../src/platform/firmware.js";

/** `restart` starts the device anew, soon. */
export function otaFirmware(restart: () => void): Firmware {
  return { begin, hash, restart };
}

function begin(byteLength: number): ImageWriter {
  const partition = Flash.open({ path: "nextota" });
  const { size } = partition.status();
  if (byteLength > size) throw new Error(`the image has ${byteLength} bytes, and flash has room for ${size}`);
  // Erases flash as it goes: erasing all of it at once would stop the gateway for seconds.
  const update = Update.open({ partition, mode: "a" });
  return {
    write: (bytes) => update.write(bytes),
    complete() {
      try {
        update.complete();
      } catch {
        throw new Error("flash has it, but it is no image that this chip can start");
      }
      update.close();
    },
    abort: () => update.close(),
  };
}

function hash(): Sha256 {
  const digest = new Digest("SHA256");
  return {
    // It takes views as well, which the SDK's typings do not say.
    write: (bytes) => digest.write(bytes as unknown as ArrayBuffer),
    digest() {
      const bytes = new Uint8Array(digest.close());
      let text = "";
      for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
      return text;
    },
  };
}
