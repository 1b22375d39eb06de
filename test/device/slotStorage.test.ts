import { describe, expect, it } from "vitest";
import { type KeyValue, SlotStorage } from "../../boards/common/slotStorage.js";
import { describeStorage, type StorageBench } from "../platform/storageContract.js";

/** A key-value store whose power goes in the middle of a write: `tear` says what is left of the value. */
class FakeStore implements KeyValue {
  readonly values = new Map<string, Uint8Array>();
  readonly #tear: (before: Uint8Array | undefined, value: Uint8Array) => Uint8Array | undefined;
  writesLeft = Number.POSITIVE_INFINITY;

  constructor(tear: (before: Uint8Array | undefined, value: Uint8Array) => Uint8Array | undefined) {
    this.#tear = tear;
  }

  read(key: string): Uint8Array | undefined {
    return this.values.get(key)?.slice();
  }

  write(key: string, value: Uint8Array): void {
    if (this.writesLeft-- > 0) {
      this.values.set(key, value.slice());
      return;
    }
    const rest = this.#tear(this.values.get(key), value);
    if (rest === undefined) this.values.delete(key);
    else this.values.set(key, rest);
    throw new Error("the power is gone");
  }
}

const TEARS: Record<string, ConstructorParameters<typeof FakeStore>[0]> = {
  "keeps the old value": (before) => before,
  "has the new value already": (_before, value) => value,
  "has lost the key": () => undefined,
  "has half of the new value": (_before, value) => value.slice(0, value.length >> 1),
  "has the new value with a bit wrong": (_before, value) => value.map((byte, at) => (at === 60 ? byte ^ 4 : byte)),
  "has the new value's head and garbage": (_before, value) => value.map((byte, at) => (at < 40 ? byte : 0xff)),
  "is empty": () => new Uint8Array(),
};

for (const [name, tear] of Object.entries(TEARS)) {
  describeStorage(`SlotStorage over a store that ${name}`, (): StorageBench => {
    const store = new FakeStore(tear);
    return {
      open: () => new SlotStorage(store),
      cutPowerAt: (steps) => {
        store.writesLeft = steps;
      },
      restorePower: () => {
        store.writesLeft = Number.POSITIVE_INFINITY;
      },
    };
  });
}

describe("SlotStorage", () => {
  it("writes its two slots in turn, and never the newest one", () => {
    const store = new FakeStore((before) => before);
    const storage = new SlotStorage(store);
    storage.write("1");
    storage.write("2");
    storage.write("3");
    expect([...store.values.keys()].sort()).toEqual(["config-a", "config-b"]);
    const texts = [...store.values.values()].map((bytes) => new TextDecoder().decode(bytes).split("\n")[1]);
    expect(texts.sort()).toEqual(["2", "3"]);
  });

  it("refuses a text that flash has no room for, and keeps the old one", () => {
    const storage = new SlotStorage(new FakeStore((before) => before));
    storage.write("old");
    expect(() => storage.write("x".repeat(8001))).toThrow(
      "the configuration has 8001 characters, and flash has room for 8000",
    );
    expect(storage.read()).toBe("old");
  });

  it("overlooks values that are not its own", () => {
    const store = new FakeStore((before) => before);
    store.values.set("config-a", new Uint8Array(20_000));
    store.values.set("config-b", Uint8Array.of(1, 2, 3));
    const storage = new SlotStorage(store);
    expect(storage.read()).toBeUndefined();
    storage.write("new");
    expect(storage.read()).toBe("new");
  });
});
