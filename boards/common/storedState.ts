/** What outlives a planned restart, as one value of the key-value store. */
import type { KeptState } from "../../src/platform/keptState.js";
import type { KeyValue } from "./slotStorage.js";

const KEY = "sessions";
/** Written over what has been taken: not every store takes an empty value. */
const TAKEN = 1;

export class StoredState implements KeptState {
  /** A quarter of the partition, which the configuration's slots need half of: 666 sessions. */
  readonly capacityBytes = 16_000;
  readonly #store: KeyValue;

  constructor(store: KeyValue) {
    this.#store = store;
  }

  put(bytes: Uint8Array): void {
    this.#store.write(KEY, bytes);
  }

  take(): Uint8Array | undefined {
    try {
      const bytes = this.#store.read(KEY);
      if (bytes === undefined || bytes.length <= TAKEN) return undefined;
      // First: whoever could not be taken twice must not come back after a crash.
      this.#store.write(KEY, new Uint8Array(TAKEN));
      return bytes;
    } catch {
      // Flash that does not work is reported where the configuration is read.
      return undefined;
    }
  }
}
