// What @moddable/typings 5.6.0 lacks, as the SDK's own typings have it, and its modules say.
declare module "embedded:storage/flash" {
  export class Flash {
    close(): void;
    status(): { size: number };
  }
  const FlashStorage: {
    open(options: { path: string; mode?: "r" | "r+" }): Flash;
  };
  export default FlashStorage;
}

declare module "embedded:update" {
  import type { Flash } from "embedded:storage/flash";
  export interface Updater {
    close(): void;
    complete(): void;
    write(bytes: Uint8Array): void;
  }
  const Update: {
    open(options: { partition: Flash; mode?: "a" | "w"; byteLength?: number }): Updater;
  };
  export default Update;
}

declare module "crypt" {
  export class Digest {
    constructor(type: "SHA256");
    write(message: string | ArrayBuffer): void;
    close(): ArrayBuffer;
  }
}
