// What @moddable/typings 5.6.0 lacks, as the SDK's own typings have it.
declare module "embedded:storage/key-value" {
  export type StorageFormat = "buffer" | "string" | "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32";

  export class Storage {
    close(): void;
    delete(key: string): void;
    read(key: string): ArrayBuffer | string | number | bigint;
    write(key: string, value: Uint8Array | string | number | bigint): void;
    format: StorageFormat;
  }

  const KeyValueStorage: {
    open(options: { path: string; mode?: "r" | "r+"; format?: StorageFormat }): Storage;
  };
  export default KeyValueStorage;
}
