/**
 * What each board takes of its RAM, added up: a calculation, for no ESP32 was at hand to measure. The blocks are laid into
 * the chip's free regions in the order in which they are asked for, as the system does it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ESP32_CAPACITY, FULL_CAPACITY, PSRAM_CAPACITY, withoutFlowMemory } from "../../boards/common/capacity.js";
import { flowTableBytes } from "../../src/flow/memory.js";

const KB = 1024;
/** Free before the engine starts: the system's log of an ESP32 at its start, in issue 1090 of the Moddable SDK. */
const REGIONS = [6 * KB, 158 * KB, 14 * KB, 111 * KB];
/** The driver with both its roles takes 40 to 70 KB (issue 5938 of ESP-IDF); ours has fewer buffers than the default. */
const WIFI_BYTES = 60 * KB;
/** Buffers and descriptors of sdkconfig's 20 x 512 bytes. */
const ETHERNET_BYTES = 11 * KB;
/** Stacks of the system's tasks and of a driver's, their queues, and what else ESP-IDF asks for at its start. */
const SYSTEM_BYTES = 16 * KB;
/** Small blocks, which fit anywhere: Wi-Fi's buffers have 1,600 bytes. */
const PIECE_BYTES = 1600;
/** The machine's task (the SDK's own figure), and the bytes of a slot. */
const NATIVE_STACK_BYTES = 10 * KB;
const SLOT_BYTES = 16;
/** Frame slots: the frame's buffer of 1,516 bytes and its length. */
const FRAME_SLOT_BYTES = 1520;

const common = (name: string) => JSON.parse(readFileSync(`boards/common/${name}`, "utf8"));
const { creation } = JSON.parse(readFileSync("manifest.json", "utf8"));
const CAPACITIES = { "esp32Heap.json": ESP32_CAPACITY, "heap.json": FULL_CAPACITY, "psram.json": PSRAM_CAPACITY };

interface Block {
  readonly name: string;
  readonly bytes: number;
}

/** In the order in which they are asked for. Heaps that are in PSRAM are left out. */
function blocksOf(board: string): Block[] {
  const own = JSON.parse(readFileSync(`boards/${board}/manifest.json`, "utf8"));
  const includes: string[] = own.include.map((path: string) => path.slice("../common/".length));
  const heaps = includes.find((name) => name in CAPACITIES) as keyof typeof CAPACITIES;
  const capacity = CAPACITIES[heaps];
  const { chunk, heap } = common(heaps).creation;
  const blocks = [
    { name: "system", bytes: SYSTEM_BYTES },
    { name: "native stack", bytes: NATIVE_STACK_BYTES },
    { name: "stack", bytes: creation.stack * SLOT_BYTES },
  ];
  if (heaps !== "psram.json") {
    blocks.push({ name: "chunks", bytes: chunk.initial }, { name: "slots", bytes: heap.initial * SLOT_BYTES });
  }
  blocks.push({ name: "flow table", bytes: flowTableBytes(capacity.sessions, capacity.neighbours) });
  for (const side of ["LAN", "WAN"]) {
    blocks.push({ name: `frames of the ${side}`, bytes: own.defines.framePort.slots * FRAME_SLOT_BYTES });
  }
  const add = (name: string, bytes: number) => {
    for (let left = bytes; left > 0; left -= PIECE_BYTES) blocks.push({ name, bytes: Math.min(left, PIECE_BYTES) });
  };
  if (includes.includes("ethernet.json")) add("Ethernet", ETHERNET_BYTES);
  if (includes.includes("radio.json")) add("Wi-Fi", WIFI_BYTES);
  return blocks;
}

/** Into the first region with room; throws when there is none. Returns what is left. */
function lay(blocks: readonly Block[]): number {
  const free = [...REGIONS];
  for (const { name, bytes } of blocks) {
    const region = free.findIndex((left) => left >= bytes);
    if (region < 0) throw new Error(`${name}: no region has ${bytes} bytes of ${free}`);
    free[region] = (free[region] as number) - bytes;
  }
  return free.reduce((sum, left) => sum + left, 0);
}

/** Boards of the chip whose regions these are. */
const BOARDS = readdirSync("boards").filter(
  (name) =>
    existsSync(`boards/${name}/manifest.json`) &&
    !readFileSync(`boards/${name}/manifest.json`, "utf8").includes("ESP32_SUBCLASS"),
);

describe("an ESP32's RAM", () => {
  it("is that of four boards", () => {
    expect(BOARDS.sort()).toEqual(["esp32_wifi", "esp32_wrover", "ethernet_kit", "wt32_eth01"]);
  });

  it.each(BOARDS)("has room for %s, Wi-Fi and Ethernet at work", (board) => {
    expect(lay(blocksOf(board))).toBeGreaterThanOrEqual(4 * KB);
  });

  it("has none for the tables of a chip without a radio", () => {
    const blocks = blocksOf("wt32_eth01").map((one) => {
      const { chunk, heap } = common("heap.json").creation;
      if (one.name === "chunks") return { ...one, bytes: chunk.initial };
      return one.name === "slots" ? { ...one, bytes: heap.initial * SLOT_BYTES } : one;
    });
    expect(() => lay(blocks)).toThrow("no region has");
  });

  it.each(Object.values(CAPACITIES))("holds the tables without memory for flows in the same heaps: %#", (capacity) => {
    const alone = withoutFlowMemory(capacity);
    const beside = 19;
    const before = beside * capacity.sessions;
    const now = beside * alone.sessions + flowTableBytes(alone.sessions, alone.neighbours);
    expect(now).toBeLessThanOrEqual(before + KB);
  });
});
